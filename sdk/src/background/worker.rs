//! A thread that works for a gate again and again, beside the requests.

use std::{
    cell::Cell,
    sync::{
        Arc, Weak,
        mpsc::{RecvTimeoutError, Sender, channel},
    },
    thread::{JoinHandle, ThreadId},
    time::Duration,
};

use licentia_core::Code;

use crate::gate::Gate;

thread_local! {
    /// Which thread this is, where it is a worker's. To ask the standard library would cost other threads memory.
    static OWN: Cell<Option<ThreadId>> = const { Cell::new(None) };
}

/// A thread that ends when this is dropped, or with the gate, which it keeps alive only while it works.
pub(crate) struct Worker {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
    /// Whose thread it is: a child after `fork` has none.
    process: u32,
}

impl Worker {
    /// Does `work` after each `interval`.
    ///
    /// # Errors
    /// [`Code::StoreUnreachable`] where the system gives no thread.
    pub(crate) fn start(
        name: &str,
        gate: &Arc<Gate>,
        interval: Duration,
        mut work: impl FnMut(&Gate) + Send + 'static,
    ) -> Result<Self, Code> {
        let (stop, stopped) = channel::<()>();
        let gate: Weak<Gate> = Arc::downgrade(gate);
        let run = move || {
            OWN.set(Some(std::thread::current().id()));
            while stopped.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
                let Some(gate) = gate.upgrade() else { return };
                work(&gate);
            }
        };
        let thread = std::thread::Builder::new().name(name.into()).spawn(run);
        let thread = Some(thread.map_err(|_| Code::StoreUnreachable)?);
        Ok(Self { stop: Some(stop), thread, process: crate::own::process() })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if self.process != crate::own::process() {
            // Nobody is there to be told, or to be waited for.
            std::mem::forget((self.stop.take(), self.thread.take()));
            return;
        }
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // Its own work may end it, and goes on to the end; a thread cannot wait for itself.
            if OWN.try_with(Cell::get).ok().flatten() != Some(thread.thread().id()) {
                // A thread that panicked has said so itself.
                let _ = thread.join();
            }
        }
    }
}
