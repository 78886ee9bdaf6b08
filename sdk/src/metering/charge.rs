//! One charge of a request, as a decision shows it.

use arrayvec::ArrayVec;
use licentia_core::{Period, Window};

/// The name of the seats among the charges.
pub(crate) const SEATS: &str = "seats";
/// Most charges of one request.
pub(crate) const MAX_CHARGES: usize = 8;

/// The charges of one request.
pub(crate) type ChargeList<'a> = ArrayVec<Charge<'a>, MAX_CHARGES>;

/// What a request asked of a rate, a quota or the seats, and what is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Charge<'a> {
    /// Name of the rate or meter; `seats` for the seats.
    pub name: &'a str,
    /// Which of the three it is.
    pub unit: Unit,
    /// What the request costs.
    pub cost: u64,
    /// What this decision has added to the count: 0 if it denies, if the job was charged before, or if the cost is only
    /// reserved.
    pub charged: u64,
    /// Requests of a full burst, units of a period, or seats.
    pub limit: u64,
    /// Length of the window in seconds; none if the period's length varies.
    pub window: Option<u64>,
    /// The period of a quota.
    pub period: Option<Period>,
    /// The window of a quota whose units were charged.
    pub counted_in: Option<Window>,
    /// What is left after this request.
    pub remaining: u64,
    /// Milliseconds until the whole limit is available again; none for a lifetime quota.
    pub reset_ms: Option<u64>,
    /// Milliseconds until the same request may be granted; none if it was granted or waiting does not help.
    pub retry_after_ms: Option<u64>,
}

impl Charge<'_> {
    /// The same under another name, to be kept apart from its own.
    #[cfg(feature = "tower")]
    pub(crate) fn named<'n>(&self, name: &'n str) -> Charge<'n> {
        let Self { unit, cost, charged, limit, window, period, counted_in, remaining, .. } = *self;
        let (reset_ms, retry_after_ms) = (self.reset_ms, self.retry_after_ms);
        Charge {
            name,
            unit,
            cost,
            charged,
            limit,
            window,
            period,
            counted_in,
            remaining,
            reset_ms,
            retry_after_ms,
        }
    }
}

/// What a [`Charge`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Requests against a rate.
    Rate,
    /// Units of a quota.
    Quota,
    /// Seats of the licence.
    Seat,
}

impl Unit {
    /// Its stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Quota => "quota",
            Self::Seat => "seat",
        }
    }
}
