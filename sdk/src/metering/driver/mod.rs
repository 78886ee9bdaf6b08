//! Asks a store for all requests of a gate.
//!
//! For a store that may wait there is one thread per gate and process, the driver. It gathers what requests want, sends
//! it in one round trip or transaction ([`Store::batch`]), and wakes those that wait. So no request holds a connection,
//! and each waits no longer than it wants to. Beside that it fetches units before they are used up, and gives back
//! those that nobody uses. The thread starts when the store is first needed, so that a child of `fork` has its own.
//!
//! A store that never waits is asked at once, in the thread of the request. A [`Hosted`](crate::store::Hosted) store is
//! asked by the host: the questions are data that it takes, and whose answers it brings.

mod ask;
#[cfg(feature = "hosted")]
mod hosted;
#[cfg(not(target_family = "wasm"))]
mod native;
mod status;
mod wait;
#[cfg(target_family = "wasm")]
mod wasm;

use std::{
    sync::{Arc, atomic::Ordering},
    task::{Poll, Waker},
    time::Instant,
};

#[cfg(feature = "hosted")]
use self::hosted::Questions;
#[cfg(not(target_family = "wasm"))]
use self::native::{Queue, block};
use self::status::{Status, is_outage};
#[cfg(target_family = "wasm")]
use self::wasm::{Queue, block};
pub(crate) use self::{
    ask::{Ask, Care, Holder},
    wait::{Kept, Slot, Stop, Wait, Waiting},
};
use crate::store::{Store, Unreachable};

/// Whether holders of units are looked after beside the requests. In WebAssembly nothing runs beside them but a host.
pub(crate) const LOOKS_AFTER: bool = cfg!(any(not(target_family = "wasm"), feature = "hosted"));

/// Asks a store for all requests of a gate.
pub(crate) struct Driver {
    store: Arc<dyn Store>,
    status: Arc<Status>,
    /// None for a store that never waits, or that the host asks.
    queue: Option<Queue>,
    /// What the host is to ask.
    #[cfg(feature = "hosted")]
    questions: Option<Questions>,
}

impl Driver {
    /// Asks `store`; `prefetch` says whether units are fetched ahead and given back beside the requests.
    pub(crate) fn new(store: Arc<dyn Store>, prefetch: bool) -> Arc<Self> {
        let status = Arc::new(Status::default());
        #[cfg(feature = "hosted")]
        if store.is_hosted() {
            let questions = Some(Questions::new(prefetch));
            return Arc::new(Self { store, status, queue: None, questions });
        }
        let queue = store.may_wait().then(|| Queue::new(Arc::clone(&store), Arc::clone(&status), prefetch));
        Arc::new(Self {
            store,
            status,
            queue,
            #[cfg(feature = "hosted")]
            questions: None,
        })
    }

    /// Whether a request may have to wait for an answer.
    pub(crate) fn may_wait(&self) -> bool {
        self.queue.is_some() || self.is_hosted()
    }

    /// Whether the host asks the store.
    #[cfg(feature = "hosted")]
    fn is_hosted(&self) -> bool {
        self.questions.is_some()
    }

    #[cfg(not(feature = "hosted"))]
    #[allow(clippy::unused_self, reason = "its twin looks at the driver")]
    fn is_hosted(&self) -> bool {
        false
    }

    /// The questions that came up since this was called last, and those of holders of units that are due at `now_nanos`
    /// (of the host's monotonic clock).
    #[cfg(feature = "hosted")]
    pub(crate) fn take_questions(&self, now_nanos: u64) -> Vec<Box<dyn Ask>> {
        self.questions.as_ref().map(|questions| questions.take(&self.status, now_nanos)).unwrap_or_default()
    }

    /// Brings the answers to questions.
    #[cfg(feature = "hosted")]
    pub(crate) fn bring(&self, answers: Vec<(Box<dyn Ask>, Result<crate::store::Answer, Unreachable>)>) {
        if let Some(questions) = &self.questions {
            questions.bring(&self.status, answers);
        }
    }

    /// Whether the store is in an outage: then one request at a time tries it, and nobody else waits. The driver tries it
    /// too until it answers.
    pub(crate) fn is_down(&self) -> bool {
        self.status.down.load(Ordering::Relaxed)
    }

    /// How many answers there were.
    pub(crate) fn answers(&self) -> u64 {
        self.status.answers.load(Ordering::Acquire)
    }

    /// Says that the gate is dropped: what comes back later must go to the store at once.
    pub(crate) fn close(&self) {
        self.status.closed.store(true, Ordering::Release);
    }

    /// Whether the gate was dropped.
    pub(crate) fn is_closed(&self) -> bool {
        self.status.closed.load(Ordering::Acquire)
    }

