//! The holder's side of proofs of possession.

use licentia::{Code, Holder};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

use crate::{ask::time, thrown};

/// A proof for one request at `now` (seconds since 1970), by the key of a 32-byte seed. `body` is the SHA-256
/// of the request's body, or empty.
///
/// # Errors
/// As [`Holder::prove`].
#[wasm_bindgen]
pub fn prove(
    seed: &[u8],
    token: &str,
    method: &str,
    uri: &str,
    body: &[u8],
    now: f64,
) -> Result<Vec<u8>, JsValue> {
    let body = if body.is_empty() { None } else { Some(digest(body)?) };
    holder(seed)?.prove(token, method, uri, body, time(now).map_err(thrown)?).map_err(thrown)
}

/// The public key of a seed, and its thumbprint (RFC 9679): 32 bytes each.
///
/// # Errors
/// [`Code::InvalidArgument`] for a seed that is not 32 bytes.
#[wasm_bindgen(js_name = holderKey)]
pub fn holder_key(seed: &[u8]) -> Result<Vec<u8>, JsValue> {
    let holder = holder(seed)?;
    Ok([holder.public(), holder.thumbprint()].concat())
}

fn holder(seed: &[u8]) -> Result<Holder, JsValue> {
    Ok(Holder::from_seed(digest(seed)?))
}

fn digest(bytes: &[u8]) -> Result<&[u8; 32], JsValue> {
    bytes.try_into().map_err(|_| thrown(Code::InvalidArgument))
}
