//! The clock guard, shared by all threads. It takes its lock at most once per second of the wall clock.
//!
//! The mark is kept in the store. If the store has its own clock, as one that many machines share, that is the mark:
//! a machine whose clock is wrong then harms itself alone.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use licentia_core::{
    Clock, Time, Timestamp,
    inner::clock::{Healing, JUMP_AHEAD, STEP_BACK},
};

use crate::{
    metering::{Driver, Slot},
    platform::{CachedReading, ClockReading, Now, PerProcess},
    store::{Store, Unreachable},
};

/// Name of the mark in the store.
const MARK: &str = "clock.mark";
const NANOS: u64 = 1_000_000_000;
/// The mark is saved when it is this many seconds past the one saved before.
const SAVE_EVERY: u64 = 60;
/// After a failed save the next try is in 1 second, and the pause doubles up to this.
const RETRY: u64 = 60;
/// The store forgets periods that ended this many seconds before the mark: longer than a wrong clock may have moved the
/// mark ahead, or than a clock may lag behind it.
const FORGET: u64 = JUMP_AHEAD + STEP_BACK;

pub(crate) struct ClockGuard {
    store: Arc<dyn Store>,
    state: PerProcess<GuardState>,
    /// The last reading, which holds for the rest of its second.
    latest: CachedReading,
    /// Whether the mark was asked for.
    is_resumed: AtomicBool,
    /// Seconds by which the mark has fallen back, until somebody asks.
    healed: AtomicU64,
}

#[derive(Default)]
struct GuardState {
    clock: Option<Clock>,
    /// Whether the saved mark was loaded.
    resumed: bool,
    saved: Mark,
    /// Seconds of the monotonic clock before which it is not saved again, and the present pause.
    retry_at: u64,
    put_off: u64,
    /// The day of the mark when the store last dropped old periods.
    forgot: u64,
}

/// What is kept of a clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Mark {
    time: Timestamp,
    /// Since when the clock was doubted.
    doubt_since: Option<Timestamp>,
    healing: Healing,
}

impl Mark {
    fn of(clock: &Clock) -> Option<Self> {
        let (doubt_since, healing) = (clock.doubt_since(), clock.healing());
        clock.mark().map(|time| Self { time, doubt_since, healing })
    }

    /// The clock that goes on from it.
    fn resume(self, monotonic: u64) -> Clock {
        Clock::resume(self.time, self.doubt_since, monotonic).with_healing(self.healing)
    }

    /// Whether it takes the place of another one. A mark that has fallen back is not raised again by one that has not.
    fn is_past(&self, other: &Self) -> bool {
        let order = |mark: &Self| (mark.healing.signed, mark.healing.healed, mark.time);
        order(self) > order(other)
    }
}

impl ClockGuard {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        let state = PerProcess::new(GuardState::default(), GuardState::default);
        let (healed, is_resumed) = (AtomicU64::new(0), AtomicBool::new(false));
        Self { store, state, latest: CachedReading::default(), healed, is_resumed }
    }

    /// The seconds by which the mark has fallen back to the wall clock since this was asked last.
    #[inline]
    pub(crate) fn take_healed(&self) -> Option<u64> {
        let healed = self.healed.load(Ordering::Relaxed) > 0;
        healed.then(|| self.healed.swap(0, Ordering::Relaxed)).filter(|seconds| *seconds > 0)
    }

    /// The time of the last reading, or 1970 before the first one.
    pub(crate) fn known(&self) -> Timestamp {
        self.latest.get().map(|latest| latest.time.now).unwrap_or_default()
    }

    /// Reads the clock. `signed` is the latest time that something signed vouches for.
    pub(crate) fn read(self: &Arc<Self>, now: Now, signed: Timestamp, driver: &Driver) -> Time {
        if let Some(latest) = self.latest.get() {
            // A wall clock that stands still must not stop time: a reading expires after a monotonic second.
            let fresh = now.monotonic_nanos.saturating_sub(latest.monotonic_nanos) < NANOS;
            if latest.wall == now.time && fresh && signed <= latest.signed {
                return latest.time;
            }
        }
        let monotonic = now.monotonic_nanos / NANOS;
        let (time, due) = self.state.with(|state| {
            let mut clock = state.clock.unwrap_or_else(|| self.resume(state, monotonic));
            let before = clock.healing().healed;
            let time = clock.read(now.time, monotonic, signed);
            // It starts anew when something signed is newer.
            let healed = clock.healing().healed;
            if healed > before {
                self.healed.fetch_add(healed - before, Ordering::Relaxed);
            }
            state.clock = Some(clock);
            let (wall, monotonic_nanos) = (now.time, now.monotonic_nanos);
            self.latest.set(ClockReading { wall, monotonic_nanos, signed, time });
            (time, state.due(&clock, monotonic))
        });
        if let Some(mark) = due {
            // Beside the requests: a store that does not answer delays none.
            let guard = Arc::clone(self);
            driver.run(move |_| {
                let saved = guard.keep(mark);
                guard.state.with(|state| state.tell(mark, saved.ok(), monotonic));
                guard.forget();
            });
        }
        time
    }

    /// Whether the mark was asked for, so that a reading does not wait for the store.
    pub(crate) fn is_resumed(&self) -> bool {
        self.is_resumed.load(Ordering::Relaxed)
    }

    /// Asks for the mark, beside the requests.
    pub(crate) fn begin_to_resume(self: &Arc<Self>, now: Now, driver: &Driver) -> Arc<Slot<()>> {
        let (guard, slot) = (Arc::clone(self), Slot::new());
        let asked = Arc::clone(&slot);
        driver.run(move |_| {
            guard.state.with(|state| {
                let clock = state.clock.unwrap_or_else(|| guard.resume(state, now.monotonic_nanos / NANOS));
                state.clock = Some(clock);
            });
            slot.answer(Ok(()));
        });
        asked
    }

    fn resume(&self, state: &mut GuardState, monotonic: u64) -> Clock {
        self.is_resumed.store(true, Ordering::Relaxed);
        let kept = match self.store.time() {
            Ok(Some(time)) => Ok(Some(Mark { time: time.into(), ..Mark::default() })),
            Ok(None) => self.store.load(MARK).map(|saved| saved.and_then(|saved| decode(&saved))),
            Err(unreachable) => Err(unreachable),
        };
        let Ok(kept) = kept else { return Clock::new() };
        state.resumed = true;
        kept.map_or_else(Clock::new, |mark| mark.resume(monotonic))
    }

    /// Keeps a mark in the store, unless that has its own clock. Returns the mark that the store has then.
    fn keep(&self, mark: Mark) -> Result<Kept, Unreachable> {
        Ok(match self.store.time()? {
            Some(time) => Kept::Clock(time.into()),
            None => Kept::Mark(self.save(mark)?),
        })
    }

    /// Saves a mark, unless the store has a later one. Returns the one that the store has then.
    fn save(&self, mark: Mark) -> Result<Mark, Unreachable> {
        loop {
            let saved = self.store.load(MARK)?;
            match saved.as_deref().and_then(decode) {
                Some(other) if other.is_past(&mark) => return Ok(other),
                _ if self.store.replace(MARK, saved.as_deref(), &encode(&mark))? => return Ok(mark),
                _ => {} // another process was first
            }
        }
    }

    /// Once a day, lets the store forget periods that ended long before the mark.
    fn forget(&self) {
        let due = self.state.with(|state| {
            let day = state.saved.time.as_seconds() / STEP_BACK;
            (std::mem::replace(&mut state.forgot, day) != day).then_some(state.saved.time)
        });
        if let Some(mark) = due {
            // If it fails, tomorrow's call does the same work.
            let _ = self.store.forget(mark.saturating_sub(FORGET).as_seconds());
        }
    }
}

