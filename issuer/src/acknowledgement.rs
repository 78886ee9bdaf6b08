//! Acknowledgements of receipts: the vendor tells an instance what arrived.

use ciborium::Value as Cbor;
use licentia_core::{
    inner::Typ,
    receipt::{Instance, ReceiptLink},
};

use crate::{
    canonical::{encode, labelled},
    key::SigningKey,
    sign1,
};

/// Signs the acknowledgement of an instance's newest receipt, at `now` (seconds since 1970). Give it back to
/// the instance, and keep it: it shows when the instance is set back.
pub fn acknowledge(key: &SigningKey, instance: &Instance, receipt: ReceiptLink, now: u64) -> Vec<u8> {
    let payload = encode(&labelled([
        (0, Some(Cbor::from(1))),
        (1, Some(Cbor::Bytes(instance.to_vec()))),
        (2, Some(Cbor::from(receipt.sequence))),
        (3, Some(Cbor::Bytes(receipt.digest.to_vec()))),
        (4, Some(Cbor::from(now))),
    ]));
    sign1::sign(key, Typ::Acknowledgement, &payload)
}
