//! Forwards a part of the allowed events, and every denial and tolerated problem.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use licentia_core::Timestamp;

use super::{Event, Sink, Used};

/// A sink that forwards one in N of the allowed events, and all others.
pub struct Sampled {
    sink: Arc<dyn Sink>,
    one_in: u64,
    seen: AtomicU64,
}

impl Sampled {
    /// Forwards one in `one_in` allowed events to `sink`; 0 forwards none.
    pub fn new(sink: Arc<dyn Sink>, one_in: u64) -> Self {
        Self { sink, one_in, seen: AtomicU64::new(0) }
    }
}

impl Sink for Sampled {
    fn record(&self, event: &Event<'_, '_>) {
        let ordinary = event.decision.code().is_allowed() && event.decision.warning().is_none();
        if ordinary {
            let seen = self.seen.fetch_add(1, Ordering::Relaxed);
            if seen.checked_rem(self.one_in) != Some(0) {
                return;
            }
        }
        self.sink.record(event);
    }

    fn used(&self, used: &Used<'_>) {
        self.sink.used(used);
    }

    fn clock_healed(&self, now: Timestamp, seconds: u64) {
        self.sink.clock_healed(now, seconds);
    }

    fn refunded(&self, refunded: &Used<'_>) {
        self.sink.refunded(refunded);
    }

    fn is_timed(&self) -> bool {
        self.sink.is_timed()
    }
}

impl fmt::Debug for Sampled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sampled").field("one_in", &self.one_in).finish_non_exhaustive()
    }
}
