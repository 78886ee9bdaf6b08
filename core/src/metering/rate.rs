//! Rate limiting by the generic cell rate algorithm (ITU-T I.371), in exact integers.
//!
//! The whole state is the theoretical arrival time (TAT), in nanoseconds of any clock that only advances: two words,
//! since a licence may say 1 request a day with a burst of 250,000, whose TAT runs 684 years ahead. No sum or product
//! here saturates for the rates that a licence can say.
//!
//! A TAT that lies further ahead than a rate can bring it was left by a slower rate, or by a clock that was ahead.
//! It is lowered to a burst that is used up, and the lowered one is the state to keep, also after a refusal and a
//! look: so nobody waits for longer than a burst takes to come back.

use crate::license::rate::Rate;

const NANOS_PER_MILLI: u128 = 1_000_000;

/// The state of a rate: a theoretical arrival time, in nanoseconds. 0 at first.
///
/// It ends by itself: when it has passed, the whole burst is there again and the state may be forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tat(u128);

impl Tat {
    /// From nanoseconds.
    pub const fn from_nanos(nanos: u128) -> Self {
        Self(nanos)
    }

    /// In nanoseconds.
    pub const fn as_nanos(self) -> u128 {
        self.0
    }

    /// From [`Tat::to_bytes`].
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }

    /// As bytes that sort as the times do, for stores.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }
}

/// A rate, prepared: nanoseconds per request, and how far ahead a burst may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gcra {
    interval: u128,
    tolerance: u128,
    burst: u64,
}

/// The outcome of requesting a number of units at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admission {
    /// Whether they may come.
    pub granted: bool,
    /// The state to keep, if it has changed: also after a refusal.
    pub tat: Tat,
    /// Requests that could come now, after this.
    pub remaining: u64,
    /// Nanoseconds until they may come, if they were refused; `None` if they never may, since they are more than a
    /// burst. Waits of more than 584 years are shown as that.
    pub retry_after: Option<u64>,
}

/// What a store gave of a shared rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateTaken {
    /// Requests that may come: none, or at least as many as were needed.
    pub units: u64,
    /// Requests that could still come now, from anybody.
    pub remaining: u64,
    /// Nanoseconds until the whole burst is there again.
    pub reset: u64,
    /// Nanoseconds until as many may come as were needed, if none were given; `None` if they never may.
    pub retry_after: Option<u64>,
}

/// The rule, in numbers of one width.
macro_rules! admission {
    ($name:ident, $number:ty) => {
        /// Asks for `cost` requests, if the state is `tat` and may run ahead up to `limit`.
        #[inline]
        fn $name(
            self,
            interval: $number,
            limit: $number,
            (tat, now): ($number, $number),
            cost: u64,
        ) -> Admission {
            let earliest = tat.max(now);
            // What is at most the burst takes at most the tolerance: the product is exact.
            let after =
                (cost <= self.burst).then(|| earliest.saturating_add(interval.wrapping_mul(cost.into())));
            match after {
                Some(after) if after <= limit => {
                    let remaining = self.fit(limit.saturating_sub(after).into());
                    // A look moves nothing, not even to the present.
                    let tat = if cost == 0 { tat } else { after };
                    Admission { granted: true, tat: Tat(tat.into()), remaining, retry_after: None }
                }
                _ => Admission {
                    granted: false,
                    tat: Tat(tat.into()),
                    remaining: self.fit(limit.saturating_sub(earliest).into()),
                    retry_after: after.map(|after| word(after.saturating_sub(limit).into())),
                },
            }
        }
    };
}

impl Gcra {
    admission!(admit_narrow, u64);
    admission!(admit_wide, u128);

    /// Prepares a rate. An interval that is no whole number of nanoseconds is rounded up, so that
    /// never more than the rate is granted.
    pub fn new(rate: &Rate<'_>) -> Self {
        let interval = u128::from(rate.per_ms).saturating_mul(NANOS_PER_MILLI);
        let count = u128::from(rate.count.max(1));
        let interval = quotient(interval.saturating_add(count.saturating_sub(1)), count).max(1);
        // Numbers of a licence are below 2^53, and the product below 2^127: only greater ones lower the burst.
        let most = quotient(u128::MAX >> 1, interval);
        let burst = rate.burst.min(u64::try_from(most).unwrap_or(u64::MAX));
        Self { interval, tolerance: interval.saturating_mul(u128::from(burst)), burst }
    }

