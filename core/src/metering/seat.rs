//! Seats: how many may use a licence at the same time.
//!
//! All times are of the store's clock, in seconds, so that no caller's clock matters. A store keeps one [`SeatClock`]
//! and, for each holder, the second in which its seat ends; sorted by it, so that neither taking a seat nor a
//! heartbeat looks at all of them.

/// Longest time to live of a seat, in seconds: 31 days.
pub const LONGEST: u64 = 31 * 86_400;

/// A time that only advances, made of the store's clock: when that is set back, this goes on from where it was. So a
/// clock that was ahead when a seat was taken does not make it last: only the time between the last reading and the
/// step back is not seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SeatClock {
    /// The store's time when it was read last.
    pub read_at: u64,
    /// How far this time is ahead of the store's: by how much that was set back, in all.
    pub ahead: u64,
}

impl SeatClock {
    /// Reads the clock when the store's shows `now`. Returns the state to keep, and the time that seats go by.
    #[must_use]
    pub fn read(self, now: u64) -> (Self, u64) {
        let ahead = self.ahead.saturating_add(self.read_at.saturating_sub(now));
        (Self { read_at: now, ahead }, now.saturating_add(ahead))
    }

    /// The store's time at which a seat ends.
    pub fn of_store(self, seat_time: u64) -> u64 {
        seat_time.saturating_sub(self.ahead)
    }
}

/// A holder's seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// The first second, by the [`SeatClock`], in which it is free again.
    pub ends: u64,
}

/// The seats of all others, as the store finds them when those that have ended are dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Others {
    /// How many they are.
    pub count: u64,
    /// When the first of them ends.
    pub first: Option<u64>,
}

/// What became of asking for a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seating {
    /// The holder's seat: keep it. `None` if it has none: drop the one that it had, if any.
    pub seat: Option<Seat>,
    /// Seats that are taken now, the holder's own among them.
    pub taken: u64,
    /// When the first of them ends unless it is kept, by the [`SeatClock`].
    pub next_free: Option<u64>,
}

impl Seat {
    /// Whether it has ended at `now`, by the [`SeatClock`].
    pub fn is_over(self, now: u64) -> bool {
        self.ends <= now
    }
}

/// Takes a seat, or keeps the one that the holder has (a heartbeat): both ask the same. `now` is by the [`SeatClock`],
/// `ttl` in seconds.
///
/// The holder's own seat does not stand in its way, unless `limit` has sunk below the number of the others: then it
/// loses it. An empty time to live is one second, and one above [`LONGEST`] counts as that.
#[must_use]
pub fn take(others: Others, limit: u64, ttl: u64, now: u64) -> Seating {
    if others.count >= limit {
        return Seating { seat: None, taken: others.count, next_free: others.first };
    }
    let ends = now.saturating_add(ttl.clamp(1, LONGEST));
    let first = others.first.map_or(ends, |first| first.min(ends));
    // It is at most the limit.
    Seating { seat: Some(Seat { ends }), taken: others.count.saturating_add(1), next_free: Some(first) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// A store of seats, as memory or a sorted set would have it.
    #[derive(Default)]
    struct Seats {
        clock: SeatClock,
        held: BTreeMap<u64, Seat>,
    }

    impl Seats {
        fn ask(&mut self, holder: u64, limit: u64, ttl: u64, store_now: u64) -> Seating {
            let (clock, now) = self.clock.read(store_now);
            self.clock = clock;
            self.held.retain(|_, seat| !seat.is_over(now));
            let own = self.held.remove(&holder);
            let first = self.held.values().map(|seat| seat.ends).min();
            let seating = take(Others { count: self.held.len() as u64, first }, limit, ttl, now);
            self.held.extend(seating.seat.map(|seat| (holder, seat)));
            assert_eq!(self.held.len() as u64, seating.taken, "{own:?}");
            seating
        }
    }

    #[test]
    fn two_seats_for_three_holders() {
        let mut seats = Seats::default();
        assert_eq!(
            seats.ask(1, 2, 60, 100),
            Seating { seat: Some(Seat { ends: 160 }), taken: 1, next_free: Some(160) }
        );
        assert_eq!(
            seats.ask(2, 2, 30, 110),
            Seating { seat: Some(Seat { ends: 140 }), taken: 2, next_free: Some(140) }
        );
        assert_eq!(seats.ask(3, 2, 60, 139), Seating { seat: None, taken: 2, next_free: Some(140) });
        assert_eq!(seats.ask(2, 2, 30, 139).seat, Some(Seat { ends: 169 }), "a heartbeat");
        assert_eq!(seats.ask(3, 2, 60, 160).seat, Some(Seat { ends: 220 }), "the first second that is free");
        assert_eq!(seats.ask(2, 1, 60, 161).seat, None, "the limit has sunk");
        assert_eq!(seats.ask(3, 1, 60, 161).seat, Some(Seat { ends: 221 }));
    }

    #[test]
    fn times_to_live_are_bounded() {
        let ends = |ttl| take(Others::default(), 1, ttl, 10).seat.unwrap().ends;
        assert_eq!(
            [0, 1, LONGEST, LONGEST + 1, u64::MAX].map(ends),
            [11, 11, 10 + LONGEST, 10 + LONGEST, 10 + LONGEST]
        );
        assert_eq!(take(Others::default(), 0, 1, 10).seat, None);
    }

    #[test]
    fn a_clock_that_was_ahead_once_locks_no_seat() {
        let mut seats = Seats::default();
        seats.ask(1, 1, 60, 1_000_000);
        let refused = seats.ask(2, 1, 60, 996_400); // an hour back
        assert_eq!(
            (refused.seat, refused.next_free.map(|free| seats.clock.of_store(free))),
            (None, Some(996_460))
        );
        assert!(seats.ask(2, 1, 60, 996_459).seat.is_none());
        assert!(seats.ask(2, 1, 60, 996_460).seat.is_some());
    }

    #[test]
    fn under_random_clocks_there_are_never_more_than_the_limit_and_each_ends_in_time() {
        let mut random = fastrand::Rng::with_seed(3);
        let mut seats = Seats::default();
        // By holder: how many seconds its seat has left. A step back hides what has passed since the last reading.
        let mut left: BTreeMap<u64, u64> = BTreeMap::new();
        let mut clock = 100_000_000_u64;
        for _ in 0..20_000 {
            let before = clock;
            clock += random.u64(..5);
            if random.u64(..10) == 0 {
                clock -= random.u64(..5_000);
            }
            let seen = clock.saturating_sub(before);
            left.retain(|_, seconds| {
                *seconds = seconds.saturating_sub(seen);
                *seconds > 0
            });
            let (holder, limit, ttl) = (random.u64(..6), 1 + random.u64(..3), 1 + random.u64(..20));
            let seating = seats.ask(holder, limit, ttl, clock);
            left.remove(&holder);
            assert_eq!(seating.seat.is_some(), (left.len() as u64) < limit);
            if seating.seat.is_some() {
                left.insert(holder, ttl);
            }
            assert_eq!(left.len(), seats.held.len());
        }
    }
}
