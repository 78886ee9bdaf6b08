//! The clock guard, shared by all threads. It is locked at most once in a second of the wall clock.

use std::sync::Arc;

use licentia_core::{
    Clock, Time,
    inner::clock::{JUMP_AHEAD, STEP_BACK},
};

use crate::{
    latest::{Latest, Reading},
    now::Now,
    own::Own,
    store::{Store, Unreachable},
};

/// Name of the mark in the store.
const MARK: &str = "clock.mark";
const NANOS: u64 = 1_000_000_000;
/// The mark is saved when it is this many seconds past the one saved before.
const SAVE_EVERY: u64 = 60;
/// After a save that failed it is tried again in a second, and each time in twice as many, up to this.
const RETRY: u64 = 60;
/// The store forgets periods that ended this many seconds before the mark: longer than a clock may have moved it ahead
/// by mistake, or be behind it.
const FORGET: u64 = JUMP_AHEAD + STEP_BACK;

pub(crate) struct Guard {
    store: Arc<dyn Store>,
    state: Own<State>,
    /// What the clock said when it was read last, which holds for the rest of that second.
    latest: Latest,
}

#[derive(Default)]
struct State {
    clock: Option<Clock>,
    /// Whether what was persisted before is known.
    resumed: bool,
    saved: u64,
    saved_doubt: bool,
    /// Seconds of the monotonic clock before which it is not saved again, and how long that was put off.
    retry_at: u64,
    put_off: u64,
    /// The day of the mark when the store was told to forget.
    forgot: u64,
}

/// A mark, and since when the clock was doubted then.
type Mark = (u64, Option<u64>);

impl Guard {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        let state = Own::new(State::default(), State::default);
        Self { store, state, latest: Latest::default() }
    }

    /// Reads the clock. `signed` is the latest time that something signed vouches for.
    pub(crate) fn read(&self, now: Now, signed: u64) -> Time {
        if let Some(latest) = self.latest.get() {
            // A wall clock that stands still must not stop time: the reading is old after a second of the other one.
            let fresh = now.monotonic_nanos.saturating_sub(latest.monotonic_nanos) < NANOS;
            if latest.wall == now.seconds && fresh && signed <= latest.signed {
                return latest.time;
            }
        }
        let monotonic = now.monotonic_nanos / NANOS;
        let (time, due) = self.state.with(|state| {
            let mut clock = state.clock.unwrap_or_else(|| self.resume(state, monotonic));
            let time = clock.read(now.seconds, monotonic, signed);
            state.clock = Some(clock);
            let (wall, monotonic_nanos) = (now.seconds, now.monotonic_nanos);
            self.latest.set(Reading { wall, monotonic_nanos, signed, time });
            (time, state.due(&clock, monotonic))
        });
        // Beside the lock: a store that does not answer holds up this request, and no other.
        if let Some(mark) = due {
            let saved = self.save(mark);
            self.state.with(|state| state.tell(mark, saved.ok(), monotonic));
            self.forget();
        }
        time
    }

    fn resume(&self, state: &mut State, monotonic: u64) -> Clock {
        let Ok(saved) = self.store.load(MARK) else { return Clock::new() };
        state.resumed = true;
        saved
            .and_then(|saved| decode(&saved))
            .map_or_else(Clock::new, |(mark, doubt_since)| Clock::resume(mark, doubt_since, monotonic))
    }

    /// Saves a mark, unless a later one is there. Gives the one that is there then.
    fn save(&self, (mark, doubt_since): Mark) -> Result<Mark, Unreachable> {
        loop {
            let saved = self.store.load(MARK)?;
            match saved.as_deref().and_then(decode) {
                Some(other) if other.0 > mark => return Ok(other),
                _ if self.store.replace(MARK, saved.as_deref(), &encode(mark, doubt_since))? => {
                    return Ok((mark, doubt_since));
                }
                _ => {} // another one was first
            }
        }
    }

    /// Lets the store forget what ended long before the mark, once a day.
    fn forget(&self) {
        let due = self.state.with(|state| {
            let day = state.saved / STEP_BACK;
            (std::mem::replace(&mut state.forgot, day) != day).then_some(state.saved)
        });
        if let Some(mark) = due {
            // Where it fails, tomorrow's does as much.
            let _ = self.store.forget(mark.saturating_sub(FORGET));
        }
    }
}

impl State {
    /// What is to be saved now. Who is given it, saves it; others go on.
    fn due(&mut self, clock: &Clock, monotonic: u64) -> Option<Mark> {
        let (mark, doubt_since) = (clock.mark()?, clock.doubt_since());
        let later = mark >= self.saved.saturating_add(SAVE_EVERY);
        if (!later && doubt_since.is_some() == self.saved_doubt) || monotonic < self.retry_at {
            return None;
        }
        // Nobody else tries meanwhile.
        self.retry_at = monotonic.saturating_add(RETRY);
        Some((mark, doubt_since))
    }

    /// Takes what came of saving `mark`: what is saved now, where the store was reached.
    fn tell(&mut self, mark: Mark, saved: Option<Mark>, monotonic: u64) {
        let Some(saved) = saved else {
            self.put_off = self.put_off.saturating_mul(2).clamp(1, RETRY);
            self.retry_at = monotonic.saturating_add(self.put_off);
            return;
        };
        (self.saved, self.saved_doubt) = (mark.0, mark.1.is_some());
        (self.retry_at, self.put_off) = (0, 0);
        if !self.resumed && saved.0 > mark.0 {
            // The store was out of reach when this process began, and knows of a later time.
            self.clock = Some(Clock::resume(saved.0, saved.1, monotonic));
        }
        self.resumed = true;
    }
}

/// The mark, and the time since when the clock was doubted, or 0.
fn encode(mark: u64, doubt_since: Option<u64>) -> [u8; 16] {
    ((u128::from(mark) << 64) | u128::from(doubt_since.unwrap_or(0))).to_be_bytes()
}

fn decode(saved: &[u8]) -> Option<(u64, Option<u64>)> {
    let (mark, doubt) = saved.split_first_chunk::<8>()?;
    let doubt = u64::from_be_bytes(doubt.try_into().ok()?);
    Some((u64::from_be_bytes(*mark), Some(doubt).filter(|doubt| *doubt > 0)))
}
