//! Events: who asked for what, when, and why it was answered so.
//!
//! A [`Sink`] takes every decision on the path of the request, so it must not block. [`Metrics`] counts in
//! memory. What takes longer belongs behind a [`Queue`], which hands [`Record`]s to a thread of its own and
//! drops and counts what it cannot take. [`Sampled`] thins out what was allowed, and never a denial.

mod anomaly;
mod metrics;
#[cfg(feature = "otel")]
mod otel;
mod queue;
mod record;
mod sampled;

use licentia_core::Window;

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
pub struct Event<'e, 'a> {
    /// The decision, with the licence, the charges and the explanation.
    pub decision: &'e Decision<'a>,
    /// What was asked for: [`crate::Request::action`].
    pub action: &'e str,
    /// Who presented it, as the host names it: [`crate::Request::source`].
    pub source: &'e str,
    /// When, in seconds since 1970.
    pub at: u64,
    /// Sequence number of the keyset in use; 0 where there is none.
    pub keyset: u64,
    /// Sequence number of the revocation bundle in use for the licence's issuer, and when it was issued; where no
    /// licence was good, of the only one in use.
    pub revocation: Option<(u64, u64)>,
    /// How long the decision took, in nanoseconds, where it was timed: see [`Sink::is_timed`].
    pub took_nanos: Option<u64>,
}

/// Takes events. It is called on the path of the request, so it must return at once and never block.
pub trait Sink: Send + Sync {
    /// Takes an event.
    fn record(&self, event: &Event<'_, '_>);

    /// Whether it wants to know how long each decision took. Where no sink does, one in 16 is timed all the same: to
    /// read a clock twice takes about as long as half of a decision about a token that was seen before.
    fn is_timed(&self) -> bool {
        true
    }

    /// Takes what was charged beside a decision: by a reservation in the end ([`crate::Reservation::commit`]), or by a
    /// [`crate::Counter`]. What decisions charge stands in their own [`crate::Charge::charged`].
    fn used(&self, used: &Used<'_>) {
        let _ = used;
    }
}

/// Units that were used.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Used<'a> {
    /// The licence, through its renewals and upgrades.
    pub lineage: &'a [u8; 16],
    /// The meter.
    pub meter: &'a str,
    /// The period that they are charged in.
    pub window: Window,
    /// How many.
    pub units: u64,
}
