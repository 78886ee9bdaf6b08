//! The count of a quota in one period: units are taken from it and given back.
//!
//! The period is a part of the count's key, so that a count is never reset and no clock is read here.

use crate::limits;

/// Greatest number that any count reaches: 2^53 - 1, which Lua and JavaScript hold exactly. A greater limit, as that
/// of an unlimited overage, counts as this one.
pub const GREATEST: u64 = limits::INTEGER;

/// The units of one meter of one licence in one period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Units that are taken now: used, reserved, or held ahead by a process.
    pub taken: u64,
    /// Units that were charged and then refunded. It only grows; they are no longer among [`Count::taken`].
    pub refunded: u64,
}

/// What a count gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Units that were given: none, or at least as many as were needed.
    pub units: u64,
    /// Units that are taken in all, by everybody.
    pub total: u64,
}

impl Count {
    /// Units that are left of `limit`.
    #[inline]
    pub fn left(self, limit: u64) -> u64 {
        limit.min(GREATEST).saturating_sub(self.taken)
    }

    /// Takes up to `want` units, and none if fewer than `need` are left of `limit`. A `need` and `want` of 0 only
    /// reads the total.
    #[inline]
    #[must_use]
    pub fn take(self, need: u64, want: u64, limit: u64) -> (Self, Taken) {
        let left = self.left(limit);
        let units = if left < need { 0 } else { want.max(need).min(left) };
        // The sum is at most the limit.
        let total = self.taken.saturating_add(units);
        (Self { taken: total, ..self }, Taken { units, total })
    }

    /// Gives units back that were taken and not used, at most as many as are taken.
    #[inline]
    #[must_use]
    pub fn give_back(self, units: u64) -> Self {
        Self { taken: self.taken.saturating_sub(units), ..self }
    }

    /// Refunds units that were charged: at most as many as are taken. Returns how many.
    #[must_use]
    pub fn refund(self, units: u64) -> (Self, u64) {
        let units = units.min(self.taken).min(GREATEST.saturating_sub(self.refunded));
        let (taken, refunded) = (self.taken.saturating_sub(units), self.refunded.saturating_add(units));
        (Self { taken, refunded }, units)
    }
}

/// What a process remembers of a count that had too few units, so that it need not ask again at once.
///
/// It remembers the total and not the answer, since the answer depends on the limit: a refusal under 100 a day says
/// nothing of 100,000 a day in the same lineage. Totals fall when others give units back, so forget it after a short
/// time: a tenth of a second is usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Units that were taken in all when the store refused.
    pub total: u64,
}

impl Refusal {
    /// Whether asking for `need` of `limit` would be refused again.
    #[inline]
    pub fn answers(self, need: u64, limit: u64) -> bool {
        Count { taken: self.total, refunded: 0 }.left(limit) < need
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_small_counts_agree_with_taking_one_by_one() {
        for taken in 0..7 {
            for (need, want) in (0..5).flat_map(|need| (0..5).map(move |want| (need, want))) {
                for limit in 0..8 {
                    let mut model = taken;
                    while model < limit && model - taken < want.max(need) {
                        model += 1;
                    }
                    if model - taken < need {
                        model = taken;
                    }
                    let (count, answer) = Count { taken, refunded: 3 }.take(need, want, limit);
                    assert_eq!(count, Count { taken: model, refunded: 3 }, "{taken} {need} {want} {limit}");
                    assert_eq!(answer, Taken { units: model - taken, total: model });
                    assert_eq!(count.give_back(answer.units), Count { taken, refunded: 3 });
                }
            }
        }
    }

    #[test]
    fn a_limit_that_has_sunk_below_what_is_taken_gives_nothing() {
        let count = Count { taken: 10, refunded: 0 };
        assert_eq!(count.take(1, 5, 3), (count, Taken { units: 0, total: 10 }));
        assert_eq!(count.give_back(11), Count::default(), "what is given back is at most what is taken");
    }

    #[test]
    fn an_unlimited_quota_ends_at_the_greatest_number_that_all_languages_hold() {
        let (count, taken) = Count::default().take(1, u64::MAX, u64::MAX);
        assert_eq!((count.taken, taken.units), (GREATEST, GREATEST));
        assert_eq!(count.take(1, 1, u64::MAX).1.units, 0);
        assert_eq!(Count::default().take(u64::MAX, u64::MAX, u64::MAX).1.units, 0, "no need above it is met");
    }

    #[test]
    fn refunds_only_grow_and_units_move_from_one_number_to_the_other() {
        let (count, done) = Count { taken: 5, refunded: 1 }.refund(2);
        assert_eq!((count, done), (Count { taken: 3, refunded: 3 }, 2));
        assert_eq!(count.refund(9), (Count { taken: 0, refunded: 6 }, 3), "at most what is taken");
        let full = Count { taken: 5, refunded: GREATEST };
        assert_eq!(full.refund(1), (full, 0));
    }

    #[test]
    fn a_refusal_answers_exactly_those_that_would_be_refused() {
        let refused = Refusal { total: 100 };
        assert!(refused.answers(1, 100), "100 a day");
        assert!(!refused.answers(1, 100_000), "and 100,000 a day");
        for total in 0..6 {
            for (need, limit) in (0..6).flat_map(|need| (0..9).map(move |limit| (need, limit))) {
                let would = Count { taken: total, refunded: 0 }.take(need, need, limit).1.units < need;
                assert_eq!(Refusal { total }.answers(need, limit), would);
            }
        }
    }
}
