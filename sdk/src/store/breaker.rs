//! A circuit breaker: while the store does not answer, requests fail at once instead of waiting one after another.

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::{Fault, Unreachable};

/// The pause after the first failure; it doubles with each further one, up to the longest.
const SHORTEST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(1);

/// After a failure every caller fails at once until the pause is over; then one caller probes for all.
#[derive(Default)]
pub(super) struct Breaker {
    /// When the next probe is allowed, in nanoseconds; 0 while the store answers.
    until: AtomicU64,
    failures: AtomicU64,
}

impl Breaker {
    /// Whether the store may be asked. A caller that may must then call `tell`.
    pub(super) fn pass(&self) -> Result<(), Unreachable> {
        let until = self.until.load(Ordering::Relaxed);
        if until == 0 {
            return Ok(());
        }
        let now = now();
        let next = now.saturating_add(nanos(LONGEST));
        let first = now >= until
            && self.until.compare_exchange(until, next, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if first {
            Ok(())
        } else {
            Err(Unreachable::because("it failed a moment ago, and is tried again soon"))
        }
    }

    /// Records what came of asking. A store that refuses one key works.
    pub(super) fn tell<T>(&self, answer: &Result<T, Unreachable>) {
        let works = answer.as_ref().err().is_none_or(|error| error.fault() == Fault::OneKey);
        if works {
            if self.until.load(Ordering::Relaxed) != 0 {
                self.until.store(0, Ordering::Relaxed);
                self.failures.store(0, Ordering::Relaxed);
            }
            return;
        }
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).min(8);
        let pause = nanos(SHORTEST).saturating_mul(1 << failures).min(nanos(LONGEST));
        self.until.store(now().saturating_add(pause), Ordering::Relaxed);
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Nanoseconds since the first call. Never 0, which encodes that the store answers.
fn now() -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    nanos(START.elapsed()).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_tries_while_all_others_are_refused_at_once() {
        let breaker = Breaker::default();
        assert!(breaker.pass().is_ok());
        let lost = || Err::<(), _>(Unreachable::because("lost"));
        breaker.tell(&lost());
        assert!(breaker.pass().is_err());
        std::thread::sleep(SHORTEST);
        assert!(breaker.pass().is_ok(), "one tries");
        assert!(breaker.pass().is_err(), "and nobody else");
        breaker.tell(&Ok(()));
        breaker.tell(&Err::<(), _>(Unreachable::new(Fault::OneKey, "of another type")));
        assert!((0..3).all(|_| breaker.pass().is_ok()));
    }
}
