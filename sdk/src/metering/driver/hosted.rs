//! Questions that the host asks: what a request wants is data, and the host brings the answers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering};

use super::{
    ask::{Ask, Care, Holder},
    status::{Status, is_outage},
};
use crate::store::{Answer, Unreachable};

/// Most that may wait for the host at a time; after that the licence's policy decides at once.
const WAITING: usize = 65_536;
/// How often the holders of units are looked after, in nanoseconds.
const TICK: u64 = 50_000_000;

/// What the host is to ask.
pub(super) struct Questions {
    prefetch: bool,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    asks: Vec<Box<dyn Ask>>,
    held: Vec<Arc<dyn Holder>>,
    looked_at: u64,
}

impl Questions {
    pub(super) fn new(prefetch: bool) -> Self {
        Self { prefetch, waiting: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn put(&self, ask: Box<dyn Ask>) -> Result<(), (Box<dyn Ask>, Unreachable)> {
        let mut waiting = self.lock();
        if waiting.asks.len() >= WAITING {
            return Err((ask, Unreachable::because("too many requests wait for it")));
        }
        waiting.asks.push(ask);
        Ok(())
    }

    /// The questions of requests, and those of holders of units that are due.
    pub(super) fn take(&self, status: &Status, now_nanos: u64) -> Vec<Box<dyn Ask>> {
        let (mut asks, held) = {
            let mut waiting = self.lock();
            let asks = std::mem::take(&mut waiting.asks);
            let due = self.prefetch && now_nanos.saturating_sub(waiting.looked_at) >= TICK;
            if !due || status.down.load(Ordering::Relaxed) {
                return asks;
            }
            waiting.looked_at = now_nanos;
            (asks, std::mem::take(&mut waiting.held))
        };
        let mut kept = Vec::with_capacity(held.len());
        for holder in held {
            match Arc::clone(&holder).look_after(now_nanos) {
                Care::Ask(ask) => asks.push(ask),
                Care::Later => {}
                Care::Done => continue,
            }
            kept.push(holder);
        }
        self.lock().held.extend(kept);
        asks
    }

    pub(super) fn bring(&self, status: &Status, answers: Vec<(Box<dyn Ask>, Result<Answer, Unreachable>)>) {
        if answers.is_empty() {
            return;
        }
        // Before anybody is woken: who asks again is told at once.
        status.tell(answers.iter().any(|(_, answer)| is_outage(answer)));
        for (ask, answer) in answers {
            let held = status.finish(ask, answer);
            self.lock().held.extend(held);
        }
    }
}
