//! A thread that repeats work for an owner, beside the requests.

use std::{
    cell::Cell,
    io,
    sync::{
        Arc, Weak,
        mpsc::{RecvTimeoutError, Sender, channel},
    },
    thread::{JoinHandle, ThreadId},
    time::Duration,
};

use crate::platform::process_id;

thread_local! {
    /// The id of this thread, if it is a worker's. Asking the standard library would allocate in other threads.
    static WORKER: Cell<Option<ThreadId>> = const { Cell::new(None) };
}

/// A thread that ends when this is dropped, or with its owner, which it keeps alive only while it works.
#[derive(Debug)]
pub(crate) struct Worker {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
    /// The process that started the thread: a child after `fork` has none.
    process: u32,
}

impl Worker {
    /// Runs `work` after each `interval`.
    ///
    /// # Errors
    /// If the system starts no thread.
    pub(crate) fn start<T: Send + Sync + 'static>(
        name: &str,
        owner: &Arc<T>,
        interval: Duration,
        mut work: impl FnMut(&T) + Send + 'static,
    ) -> io::Result<Self> {
        let (stop, stopped) = channel::<()>();
        let owner: Weak<T> = Arc::downgrade(owner);
        let run = move || {
            WORKER.set(Some(std::thread::current().id()));
            while stopped.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
                let Some(owner) = owner.upgrade() else { return };
                work(&owner);
            }
        };
        let thread = std::thread::Builder::new().name(name.into()).spawn(run)?;
        Ok(Self { stop: Some(stop), thread: Some(thread), process: process_id() })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if self.process != process_id() {
            // In a child there is no thread to stop or to join.
            std::mem::forget((self.stop.take(), self.thread.take()));
            return;
        }
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // A thread cannot join itself: if its own work drops it, it runs to the end.
            if WORKER.try_with(Cell::get).ok().flatten() != Some(thread.thread().id()) {
                // A thread that panicked has reported it.
                let _ = thread.join();
            }
        }
    }
}