    /// Asks the store. The answer comes later, or, from a store that never waits, before this returns. If the store is
    /// in an outage, or too many wait for it, that is the answer.
    pub(crate) fn ask(&self, ask: Box<dyn Ask>) {
        #[cfg(feature = "hosted")]
        if let Some(questions) = &self.questions {
            let refused = if self.status.may_ask() {
                questions.put(ask)
            } else {
                Err((ask, Unreachable::because("it failed a moment ago, and is tried again soon")))
            };
            if let Err((ask, error)) = refused {
                self.status.finish(ask, Err(error));
            }
            return;
        }
        let Some(queue) = &self.queue else {
            let answer = self.store.batch(&[ask.op()]).pop();
            let answer = answer.unwrap_or_else(|| Err(Unreachable::because("the store did not answer")));
            self.status.finish(ask, answer);
            return;
        };
        let refused = if self.status.may_ask() {
            queue.send(ask)
        } else {
            Err((ask, Unreachable::because("it failed a moment ago, and is tried again soon")))
        };
        if let Err((ask, error)) = refused {
            self.status.finish(ask, Err(error));
        }
    }

    /// Does something in the driver's thread, if there is one.
    pub(crate) fn run(&self, work: impl FnOnce(&dyn Store) + Send + 'static) {
        match &self.queue {
            Some(queue) => queue.run(Box::new(work)),
            None => work(&*self.store),
        }
    }

    /// Asks the store something that is asked seldom, in its turn, and waits for the answer.
    pub(crate) fn call<T: Clone + Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Store) -> Result<T, Unreachable> + Send + 'static,
    ) -> Result<T, Unreachable> {
        let Some(queue) = &self.queue else { return work(&*self.store) };
        if !self.status.may_ask() {
            return Err(Unreachable::because("it failed a moment ago, and is tried again soon"));
        }
        let (slot, status) = (Slot::new(), Arc::clone(&self.status));
        let place = Arc::clone(&slot);
        queue.run(Box::new(move |store| {
            let answer = work(store);
            status.tell(is_outage(&answer));
            place.answer(answer);
        }));
        self.block(|waker, _| slot.poll(waker))
    }

    /// Waits until what was asked before is done, or for as long as a request would.
    pub(crate) fn flush(&self) {
        let Some(queue) = self.queue.as_ref().filter(|queue| queue.is_in_use()) else { return };
        let slot = Slot::new();
        let done = Arc::clone(&slot);
        queue.run(Box::new(move |_| done.answer(Ok(()))));
        block(self.store.patience(), |waker| slot.poll(waker).map(|_| ()));
    }

    /// Waits until `step` is ready.
    pub(crate) fn wait<T>(
        &self,
        wait: &Wait<'_>,
        mut step: impl FnMut(&Waker, u64) -> Poll<Result<T, Unreachable>>,
    ) -> Result<T, Stop> {
        match wait {
            Wait::Block => self.block(|waker, begun| step(waker, begun)).map_err(Stop::Unreachable),
            Wait::Poll(waiting) => match step(waiting.waker, waiting.begun) {
                Poll::Ready(answer) => answer.map_err(Stop::Unreachable),
                Poll::Pending if waiting.is_over => {
                    self.give_up();
                    Err(Stop::Unreachable(wait::too_late()))
                }
                Poll::Pending => Err(Stop::Pending),
            },
        }
    }

    /// As [`Driver::wait`], in this thread.
    pub(crate) fn block<T>(
        &self,
        mut step: impl FnMut(&Waker, u64) -> Poll<Result<T, Unreachable>>,
    ) -> Result<T, Unreachable> {
        let begun = self.answers();
        if self.is_hosted() {
            // Nothing comes while the host waits for this call.
            return match step(Waker::noop(), begun) {
                Poll::Ready(answer) => answer,
                Poll::Pending => Err(wait::too_late()),
            };
        }
        block(self.store.patience(), |waker| step(waker, begun)).unwrap_or_else(|| {
            self.give_up();
            Err(wait::too_late())
        })
    }

    /// Somebody has waited for as long as it wants to: all others need not.
    fn give_up(&self) {
        if let Some(queue) = &self.queue {
            // What is asked now is a try.
            self.status.tried.store(true, Ordering::Release);
            self.status.down.store(true, Ordering::Relaxed);
            queue.probe();
        }
    }

    /// Wakes somebody when the patience for this store is over. A host has patience of its own, and brings an error when
    /// that is over.
    pub(crate) fn wake_in_time(&self, waker: &Waker) -> Option<Instant> {
        if self.is_hosted() {
            return None;
        }
        let over = Instant::now() + self.store.patience();
        if let Some(queue) = &self.queue {
            queue.wake_at(over, waker.clone());
        }
        Some(over)
    }
}
