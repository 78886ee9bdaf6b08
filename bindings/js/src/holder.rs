//! The customer's side of proofs of possession.

use licentia::{Code, HolderKey};

use crate::{
    needs::{time, whole},
    port::call::{Answer, Call, byte_numbers},
};

/// A proof for one request at `first` (seconds since 1970), with the token in `subject`.
///
/// The words are method, URI, and the nonce of the service, which may be empty. The bytes are the seed, whose length is `second`, and the SHA-256 of the request's
/// body, if the body is signed too.
pub(crate) fn prove(call: Call<'_>) -> Answer {
    let Call { subject, mut words, bytes, first, second, .. } = call;
    let (method, uri, nonce) = (words.next()?, words.next()?, words.next()?);
    words.end()?;
    let (seed, body) = bytes.split_at_checked(whole(second)? as usize).ok_or(Code::InvalidArgument)?;
    let body = if body.is_empty() { None } else { Some(digest(body)?) };
    let (key, nonce) = (HolderKey::from_seed(digest(seed)?), (!nonce.is_empty()).then_some(nonce));
    let proof = key.prove_with_nonce(subject, method, uri, body, nonce, time(first)?)?;
    Ok(byte_numbers(&proof))
}

/// The public key of a seed, and its thumbprint (RFC 9679): 32 bytes each.
pub(crate) fn holder_key(call: &Call<'_>) -> Answer {
    let key = HolderKey::from_seed(digest(call.bytes)?);
    Ok(byte_numbers(&[key.public(), key.thumbprint()].concat()))
}

fn digest(bytes: &[u8]) -> Result<&[u8; 32], Code> {
    bytes.try_into().map_err(|_| Code::InvalidArgument)
}