    /// Nanoseconds between requests.
    pub fn interval(self) -> u128 {
        self.interval
    }

    /// How far the state may run ahead of the present, in nanoseconds.
    pub fn tolerance(self) -> u128 {
        self.tolerance
    }

    /// Requests that may come at once.
    pub fn burst(self) -> u64 {
        self.burst
    }

    /// Asks for `cost` requests at `now`, in nanoseconds. A cost of 0 only looks, and is granted.
    #[inline]
    #[must_use]
    pub fn admit(self, tat: Tat, now: u64, cost: u64) -> Admission {
        let limit = u128::from(now).saturating_add(self.tolerance);
        self.admit_wide(self.interval, limit, (tat.0.min(limit), now.into()), cost)
    }

    /// As [`Gcra::admit`], with a state of one word, which is enough for nearly every rate; also returns the state after
    /// it. None if that may take two words, or the rate does.
    #[inline]
    #[must_use]
    pub fn admit_word(self, tat: u64, now: u64, cost: u64) -> Option<(u64, Admission)> {
        // Small targets prefer small code.
        if cfg!(any(target_os = "none", target_family = "wasm")) {
            let admission = self.admit(Tat(tat.into()), now, cost);
            return Some((u64::try_from(admission.tat.0).ok()?, admission));
        }
        let interval = u64::try_from(self.interval).ok()?;
        let tolerance = u64::try_from(self.tolerance).ok()?;
        let limit = now.checked_add(tolerance)?;
        // What is added to a time below the limit is at most the tolerance.
        limit.checked_add(tolerance)?;
        let admission = self.admit_narrow(interval, limit, (tat.min(limit), now), cost);
        #[allow(clippy::cast_possible_truncation, reason = "it is at most the limit")]
        Some((admission.tat.0 as u64, admission))
    }

    /// Takes up to `want` requests of a rate that is shared, and none if fewer than `need` may come at `now`, in
    /// nanoseconds of the store's clock. A `need` and `want` of 0 only look. The state is to be kept if it has changed:
    /// also after a refusal.
    #[must_use]
    pub fn take(self, tat: Tat, now: u64, need: u64, want: u64) -> (Tat, RateTaken) {
        let room = self.admit(tat, now, 0).remaining;
        let units = if room < need { need } else { want.max(need).min(room) };
        let Admission { granted, tat, remaining, retry_after } = self.admit(tat, now, units);
        let units = if granted { units } else { 0 };
        (tat, RateTaken { units, remaining, reset: self.reset(tat, now), retry_after })
    }

    /// The state without a charge of `cost` that was granted at `now`. What has come back by itself since is not given
    /// back once more: the state goes no further back than `now`.
    #[must_use]
    pub fn undo(self, tat: Tat, now: u64, cost: u64) -> Tat {
        if cost > self.burst {
            return tat; // no such charge was granted
        }
        Tat(tat.0.saturating_sub(self.time_of(cost)).max(tat.0.min(u128::from(now))))
    }

    /// Nanoseconds from `now` until the whole burst is there again; more than 584 years are shown as that.
    pub fn reset(self, tat: Tat, now: u64) -> u64 {
        word(tat.0.saturating_sub(u128::from(now)).min(self.tolerance))
    }

    /// The time of at most a burst of requests. It is at most the tolerance, so the product is exact.
    #[inline]
    fn time_of(self, cost: u64) -> u128 {
        debug_assert!(cost <= self.burst, "no more than a burst");
        self.interval.wrapping_mul(u128::from(cost))
    }

    /// Requests that fit into a time.
    #[inline]
    fn fit(self, time: u128) -> u64 {
        match (u64::try_from(time), u64::try_from(self.interval)) {
            // Dividing words is quicker, and most rates need no more.
            (Ok(time), Ok(interval)) => time.checked_div(interval).unwrap_or(0),
            _ => word(quotient(time, self.interval)),
        }
    }
}

/// Divides by a number below 2^127; 0 if it is 0.
fn quotient(dividend: u128, divisor: u128) -> u128 {
    if cfg!(any(target_os = "none", target_family = "wasm")) {
        // The compiler's division of two words takes a kilobyte.
        long_division(dividend, divisor)
    } else {
        dividend.checked_div(divisor).unwrap_or(0)
    }
}

