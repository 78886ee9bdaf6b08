//! The driver's thread, and its queue.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, TrySendError, channel, sync_channel},
    },
    task::{Poll, Wake, Waker},
    time::{Duration, Instant},
};

use super::{
    ask::{Ask, Care, Holder},
    status::{Status, is_outage},
};
use crate::{
    platform::{Now, PerProcess, fork::Inside},
    store::{Op, Store, Unreachable},
};

/// Most that may wait for the store at a time; after that the licence's policy decides at once.
const WAITING: usize = 65_536;
/// Most that is sent together.
const BATCH: usize = 512;
/// How often the holders of units are looked after, and a store in an outage is tried.
const TICK: Duration = Duration::from_millis(50);

type Work = Box<dyn FnOnce(&dyn Store) + Send>;

enum Item {
    Ask(Box<dyn Ask>),
    Work(Work),
    /// Makes the thread look whether the store answers again.
    Probe,
}

/// What waits for the store, and the thread that asks it.
pub(super) struct Queue {
    store: Arc<dyn Store>,
    status: Arc<Status>,
    prefetch: bool,
    items: PerProcess<Option<SyncSender<Item>>>,
    timer: PerProcess<Option<Sender<Timed>>>,
}

impl Queue {
    pub(super) fn new(store: Arc<dyn Store>, status: Arc<Status>, prefetch: bool) -> Self {
        let (items, timer) = (PerProcess::new(None, || None), PerProcess::new(None, || None));
        Self { store, status, prefetch, items, timer }
    }

    /// Puts a question at the end.
    pub(super) fn send(&self, ask: Box<dyn Ask>) -> Result<(), (Box<dyn Ask>, Unreachable)> {
        self.put(Item::Ask(ask)).map_err(|(item, error)| match item {
            Item::Ask(ask) => (ask, error),
            Item::Work(_) | Item::Probe => unreachable!("a question was sent"),
        })
    }

    pub(super) fn run(&self, work: Work) {
        // If there is no space, what is done now and then is done the next time.
        let _ = self.put(Item::Work(work));
    }

    /// Whether there is a thread in this process.
    pub(super) fn is_in_use(&self) -> bool {
        self.items.with(|place| place.is_some())
    }

    pub(super) fn probe(&self) {
        let _ = self.put(Item::Probe);
    }

    fn put(&self, item: Item) -> Result<(), (Item, Unreachable)> {
        self.items.with(|place| {
            let sender = match place {
                Some(sender) => sender,
                None => match self.start() {
                    Some(sender) => place.insert(sender),
                    None => return Err((item, Unreachable::because("the system starts no thread"))),
                },
            };
            sender.try_send(item).map_err(|error| match error {
                TrySendError::Full(item) => (item, Unreachable::because("too many requests wait for it")),
                TrySendError::Disconnected(item) => (item, Unreachable::because("its thread has ended")),
            })
        })
    }

    fn start(&self) -> Option<SyncSender<Item>> {
        let (sender, items) = sync_channel(WAITING);
        let (store, status) = (Arc::clone(&self.store), Arc::clone(&self.status));
        let mut thread = Thread { store, status, prefetch: self.prefetch, held: Vec::new() };
        // A child of a fork has none of its parent's outage.
        self.status.tell(false);
        let started = std::thread::Builder::new().name("licentia-store".into());
        started.spawn(move || thread.run(&items)).ok()?;
        Some(sender)
    }

    /// Wakes somebody at a time.
    pub(super) fn wake_at(&self, at: Instant, waker: Waker) {
        self.timer.with(|place| {
            if place.is_none() {
                let (sender, timed) = channel();
                let started = std::thread::Builder::new().name("licentia-timer".into());
                if started.spawn(move || keep_time(&timed)).is_ok() {
                    *place = Some(sender);
                }
            }
            if let Some(sender) = place {
                let _ = sender.send(Timed { at, waker });
            }
        });
    }
}

struct Thread {
    store: Arc<dyn Store>,
    status: Arc<Status>,
    prefetch: bool,
    held: Vec<Arc<dyn Holder>>,
}

