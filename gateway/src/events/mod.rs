//! Decisions as they happen, for whoever watches: the live page.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::broadcast::{self, Receiver, Sender};

/// Decisions that somebody who comes later still gets.
const RECENT: usize = 500;
/// Decisions that a slow reader may lag behind; then it misses some.
const LAG: usize = 1024;
/// Most decisions that are shown in one second. Under more load, the stream is a sample.
const PER_SECOND: u64 = 500;

/// One decision, as JSON. It holds no token and no key.
#[derive(Debug)]
pub struct Event {
    /// Counts up by one; a gap means that some were not shown.
    pub id: u64,
    /// A JSON object on one line: `id`, `at_ms`, `protocol`, `method`, `path`, `route`, `source`, `status`,
    /// `allowed`, `name`, `message`, `advice`, `took_nanos`, `revocation`, which is the sequence number of the bundle in
    /// use, and `decision`, which is [`licentia::Decision::json`] or null.
    pub json: String,
}

/// A stream of decisions, with a bounded memory of the last ones.
#[derive(Debug)]
pub struct Stream {
    sender: Sender<Arc<Event>>,
    recent: Mutex<VecDeque<Arc<Event>>>,
    next: AtomicU64,
    /// The second that is counted, and how many were shown in it.
    second: AtomicU64,
    shown: AtomicU64,
    skipped: AtomicU64,
    allowed: AtomicU64,
    denied: AtomicU64,
}

impl Stream {
    /// An empty stream.
    pub fn new() -> Self {
        Self {
            sender: broadcast::channel(LAG).0,
            recent: Mutex::new(VecDeque::with_capacity(RECENT)),
            next: AtomicU64::new(1),
            second: AtomicU64::new(0),
            shown: AtomicU64::new(0),
            skipped: AtomicU64::new(0),
            allowed: AtomicU64::new(0),
            denied: AtomicU64::new(0),
        }
    }

    /// Counts a decision and shows it. `build` gets the event's number and returns its JSON; it is not called for decisions beyond
    /// 500 a second.
    pub fn publish(&self, seconds: u64, is_allowed: bool, build: impl FnOnce(u64) -> String) {
        let outcome = if is_allowed { &self.allowed } else { &self.denied };
        outcome.fetch_add(1, Ordering::Relaxed);
        if self.second.swap(seconds, Ordering::Relaxed) != seconds {
            self.shown.store(0, Ordering::Relaxed);
        }
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        if self.shown.fetch_add(1, Ordering::Relaxed) >= PER_SECOND {
            self.skipped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let event = Arc::new(Event { id, json: build(id) });
        // Under the lock, so that a new reader sees each event once.
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.len() == RECENT {
            recent.pop_front();
        }
        recent.push_back(Arc::clone(&event));
        // Nobody may be there.
        let _ = self.sender.send(event);
    }

    /// The last decisions, and those to come.
    pub fn subscribe(&self) -> (Vec<Arc<Event>>, Receiver<Arc<Event>>) {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        (recent.iter().cloned().collect(), self.sender.subscribe())
    }

    /// How many decisions allowed, and how many denied, the ones that were not shown among them.
    pub fn totals(&self) -> [u64; 2] {
        [&self.allowed, &self.denied].map(|outcome| outcome.load(Ordering::Relaxed))
    }

    /// How many decisions were not shown, because there were more than 500 in a second.
    pub fn skipped(&self) -> u64 {
        self.skipped.load(Ordering::Relaxed)
    }
}

impl Default for Stream {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_reader_gets_the_last_events_and_then_each_new_one() {
        let stream = Stream::new();
        for second in 0..600 {
            stream.publish(second, true, |id| format!("{{\"id\":{id}}}"));
        }
        let (recent, mut receiver) = stream.subscribe();
        assert_eq!((recent.len(), recent[0].id, recent[499].id), (500, 101, 600));
        stream.publish(600, true, |id| id.to_string());
        assert_eq!(receiver.try_recv().unwrap().json, "601");
        assert!(receiver.try_recv().is_err());
    }

    #[test]
    fn a_flood_is_sampled() {
        let stream = Stream::new();
        (0..1000).for_each(|_| stream.publish(7, false, |id| id.to_string()));
        assert_eq!((stream.subscribe().0.len(), stream.skipped()), (500, 500));
        stream.publish(8, true, |id| id.to_string());
        assert_eq!(stream.totals(), [1, 1000]);
        assert_eq!(stream.subscribe().0.last().unwrap().id, 1001);
    }
}
