//! Looks after a gate's counters from beside the requests.

use std::{sync::Arc, time::Duration};

use licentia_core::Code;

use crate::{gate::Gate, now::Now, worker::Worker};

/// A thread that fetches units before the ones at hand are used up, so that no request waits for the store, and gives
/// back those that nobody uses. Without it a request that finds none fetches them itself. It ends when this is
/// dropped, or with the gate.
pub struct Keeper {
    _worker: Worker,
}

impl Keeper {
    /// Looks after every meter each `interval`; what is not used for one interval is given back.
    ///
    /// # Errors
    /// [`Code::StoreUnreachable`] where the system gives no thread.
    pub fn start(gate: &Arc<Gate>, interval: Duration) -> Result<Self, Code> {
        let work = |gate: &Gate| gate.keep(Now::system());
        Ok(Self { _worker: Worker::start("licentia-keeper", gate, interval, work)? })
    }
}
