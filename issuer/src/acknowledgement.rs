//! Acknowledgements: the vendor confirms which receipt of an instance arrived last.

use ciborium::Value as Cbor;
use licentia_core::{
    inner::Typ,
    receipt::{Instance, ReceiptLink},
};

use crate::{
    canonical::{bytes, canonical, labelled},
    key::{SigningKey, sign},
};

/// Signs the acknowledgement of an instance's newest receipt, at `now` (seconds since 1970).
///
/// Return it to the instance and keep a copy: it shows when the instance is set back.
pub fn acknowledge(key: &SigningKey, instance: &Instance, receipt: ReceiptLink, now: u64) -> Vec<u8> {
    let payload = canonical(&labelled([
        (0, Some(Cbor::from(1))),
        (1, Some(bytes(instance))),
        (2, Some(Cbor::from(receipt.sequence))),
        (3, Some(bytes(&receipt.digest))),
        (4, Some(Cbor::from(now))),
    ]));
    sign(key, Typ::Acknowledgement, &payload)
}