impl GuardState {
    /// The mark to save now. The caller that gets `Some` must save it.
    fn due(&mut self, clock: &Clock, monotonic: u64) -> Option<Mark> {
        let (mark, saved) = (Mark::of(clock)?, &self.saved);
        let later = mark.time >= saved.time.saturating_add(SAVE_EVERY);
        let fell = mark.healing.healed > saved.healing.healed;
        let doubt = mark.doubt_since.is_some() != saved.doubt_since.is_some();
        if !(later || fell || doubt) || monotonic < self.retry_at {
            return None;
        }
        // No other thread tries meanwhile.
        self.retry_at = monotonic.saturating_add(RETRY);
        Some(mark)
    }

    /// Records the result of saving `mark`: what the store has now, if it was reached.
    fn tell(&mut self, mark: Mark, kept: Option<Kept>, monotonic: u64) {
        let Some(kept) = kept else {
            self.put_off = self.put_off.saturating_mul(2).clamp(1, RETRY);
            self.retry_at = monotonic.saturating_add(self.put_off);
            return;
        };
        self.saved = mark;
        (self.retry_at, self.put_off) = (0, 0);
        match kept {
            // The store's clock is the mark, also if it is behind this machine's.
            Kept::Clock(time) => {
                let healing = Healing { healed: 0, steady: 0, ..mark.healing };
                let doubt_since = mark.doubt_since;
                self.clock =
                    Some(Mark { time: time.max(healing.signed), doubt_since, healing }.resume(monotonic));
            }
            // The store was unreachable when this process started, and has a later mark; or the mark has fallen back for
            // another process.
            Kept::Mark(saved) if !self.resumed || saved.healing.healed > mark.healing.healed => {
                if saved.is_past(&mark) {
                    self.clock = Some(saved.resume(monotonic));
                }
            }
            Kept::Mark(_) => {}
        }
        self.resumed = true;
    }
}

/// What a store has of the time.
enum Kept {
    /// Its own clock.
    Clock(Timestamp),
    /// A mark.
    Mark(Mark),
}

/// The mark, the time since when the clock was doubted or 0, and the healing: numbers of 8 bytes, big-endian.
fn encode(mark: &Mark) -> Vec<u8> {
    let Healing { signed, healed, steady, wall } = mark.healing;
    let [time, doubt, signed, wall] =
        [mark.time, mark.doubt_since.unwrap_or_default(), signed, wall].map(Timestamp::as_seconds);
    [time, doubt, signed, healed, steady, wall].map(u64::to_be_bytes).concat()
}

/// Earlier versions saved the first two numbers.
fn decode(saved: &[u8]) -> Option<Mark> {
    let (numbers, []) = saved.as_chunks::<8>() else { return None };
    let [time, doubt, rest @ ..] = numbers else { return None };
    let [time, doubt] = [time, doubt].map(|number| u64::from_be_bytes(*number));
    let healing = match rest {
        [] => Healing::default(),
        [signed, healed, steady, wall] => {
            let [signed, healed, steady, wall] =
                [signed, healed, steady, wall].map(|number| u64::from_be_bytes(*number));
            Healing { signed: signed.into(), healed, steady, wall: wall.into() }
        }
        _ => return None,
    };
    Some(Mark { time: time.into(), doubt_since: (doubt > 0).then_some(doubt.into()), healing })
}
