//! Passes events to a separate thread, and never waits for it.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::platform::process_id;

use super::{Event, Record, Sink};

/// How long dropping a queue waits for its consumer, unless [`Queue::patience`] sets another time.
const PATIENCE: Duration = Duration::from_secs(5);

/// A bounded queue in front of a slow consumer. Records that do not fit are dropped and counted.
///
/// A consumer that panics loses that record, and gets the next one.
#[derive(Debug)]
pub struct Queue {
    sender: Option<Sender<Record>>,
    capacity: usize,
    /// Records that the consumer has not taken yet.
    waiting: Arc<AtomicUsize>,
    dropped: AtomicU64,
    patience: Duration,
    thread: Mutex<Option<Consumer>>,
    /// The process that started the thread: a child after `fork` has none.
    process: u32,
}

#[derive(Debug)]
struct Consumer {
    thread: JoinHandle<()>,
    /// Disconnected when the thread has ended.
    ended: Receiver<()>,
}

impl Queue {
    /// Starts a thread that calls `consumer` with every record. At most `capacity` records wait, and at least one.
    ///
    /// # Errors
    /// If the system starts no thread.
    pub fn new(capacity: usize, mut consumer: impl FnMut(Record) + Send + 'static) -> std::io::Result<Self> {
        let (sender, receiver) = channel::<Record>();
        let (end, ended) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let left = Arc::clone(&waiting);
        let work = move || {
            let _end: Sender<()> = end;
            for record in receiver {
                left.fetch_sub(1, Ordering::Relaxed);
                // The panic hook has reported it.
                let _ = catch_unwind(AssertUnwindSafe(|| consumer(record)));
            }
        };
        let thread = thread::Builder::new().name("licentia-events".into()).spawn(work)?;
        Ok(Self {
            sender: Some(sender),
            capacity: capacity.max(1),
            waiting,
            dropped: AtomicU64::new(0),
            patience: PATIENCE,
            thread: Mutex::new(Some(Consumer { thread, ended })),
            process: process_id(),
        })
    }

    /// Sets how long dropping the queue waits for the consumer to empty it: 5 seconds by default. After that the
    /// consumer is left to itself.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// How many events were dropped because the queue was full.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Takes a place in the queue, if there is one.
    fn reserve(&self) -> bool {
        let next = |waiting: usize| (waiting < self.capacity).then(|| waiting.saturating_add(1));
        self.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok()
    }
}

impl Sink for Queue {
    fn record(&self, event: &Event<'_, '_>) {
        let Some(sender) = &self.sender else { return };
        // A record takes far longer to build than a place to find.
        if !self.reserve() || sender.send(event.into()).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Queue {
    /// Waits until the queue is empty, up to the queue's patience.
    fn drop(&mut self) {
        let consumer = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if self.process != process_id() {
            // In a child there is no thread to tell or to join.
            std::mem::forget((self.sender.take(), consumer));
            return;
        }
        self.sender = None;
        let Some(Consumer { thread, ended }) = consumer else { return };
        // A consumer that drops its own queue does not wait for itself.
        if thread.thread().id() != thread::current().id()
            && ended.recv_timeout(self.patience) == Err(RecvTimeoutError::Disconnected)
        {
            let _ = thread.join();
        }
    }
}
