//! What a caller needs of a licence, as it crosses from JavaScript.

use std::borrow::Cow;

use licentia_core::{Buffer, Code, Expect, limits, text::decode_base64url};

use crate::words::Words;

/// Which of the optional parts there are.
const AUDIENCE: u32 = 1;
const ISSUER: u32 = 2;
const NODE: u32 = 4;
const RELEASE: u32 = 8;
const PROOF: u32 = 16;
const BODY: u32 = 32;
/// Asks for the whole decision as JSON, also where it says yes.
#[cfg(feature = "gate")]
pub(crate) const EXPLAIN: u32 = 64;
/// The proof is in base64url, as it travels in.
const TEXT: u32 = 128;
const SKEW: u32 = 256;
const MAX_AGE: u32 = 512;

#[cfg_attr(not(feature = "gate"), allow(dead_code, reason = "only a gate charges"))]
/// What is asked for. It borrows from the words and bytes that crossed.
pub(crate) struct Ask<'a> {
    pub(crate) flags: u32,
    pub(crate) audience: Option<&'a str>,
    pub(crate) issuer: Option<&'a str>,
    pub(crate) release: Option<u64>,
    pub(crate) skew: u64,
    pub(crate) max_age: u64,
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

/// A number from JavaScript, where it is a whole one that a licence can hold.
#[inline(never)]
pub(crate) fn whole(number: f64) -> Result<u64, Code> {
    let most = 9_007_199_254_740_991.0;
    if number.fract() == 0.0 && (0.0..=most).contains(&number) {
        Ok(number as u64)
    } else {
        Err(Code::InvalidArgument)
    }
}

/// A time from JavaScript, in seconds since 1970. What counts milliseconds is past the year 9999.
#[inline(never)]
pub(crate) fn time(seconds: f64) -> Result<u64, Code> {
    whole(seconds)
        .and_then(|seconds| if seconds <= limits::TIME { Ok(seconds) } else { Err(Code::InvalidArgument) })
}

impl<'a> Ask<'a> {
    /// Reads what crossed, but for words that follow.
    ///
    /// `words`: audience, issuer, method, URI, proof, features, rates, meters. `numbers`: flags, release, skew, age of
    /// a proof, how many features, rates and meters there are, what each rate and meter costs. `bytes`: node,
    /// body, proof.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] for what does not add up.
    pub(crate) fn read(words: &mut Words<'a>, numbers: &[f64], bytes: &'a [u8]) -> Result<Self, Code> {
        let [flags, release, skew, max_age, features, rates, meters, costs @ ..] = numbers else {
            return Err(Code::InvalidArgument);
        };
        let flags = *flags as u32;
        let has = |flag: u32| flags & flag != 0;
        let (audience, issuer) = (words.next()?, words.next()?);
        let (method, uri, proof) = (words.next()?, words.next()?, words.next()?);
        let mut names = Vec::new();
        for _ in 0..whole(*features)? {
            names.push(words.next()?);
        }
        let mut costs = costs.iter();
        let mut charges = |count: f64| {
            let mut charges = Vec::new();
            for _ in 0..whole(count)? {
                charges.push((words.next()?, whole(*costs.next().ok_or(Code::InvalidArgument)?)?));
            }
            Ok(charges)
        };
        let (rates, meters) = (charges(*rates)?, charges(*meters)?);
        let mut bytes = bytes;
        let mut digest = |flag: u32| {
            if !has(flag) {
                return Ok(None);
            }
            let (digest, rest) = bytes.split_first_chunk::<32>().ok_or(Code::InvalidArgument)?;
            bytes = rest;
            Ok(Some(digest))
        };
        let (node, body) = (digest(NODE)?, digest(BODY)?);
        let mut proof_bytes = Cow::Borrowed(bytes);
        if has(TEXT) {
            // What is not base64url is no proof, and is refused as malformed.
            let mut buffer = Buffer::new();
            proof_bytes = decode_base64url(proof, &mut buffer).unwrap_or_default().to_vec().into();
        }
        Ok(Self {
            flags,
            audience: has(AUDIENCE).then_some(audience),
            issuer: has(ISSUER).then_some(issuer),
            release: if has(RELEASE) { Some(time(*release)?) } else { None },
            skew: if has(SKEW) { whole(*skew)? } else { Expect::DEFAULT_SKEW },
            max_age: if has(MAX_AGE) { whole(*max_age)? } else { Expect::DEFAULT_PROOF_AGE },
            features: names,
            rates,
            meters,
            node,
            proof: has(PROOF).then_some(Proof { bytes: proof_bytes, method, uri, body }),
        })
    }
}
