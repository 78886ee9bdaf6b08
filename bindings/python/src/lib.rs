//! The native module of the Python package `licentia`. It converts types, and holds no rule.

#![deny(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]
#![allow(clippy::doc_markdown, reason = "docstrings are written for Python")]
#![allow(clippy::needless_pass_by_value, reason = "arguments from Python are converted into values")]

mod code;
mod convert;
mod decision;
mod error;
mod event;
mod feed;
mod fork;
mod gate;
mod holder;
mod issuer;
mod key;
mod keyset;
mod license;
mod receipts;
mod request;
mod reservation;
mod revocation;
mod seat;
mod store;

use pyo3::prelude::*;

#[pymodule(gil_used = false)]
mod _licentia {
    #[pymodule_export]
    use super::code::{Code, codes};
    #[pymodule_export]
    use super::convert::{Now, bearer, decode_base64url, decode_token, encode_token, period_window};
    #[pymodule_export]
    use super::decision::{Charge, Decision};
    #[pymodule_export]
    use super::event::Event;
    #[pymodule_export]
    use super::feed::Feed;
    #[pymodule_export]
    use super::fork::{after_fork_in_child, after_fork_in_parent, before_fork, settle_all};
    #[pymodule_export]
    use super::gate::{Gate, verify};
    #[pymodule_export]
    use super::holder::Holder;
    #[pymodule_export]
    use super::issuer::{Catalogue, Issuer, SigningKey};
    #[pymodule_export]
    use super::key::Key;
    #[pymodule_export]
    use super::keyset::Keyset;
    #[pymodule_export]
    use super::license::{License, UnverifiedLicense, inspect};
    #[pymodule_export]
    use super::receipts::{Receipts, acknowledge, audit, cloud_events};
    #[pymodule_export]
    use super::request::{Proof, Request};
    #[pymodule_export]
    use super::reservation::Reservation;
    #[pymodule_export]
    use super::revocation::RevocationBundle;
    #[pymodule_export]
    use super::seat::Seat;
    #[pymodule_export]
    use super::store::Store;

    use licentia_core::http::{PROBLEM_TYPE, PROOF_FIELD};

    use super::{Bound, PyModule, PyModuleMethods, PyResult};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("PROBLEM_TYPE", PROBLEM_TYPE)?;
        module.add("PROOF_FIELD", PROOF_FIELD)
    }
}
