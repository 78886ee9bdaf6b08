//! What a request needs of a licence.

use std::{ffi::c_char, ptr::NonNull};

use licentia::request::Proof;

use crate::{
    border::{Out, array, array_or_none, bytes, end, enter, exclusive, text},
    status::Status,
};

/// What a request needs of a licence. Make one for each kind of request and use it again: while nobody changes
/// it, threads may share it.
#[derive(Default)]
pub struct Request {
    /// The names that were added, which decisions borrow: they stay where they are until it is cleared.
    names: Vec<NonNull<str>>,
    features: Vec<&'static str>,
    meters: Vec<(&'static str, u64)>,
    rates: Vec<(&'static str, u64)>,
    audience: Option<Box<str>>,
    action: String,
    source: String,
    job: Option<String>,
    node: Option<[u8; 32]>,
    release: Option<u64>,
    proof: Option<OwnProof>,
}

struct OwnProof {
    bytes: Vec<u8>,
    method: String,
    uri: String,
    body: Option<[u8; 32]>,
}

impl Request {
    /// Keeps a name.
    fn keep(&mut self, name: &str) -> &'static str {
        let name = NonNull::from(Box::leak(Box::<str>::from(name)));
        self.names.push(name);
        // SAFETY: the text stays until the request is cleared or dropped, together with everything here that borrows
        // from it. Decisions, which borrow from it too, end before that, by the header's rules.
        unsafe { name.as_ref() }
    }

    /// The request as the sdk takes it.
    pub(crate) fn borrow(&'static self) -> licentia::Request<'static> {
        let mut request = licentia::Request::new()
            .action(&self.action)
            .source(&self.source)
            .features(&self.features)
            .meters(&self.meters)
            .rates(&self.rates);
        if let Some(audience) = &self.audience {
            request = request.audience(audience);
        }
        if let Some(job) = &self.job {
            request = request.job(job);
        }
        if let Some(node) = &self.node {
            request = request.node(node);
        }
        if let Some(release) = self.release {
            request = request.release(release);
        }
        if let Some(OwnProof { bytes, method, uri, body }) = &self.proof {
            request = request.proof(Proof { bytes, method, uri, body: body.as_ref() });
        }
        request
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        for name in self.names.drain(..) {
            // SAFETY: `keep` leaked it, and it is dropped once.
            drop(unsafe { Box::from_raw(name.as_ptr()) });
        }
    }
}

/// Makes a request that needs a good licence, and no more. Where this fails the request is NULL, which no gate takes for
/// one that needs nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_request_new(request: *mut *mut Request) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        Out::handle(request)?.give(Request::default());
        Ok(())
    })
}

/// Frees a request, after every decision that was made with it. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_request_free(request: *mut Request) {
    // SAFETY: the caller keeps to the header's rules.
    unsafe { end(request) }
}

/// Makes it a new request again. Every decision that was made with it must have been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_request_clear(request: *mut Request) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        *exclusive(request)? = Request::default();
        Ok(())
    })
}

/// Needs a feature. All that are added are needed. The name is copied, as all that a request is given.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_request_add_feature(
    request: *mut Request,
    name: *const c_char,
    name_len: usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let (request, name) = (exclusive(request)?, text(name, name_len)?);
        let name = request.keep(name);
        request.features.push(name);
        Ok(())
    })
}

/// Charges a meter. All that are added are charged, or none. A cost of 0 looks without charging.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_request_add_meter(
    request: *mut Request,
    name: *const c_char,
    name_len: usize,
    cost: u64,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let (request, name) = (exclusive(request)?, text(name, name_len)?);
        let name = request.keep(name);
        request.meters.push((name, cost));
        Ok(())
    })
}

/// Counts against a rate, with a cost that is 1 for most requests. Rates and meters together may be 8.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_request_add_rate(
    request: *mut Request,
    name: *const c_char,
    name_len: usize,
    cost: u64,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let (request, name) = (exclusive(request)?, text(name, name_len)?);
        let name = request.keep(name);
        request.rates.push((name, cost));
        Ok(())
    })
}

/// Names the service, in place of the gate's own audience and of what was named before. Every decision that was made
/// with the request must have been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_request_set_audience(
    request: *mut Request,
    audience: *const c_char,
    audience_len: usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let audience = text(audience, audience_len)?.into();
        exclusive(request)?.audience = Some(audience);
        Ok(())
    })
}

/// Says what is asked for, for events: an operation or route, such as "GET /exports".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_request_set_action(
    request: *mut Request,
    action: *const c_char,
    action_len: usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        text(action, action_len)?.clone_into(&mut exclusive(request)?.action);
        Ok(())
    })
}

/// Says who presents the licence, for events: an address, an instance. It has no part in the decision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_request_set_source(
    request: *mut Request,
    source: *const c_char,
    source_len: usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        text(source, source_len)?.clone_into(&mut exclusive(request)?.source);
        Ok(())
    })
}

/// Names the job that the request is about, with at most 256 bytes: its meters are charged once, however often it is
/// tried again, in this process or in others on the same store, until each meter's period ends.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_request_set_job(
    request: *mut Request,
    job: *const c_char,
    job_len: usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let job = text(job, job_len)?.to_owned();
        exclusive(request)?.job = Some(job);
        Ok(())
    })
}

/// Names this machine, by the SHA-256 (32 bytes) of a fingerprint that the host chooses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_request_set_node(request: *mut Request, fingerprint: *const u8) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        exclusive(request)?.node = Some(*array(fingerprint)?);
        Ok(())
    })
}

/// Names the date of the running release, in seconds since 1970.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_request_set_release(request: *mut Request, date: u64) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        exclusive(request)?.release = Some(date);
        Ok(())
    })
}

/// Presents a proof of possession (its bytes), in place of the one before, for a method and a URI, in the form
/// that service and holder agree on. `body` is the SHA-256 (32 bytes) of the request's body where that must be
/// signed too, else NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_request_set_proof(
    request: *mut Request,
    proof: *const u8,
    proof_len: usize,
    method: *const c_char,
    method_len: usize,
    uri: *const c_char,
    uri_len: usize,
    body: *const u8,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let proof = OwnProof {
            bytes: bytes(proof, proof_len)?.to_owned(),
            method: text(method, method_len)?.to_owned(),
            uri: text(uri, uri_len)?.to_owned(),
            body: array_or_none(body)?.copied(),
        };
        exclusive(request)?.proof = Some(proof);
        Ok(())
    })
}
