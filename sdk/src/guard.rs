//! The clock guard, shared by all threads. It is locked at most once in a second of the wall clock.

use std::sync::{Arc, Mutex, PoisonError};

use crate::swap::ArcSwap;
use licentia_core::clock::{Clock, Time};

use crate::{now::Now, store::Store};

/// Name of the mark in the store.
const MARK: &str = "clock.mark";
const NANOS: u64 = 1_000_000_000;
/// The mark is saved when it is this many seconds past the one saved before.
const SAVE_EVERY: u64 = 60;

pub(crate) struct Guard {
    store: Arc<dyn Store>,
    clock: Mutex<State>,
    latest: ArcSwap<Reading>,
}

struct State {
    clock: Option<Clock>,
    saved: u64,
    saved_doubt: bool,
}

/// What the clock said when it was read last, which holds for the rest of that second.
struct Reading {
    wall: u64,
    monotonic_nanos: u64,
    signed: u64,
    time: Time,
}

impl Guard {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        let nothing = Reading { wall: u64::MAX, monotonic_nanos: 0, signed: 0, time: Time::from(0) };
        let clock = Mutex::new(State { clock: None, saved: 0, saved_doubt: false });
        Self { store, clock, latest: ArcSwap::from_pointee(nothing) }
    }

    /// Reads the clock. `signed` is the latest time that something signed vouches for.
    pub(crate) fn read(&self, now: Now, signed: u64) -> Time {
        let latest = self.latest.load();
        // A wall clock that stands still must not stop time: the reading is old after a second of the other one.
        let fresh = now.monotonic_nanos.saturating_sub(latest.monotonic_nanos) < NANOS;
        if latest.wall == now.seconds && fresh && signed <= latest.signed {
            return latest.time;
        }
        let mut state = self.clock.lock().unwrap_or_else(PoisonError::into_inner);
        let monotonic = now.monotonic_nanos / NANOS;
        let mut clock = state.clock.unwrap_or_else(|| self.resume(monotonic));
        let time = clock.read(now.seconds, monotonic, signed);
        state.clock = Some(clock);
        let doubted = clock.doubt_since().is_some();
        if let Some(mark) = clock.mark()
            && (mark >= state.saved.saturating_add(SAVE_EVERY) || doubted != state.saved_doubt)
            // Without its store the guard goes on in memory; the next second tries again.
            && self.store.save(MARK, &encode(mark, clock.doubt_since())).is_ok()
        {
            (state.saved, state.saved_doubt) = (mark, doubted);
        }
        self.latest.store(Arc::new(Reading {
            wall: now.seconds,
            monotonic_nanos: now.monotonic_nanos,
            signed,
            time,
        }));
        time
    }

    fn resume(&self, monotonic: u64) -> Clock {
        let saved = self.store.load(MARK).ok().flatten();
        saved
            .and_then(|saved| decode(&saved))
            .map_or_else(Clock::new, |(mark, doubt_since)| Clock::resume(mark, doubt_since, monotonic))
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