fn long_division(dividend: u128, divisor: u128) -> u128 {
    let (mut quotient, mut rest) = (0, 0_u128);
    let mut bit = if divisor > 0 { 1 << 127 } else { 0_u128 };
    while bit > 0 {
        rest = (rest << 1) | u128::from(dividend & bit > 0);
        if rest >= divisor {
            rest = rest.wrapping_sub(divisor);
            quotient |= bit;
        }
        bit >>= 1;
    }
    quotient
}

/// As a word. What is shown of times may be too large for one; states and limits are not.
#[inline]
fn word(value: u128) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::INTEGER;

    const SECOND: u64 = 1_000_000_000;

    fn gcra(count: u64, per_ms: u64, burst: u64) -> Gcra {
        Gcra::new(&Rate { name: "api", count, per_ms, burst })
    }

    fn tat(nanos: u64) -> Tat {
        Tat::from_nanos(nanos.into())
    }

    #[test]
    fn a_burst_and_then_the_rate() {
        let gcra = gcra(10, 1000, 3);
        let (mut state, now) = (Tat::default(), 5 * SECOND);
        for left in [2, 1, 0] {
            let admission = gcra.admit(state, now, 1);
            assert_eq!((admission.granted, admission.remaining), (true, left));
            state = admission.tat;
        }
        let refused = Admission { granted: false, tat: state, remaining: 0, retry_after: Some(SECOND / 10) };
        assert_eq!(gcra.admit(state, now, 1), refused, "a refusal changes nothing");
        let later = now + SECOND / 10;
        assert_eq!(gcra.admit(state, later - 1, 1).retry_after, Some(1));
        let granted = gcra.admit(state, later, 1);
        assert_eq!((granted.granted, granted.remaining), (true, 0));
        assert_eq!(gcra.reset(state, now), 3 * SECOND / 10);
    }

    #[test]
    fn costs_above_one_and_above_the_burst() {
        let gcra = gcra(10, 1000, 5);
        let all = gcra.admit(Tat::default(), SECOND, 5);
        assert_eq!((all.granted, all.remaining), (true, 0));
        for cost in [6, u64::MAX] {
            let refused = gcra.admit(Tat::default(), SECOND, cost);
            assert_eq!((refused.granted, refused.remaining, refused.retry_after), (false, 5, None));
        }
        let look = Admission { granted: true, tat: Tat::default(), remaining: 5, retry_after: None };
        assert_eq!(gcra.admit(Tat::default(), SECOND, 0), look, "0 looks");
    }

    #[test]
    fn never_more_than_the_rate_over_any_time() {
        for (count, per_ms, burst) in
            [(3, 1000, 1), (7, 1000, 7), (1_000_000, 1, 1), (1, 86_400_000, 1), (999, 1001, 50)]
        {
            let gcra = gcra(count, per_ms, burst);
            let (mut state, mut admitted, mut now) = (Tat::default(), 0_u64, 0);
            let step = (per_ms * 1_000_000 / count / 3).max(1);
            for _ in 0..5_000 {
                let admission = gcra.admit(state, now, 1);
                (state, admitted) = (admission.tat, admitted + u64::from(admission.granted));
                now += step;
            }
            let most =
                u128::from(now) * u128::from(count) / u128::from(per_ms * 1_000_000) + u128::from(burst);
            assert!(u128::from(admitted) <= most + 1, "{count}/{per_ms}: {admitted} > {most}");
            assert!(u128::from(admitted) * 100 >= most * 60, "{count}/{per_ms}: {admitted} of {most}");
        }
    }

    /// A bucket that leaks one nanosecond's worth at a time, without a TAT.
    #[test]
    fn all_short_histories_agree_with_a_bucket_that_leaks_by_the_nanosecond() {
        for (interval, burst) in (1..=3).flat_map(|interval| (1..=3).map(move |burst| (interval, burst))) {
            let gcra = gcra(1_000_000, interval, burst);
            assert_eq!(gcra.interval(), interval.into());
            // Each step waits 0 to 4 nanoseconds, and asks for 0 to 3.
            for history in 0..20_u64.pow(4) {
                let (mut state, mut now, mut level) = (tat(0), 100_u64, 0_u64);
                for step in 0..4 {
                    let digit = history / 20_u64.pow(step) % 20;
                    let (wait, cost) = (digit / 4, digit % 4);
                    for _ in 0..wait {
                        level = level.saturating_sub(1);
                    }
                    now += wait;
                    let fits = level + cost * interval <= burst * interval;
                    let admission = gcra.admit(state, now, cost);
                    assert_eq!(admission.granted, fits, "{interval} {burst} {history} {step}");
                    let retry = (!fits && cost <= burst).then(|| level + cost * interval - burst * interval);
                    assert_eq!(admission.retry_after, retry);
                    if fits {
                        level += cost * interval;
                    }
                    assert_eq!(admission.remaining, (burst * interval - level) / interval);
                    state = admission.tat;
                    assert_eq!(gcra.reset(state, now), level);
                }
            }
        }
    }

    #[test]
    fn a_burst_that_takes_centuries_to_come_back_is_exact() {
        // [1, 86400000, 250000]: 2.16e19 nanoseconds, above 2^64.
        let gcra = gcra(1, 86_400_000, 250_000);
        let now = 1_800_000_000 * SECOND;
        let mut state = Tat::default();
        for left in (0..250_000).rev() {
            let admission = gcra.admit(state, now, 1);
            assert_eq!((admission.granted, admission.remaining), (true, left));
            state = admission.tat;
        }
        let day = 86_400 * SECOND;
        for (later, granted) in [(0, false), (day - 1, false), (day, true)] {
            assert_eq!(gcra.admit(state, now + later, 1).granted, granted, "{later}");
        }
        assert_eq!(gcra.admit(state, now, 1).retry_after, Some(day));
        assert_eq!(gcra.undo(state, now, 250_000), tat(now));
    }

    #[test]
    fn the_greatest_numbers_of_a_licence_are_exact() {
        for (count, per_ms, burst) in [
            (1, INTEGER, INTEGER),
            (INTEGER, 1, INTEGER),
            (INTEGER, INTEGER, INTEGER),
            (2, INTEGER, INTEGER),
            (1, INTEGER, 1),
            (1, 1 << 33, 1 << 31),
            (1, (1 << 33) + 1, 1 << 31),
        ] {
            let gcra = gcra(count, per_ms, burst);
            assert_eq!(gcra.burst(), burst);
            for now in [0, 1_800_000_000 * SECOND, u64::MAX] {
                let rest = gcra.admit(Tat::default(), now, burst - 1);
                assert_eq!((rest.granted, rest.remaining), (true, 1), "{count}/{per_ms} {burst}");
                let last = gcra.admit(rest.tat, now, 1);
                assert_eq!((last.granted, last.remaining), (true, 0));
                assert!(!gcra.admit(last.tat, now, 1).granted);
                assert!(!gcra.admit(last.tat, now, burst + 1).granted);
                assert_eq!(gcra.undo(last.tat, now, burst), tat(now));
                assert_eq!(last.tat.as_nanos() - u128::from(now), gcra.tolerance());
            }
        }
        // Beyond what a licence can say a burst is less, and never more.
        let beyond = gcra(1, u64::MAX, u64::MAX);
        assert!(beyond.burst() < u64::MAX && !beyond.admit(Tat::default(), 0, beyond.burst() + 1).granted);
        let all = beyond.admit(Tat::from_nanos(u128::MAX), u64::MAX, 1);
        assert_eq!((all.granted, all.remaining), (false, 0));
    }

    #[test]
    fn after_an_upgrade_nobody_waits_longer_than_a_burst() {
        let (daily, fast) = (gcra(10, 86_400_000, 10), gcra(1000, 1000, 1000));
        let (mut state, now) = (Tat::default(), SECOND);
        while let Admission { granted: true, tat, .. } = daily.admit(state, now, 1) {
            state = tat;
        }
        // Kept states: of the slow rate, and of a clock that was far ahead.
        for state in [state, tat(u64::MAX), Tat::from_nanos(u128::MAX)] {
            let full = tat(2 * SECOND);
            let refused = fast.admit(state, now, 1);
            assert_eq!(
                refused,
                Admission { granted: false, tat: full, remaining: 0, retry_after: Some(1_000_000) }
            );
            assert_eq!(fast.admit(state, now, 0).tat, full, "a look lowers it too");
            let again = fast.admit(refused.tat, now + 1_000_000, 1);
            assert!(again.granted, "as Retry-After has said");
            let later = fast.admit(refused.tat, now + SECOND, 1000);
            assert_eq!((later.granted, later.remaining), (true, 0), "and the whole burst after a burst");
            let (tat, taken) = fast.take(state, now, 1, 5);
            assert_eq!((tat, taken.units, taken.retry_after), (full, 0, Some(1_000_000)));
        }
    }

    #[test]
    fn the_small_division_is_the_compilers() {
        let numbers = [0, 1, 2, 3, 10, u128::from(u64::MAX), 1 << 64, (1 << 84) + 12_345, (1 << 126) + 1];
        for (dividend, divisor) in numbers
            .iter()
            .chain([&u128::MAX])
            .flat_map(|dividend| numbers.map(|divisor| (*dividend, divisor)))
        {
            assert_eq!(long_division(dividend, divisor), dividend.checked_div(divisor).unwrap_or(0));
        }
    }

    #[test]
    fn one_word_and_two_say_the_same() {
        let rates =
            [(10, 1000, 3), (1, 86_400_000, 250_000), (1, INTEGER, INTEGER), (INTEGER, 1, 1), (3, 7, 0)];
        let edges = [0, 1, SECOND, 1 << 62, 1 << 63, u64::MAX - SECOND, u64::MAX - 1, u64::MAX];
        let mut narrow = 0;
        for gcra in rates.map(|(count, per_ms, burst)| gcra(count, per_ms, burst)) {
            let tolerance = word(gcra.tolerance);
            let states = edges.iter().flat_map(|nanos| [*nanos, tolerance.saturating_add(*nanos)]);
            for (state, now) in states.flat_map(|state| edges.map(|now| (state, now))) {
                for cost in [0, 1, gcra.burst / 2, gcra.burst, gcra.burst.saturating_add(1), u64::MAX] {
                    let Some((after, admission)) = gcra.admit_word(state, now, cost) else { continue };
                    let wide = gcra.admit(tat(state), now, cost);
                    assert_eq!((admission, wide.tat), (wide, tat(after)), "{gcra:?} {state} {now} {cost}");
                    narrow += 1;
                }
            }
        }
        assert!(narrow > 1000, "{narrow} of them took one word");
    }

    #[test]
    fn what_is_taken_back_is_no_more_than_was_charged() {
        let gcra = gcra(10, 1000, 3);
        let state = tat(SECOND + 3 * SECOND / 10);
        assert_eq!(gcra.undo(state, SECOND, 2), tat(SECOND + SECOND / 10));
        assert_eq!(gcra.undo(state, SECOND + 1, 3), tat(SECOND + 1), "no further than the present");
        assert_eq!(gcra.undo(tat(5), SECOND, 3), tat(5), "a state of long ago stays");
        for cost in [4, u64::MAX] {
            assert_eq!(gcra.undo(state, SECOND, cost), state, "it was never granted");
        }
    }

    #[test]
    fn a_slice_is_what_is_wanted_and_there_or_nothing() {
        let gcra = gcra(10, 1000, 5);
        for (used, need, want) in
            (0..=5).flat_map(|used| (0..=6).flat_map(move |need| (0..=6).map(move |want| (used, need, want))))
        {
            let now = 7 * SECOND;
            let state = gcra.admit(Tat::default(), now, used).tat;
            let (_, taken) = gcra.take(state, now, need, want);
            let room = 5 - used;
            let units = if room < need { 0 } else { want.max(need).min(room) };
            assert_eq!((taken.units, taken.remaining), (units, room - units), "{used} {need} {want}");
            let retry = (room < need && need <= 5).then(|| (need - room) * SECOND / 10);
            assert_eq!(taken.retry_after, retry);
            assert_eq!(taken.reset, (used + units) * SECOND / 10);
        }
    }

    #[test]
    fn bytes_sort_as_times() {
        let times = [0, 1, 255, 256, u128::from(u64::MAX), 1 << 64, u128::MAX].map(Tat::from_nanos);
        assert!(times.windows(2).all(|pair| pair[0].to_bytes() < pair[1].to_bytes()));
        assert!(times.iter().all(|tat| Tat::from_bytes(tat.to_bytes()) == *tat));
    }
}
