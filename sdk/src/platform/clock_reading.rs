//! The latest clock reading, shared by all threads as a seqlock: reading it writes no memory.

use std::sync::atomic::{AtomicU64, Ordering, fence};

use licentia_core::{Time, Timestamp};

/// What the clock said when it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClockReading {
    pub(crate) wall: Timestamp,
    pub(crate) monotonic_nanos: u64,
    pub(crate) signed: Timestamp,
    pub(crate) time: Time,
}

/// Encodes a clock that is not doubted.
const NO_DOUBT: u64 = u64::MAX;

/// A seqlock. The words belong together if the version is even and the same before and after reading them.
#[derive(Default)]
pub(crate) struct CachedReading {
    version: AtomicU64,
    words: [AtomicU64; 5],
}

impl CachedReading {
    /// The latest reading; none at first, and while a thread replaces it.
    pub(crate) fn get(&self) -> Option<ClockReading> {
        let version = self.version.load(Ordering::Acquire);
        let [wall, monotonic_nanos, signed, now, doubt] = [0, 1, 2, 3, 4]
            .map(|at| self.words.get(at).map_or(0, |word: &AtomicU64| word.load(Ordering::Relaxed)));
        fence(Ordering::Acquire);
        if version == 0 || version % 2 == 1 || self.version.load(Ordering::Relaxed) != version {
            return None;
        }
        let doubt_since = (doubt != NO_DOUBT).then_some(doubt.into());
        let time = Time { now: now.into(), doubt_since };
        Some(ClockReading { wall: wall.into(), monotonic_nanos, signed: signed.into(), time })
    }

    /// Replaces the reading. Only one thread may do this at a time.
    pub(crate) fn set(&self, reading: ClockReading) {
        let ClockReading { wall, monotonic_nanos, signed, time } = reading;
        // A fork may have left the version odd.
        let replacing = self.version.load(Ordering::Relaxed) | 1;
        self.version.store(replacing, Ordering::Relaxed);
        fence(Ordering::Release);
        let doubt = time.doubt_since.map_or(NO_DOUBT, Timestamp::as_seconds);
        let words = [wall.as_seconds(), monotonic_nanos, signed.as_seconds(), time.now.as_seconds(), doubt];
        for (word, value) in self.words.iter().zip(words) {
            word.store(value, Ordering::Relaxed);
        }
        self.version.store(replacing.wrapping_add(1), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(at: u64) -> ClockReading {
        let doubt_since = at.is_multiple_of(3).then_some(at.into());
        let time = Time { now: at.into(), doubt_since };
        ClockReading { wall: at.into(), monotonic_nanos: at, signed: at.into(), time }
    }

    #[test]
    fn there_is_nothing_before_the_first_and_a_fork_in_between_heals() {
        let latest = CachedReading::default();
        assert_eq!(latest.get(), None);
        latest.set(reading(3));
        assert_eq!(latest.get(), Some(reading(3)));
        latest.version.fetch_add(1, Ordering::Relaxed);
        assert_eq!(latest.get(), None, "it is being replaced");
        latest.set(reading(4));
        assert_eq!(latest.get(), Some(reading(4)));
    }

    #[test]
    fn no_thread_sees_half_of_a_reading() {
        let latest = CachedReading::default();
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let mut seen = Timestamp::EPOCH;
                    while seen.as_seconds() < 200_000 {
                        if let Some(found) = latest.get() {
                            assert_eq!(found, reading(found.wall.as_seconds()));
                            assert!(found.wall >= seen, "time goes on");
                            seen = found.wall;
                        }
                    }
                });
            }
            (1..=200_000).for_each(|at| latest.set(reading(at)));
        });
    }
}
