//! What a caller needs of a licence, as it crosses from JavaScript.

use std::borrow::Cow;

use licentia_core::{
    Code, Expect, limits,
    text::{Buffer, decode_base64url},
};

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
pub(crate) fn whole(number: f64) -> Result<u64, Code> {
    let most = 9_007_199_254_740_991.0;
    if number.fract() == 0.0 && (0.0..=most).contains(&number) {
        Ok(number as u64)
    } else {
        Err(Code::InvalidArgument)
    }
}

/// A time from JavaScript, in seconds since 1970. What counts milliseconds is past the year 9999.
pub(crate) fn time(seconds: f64) -> Result<u64, Code> {
    whole(seconds)
        .and_then(|seconds| if seconds <= limits::TIME { Ok(seconds) } else { Err(Code::InvalidArgument) })
}

impl<'a> Ask<'a> {
    /// Reads what crossed.
    ///
    /// `words`: audience, issuer, method, URI, proof, features, rates, meters. `numbers`: flags, release, skew, age of
    /// a proof, how many features, rates and meters there are, what each rate and meter costs. `bytes`: node,
    /// body, proof.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] for what does not add up, such as a name with U+0000 in it.
    pub(crate) fn read(words: &'a str, numbers: &[f64], bytes: &'a [u8]) -> Result<Self, Code> {
        let [flags, release, skew, max_age, features, rates, meters, costs @ ..] = numbers else {
            return Err(Code::InvalidArgument);
        };
        let flags = *flags as u32;
        let has = |flag: u32| flags & flag != 0;
        let mut words = words.split('\0');
        let mut word = || words.next().ok_or(Code::InvalidArgument);
        let (audience, issuer, method, uri, proof) = (word()?, word()?, word()?, word()?, word()?);
        let mut costs = costs.iter();
        let mut charge = |word: &mut dyn FnMut() -> Result<&'a str, Code>| {
            Ok((word()?, whole(*costs.next().ok_or(Code::InvalidArgument)?)?))
        };
        let features = (0..whole(*features)?).map(|_| word()).collect::<Result<_, _>>()?;
        let rates = (0..whole(*rates)?).map(|_| charge(&mut word)).collect::<Result<_, Code>>()?;
        let meters = (0..whole(*meters)?).map(|_| charge(&mut word)).collect::<Result<_, Code>>()?;
        if words.next().is_some() {
            return Err(Code::InvalidArgument);
        }
        let mut bytes = bytes;
        let mut digest = |flag: u32| -> Result<Option<&'a [u8; 32]>, Code> {
            if !has(flag) {
                return Ok(None);
            }
            let (digest, rest) = bytes.split_first_chunk::<32>().ok_or(Code::InvalidArgument)?;
            bytes = rest;
            Ok(Some(digest))
        };
        let (node, body) = (digest(NODE)?, digest(BODY)?);
        // What is not base64url is no proof, and is refused as malformed.
        let decode = || decode_base64url(proof, &mut Buffer::new()).map(<[u8]>::to_vec).unwrap_or_default();
        let bytes = if has(TEXT) { decode().into() } else { bytes.into() };
        Ok(Self {
            flags,
            audience: has(AUDIENCE).then_some(audience),
            issuer: has(ISSUER).then_some(issuer),
            release: has(RELEASE).then(|| time(*release)).transpose()?,
            skew: if has(SKEW) { whole(*skew)? } else { Expect::DEFAULT_SKEW },
            max_age: if has(MAX_AGE) { whole(*max_age)? } else { Expect::DEFAULT_PROOF_AGE },
            features,
            rates,
            meters,
            node,
            proof: has(PROOF).then_some(Proof { bytes, method, uri, body }),
        })
    }
}
