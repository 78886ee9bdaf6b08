//! A rate that processes share: each takes short slices of it from the store, and counts in its slice.
//!
//! Whatever comes was given by the store before, which counts all of it by one clock. So the sum over all processes
//! keeps to the rate; what is not used of a slice within its short life is lost.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    task::{Poll, Waker},
};

use licentia_core::{
    AccountId,
    metering::{
        rate::{Gcra, RateTaken},
        shared_rate::{self, Said},
    },
};

use crate::{
    metering::{
        driver::{Ask, Driver, Holder, Kept, Slot, Stop, Wait},
        outcome::Outcome,
        terms::RateTerms,
    },
    platform::fork::Inside,
    store::{Answer, Op, RateAsk, Unreachable},
};

/// The slice that a process has of a rate.
struct Slice {
    account: AccountId,
    /// A [`shared_rate::Slice`].
    word: AtomicU64,
    talk: Mutex<Talk>,
    /// How often the process was forked: a child has its own slices.
    forks: Arc<AtomicU32>,
    fork: AtomicU32,
}

/// What the store is asked, and has said.
#[derive(Default)]
struct Talk {
    /// What it said last, and the number of the answer.
    said: Option<(Said, u64)>,
    /// Whether it is asked now; one question at a time.
    is_asked: bool,
    waiting: Vec<Waker>,
    /// Why the last question failed, and the number of the answer.
    failed: Option<(u64, Unreachable)>,
}

/// What came of a charge. Times are in nanoseconds from now.
struct Sliced {
    granted: bool,
    remaining: u64,
    reset: u64,
    retry_after: Option<u64>,
    /// Whether the store was asked, and answered.
    reached: bool,
}

/// A rate that is shared.
pub(crate) struct SharedRate(Arc<Slice>);

/// A question for a slice.
struct SliceAsk {
    slice: Arc<Slice>,
    terms: Arc<RateTerms>,
    need: u64,
    want: u64,
    now_nanos: u64,
    /// Whose question it is, if what comes is for one request alone.
    alone: Option<Arc<Slot<RateTaken>>>,
}

