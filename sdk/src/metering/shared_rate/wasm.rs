//! A rate that processes share. No store of a WebAssembly module shares rates, so that there is none.

use std::sync::{Arc, atomic::AtomicU32};

use licentia_core::AccountId;

use crate::metering::{
    driver::{Driver, Stop, Wait},
    outcome::Outcome,
    terms::RateTerms,
};

pub(crate) enum SharedRate {}

impl SharedRate {
    pub(crate) fn new(_shared: bool, _account: AccountId, _forks: &Arc<AtomicU32>) -> Option<Self> {
        None
    }

    pub(crate) fn charge(
        &self,
        _terms: &Arc<RateTerms>,
        _cost: u64,
        _now_nanos: u64,
        _driver: &Driver,
        _wait: &Wait<'_>,
    ) -> Result<Outcome, Stop> {
        match *self {}
    }

    pub(crate) fn is_at_hand(&self, _cost: u64, _now_nanos: u64) -> bool {
        match *self {}
    }

    pub(crate) fn undo(&self, _cost: u64, _now_nanos: u64) {
        match *self {}
    }
}
