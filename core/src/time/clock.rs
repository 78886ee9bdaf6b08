//! The clock guard: limits what a user gains by changing the clock.
//!
//! It keeps a *mark*: the latest time that is known to have passed. Within a
//! process the mark advances with the monotonic clock; between processes it is
//! persisted. A clock that falls behind the mark by little has no effect; by
//! more than a day it is doubted. A clock that jumps ahead by more than a week,
//! which nothing signed supports, is believed for now and does not move the
//! mark, so that a customer whose clock was wrong for a while is not locked
//! out when it is right again.
//!
//! A mark that nothing signed supports *heals*: when the wall clock has run
//! right beside the monotonic clock for a day, the mark falls back to it, by at
//! most seven days in all until something signed is newer. Without the bound,
//! setting the clock back and waiting for a day would void the guard.
//!
//! Whoever owns the machine controls its clock: the guard raises the cost of
//! cheating and cannot prevent it.

use super::timestamp::Timestamp;

/// A clock that is behind the mark by at most this many seconds is taken to be drifting.
pub const STEP_BACK: u64 = 86_400;
/// A clock that is ahead of the mark by more than this many seconds needs something signed to move the mark.
pub const JUMP_AHEAD: u64 = 7 * 86_400;

/// A mark falls back by at most this many seconds in all, until something signed is newer.
pub const HEALS: u64 = 7 * 86_400;
/// For so many seconds the wall clock must have run right before the mark falls back to it.
pub const STEADY: u64 = 86_400;
/// From one reading to the next, a wall clock that runs right differs from the monotonic clock by at most this many
/// seconds.
const DRIFT: u64 = 60;

/// What a revocation bundle vouches for by its time of issue, where the wall clock shows `wall`: that time, and
/// nothing (1970) if it is more than a day ahead.
///
/// Unlike the root's, a revocation key is in daily use. Whoever steals it, or mistypes a year, must not move a
/// mark that no later bundle moves back: within a day nothing is doubted, and the clock catches up.
pub fn published(issued_at: Timestamp, wall: Timestamp) -> Timestamp {
    if issued_at <= wall.saturating_add(STEP_BACK) { issued_at } else { Timestamp::EPOCH }
}

/// A reading of the guarded clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    /// The time to decide by.
    pub now: Timestamp,
    /// Since when the clock has been doubted; `None` if it is not.
    pub doubt_since: Option<Timestamp>,
}

impl From<Timestamp> for Time {
    /// A time that the caller vouches for.
    fn from(now: Timestamp) -> Self {
        Self { now, doubt_since: None }
    }
}

impl From<u64> for Time {
    /// A time in seconds since 1970 that the caller vouches for.
    fn from(now: u64) -> Self {
        Self::from(Timestamp::from_seconds(now))
    }
}

/// How far a mark has come towards falling back to the wall clock. Persist it with the mark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Healing {
    /// The latest time that something signed vouched for.
    pub signed: Timestamp,
    /// Seconds by which the mark has fallen back since something signed was newer.
    pub healed: u64,
    /// Seconds for which the wall clock has run right, behind the mark.
    pub steady: u64,
    /// The wall clock when it was read last.
    pub wall: Timestamp,
}

impl Healing {
    /// Takes a reading: `elapsed` is what the monotonic clock has counted since the last one, if it is known.
    fn read(&mut self, wall: Timestamp, elapsed: Option<u64>, signed: Timestamp) {
        if signed > self.signed {
            (self.signed, self.healed) = (signed, 0);
        }
        let ran = wall.seconds_since(self.wall);
        let back = wall < self.wall;
        // One that jumps ahead, as after a pause of the machine, has still run right before and after.
        let slow = elapsed.is_some_and(|elapsed| ran.saturating_add(DRIFT) < elapsed);
        let even = elapsed.filter(|elapsed| ran <= elapsed.saturating_add(DRIFT));
        self.steady = match (back || slow, even) {
            (true, _) => 0,
            (false, Some(elapsed)) => self.steady.saturating_add(elapsed.min(ran)),
            (false, None) => self.steady,
        };
        self.wall = wall;
    }