impl Thread {
    fn run(&mut self, items: &Receiver<Item>) {
        let mut looked = Instant::now();
        loop {
            let idle = self.held.is_empty() && !self.status.down.load(Ordering::Relaxed);
            let first = if idle {
                items.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                items.recv_timeout(TICK.saturating_sub(looked.elapsed()))
            };
            let mut asks = Vec::new();
            match first {
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
                Ok(item) => {
                    self.take(item, &mut asks);
                    while asks.len() < BATCH
                        && let Ok(item) = items.try_recv()
                    {
                        self.take(item, &mut asks);
                    }
                }
            }
            if looked.elapsed() >= TICK {
                looked = Instant::now();
                if self.status.down.load(Ordering::Relaxed) {
                    self.probe();
                } else if self.prefetch {
                    self.look_after(&mut asks);
                }
            }
            self.ask(asks);
        }
    }

    fn take(&self, item: Item, asks: &mut Vec<Box<dyn Ask>>) {
        match item {
            Item::Ask(ask) => asks.push(ask),
            Item::Work(work) => {
                let _inside = Inside::enter();
                work(&*self.store);
            }
            Item::Probe => self.status.tried.store(false, Ordering::Release),
        }
    }

    fn look_after(&mut self, asks: &mut Vec<Box<dyn Ask>>) {
        let now_nanos = Now::system().monotonic_nanos;
        self.held.retain(|holder| match Arc::clone(holder).look_after(now_nanos) {
            Care::Ask(ask) => {
                asks.push(ask);
                true
            }
            Care::Later => true,
            Care::Done => false,
        });
    }

    /// Asks the store, and passes the answers on.
    fn ask(&mut self, asks: Vec<Box<dyn Ask>>) {
        if asks.is_empty() {
            return;
        }
        let answers = {
            let _inside = Inside::enter();
            let ops: Vec<Op<'_>> = asks.iter().map(|ask| ask.op()).collect();
            self.store.batch(&ops)
        };
        // Before anybody is woken: who asks again is told at once.
        self.status.tell(answers.iter().any(is_outage));
        let mut answers = answers.into_iter();
        for ask in asks {
            let answer = answers.next();
            let answer = answer.unwrap_or_else(|| Err(Unreachable::because("the store did not answer")));
            self.held.extend(self.status.finish(ask, answer));
        }
    }

    /// Tries a store that was in an outage.
    fn probe(&self) {
        if self.status.tried.swap(true, Ordering::AcqRel) {
            return; // somebody's question is on its way
        }
        let _inside = Inside::enter();
        self.status.tell(self.store.probe().is_err());
    }
}

/// A waker, and when to wake it.
struct Timed {
    at: Instant,
    waker: Waker,
}

impl PartialEq for Timed {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Timed {}

impl PartialOrd for Timed {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Timed {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at.cmp(&other.at)
    }
}

/// Wakes each in time. It runs in a separate thread, since the driver's may wait for the store.
fn keep_time(timed: &Receiver<Timed>) {
    let mut waiting = BinaryHeap::new();
    loop {
        let next = match waiting.peek() {
            None => timed.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(Reverse(Timed { at, .. })) => {
                timed.recv_timeout(at.saturating_duration_since(Instant::now()))
            }
        };
        match next {
            Ok(one) => waiting.push(Reverse(one)),
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {}
        }
        let now = Instant::now();
        while waiting.peek().is_some_and(|Reverse(one)| one.at <= now) {
            if let Some(Reverse(one)) = waiting.pop() {
                one.waker.wake();
            }
        }
    }
}

/// Wakes a thread that waits.
struct Unpark(std::thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits in this thread until `step` is ready; none if that takes longer than `patience`.
pub(super) fn block<T>(patience: Duration, mut step: impl FnMut(&Waker) -> Poll<T>) -> Option<T> {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut over = None;
    loop {
        if let Poll::Ready(value) = step(&waker) {
            return Some(value);
        }
        let now = Instant::now();
        let left = over.get_or_insert(now + patience).saturating_duration_since(now);
        if left.is_zero() {
            return None;
        }
        std::thread::park_timeout(left);
    }
}