impl Ask for SliceAsk {
    fn op(&self) -> Op<'_> {
        let (account, gcra) = (self.slice.account, self.terms.gcra);
        Op::Rate(RateAsk { account, name: &self.terms.name, gcra, need: self.need, want: self.want })
    }

    fn done(self: Box<Self>, answer: Result<Answer, Unreachable>, number: u64) -> Option<Arc<dyn Holder>> {
        let answer = answer.and_then(|answer| match answer {
            Answer::Rate(taken) => Ok(taken),
            _ => Err(Unreachable::because("the store answered another question")),
        });
        let said = |taken| Said { gcra: self.terms.gcra, need: self.need, taken, at: self.now_nanos };
        if let Some(slot) = self.alone {
            if let Ok(taken) = answer {
                self.slice.talk().said = Some((said(taken), number));
            }
            slot.answer(answer);
            return None;
        }
        let waiting = {
            let mut talk = self.slice.talk();
            talk.is_asked = false;
            talk.failed = None;
            match answer {
                Ok(taken) => {
                    self.slice.update(|slice| slice.fill(taken.units, 0, self.now_nanos));
                    talk.said = Some((said(taken), number));
                }
                Err(error) => talk.failed = Some((number, error)),
            }
            std::mem::take(&mut talk.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
        None
    }
}

impl SharedRate {
    /// The slice of an account's rate, if rates are shared.
    pub(crate) fn new(shared: bool, account: AccountId, forks: &Arc<AtomicU32>) -> Option<Self> {
        let slice = || Slice {
            account,
            word: AtomicU64::default(),
            talk: Mutex::default(),
            forks: Arc::clone(forks),
            fork: AtomicU32::default(),
        };
        shared.then(|| Self(Arc::new(slice())))
    }

    /// Counts `cost` requests, or none.
    pub(crate) fn charge(
        &self,
        terms: &Arc<RateTerms>,
        cost: u64,
        now_nanos: u64,
        driver: &Driver,
        wait: &Wait<'_>,
    ) -> Result<Outcome, Stop> {
        let millis = |nanos: u64| nanos.div_ceil(1_000_000);
        let sliced = self.0.charge(terms, (cost, now_nanos), driver, wait)?;
        Ok(Outcome {
            granted: sliced.granted,
            remaining: sliced.remaining,
            reset_ms: Some(millis(sliced.reset)),
            retry_after_ms: sliced.retry_after.map(millis),
            overage: false,
            reached: sliced.reached,
        })
    }

    /// Whether `cost` can be counted without asking the store.
    pub(crate) fn is_at_hand(&self, cost: u64, now_nanos: u64) -> bool {
        let same_process = self.0.fork.load(Ordering::Relaxed) == self.0.forks.load(Ordering::Relaxed);
        same_process && cost > 0 && self.0.slice().left(now_nanos) >= cost
    }

    /// Takes back a charge of a request that was then denied; it is lost if the slice has ended.
    pub(crate) fn undo(&self, cost: u64, now_nanos: u64) {
        self.0.undo(cost, now_nanos);
    }
}

impl Slice {
    /// Counts `cost` requests, or none.
    fn charge(
        self: &Arc<Self>,
        terms: &Arc<RateTerms>,
        (cost, now_nanos): (u64, u64),
        driver: &Driver,
        wait: &Wait<'_>,
    ) -> Result<Sliced, Stop> {
        let fork = self.forks.load(Ordering::Relaxed);
        if self.fork.load(Ordering::Relaxed) != fork {
            self.word.store(0, Ordering::Relaxed);
            // What the parent has asked is answered to the parent.
            *self.talk() = Talk::default();
            self.fork.store(fork, Ordering::Relaxed);
        }
        let gcra = terms.gcra;
        if cost > 0 && self.spend(cost, now_nanos) {
            return Ok(self.sliced(self.talk().said, gcra, (true, false), now_nanos));
        }
        if cost > shared_rate::MOST && cost <= gcra.burst() {
            return self.charge_alone(terms, (cost, now_nanos), driver, wait);
        }
        driver.wait(wait, |waker, begun| {
            loop {
                let mut talk = self.talk();
                let reached = talk.said.is_some_and(|(_, number)| number > begun);
                // What was asked for is here, or another thread was first.
                if cost > 0 && self.spend(cost, now_nanos) {
                    return Poll::Ready(Ok(self.sliced(talk.said, gcra, (true, reached), now_nanos)));
                }
                let need = self.slice().missing(cost, now_nanos);
                // More than a burst never comes.
                let never = cost > gcra.burst();
                if never || talk.said.is_some_and(|(said, _)| said.answers(gcra, need, now_nanos)) {
                    let sliced = self.sliced(talk.said, gcra, (cost == 0, reached), now_nanos);
                    return Poll::Ready(Ok(Sliced {
                        retry_after: sliced.retry_after.filter(|_| !never),
                        ..sliced
                    }));
                }
                if let Some((_, error)) = talk.failed.as_ref().filter(|(number, _)| *number > begun) {
                    return Poll::Ready(Err(error.clone()));
                }
                talk.waiting.push(waker.clone());
                if talk.is_asked {
                    return Poll::Pending;
                }
                talk.is_asked = true;
                let (used, at) = talk.said.map_or((0, 0), |(said, _)| (said.taken.units, said.at));
                let more = match cost {
                    0 => 0,
                    _ => shared_rate::want(gcra, need, used, now_nanos.saturating_sub(at)),
                };
                drop(talk);
                let (slice, terms) = (Arc::clone(self), Arc::clone(terms));
                driver.ask(Box::new(SliceAsk { slice, terms, need, want: more, now_nanos, alone: None }));
                if driver.may_wait() {
                    return Poll::Pending;
                }
            }
        })
    }

    /// Counts more than a slice holds: all of it comes from the store, for this request alone.
    fn charge_alone(
        self: &Arc<Self>,
        terms: &Arc<RateTerms>,
        (cost, now_nanos): (u64, u64),
        driver: &Driver,
        wait: &Wait<'_>,
    ) -> Result<Sliced, Stop> {
        let begin = || {
            let slot = Slot::new();
            let (slice, terms, alone) = (Arc::clone(self), Arc::clone(terms), Some(Arc::clone(&slot)));
            driver.ask(Box::new(SliceAsk { slice, terms, need: cost, want: cost, now_nanos, alone }));
            slot
        };
        let slot = wait.kept(|kept: &mut Kept| &mut kept.rate, begin);
        let taken = driver.wait(wait, |waker, _| slot.poll(waker))?;
        let said = Said { gcra: terms.gcra, need: cost, taken, at: now_nanos };
        Ok(self.sliced(Some((said, 0)), terms.gcra, (taken.units >= cost, true), now_nanos))
    }

    /// Takes back a charge of a request that was then denied; it is lost if the slice has ended.
    fn undo(&self, cost: u64, now_nanos: u64) {
        self.update(|slice| Some(slice.undo(cost, now_nanos)));
    }

    fn talk(&self) -> MutexGuard<'_, Talk> {
        let _inside = Inside::enter();
        self.talk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slice(&self) -> shared_rate::Slice {
        shared_rate::Slice::from_word(self.word.load(Ordering::Relaxed))
    }

    /// Takes `cost` out of the slice, if it has as many.
    fn spend(&self, cost: u64, now_nanos: u64) -> bool {
        self.update(|slice| slice.spend(cost, now_nanos))
    }

    /// Replaces the slice by what `step` makes of it, and returns whether it made anything.
    fn update(&self, step: impl Fn(shared_rate::Slice) -> Option<shared_rate::Slice>) -> bool {
        let step = |word| step(shared_rate::Slice::from_word(word)).map(shared_rate::Slice::word);
        self.word.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step).is_ok()
    }

    fn sliced(
        &self,
        said: Option<(Said, u64)>,
        gcra: Gcra,
        (granted, reached): (bool, bool),
        now_nanos: u64,
    ) -> Sliced {
        let said = said.map(|(said, _)| said).filter(|said| said.gcra == gcra);
        let elapsed = now_nanos.saturating_sub(said.map_or(now_nanos, |said| said.at));
        let (remaining, reset, retry_after) = match said.map(|said| said.taken) {
            Some(RateTaken { remaining, reset, retry_after, .. }) => {
                (remaining, reset, retry_after.filter(|_| !granted))
            }
            None => (0, 0, None),
        };
        Sliced {
            granted,
            remaining: remaining.saturating_add(self.slice().left(now_nanos)),
            reset: reset.saturating_sub(elapsed),
            retry_after: retry_after.map(|after| after.saturating_sub(elapsed).max(1)),
            reached,
        }
    }
}
