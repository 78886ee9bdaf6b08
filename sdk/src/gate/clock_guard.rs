//! The clock guard, shared by all threads. It takes its lock at most once per second of the wall clock.

use std::sync::Arc;

use licentia_core::{
    Clock, Time, Timestamp,
    inner::clock::{JUMP_AHEAD, STEP_BACK},
};

use crate::{
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
}

#[derive(Default)]
struct GuardState {
    clock: Option<Clock>,
    /// Whether the saved mark was loaded.
    resumed: bool,
    saved: Timestamp,
    saved_doubt: bool,
    /// Seconds of the monotonic clock before which it is not saved again, and the present pause.
    retry_at: u64,
    put_off: u64,
    /// The day of the mark when the store last dropped old periods.
    forgot: u64,
}

/// A mark, and since when the clock was doubted then.
type Mark = (Timestamp, Option<Timestamp>);

impl ClockGuard {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        let state = PerProcess::new(GuardState::default(), GuardState::default);
        Self { store, state, latest: CachedReading::default() }
    }

    /// The time of the last reading, or 1970 before the first one.
    pub(crate) fn known(&self) -> Timestamp {
        self.latest.get().map(|latest| latest.time.now).unwrap_or_default()
    }

    /// Reads the clock. `signed` is the latest time that something signed vouches for.
    pub(crate) fn read(&self, now: Now, signed: Timestamp) -> Time {
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
            let time = clock.read(now.time, monotonic, signed);
            state.clock = Some(clock);
            let (wall, monotonic_nanos) = (now.time, now.monotonic_nanos);
            self.latest.set(ClockReading { wall, monotonic_nanos, signed, time });
            (time, state.due(&clock, monotonic))
        });
        // Outside the lock: a store that does not answer delays this request only.
        if let Some(mark) = due {
            let saved = self.save(mark);
            self.state.with(|state| state.tell(mark, saved.ok(), monotonic));
            self.forget();
        }
        time
    }

    fn resume(&self, state: &mut GuardState, monotonic: u64) -> Clock {
        let Ok(saved) = self.store.load(MARK) else { return Clock::new() };
        state.resumed = true;
        saved
            .and_then(|saved| decode(&saved))
            .map_or_else(Clock::new, |(mark, doubt_since)| Clock::resume(mark, doubt_since, monotonic))
    }

    /// Saves a mark, unless the store has a later one. Returns the one that the store has then.
    fn save(&self, (mark, doubt_since): Mark) -> Result<Mark, Unreachable> {
        loop {
            let saved = self.store.load(MARK)?;
            match saved.as_deref().and_then(decode) {
                Some(other) if other.0 > mark => return Ok(other),
                _ if self.store.replace(MARK, saved.as_deref(), &encode(mark, doubt_since))? => {
                    return Ok((mark, doubt_since));
                }
                _ => {} // another process was first
            }
        }
    }

    /// Once a day, lets the store forget periods that ended long before the mark.
    fn forget(&self) {
        let due = self.state.with(|state| {
            let day = state.saved.as_seconds() / STEP_BACK;
            (std::mem::replace(&mut state.forgot, day) != day).then_some(state.saved)
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
        let (mark, doubt_since) = (clock.mark()?, clock.doubt_since());
        let later = mark >= self.saved.saturating_add(SAVE_EVERY);
        if (!later && doubt_since.is_some() == self.saved_doubt) || monotonic < self.retry_at {
            return None;
        }
        // No other thread tries meanwhile.
        self.retry_at = monotonic.saturating_add(RETRY);
        Some((mark, doubt_since))
    }

    /// Records the result of saving `mark`: the mark that the store has now, if it was reached.
    fn tell(&mut self, mark: Mark, saved: Option<Mark>, monotonic: u64) {
        let Some(saved) = saved else {
            self.put_off = self.put_off.saturating_mul(2).clamp(1, RETRY);
            self.retry_at = monotonic.saturating_add(self.put_off);
            return;
        };
        (self.saved, self.saved_doubt) = (mark.0, mark.1.is_some());
        (self.retry_at, self.put_off) = (0, 0);
        if !self.resumed && saved.0 > mark.0 {
            // The store was unreachable when this process started, and has a later mark.
            self.clock = Some(Clock::resume(saved.0, saved.1, monotonic));
        }
        self.resumed = true;
    }
}

/// The mark, and the time since when the clock was doubted, or 0.
fn encode(mark: Timestamp, doubt_since: Option<Timestamp>) -> [u8; 16] {
    let [mark, doubt] = [mark, doubt_since.unwrap_or_default()].map(|time| u128::from(time.as_seconds()));
    ((mark << 64) | doubt).to_be_bytes()
}

fn decode(saved: &[u8]) -> Option<Mark> {
    let (mark, doubt) = saved.split_first_chunk::<8>()?;
    let doubt = u64::from_be_bytes(doubt.try_into().ok()?);
    Some((u64::from_be_bytes(*mark).into(), (doubt > 0).then_some(doubt.into())))
}
