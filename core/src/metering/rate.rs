//! Rate limiting by the generic cell rate algorithm (ITU-T I.371), in integers.
//!
//! The whole state is one word: the theoretical arrival time (TAT), in
//! nanoseconds of any clock that only advances. A refused request changes nothing.

use crate::license::rate::Rate;

const NANOS_PER_MILLI: u64 = 1_000_000;

/// A rate, prepared: nanoseconds per request, and how far ahead a burst may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gcra {
    interval: u64,
    tolerance: u64,
}

/// The outcome of asking for a number of requests at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// They may come.
    Admitted {
        /// The state to keep.
        tat: u64,
        /// Requests that could still come now.
        remaining: u64,
    },
    /// They come too fast.
    Refused {
        /// Nanoseconds until they may come; `None` where they never may, since they are more than a burst.
        retry_after: Option<u64>,
        /// Requests that could come now.
        remaining: u64,
    },
}

impl Gcra {
    /// Prepares a rate. An interval that is no whole number of nanoseconds is rounded up, so that
    /// never more than the rate is granted.
    pub fn new(rate: &Rate<'_>) -> Self {
        let interval = rate.per_ms.saturating_mul(NANOS_PER_MILLI).div_ceil(rate.count.max(1)).max(1);
        Self { interval, tolerance: interval.saturating_mul(rate.burst) }
    }

    /// Nanoseconds between requests.
    pub fn interval(self) -> u64 {
        self.interval
    }

    /// How far the state may run ahead of the present, in nanoseconds.
    pub fn tolerance(self) -> u64 {
        self.tolerance
    }

    /// Asks for `cost` requests at `now`, in nanoseconds, with the state `tat`, which is 0 at first.
    ///
    /// A state that is further ahead than this rate can bring it was left by a slower one, or by another clock: it
    /// counts as a burst that is used up, so that nobody waits for longer than a burst takes to come back.
    #[inline]
    pub fn admit(self, tat: u64, now: u64, cost: u64) -> Admission {
        let limit = now.saturating_add(self.tolerance);
        let earliest = tat.min(limit).max(now);
        let asked = self.interval.saturating_mul(cost);
        let after = earliest.saturating_add(asked);
        if after <= limit {
            return Admission::Admitted { tat: after, remaining: self.remaining(after, now) };
        }
        let retry_after = (asked <= self.tolerance).then(|| after.saturating_sub(limit));
        Admission::Refused { retry_after, remaining: self.remaining(earliest, now) }
    }

    /// The state without a charge of `cost` that was made at `now`. What has come back by itself since is not given
    /// back once more: the state goes no further back than `now`.
    pub fn undo(self, tat: u64, now: u64, cost: u64) -> u64 {
        tat.saturating_sub(self.interval.saturating_mul(cost)).max(now.min(tat))
    }

    /// Nanoseconds from `now` until the whole burst is there again.
    pub fn reset(self, tat: u64, now: u64) -> u64 {
        tat.saturating_sub(now).min(self.tolerance)
    }

