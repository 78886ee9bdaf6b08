//! Events: who asked for what, when, and why the gate decided as it did.
//!
//! A [`Sink`] gets every decision on the path of the request, so it must not block. [`Metrics`] counts in memory.
//! Slower sinks belong behind a [`Queue`], which passes [`Record`]s to a separate thread, and drops and counts those
//! that do not fit. [`Sampled`] drops a part of the allowed events, and never a denial.

mod anomaly;
mod metrics;
#[cfg(feature = "otel")]
mod otel;
mod queue;
mod record;
mod sampled;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use licentia_core::{Lineage, Timestamp, Window};

use crate::gate::Decision;

pub use anomaly::{Anomaly, Detector, Thresholds};
pub use metrics::Metrics;
#[cfg(feature = "otel")]
pub use otel::Otel;
pub use queue::Queue;
#[cfg(feature = "tracing")]
pub use record::trace;
pub use record::{Record, json_lines};
pub use sampled::Sampled;

/// A decision and its circumstances. It holds no token and no key.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Event<'e, 'a> {
    /// The decision, with the licence, the charges and the explanation.
    pub decision: &'e Decision<'a>,
    /// The operation: [`crate::Request::action`].
    pub action: &'e str,
    /// Who presented the licence: [`crate::Request::source`].
    pub source: &'e str,
    /// When.
    pub at: Timestamp,
    /// Sequence number of the keyset in use; 0 if there is none.
    pub keyset: u64,
    /// Sequence number of the revocation bundle in use for the licence's issuer, and when it was issued. Without a good
    /// licence it is that of the only bundle in use.
    pub revocation: Option<(u64, Timestamp)>,
    /// How long the decision took, in nanoseconds, if it was timed: see [`Sink::is_timed`].
    pub took_nanos: Option<u64>,
}

/// Receives events. It is called on the path of the request, so it must return at once and never block. If it panics,
/// the request and the other sinks go on.
pub trait Sink: Send + Sync {
    /// Receives an event.
    fn record(&self, event: &Event<'_, '_>);

    /// Whether it needs to know how long each decision took. If no sink does, only one in 16 is timed: reading a clock
    /// twice takes about half as long as a decision about a cached token.
    fn is_timed(&self) -> bool {
        true
    }

    /// Receives what was charged outside a decision: by a reservation that was committed
    /// ([`crate::Reservation::commit`]), or by a [`crate::Counter`]. What a decision charges is in its
    /// [`crate::Charge::charged`].
    fn used(&self, used: &Used<'_>) {
        let _ = used;
    }

    /// Receives that the clock guard's mark has fallen back to the wall clock, by how many seconds: the clock had been
    /// ahead, nothing signed supports that, and it has run right for a day since. `now` is the time to go by from here.
    fn clock_healed(&self, now: Timestamp, seconds: u64) {
        let _ = (now, seconds);
    }

    /// Receives what was refunded of what a decision or [`Sink::used`] had told.
    fn refunded(&self, refunded: &Used<'_>) {
        let _ = refunded;
    }
}

/// Calls each sink. One that panics keeps neither the others nor the caller from going on: the panic hook reports it.
pub(crate) fn each(sinks: &[Arc<dyn Sink>], tell: impl Fn(&dyn Sink)) {
    for sink in sinks {
        let _ = catch_unwind(AssertUnwindSafe(|| tell(&**sink)));
    }
}

/// Units that were used, or refunded.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Used<'a> {
    /// The licence's issuer.
    pub issuer: &'a str,
    /// The licence, through its renewals and upgrades.
    pub lineage: &'a Lineage,
    /// The meter.
    pub meter: &'a str,
    /// The period that they are charged in.
    pub window: Window,
    /// How many.
    pub units: u64,
}