    /// By how many seconds a mark at `passed` falls back now.
    fn fall(&mut self, passed: Timestamp) -> u64 {
        if self.wall >= passed {
            self.steady = 0;
            return 0;
        }
        if self.steady < STEADY {
            return 0;
        }
        let most = HEALS.saturating_sub(self.healed);
        let fall = passed.seconds_since(self.wall.max(self.signed)).min(most);
        if fall > 0 {
            (self.healed, self.steady) = (self.healed.saturating_add(fall), 0);
        }
        fall
    }
}

/// The guard's memory.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    mark: Option<Timestamp>,
    /// Monotonic seconds at which the mark was known.
    marked_at: u64,
    doubt_since: Option<Timestamp>,
    healing: Healing,
    /// Whether it was read since it was made.
    is_read: bool,
}

impl Clock {
    /// A guard that has seen nothing: the first reading is believed.
    pub const fn new() -> Self {
        let (signed, wall) = (Timestamp::EPOCH, Timestamp::EPOCH);
        let healing = Healing { signed, healed: 0, steady: 0, wall };
        Self { mark: None, marked_at: 0, doubt_since: None, healing, is_read: false }
    }

    /// A guard that goes on from what was persisted: the mark, and since when the clock was doubted then.
    /// `monotonic` is the monotonic clock's time, in seconds.
    pub const fn resume(mark: Timestamp, doubt_since: Option<Timestamp>, monotonic: u64) -> Self {
        Self { mark: Some(mark), marked_at: monotonic, doubt_since, ..Self::new() }
    }

    /// Goes on from what was persisted of [`Clock::healing`].
    #[must_use]
    pub const fn with_healing(self, healing: Healing) -> Self {
        Self { healing, ..self }
    }

    /// How far the mark has come towards falling back to the wall clock. Persist it with the mark.
    pub fn healing(&self) -> Healing {
        self.healing
    }

    /// Since when the clock has been doubted. Persist it too, so that a restart does not begin a new grace.
    pub fn doubt_since(&self) -> Option<Timestamp> {
        self.doubt_since
    }

    /// The latest time that is known to have passed. Persist it.
    pub fn mark(&self) -> Option<Timestamp> {
        self.mark
    }

