//! What a request needs of a licence, as it crosses from JavaScript.

use std::borrow::Cow;

use licentia_core::{Buffer, Code, Expect, Timestamp, limits, text::decode_base64url};

use crate::port::{
    numbers::{needs, needs_flag as flag},
    words::Words,
};

/// What a request needs. It borrows from the words and bytes that crossed.
#[cfg_attr(not(feature = "gate"), allow(dead_code, reason = "only a gate charges"))]
pub(crate) struct Needs<'a> {
    pub(crate) flags: u32,
    pub(crate) audience: Option<&'a str>,
    pub(crate) issuer: Option<&'a str>,
    pub(crate) release: Option<Timestamp>,
    pub(crate) skew: u64,
    pub(crate) proof_age: u64,
    pub(crate) features: Vec<&'a str>,
    pub(crate) rates: Vec<(&'a str, u64)>,
    pub(crate) meters: Vec<(&'a str, u64)>,
    pub(crate) node: Option<&'a [u8; 32]>,
    pub(crate) proof: Option<Proof<'a>>,
}

pub(crate) struct Proof<'a> {
    pub(crate) bytes: Cow<'a, [u8]>,
    pub(crate) method: &'a str,
    pub(crate) uri: &'a str,
    pub(crate) body: Option<&'a [u8; 32]>,
}

/// A number from JavaScript, if it is a whole one that a licence can hold.
#[inline(never)]
pub(crate) fn whole(number: f64) -> Result<u64, Code> {
    let most = 9_007_199_254_740_991.0;
    if number.fract() == 0.0 && (0.0..=most).contains(&number) {
        Ok(number as u64)
    } else {
        Err(Code::InvalidArgument)
    }
}

/// A time from JavaScript, in seconds since 1970. Milliseconds would be past the year 9999, and are refused.
#[inline(never)]
pub(crate) fn time(seconds: f64) -> Result<Timestamp, Code> {
    whole(seconds).and_then(|seconds| {
        if seconds <= limits::TIME { Ok(seconds.into()) } else { Err(Code::InvalidArgument) }
    })
}

impl<'a> Needs<'a> {
    /// Reads a request; words may follow that are the caller's to read.
    ///
    /// `words`: audience, issuer, method, URI, proof, features, rates, meters. `numbers`: as [`needs`] says. `bytes`:
    /// node, body, proof.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] if counts, words and bytes do not agree, or a number is out of range.
    pub(crate) fn read(words: &mut Words<'a>, numbers: &[f64], bytes: &'a [u8]) -> Result<Self, Code> {
        let (head, costs) = numbers.split_first_chunk::<{ needs::COSTS }>().ok_or(Code::InvalidArgument)?;
        let flags = head[needs::FLAGS] as u32;
        let has = |flag: u32| flags & flag != 0;
        let (audience, issuer) = (words.next()?, words.next()?);
        let (method, uri, proof) = (words.next()?, words.next()?, words.next()?);
        let mut features = Vec::new();
        for _ in 0..whole(head[needs::FEATURES])? {
            features.push(words.next()?);
        }
        let mut costs = costs.iter();
        let mut charges = |count: f64| {
            let mut charges = Vec::new();
            for _ in 0..whole(count)? {
                charges.push((words.next()?, whole(*costs.next().ok_or(Code::InvalidArgument)?)?));
            }
            Ok::<_, Code>(charges)
        };
        let (rates, meters) = (charges(head[needs::RATES])?, charges(head[needs::METERS])?);
        let mut bytes = bytes;
        let mut digest = |flag: u32| {
            if !has(flag) {
                return Ok::<_, Code>(None);
            }
            let (digest, rest) = bytes.split_first_chunk::<32>().ok_or(Code::InvalidArgument)?;
            bytes = rest;
            Ok(Some(digest))
        };
        let (node, body) = (digest(flag::NODE)?, digest(flag::BODY)?);
        let mut proof_bytes = Cow::Borrowed(bytes);
        if has(flag::PROOF_TEXT) {
            // Text that is not base64url becomes no bytes, which the gate refuses as malformed.
            let mut buffer = Buffer::new();
            proof_bytes = decode_base64url(proof, &mut buffer).unwrap_or_default().to_vec().into();
        }
        let release = if has(flag::RELEASE) { Some(time(head[needs::RELEASE])?) } else { None };
        let skew = if has(flag::SKEW) { whole(head[needs::SKEW])? } else { Expect::DEFAULT_SKEW };
        let proof_age =
            if has(flag::PROOF_AGE) { whole(head[needs::PROOF_AGE])? } else { Expect::DEFAULT_PROOF_AGE };
        Ok(Self {
            flags,
            audience: has(flag::AUDIENCE).then_some(audience),
            issuer: has(flag::ISSUER).then_some(issuer),
            release,
            skew,
            proof_age,
            features,
            rates,
            meters,
            node,
            proof: has(flag::PROOF).then_some(Proof { bytes: proof_bytes, method, uri, body }),
        })
    }
}
