//! What a request needs of a licence.

use std::{ffi::c_char, ptr::NonNull};

use licentia::Proof;

use crate::{
    border::{Out, array, array_or_none, bytes, end, enter, exclusive, text},
    status::Status,
};

/// What a request needs of a licence. Make one for each kind of request and reuse it. Threads may share it while none
/// changes it.
#[derive(Default)]
pub struct Request {
    /// The names that were added. Decisions borrow them: they stay in place until the request is cleared.
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
    /// Stores a name.
    fn keep(&mut self, name: &str) -> &'static str {
        let name = NonNull::from(Box::leak(Box::<str>::from(name)));
        self.names.push(name);
        // SAFETY: the text stays until the request is cleared or dropped, together with everything here that borrows
        // from it. Decisions, which borrow from it too, end before that, by the header's rules.
        unsafe { name.as_ref() }
    }

    /// The request in the form of the sdk.
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

/// Makes a request that needs only a good licence; free it with licentia_request_free. If this fails the request is
/// NULL, which every gate refuses.
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

/// Resets a request to a new one. Free every decision that was made with it first.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_request_clear(request: *mut Request) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        *exclusive(request)? = Request::default();
        Ok(())
    })
}

/// Requires a feature. All features that are added are required. The name is copied, as all that a request is given.
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

/// Adds a charge to the list of its kind.
///
/// # Safety
/// As [`exclusive`] and [`text`].
unsafe fn add_charge(
    request: *mut Request,
    (name, length): (*const c_char, usize),
    cost: u64,
    list: impl FnOnce(&mut Request) -> &mut Vec<(&'static str, u64)>,
) -> Status {
    // SAFETY: as the caller says.
    enter(|| unsafe {
        let (request, name) = (exclusive(request)?, text(name, length)?);
        let name = request.keep(name);
        list(request).push((name, cost));
        Ok(())
    })
}

/// Charges a meter. Either all meters that are added are charged, or none. A cost of 0 reads without charging.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_request_add_meter(
    request: *mut Request,
    name: *const c_char,
    name_len: usize,
    cost: u64,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    unsafe { add_charge(request, (name, name_len), cost, |request| &mut request.meters) }
}

/// Counts against a rate, at a cost that is 1 for most requests. A request has at most 8 rates and meters together.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_request_add_rate(
    request: *mut Request,
    name: *const c_char,
    name_len: usize,
    cost: u64,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    unsafe { add_charge(request, (name, name_len), cost, |request| &mut request.rates) }
}

/// Names the service, in place of the gate's audience and of an earlier name. Free every decision that was made with
/// the request first.
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

/// Names the operation or route for events, such as "GET /exports".
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

/// Names the caller for events: an address, an instance. It does not affect the decision.
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

/// Names the job of the request, with at most 256 bytes. Its meters are charged once, however often any process on the
/// same store tries it, until each meter's period ends.
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

/// Identifies this machine by the SHA-256 (32 bytes) of a fingerprint that you choose.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_request_set_node(request: *mut Request, fingerprint: *const u8) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        exclusive(request)?.node = Some(*array(fingerprint)?);
        Ok(())
    })
}

/// Sets the date of the running release, in seconds since 1970.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_request_set_release(request: *mut Request, date: u64) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        exclusive(request)?.release = Some(date);
        Ok(())
    })
}

/// Presents the bytes of a proof of possession, in place of an earlier one, for a method and a URI in the form that
/// service and customer agree on. `body` is the SHA-256 (32 bytes) of the request's body if the body must be signed
/// too, else NULL.
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
