//! Asks a store for all requests of a gate.
//!
//! For a store that may wait there is one thread per gate and process, the driver. It gathers what requests want, sends
//! it in one round trip or transaction ([`Store::batch`]), and wakes those that wait. So no request holds a connection,
//! and each waits no longer than it wants to. Beside that it fetches units before they are used up, and gives back
//! those that nobody uses. The thread starts when the store is first needed, so that a child of `fork` has its own.
//!
//! A store that never waits is asked at once, in the thread of the request.

#[cfg(not(target_family = "wasm"))]
mod native;
mod wait;
#[cfg(target_family = "wasm")]
mod wasm;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Poll, Waker},
};

#[cfg(not(target_family = "wasm"))]
use self::native::Queue;
pub(crate) use self::wait::{Kept, Slot, Stop, Wait, Waiting};
#[cfg(target_family = "wasm")]
use self::wasm::Queue;
use crate::store::{Answer, Fault, Op, Store, Unreachable};

/// Something that the store is asked, and what to do with the answer.
pub(crate) trait Ask: Send {
    /// The question.
    fn op(&self) -> Op<'_>;

    /// Takes the answer. `number` counts the answers of the driver. A holder of units that it returns is looked after
    /// from then on.
    fn done(self: Box<Self>, answer: Result<Answer, Unreachable>, number: u64) -> Option<Arc<dyn Holder>>;
}

/// Something that holds units of the store.
pub(crate) trait Holder: Send + Sync {
    /// Fetches more before they are used up, or gives back what nobody uses, if that is due. The time is of the
    /// system's monotonic clock, in nanoseconds.
    fn look_after(self: Arc<Self>, now_nanos: u64) -> Care;
}

/// What a holder of units needs.
pub(crate) enum Care {
    /// The store must be asked.
    Ask(Box<dyn Ask>),
    /// Nothing now.
    Later,
    /// Nothing any more: it holds no units.
    Done,
}

/// Asks a store for all requests of a gate.
pub(crate) struct Driver {
    store: Arc<dyn Store>,
    status: Arc<Status>,
    /// None for a store that never waits.
    queue: Option<Queue>,
}

/// How the store has answered.
#[derive(Default)]
pub(crate) struct Status {
    /// How many answers there were.
    answers: AtomicU64,
    /// Whether the last one said that the store is in an outage.
    down: AtomicBool,
    /// Whether somebody tries a store in an outage now.
    tried: AtomicBool,
    /// Whether the gate was dropped.
    closed: AtomicBool,
}

/// Whether an answer says that the store is in an outage.
fn is_outage<T>(answer: &Result<T, Unreachable>) -> bool {
    answer.as_ref().is_err_and(|error| error.fault() != Fault::OneKey)
}

impl Status {
    /// Whether the store may be asked: it answers, or nobody else tries it now.
    fn may_ask(&self) -> bool {
        !self.down.load(Ordering::Relaxed) || !self.tried.swap(true, Ordering::AcqRel)
    }

    /// Records what came of asking.
    fn tell(&self, is_down: bool) {
        self.down.store(is_down, Ordering::Relaxed);
        self.tried.store(false, Ordering::Release);
    }

    /// Passes an answer on.
    fn finish(&self, ask: Box<dyn Ask>, answer: Result<Answer, Unreachable>) -> Option<Arc<dyn Holder>> {
        let number = self.answers.fetch_add(1, Ordering::AcqRel).saturating_add(1);
        ask.done(answer, number)
    }
}

impl Driver {
    /// Asks `store`; `prefetch` says whether units are fetched ahead and given back beside the requests.
    pub(crate) fn new(store: Arc<dyn Store>, prefetch: bool) -> Arc<Self> {
        let status = Arc::new(Status::default());
        let queue = store.may_wait().then(|| Queue::new(Arc::clone(&store), Arc::clone(&status), prefetch));
        Arc::new(Self { store, status, queue })
    }

    /// Whether a request may have to wait for an answer.
    pub(crate) fn may_wait(&self) -> bool {
        self.queue.is_some()
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
        wait::block(self.store.patience(), |waker| slot.poll(waker).map(|_| ()));
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
        wait::block(self.store.patience(), |waker| step(waker, begun)).unwrap_or_else(|| {
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

    /// Wakes somebody when the patience for this store is over.
    pub(crate) fn wake_in_time(&self, waker: &Waker) -> std::time::Instant {
        let over = std::time::Instant::now() + self.store.patience();
        if let Some(queue) = &self.queue {
            queue.wake_at(over, waker.clone());
        }
        over
    }
}
