//! How the store of a gate has answered.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use super::ask::{Ask, Holder};
use crate::store::{Answer, Fault, Unreachable};

/// How the store has answered.
#[derive(Default)]
pub(super) struct Status {
    /// How many answers there were.
    pub(super) answers: AtomicU64,
    /// Whether the last one said that the store is in an outage.
    pub(super) down: AtomicBool,
    /// Whether somebody tries a store in an outage now.
    pub(super) tried: AtomicBool,
    /// Whether the gate was dropped.
    pub(super) closed: AtomicBool,
}

/// Whether an answer says that the store is in an outage.
pub(super) fn is_outage<T>(answer: &Result<T, Unreachable>) -> bool {
    answer.as_ref().is_err_and(|error| error.fault() != Fault::OneKey)
}

impl Status {
    /// Whether the store may be asked: it answers, or nobody else tries it now.
    pub(super) fn may_ask(&self) -> bool {
        !self.down.load(Ordering::Relaxed) || !self.tried.swap(true, Ordering::AcqRel)
    }

    /// Records what came of asking.
    pub(super) fn tell(&self, is_down: bool) {
        self.down.store(is_down, Ordering::Relaxed);
        self.tried.store(false, Ordering::Release);
    }

    /// Passes an answer on.
    pub(super) fn finish(
        &self,
        ask: Box<dyn Ask>,
        answer: Result<Answer, Unreachable>,
    ) -> Option<Arc<dyn Holder>> {
        let number = self.answers.fetch_add(1, Ordering::AcqRel).saturating_add(1);
        ask.done(answer, number)
    }
}
