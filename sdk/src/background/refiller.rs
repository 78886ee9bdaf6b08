//! Refills a gate's counters in the background.

use std::{sync::Arc, time::Duration};

use crate::{gate::Gate, platform::Now};

use super::{error::StartError, worker::Worker};

/// A thread that fetches units before the ones at hand are used up, so that no request waits for the store, and gives
/// back those that nobody uses. Without it a request that finds none fetches them itself. It ends when this is
/// dropped, or with the gate.
#[derive(Debug)]
pub struct Refiller {
    _worker: Worker,
}

impl Refiller {
    /// Refills every meter each `interval`; what is not used for one interval is given back.
    ///
    /// # Errors
    /// [`StartError::Thread`] if the system starts no thread.
    pub fn start(gate: &Arc<Gate>, interval: Duration) -> Result<Self, StartError> {
        let work = |gate: &Gate| gate.refill(Now::system());
        Ok(Self { _worker: Worker::start("licentia-refiller", gate, interval, work)? })
    }
}
