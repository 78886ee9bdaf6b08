//! A request, as it crosses from the host: flags (4 bytes), the token's text, the parts that the flags name, and behind
//! their number (1 byte) the features, the rates and the meters, the latter two with their costs.

use std::borrow::Cow;

use licentia::{Code, Proof, Request, Timestamp, limits};
use licentia_core::{Buffer, Expect, proof::Presented, text::decode_base64url};

use crate::{number::request_flag as flag, record::Reader};

/// What a request asks. It borrows from the record.
pub(crate) struct Asked<'a> {
    pub(crate) flags: u32,
    pub(crate) token: &'a str,
    audience: Option<&'a str>,
    job: Option<&'a str>,
    node: Option<&'a [u8; 32]>,
    release: Option<Timestamp>,
    proof: Option<AskedProof<'a>>,
    features: Vec<&'a str>,
    rates: Vec<(&'a str, u64)>,
    meters: Vec<(&'a str, u64)>,
}

struct AskedProof<'a> {
    bytes: Cow<'a, [u8]>,
    method: &'a str,
    uri: &'a str,
    body: Option<&'a [u8; 32]>,
}

/// A time that a licence can hold. Milliseconds would be past the year 9999, and are refused.
pub(crate) fn time(seconds: u64) -> Result<Timestamp, Code> {
    if seconds <= limits::TIME { Ok(seconds.into()) } else { Err(Code::InvalidArgument) }
}

fn costs<'a>(reader: &mut Reader<'a>) -> Result<Vec<(&'a str, u64)>, Code> {
    let mut costs = Vec::new();
    for _ in 0..reader.u8()? {
        let (name, cost) = (reader.text()?, reader.u64()?);
        if cost > limits::INTEGER {
            return Err(Code::InvalidArgument);
        }
        costs.push((name, cost));
    }
    Ok(costs)
}

impl<'a> Asked<'a> {
    /// Reads a request; more may follow that is the caller's to read.
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, Code> {
        let flags = reader.u32()?;
        let has = |flag: u32| flags & flag != 0;
        // A token that is no text is none of ours.
        let token = std::str::from_utf8(reader.bytes()?).unwrap_or("\u{fffd}");
        let audience = if has(flag::AUDIENCE) { Some(reader.text()?) } else { None };
        let job = if has(flag::JOB) { Some(reader.text()?) } else { None };
        let node = if has(flag::NODE) { Some(reader.array()?) } else { None };
        let release = if has(flag::RELEASE) { Some(time(reader.u64()?)?) } else { None };
        let proof = if has(flag::PROOF) {
            let presented = reader.bytes()?;
            let (method, uri) = (reader.text()?, reader.text()?);
            let body = if has(flag::BODY) { Some(reader.array()?) } else { None };
            let bytes = if has(flag::PROOF_TEXT) {
                // What is no base64url is no proof, and the gate says so.
                let text = std::str::from_utf8(presented).unwrap_or_default();
                let decoded = decode_base64url(text, &mut Buffer::new()).map(<[u8]>::to_vec);
                Cow::Owned(decoded.unwrap_or_default())
            } else {
                Cow::Borrowed(presented)
            };
            Some(AskedProof { bytes, method, uri, body })
        } else {
            None
        };
        let mut features = Vec::new();
        for _ in 0..reader.u8()? {
            features.push(reader.text()?);
        }
        let (rates, meters) = (costs(reader)?, costs(reader)?);
        Ok(Self { flags, token, audience, job, node, release, proof, features, rates, meters })
    }

    pub(crate) fn request(&self) -> Request<'_> {
        let mut request = Request::new().features(&self.features).rates(&self.rates).meters(&self.meters);
        if let Some(audience) = self.audience {
            request = request.audience(audience);
        }
        if let Some(job) = self.job {
            request = request.job(job);
        }
        if let Some(node) = self.node {
            request = request.node(node);
        }
        if let Some(release) = self.release {
            request = request.release(release);
        }
        if let Some(AskedProof { bytes, method, uri, body }) = &self.proof {
            request = request.proof(Proof { bytes, method, uri, body: *body });
        }
        request
    }

    /// What a verification without a gate expects.
    pub(crate) fn expect(&self, proof_age: u64) -> Expect<'_> {
        let mut expect = Expect::new().features(&self.features);
        if let Some(audience) = self.audience {
            expect = expect.audience(audience);
        }
        if let Some(node) = self.node {
            expect = expect.node(node);
        }
        if let Some(release) = self.release {
            expect = expect.release(release);
        }
        if let Some(AskedProof { bytes, method, uri, body }) = &self.proof {
            let presented = Presented { proof: bytes, method, uri, body: *body, max_age: proof_age };
            expect = expect.proof(presented, None);
        }
        expect
    }
}
