//! A rate that processes share: each takes slices of it from the store, and counts in its slice.
//!
//! All that a slice holds was counted by the store before, by its one clock. So the sum over all processes keeps to
//! the rate; what is not used of a slice within its short life is lost.

use super::rate::{Gcra, RateTaken};

const NANOS_PER_MILLI: u64 = 1_000_000;
/// A slice is what comes in this time at the present pace, in milliseconds.
pub const LENGTH: u64 = 50;
/// How long it may be used, in milliseconds.
pub const LIFE: u64 = 2 * LENGTH;
/// Bits of a slice's units; the others are of the time when it ends.
const UNITS: u32 = 24;
/// Most units that a slice holds.
pub const MOST: u64 = (1 << UNITS) - 1;
/// The time is kept modulo 2^40 milliseconds (35 years): what lies less than half of that ahead has not come yet.
const WHEN: u64 = (1 << (64 - UNITS)) - 1;

/// The slice that a process has of a rate, in one word, for an atomic. Times are in nanoseconds of any clock that only
/// advances.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slice(u64);

impl Slice {
    /// From [`Slice::word`].
    pub const fn from_word(word: u64) -> Self {
        Self(word)
    }

    /// The state as one word.
    pub const fn word(self) -> u64 {
        self.0
    }

    fn new(units: u64, until: u64) -> Self {
        Self(((until & WHEN) << UNITS) | units.min(MOST))
    }

    fn until(self) -> u64 {
        self.0 >> UNITS
    }

    /// Whether its end has not come yet, however the times have wrapped.
    fn lives(self, now: u64) -> bool {
        let ahead = self.until().wrapping_sub(millis(now)) & WHEN;
        (1..=WHEN / 2).contains(&ahead)
    }

    /// Units that may be used at `now`.
    pub fn left(self, now: u64) -> u64 {
        if self.lives(now) { self.0 & MOST } else { 0 }
    }

    /// Spends `cost` units; `None` if it has too few.
    #[must_use]
    pub fn spend(self, cost: u64, now: u64) -> Option<Self> {
        Some(Self::new(self.left(now).checked_sub(cost)?, self.until()))
    }

    /// Adds what the store gave and spends the cost of the request that asked, in one step, so that a cost of any size
    /// works; `None` if both together have too few. What is left is usable for a life from now. A slice holds up to
    /// [`MOST`], and what is more is lost.
    #[must_use]
    pub fn fill(self, units: u64, cost: u64, now: u64) -> Option<Self> {
        if units == 0 {
            return self.spend(cost, now);
        }
        let left = self.left(now).saturating_add(units).checked_sub(cost)?;
        Some(Self::new(left, millis(now).wrapping_add(LIFE)))
    }

    /// How many units to ask the store for, if a request of `cost` finds too few: what is missing. For a cost that no
    /// slice holds it is all of it, since what others spend meanwhile could not be made up for.
    pub fn missing(self, cost: u64, now: u64) -> u64 {
        if cost > MOST { cost } else { cost.saturating_sub(self.left(now)) }
    }

    /// Takes a charge back of a request that was then denied; it is lost if the slice has ended.
    #[must_use]
    pub fn undo(self, cost: u64, now: u64) -> Self {
        if self.lives(now) { Self::new(self.left(now).saturating_add(cost), self.until()) } else { self }
    }
}

fn millis(nanos: u64) -> u64 {
    nanos / NANOS_PER_MILLI
}

/// How much to ask the store for, when `need` units are missing and `used` were used in the `elapsed` nanoseconds
/// since it was asked last: what is needed, and beyond that what the present pace uses in a slice's length, which is
/// at most what the rate brings in it, so that all get something of a burst.
pub fn want(gcra: Gcra, need: u64, used: u64, elapsed: u64) -> u64 {
    let length = u128::from(LENGTH.saturating_mul(NANOS_PER_MILLI));
    let used = u128::from(used).saturating_mul(length);
    let pace = used.checked_div(u128::from(elapsed.max(NANOS_PER_MILLI))).unwrap_or(0);
    let brings = length.checked_div(gcra.interval()).unwrap_or(0);
    let more = u64::try_from(pace.min(brings)).unwrap_or(MOST).min(MOST);
    need.max(more)
}

/// What the store said last of a rate. It answers for a while, so that refusals stay cheap; only for the same rate,
/// since a slow one says nothing of a fast one in the same lineage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// The rate that was asked for.
    pub gcra: Gcra,
    /// Units that were needed.
    pub need: u64,
    /// The answer.
    pub taken: RateTaken,
    /// When, in nanoseconds of the process's clock.
    pub at: u64,
}