    /// Reads the clock.
    ///
    /// `wall` is the wall clock, `monotonic` a clock of the process that only
    /// advances, in seconds, and `signed` the latest time that something
    /// signed vouches for (1970 for none): a keyset's time of issue, or what is [`published`].
    pub fn read(&mut self, wall: impl Into<Timestamp>, monotonic: u64, signed: impl Into<Timestamp>) -> Time {
        let (wall, signed) = (wall.into(), signed.into());
        let elapsed = monotonic.saturating_sub(self.marked_at);
        let passed = self.mark.map_or(wall, |mark| mark.saturating_add(elapsed)).max(signed);
        self.healing.read(wall, self.is_read.then_some(elapsed), signed);
        let passed = passed.saturating_sub(self.healing.fall(passed));
        self.is_read = true;
        let jumped = wall > passed.saturating_add(JUMP_AHEAD);
        self.mark = Some(if jumped { passed } else { wall.max(passed) });
        self.marked_at = monotonic.max(self.marked_at);
        let now = wall.max(passed);
        let behind = wall < passed.saturating_sub(STEP_BACK);
        self.doubt_since = behind.then(|| self.doubt_since.unwrap_or(now));
        Time { now, doubt_since: self.doubt_since }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: u64 = 1_800_000_000;
    const DAY: u64 = 86_400;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn trusted(now: u64) -> Time {
        Time::from(now)
    }

    #[test]
    fn an_honest_clock_is_followed() {
        let mut clock = Clock::new();
        for second in [0, 1, 60, DAY, 6 * DAY] {
            assert_eq!(clock.read(T + second, second, 0), trusted(T + second));
            assert_eq!(clock.mark(), Some(at(T + second)));
        }
    }

    #[test]
    fn a_small_step_back_has_no_effect() {
        let mut clock = Clock::new();
        clock.read(T, 0, 0);
        assert_eq!(clock.read(T - 3600, 10, 0), trusted(T + 10), "time goes on with the monotonic clock");
        assert_eq!(clock.read(T + 10 - DAY, 10, 0), trusted(T + 10), "exactly a day");
    }

    #[test]
    fn a_rollback_is_doubted_and_heals_when_the_clock_is_right_again() {
        let mut clock = Clock::new();
        clock.read(T, 0, 0);
        assert_eq!(clock.read(T - DAY - 1, 0, 0), Time { now: at(T), doubt_since: Some(at(T)) });
        assert_eq!(clock.read(T - 5 * DAY, 100, 0), Time { now: at(T + 100), doubt_since: Some(at(T)) });
        assert_eq!(clock.read(T + 200, 200, 0), trusted(T + 200));
    }

    #[test]
    fn a_rollback_over_a_reboot_is_seen_by_the_persisted_mark() {
        let mut clock = Clock::resume(at(T), None, 5);
        assert_eq!(clock.read(T - 30 * DAY, 6, 0).doubt_since, Some(at(T + 1)));
        assert_eq!(clock.mark(), Some(at(T + 1)));
    }

    #[test]
    fn a_restart_does_not_begin_a_new_doubt() {
        let mut clock = Clock::resume(at(T), Some(at(T - 500)), 0);
        assert_eq!(clock.read(T - 3 * DAY, 0, 0).doubt_since, Some(at(T - 500)));
        assert_eq!(clock.read(T, 0, 0).doubt_since, None);
    }

    #[test]
    fn a_forward_jump_and_its_return_lock_nobody_out() {
        let mut clock = Clock::new();
        clock.read(T, 0, 0);
        let year = T + 365 * DAY;
        assert_eq!(clock.read(year, 1, 0), trusted(year), "believed for now");
        assert_eq!(clock.mark(), Some(at(T + 1)), "and not remembered");
        assert_eq!(clock.read(T + 2, 2, 0), trusted(T + 2));
    }

    #[test]
    fn a_long_sleep_is_believed_and_something_signed_makes_it_last() {
        // The machine slept for a month, and its monotonic clock with it.
        let mut clock = Clock::resume(at(T), None, 0);
        let awake = T + 30 * DAY;
        assert_eq!(clock.read(awake, 1, 0), trusted(awake));
        assert_eq!(clock.mark(), Some(at(T + 1)));
        assert_eq!(clock.read(awake + 1, 2, awake - DAY), trusted(awake + 1), "a bundle of yesterday");
        assert_eq!(clock.mark(), Some(at(awake + 1)));
        assert!(clock.read(T, 3, 0).doubt_since.is_some(), "and now a rollback shows");
    }

    #[test]
    fn something_signed_is_never_in_the_future() {
        let mut clock = Clock::new();
        clock.read(T, 0, 0);
        assert_eq!(clock.read(T, 0, T + 3600), trusted(T + 3600), "a drifting clock is put right");
        assert!(clock.read(T, 0, T + 2 * DAY).doubt_since.is_some(), "one that is days behind is doubted");
    }

    #[test]
    fn a_bundle_that_is_far_ahead_moves_nothing() {
        assert_eq!(
            [T - DAY, T, T + DAY].map(|issued| published(at(issued), at(T))),
            [T - DAY, T, T + DAY].map(at)
        );
        assert_eq!([T + DAY + 1, u64::MAX].map(|issued| published(at(issued), at(T))), [Timestamp::EPOCH; 2]);
        assert_eq!(published(Timestamp::MAX, Timestamp::MAX), Timestamp::MAX);
        let mut clock = Clock::new();
        assert_eq!(clock.read(T, 0, published(at(T + DAY), at(T))), trusted(T + DAY));
        assert_eq!(
            clock.read(T + 1, 1, 0),
            trusted(T + DAY + 1),
            "and nothing is doubted when it is taken back"
        );
    }

    /// Reads the clock each minute for some seconds, with a wall clock that is `behind` seconds behind `at`.
    fn run(clock: &mut Clock, from: u64, seconds: u64, behind: u64, signed: u64) -> Time {
        let mut time = Time::from(0);
        for second in (0..=seconds).step_by(60) {
            time = clock.read(from + second - behind, from + second - T, signed);
        }
        time
    }

    #[test]
    fn a_mark_that_nothing_signed_supports_heals_after_a_day_of_a_right_clock() {
        let mut clock = Clock::new();
        clock.read(T, 0, T - DAY);
        clock.read(T + 3 * DAY, 0, T - DAY); // ahead, once
        let doubted = run(&mut clock, T, DAY - 60, 0, T - DAY);
        assert!(doubted.doubt_since.is_some() && clock.healing().healed == 0, "not before a day");
        let right = T + DAY;
        assert_eq!(clock.read(right, DAY, T - DAY), trusted(right));
        assert_eq!((clock.mark(), clock.healing().healed), (Some(at(right)), 3 * DAY));
        assert_eq!(clock.read(right + 9, DAY + 9, T - DAY), trusted(right + 9));
    }

    #[test]
    fn a_day_may_be_made_of_many_short_runs() {
        let mut kept = (at(T + 3 * DAY), None, Healing::default());
        let mut runs = 0;
        for start in (0..60 * DAY).step_by(7200) {
            // A process of an hour, and an hour without one. Its monotonic clock starts anew.
            let mut clock = Clock::resume(kept.0, kept.1, 0).with_healing(kept.2);
            for second in (0..=3600).step_by(60) {
                clock.read(T + start + second, second, 0);
            }
            kept = (clock.mark().unwrap(), clock.doubt_since(), clock.healing());
            runs += 1;
            if kept.1.is_none() && kept.2.healed > 0 {
                break;
            }
        }
        assert!((24..=26).contains(&runs), "{runs}");
    }

    #[test]
    fn a_clock_that_is_set_back_gains_seven_days_in_all() {
        let mut clock = Clock::new();
        run(&mut clock, T, DAY, 0, T);
        // Set back by 30 days: after a day the mark falls by a week, and then no more.
        run(&mut clock, T + DAY, 40 * DAY, 30 * DAY, T);
        let mark = T + 41 * DAY - HEALS;
        assert_eq!((clock.mark(), clock.healing().healed), (Some(at(mark)), HEALS));
        assert!(clock.doubt_since().is_some());
        // Something signed that is newer lets it fall again, but not behind itself.
        run(&mut clock, T + 41 * DAY, 2 * DAY, 30 * DAY, mark - 2 * DAY);
        let healed = clock.healing().healed;
        assert!((2 * DAY..=4 * DAY).contains(&healed), "{healed}");
        assert!(clock.mark() >= Some(at(mark - 2 * DAY)));
    }

    #[test]
    fn a_wall_clock_that_stands_still_or_is_set_back_is_not_steady() {
        for wrong in [
            |second: u64| second / 2,
            |_| 0,
            |second: u64| if second.is_multiple_of(43_200) { 0 } else { second },
        ] {
            let mut clock = Clock::resume(at(T + 3 * DAY), None, 0);
            for second in (0..5 * DAY).step_by(300) {
                clock.read(T - 9 * DAY + wrong(second), second, 0);
            }
            assert_eq!(clock.healing().healed, 0);
        }
    }

    #[test]
    fn a_machine_that_sleeps_is_steady_while_it_is_awake() {
        let mut clock = Clock::resume(at(T + 3 * DAY), None, 0);
        let (mut wall, mut monotonic) = (T, 0);
        for _ in 0..26 {
            for _ in 0..60 {
                clock.read(wall, monotonic, 0);
                (wall, monotonic) = (wall + 60, monotonic + 60);
            }
            wall += 600; // asleep, and its monotonic clock with it
        }
        assert_eq!(clock.read(wall, monotonic, 0).doubt_since, None);
        assert!(clock.healing().healed > 0);
    }

    #[test]
    fn a_jump_of_just_a_week_is_remembered() {
        let mut clock = Clock::resume(at(T), None, 0);
        clock.read(T + JUMP_AHEAD, 0, 0);
        assert_eq!(clock.mark(), Some(at(T + JUMP_AHEAD)));
        clock.read(u64::MAX, u64::MAX, u64::MAX);
        assert_eq!(clock.mark(), Some(at(u64::MAX)));
    }
}
