//! Passes events to a thread of its own, and never waits for it.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
    mpsc::{SyncSender, TrySendError, sync_channel},
};
use std::thread::JoinHandle;

use super::{Event, Record, Sink};

/// A bounded queue in front of a slow consumer. Records that do not fit are dropped and counted.
#[derive(Debug)]
pub struct Queue {
    sender: Option<SyncSender<Record>>,
    dropped: AtomicU64,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Queue {
    /// Starts a thread that calls `consumer` with every record. At most `capacity` records wait.
    ///
    /// # Errors
    /// If the system starts no thread.
    pub fn new(capacity: usize, mut consumer: impl FnMut(Record) + Send + 'static) -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel(capacity);
        let work = move || receiver.into_iter().for_each(&mut consumer);
        let thread = std::thread::Builder::new().name("licentia-events".into()).spawn(work)?;
        Ok(Self { sender: Some(sender), dropped: AtomicU64::new(0), thread: Mutex::new(Some(thread)) })
    }

    /// How many events were dropped because the queue was full.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl Sink for Queue {
    fn record(&self, event: &Event<'_, '_>) {
        let Some(sender) = &self.sender else { return };
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = sender.try_send(event.into()) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Queue {
    /// Waits until the queue is empty.
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // A consumer that panicked has reported it.
            let _ = thread.join();
        }
    }
}
