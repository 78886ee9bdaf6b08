//! A rate that processes share. No store of a WebAssembly module shares rates, so that there is none.

use std::sync::{Arc, atomic::AtomicU32};

use licentia_core::{AccountId, metering::rate::Gcra};

use crate::{
    metering::outcome::Outcome,
    store::{Store, Unreachable},
};

pub(crate) enum SharedRate {}

impl SharedRate {
    pub(crate) fn new(_shared: bool, _account: AccountId, _forks: &Arc<AtomicU32>) -> Option<Self> {
        None
    }

    pub(crate) fn charge(
        &self,
        _of: (&str, Gcra),
        _cost: u64,
        _now_nanos: u64,
        _store: &dyn Store,
    ) -> Result<Outcome, Unreachable> {
        match *self {}
    }

    pub(crate) fn undo(&self, _cost: u64, _now_nanos: u64) {
        match *self {}
    }
}
