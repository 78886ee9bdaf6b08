//! Ways to wait for an answer.

use std::{
    cell::RefCell,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};

use crate::store::{Fault, JobCharged, RateTaken, Unreachable};

/// How a request waits for the store.
pub(crate) enum Wait<'w> {
    /// In its thread.
    Block,
    /// As a future, which is polled again.
    Poll(Waiting<'w>),
}

/// How a future waits.
pub(crate) struct Waiting<'w> {
    pub(crate) waker: &'w Waker,
    /// How many answers there were when it began.
    pub(crate) begun: u64,
    /// Whether it has waited for as long as it wants to.
    pub(crate) is_over: bool,
    /// What was asked for this request alone.
    pub(crate) kept: &'w RefCell<Kept>,
}

/// What was asked for one request alone, over the times that it is polled.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) job: Option<Arc<Slot<JobCharged>>>,
    pub(crate) rate: Option<Arc<Slot<RateTaken>>>,
}

impl Wait<'_> {
    /// Asks anew for what was asked for this request alone.
    pub(crate) fn forget(&self, change: impl FnOnce(&mut Kept)) {
        if let Self::Poll(waiting) = self {
            change(&mut waiting.kept.borrow_mut());
        }
    }

    /// The slot of what was asked for this request alone, which is asked once.
    pub(crate) fn kept<T>(
        &self,
        place: impl FnOnce(&mut Kept) -> &mut Option<Arc<Slot<T>>>,
        begin: impl FnOnce() -> Arc<Slot<T>>,
    ) -> Arc<Slot<T>> {
        match self {
            Self::Block => begin(),
            Self::Poll(waiting) => {
                Arc::clone(place(&mut waiting.kept.borrow_mut()).get_or_insert_with(begin))
            }
        }
    }
}

/// Why a charge has no outcome.
pub(crate) enum Stop {
    /// The store did not do what it was asked.
    Unreachable(Unreachable),
    /// The answer comes later.
    Pending,
}

/// One answer for one request.
#[derive(Default)]
pub(crate) struct Slot<T>(Mutex<State<T>>);

enum State<T> {
    Open(Option<Waker>),
    Answered(Result<T, Unreachable>),
}

impl<T> Default for State<T> {
    fn default() -> Self {
        Self::Open(None)
    }
}

impl<T: Clone> Slot<T> {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(State::Open(None))))
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer, or it comes later and wakes.
    pub(crate) fn poll(&self, waker: &Waker) -> Poll<Result<T, Unreachable>> {
        match &mut *self.lock() {
            State::Answered(answer) => Poll::Ready(answer.clone()),
            State::Open(place) => {
                *place = Some(waker.clone());
                Poll::Pending
            }
        }
    }

    /// Answers.
    pub(crate) fn answer(&self, answer: Result<T, Unreachable>) {
        let before = std::mem::replace(&mut *self.lock(), State::Answered(answer));
        if let State::Open(Some(waker)) = before {
            waker.wake();
        }
    }
}

/// Nobody waits any longer.
pub(super) fn too_late() -> Unreachable {
    Unreachable::known(Fault::Unknown, "its answer takes too long")
}
