//! Looks after a gate's counters from beside the requests.

use std::{
    sync::{
        Arc, Weak,
        mpsc::{RecvTimeoutError, Sender, channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use licentia_core::Code;

use crate::{gate::Gate, now::Now};

/// A thread that fetches units before the ones at hand are used up, so that no request waits for the store, and gives
/// back those that nobody uses. Without it a request that finds none fetches them itself. It ends when this is
/// dropped, or with the gate.
pub struct Keeper {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Looks after every meter each `interval`; what is not used for one interval is given back.
    ///
    /// # Errors
    /// [`Code::StoreUnreachable`] where the system gives no thread.
    pub fn start(gate: &Arc<Gate>, interval: Duration) -> Result<Self, Code> {
        let (stop, stopped) = channel::<()>();
        let gate: Weak<Gate> = Arc::downgrade(gate);
        let work = move || {
            while stopped.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
                let Some(gate) = gate.upgrade() else { return };
                gate.keep(Now::system());
            }
        };
        let thread = std::thread::Builder::new().name("licentia-keeper".into()).spawn(work);
        Ok(Self { stop: Some(stop), thread: Some(thread.map_err(|_| Code::StoreUnreachable)?) })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so itself.
            let _ = thread.join();
        }
    }
}
