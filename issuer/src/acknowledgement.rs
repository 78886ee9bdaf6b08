//! Acknowledgements: the vendor confirms which receipt of an instance arrived last.

use ciborium::Value as Cbor;
use licentia_core::{
    Timestamp,
    inner::Typ,
    receipt::{Instance, ReceiptLink},
};

use crate::{
    canonical::{bytes, canonical, labelled, time},
    error::Result,
    key::{SigningKey, sign},
    time::plausible,
};

/// Signs the acknowledgement of an instance's newest receipt, at `now`.
///
/// Return it to the instance and keep a copy: it shows when the instance is set back.
///
/// # Errors
/// [`Error::Value`](crate::Error::Value) for a time that is not plausible.
pub fn acknowledge(
    key: &SigningKey,
    instance: &Instance,
    receipt: ReceiptLink,
    now: impl Into<Timestamp>,
) -> Result<Vec<u8>> {
    let now = plausible("now", now)?;
    let payload = canonical(&labelled([
        (0, Some(Cbor::from(1))),
        (1, Some(bytes(instance))),
        (2, Some(Cbor::from(receipt.sequence))),
        (3, Some(bytes(&receipt.digest))),
        (4, Some(time(now))),
    ]));
    Ok(sign(key, Typ::Acknowledgement, &payload))
}