impl Said {
    /// Whether it answers a request for `need` units at `now`. It answers a read for the length of a slice. It answers a
    /// request for at least the number that was refused until they may come, or for the length of a slice if they never may.
    pub fn answers(&self, gcra: Gcra, need: u64, now: u64) -> bool {
        let elapsed = now.saturating_sub(self.at);
        let length = LENGTH.saturating_mul(NANOS_PER_MILLI);
        if self.gcra != gcra {
            return false;
        }
        if need == 0 {
            return elapsed < length;
        }
        let refused = self.taken.units < self.need;
        refused && need >= self.need && elapsed < self.taken.retry_after.unwrap_or(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{license::rate::Rate, metering::rate::Tat};

    fn gcra(count: u64, per_ms: u64, burst: u64) -> Gcra {
        Gcra::new(&Rate { name: "api", count, per_ms, burst })
    }

    #[test]
    fn a_slice_is_spent_and_ends_by_every_clock() {
        // Just started, Now::from(seconds), and about to wrap.
        let wraps = ((1 << 40) - 3) * NANOS_PER_MILLI;
        for now in [
            0,
            1_800_000_000_000_000_000,
            wraps,
            wraps + 40 * NANOS_PER_MILLI,
            u64::MAX - 200 * NANOS_PER_MILLI,
        ] {
            let slice = Slice::default();
            assert_eq!((slice.left(now), slice.spend(1, now)), (0, None));
            let slice = slice.fill(5, 0, now).unwrap();
            assert_eq!(slice.left(now), 5, "at {now}");
            let slice = slice.spend(3, now).unwrap();
            assert_eq!(slice.spend(3, now), None);
            assert_eq!(slice.undo(1, now).left(now), 3);
            let last = now + (LIFE - 1) * NANOS_PER_MILLI;
            assert_eq!(slice.left(last), 2);
            assert_eq!(
                (slice.left(last + NANOS_PER_MILLI), slice.undo(1, last + NANOS_PER_MILLI)),
                (0, slice)
            );
            assert_eq!(
                slice.fill(4, 0, last + NANOS_PER_MILLI).unwrap().left(last + NANOS_PER_MILLI),
                4,
                "what has ended is lost"
            );
            assert_eq!(slice.fill(0, 0, now), Some(slice));
        }
    }

    #[test]
    fn a_thread_whose_clock_was_read_a_little_earlier_sees_the_same_slice() {
        let now = 5_000 * NANOS_PER_MILLI;
        let slice = Slice::default().fill(5, 0, now).unwrap();
        assert_eq!(slice.left(now - 3 * NANOS_PER_MILLI), 5);
    }

    #[test]
    fn a_slice_never_holds_more_than_was_put() {
        let slice = Slice::default().fill(MOST, 0, 0).unwrap().fill(9, 0, 0).unwrap();
        assert_eq!(slice.left(0), MOST, "what is more is lost");
        assert_eq!(Slice::from_word(slice.word()), slice);
        assert_eq!(Slice::default().fill(u64::MAX, 0, 0).unwrap().left(0), MOST);
    }

    #[test]
    fn a_cost_that_no_slice_holds_is_asked_for_and_spent_at_once() {
        let slice = Slice::default().fill(10, 0, 0).unwrap();
        assert_eq!(
            [1, 10, 13, MOST, MOST + 1].map(|cost| slice.missing(cost, 0)),
            [0, 0, 3, MOST - 10, MOST + 1]
        );
        assert_eq!(slice.fill(MOST + 1, MOST + 1, 0).unwrap().left(0), 10);
        assert_eq!(slice.fill(3, 14, 0), None);
        assert_eq!(slice.fill(4, 14, 0).unwrap().left(0), 0);
        assert_eq!((slice.fill(0, 11, 0), slice.fill(0, 4, 0).unwrap().left(0)), (None, 6));
    }

    #[test]
    fn what_is_wanted_follows_the_pace_and_is_at_least_what_is_needed() {
        let rate = gcra(1000, 1000, 1000);
        let second = 1_000 * NANOS_PER_MILLI;
        assert_eq!(want(rate, 3, 0, second), 3);
        assert_eq!(want(rate, 1, 400, second), 20, "400 a second, for 50 ms");
        assert_eq!(want(rate, 1, 4_000, second), 50, "no more than the rate brings");
        assert_eq!(want(rate, 1 << 30, 0, second), 1 << 30, "a cost of any size");
        let fast = gcra(crate::limits::INTEGER, 1, 1);
        assert_eq!(want(fast, 1, u64::MAX, 0), MOST.min(LENGTH * NANOS_PER_MILLI));
    }

    #[test]
    fn a_refusal_under_a_slow_rate_says_nothing_of_a_fast_one() {
        let (slow, fast) = (gcra(1, 86_400_000, 1), gcra(1000, 1000, 1000));
        let (used, first) = slow.take(Tat::default(), 0, 1, 1);
        let (_, taken) = slow.take(used, 0, 1, 1);
        let said = Said { gcra: slow, need: 1, taken, at: 0 };
        let hour = 3_600_000 * NANOS_PER_MILLI;
        assert!(said.answers(slow, 1, hour) && said.answers(slow, 2, hour));
        assert!(!said.answers(fast, 1, 0) && !said.answers(fast, 0, 0));
        assert!(!said.answers(slow, 1, 24 * hour), "its time is over");
        let granted = Said { taken: first, ..said };
        assert!(!granted.answers(slow, 1, 0), "it was no refusal");
        assert!(granted.answers(slow, 0, 0) && !granted.answers(slow, 0, LENGTH * NANOS_PER_MILLI));
    }
}
