//! The native module of the Python package `licentia`. It converts types and has no rule of its own.

#![deny(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]
#![allow(clippy::doc_markdown, reason = "docstrings are written for Python")]
#![allow(clippy::needless_pass_by_value, reason = "arguments from Python are converted into values")]

mod background;
mod code;
mod convert;
mod error;
mod gate;
mod key;
mod receipts;
mod store;
mod vendor;

use pyo3::prelude::*;

#[pymodule(gil_used = false)]
mod _licentia {
    #[pymodule_export]
    use super::background::feed::Feed;
    #[pymodule_export]
    use super::background::fork::{after_fork_in_child, after_fork_in_parent, before_fork, settle_all};
    #[pymodule_export]
    use super::code::{Code, codes};
    #[pymodule_export]
    use super::convert::{Now, bearer, decode_base64url, decode_token, encode_token, period_window};
    #[pymodule_export]
    use super::gate::decision::{Charge, Decision};
    #[pymodule_export]
    use super::gate::event::Event;
    #[pymodule_export]
    use super::gate::gate::{Gate, verify};
    #[pymodule_export]
    use super::gate::license::{License, UnverifiedLicense, inspect};
    #[pymodule_export]
    use super::gate::request::{Proof, Request};
    #[pymodule_export]
    use super::gate::reservation::Reservation;
    #[pymodule_export]
    use super::gate::seat::Seat;
    #[pymodule_export]
    use super::key::holder_key::HolderKey;
    #[pymodule_export]
    use super::key::keyset::Keyset;
    #[pymodule_export]
    use super::key::public_key::Key;
    #[pymodule_export]
    use super::receipts::{Receipts, acknowledge, audit, cloud_events};
    #[pymodule_export]
    use super::store::Store;
    #[pymodule_export]
    use super::vendor::revocation_bundle::RevocationBundle;
    #[pymodule_export]
    use super::vendor::{catalogue::Catalogue, issuer::Issuer, signing_key::SigningKey};

    use licentia_core::http::{PROBLEM_TYPE, PROOF_FIELD};

    use super::{Bound, PyModule, PyModuleMethods, PyResult};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("PROBLEM_TYPE", PROBLEM_TYPE)?;
        module.add("PROOF_FIELD", PROOF_FIELD)
    }
}