    #[inline]
    fn remaining(self, tat: u64, now: u64) -> u64 {
        let used = tat.saturating_sub(now);
        self.tolerance.saturating_sub(used).checked_div(self.interval).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn gcra(count: u64, per_ms: u64, burst: u64) -> Gcra {
        Gcra::new(&Rate { name: "api", count, per_ms, burst })
    }

    #[test]
    fn a_burst_and_then_the_rate() {
        let gcra = gcra(10, 1000, 3);
        let (mut tat, now) = (0, 5 * SECOND);
        for left in [2, 1, 0] {
            let Admission::Admitted { tat: next, remaining } = gcra.admit(tat, now, 1) else {
                panic!("burst")
            };
            assert_eq!(remaining, left);
            tat = next;
        }
        let refused = Admission::Refused { retry_after: Some(SECOND / 10), remaining: 0 };
        assert_eq!(gcra.admit(tat, now, 1), refused);
        assert_eq!(gcra.admit(tat, now, 1), refused, "a refusal changes nothing");
        let later = now + SECOND / 10;
        assert!(matches!(gcra.admit(tat, later - 1, 1), Admission::Refused { retry_after: Some(1), .. }));
        assert!(matches!(gcra.admit(tat, later, 1), Admission::Admitted { remaining: 0, .. }));
        assert_eq!(gcra.reset(tat, now), 3 * SECOND / 10);
    }

    #[test]
    fn costs_above_one_and_above_the_burst() {
        let gcra = gcra(10, 1000, 5);
        assert!(matches!(gcra.admit(0, SECOND, 5), Admission::Admitted { remaining: 0, .. }));
        assert_eq!(gcra.admit(0, SECOND, 6), Admission::Refused { retry_after: None, remaining: 5 });
        assert_eq!(gcra.admit(0, SECOND, 0), Admission::Admitted { tat: SECOND, remaining: 5 }, "0 peeks");
    }

    #[test]
    fn never_more_than_the_rate_over_any_time() {
        for (count, per_ms, burst) in
            [(3, 1000, 1), (7, 1000, 7), (1_000_000, 1, 1), (1, 86_400_000, 1), (999, 1001, 50)]
        {
            let gcra = gcra(count, per_ms, burst);
            let (mut tat, mut admitted, mut now) = (0, 0_u64, 0);
            let step = (per_ms * NANOS_PER_MILLI / count / 3).max(1);
            for _ in 0..5_000 {
                if let Admission::Admitted { tat: next, .. } = gcra.admit(tat, now, 1) {
                    (tat, admitted) = (next, admitted + 1);
                }
                now += step;
            }
            let most = u128::from(now) * u128::from(count) / u128::from(per_ms * NANOS_PER_MILLI)
                + u128::from(burst);
            assert!(u128::from(admitted) <= most + 1, "{count}/{per_ms}: {admitted} > {most}");
            assert!(u128::from(admitted) * 100 >= most * 60, "{count}/{per_ms}: {admitted} of {most}");
        }
    }

    #[test]
    fn a_state_of_a_slower_rate_or_of_another_clock_locks_nobody_out() {
        let (daily, fast) = (gcra(10, 86_400_000, 10), gcra(1000, 1000, 5));
        let mut tat = 0;
        while let Admission::Admitted { tat: next, .. } = daily.admit(tat, SECOND, 1) {
            tat = next;
        }
        for tat in [tat, u64::MAX] {
            let millisecond = Some(1_000_000);
            assert_eq!(
                fast.admit(tat, SECOND, 1),
                Admission::Refused { retry_after: millisecond, remaining: 0 }
            );
            assert_eq!(fast.reset(tat, SECOND), 5_000_000);
            let asked_later = fast.admit(tat, SECOND, 0);
            assert!(matches!(asked_later, Admission::Admitted { tat, .. } if tat == SECOND + 5_000_000));
        }
    }

    #[test]
    fn what_is_taken_back_is_no_more_than_was_charged() {
        let gcra = gcra(10, 1000, 3);
        let tat = SECOND + 3 * SECOND / 10;
        assert_eq!(gcra.undo(tat, SECOND, 2), SECOND + SECOND / 10);
        assert_eq!(gcra.undo(tat, SECOND, 4), SECOND, "no further than the present");
        assert_eq!(gcra.undo(5, SECOND, 4), 5, "a state of long ago stays");
    }

    #[test]
    fn the_limits_of_integers_saturate() {
        let most = gcra(1, crate::limits::INTEGER, crate::limits::INTEGER);
        assert!(matches!(
            most.admit(u64::MAX, u64::MAX, u64::MAX),
            Admission::Admitted { .. } | Admission::Refused { .. }
        ));
        let fast = gcra(crate::limits::INTEGER, 1, 1);
        assert!(matches!(fast.admit(0, 0, 1), Admission::Admitted { .. }));
    }
}
