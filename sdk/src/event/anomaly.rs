//! Detects unusual use: hints for people, never a reason to deny.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    fmt,
};

use licentia_core::AccountId;

use super::Record;

/// When use counts as unusual. Everything is counted over one window. Change the fields of the default.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Thresholds {
    /// Length of the window, in seconds.
    pub window: u64,
    /// A licence used from more sources than this is spreading.
    pub sources: usize,
    /// A licence with more than this many times the requests of its previous window is bursting.
    pub burst: u64,
    /// With fewer requests than this in a window, bursts and denials are not reported.
    pub least: u64,
    /// A licence with a larger percentage of denied requests than this is in trouble, or is probing.
    pub denied_percent: u64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { window: 300, sources: 16, burst: 10, least: 100, denied_percent: 50 }
    }
}

/// Something unusual about a licence in a window.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Anomaly {
    /// It is used from many sources.
    Spreading {
        /// How many.
        sources: usize,
    },
    /// It suddenly sends many requests.
    Burst {
        /// In this window so far.
        requests: u64,
        /// In the window before.
        before: u64,
    },
    /// Many of its requests are denied.
    Denials {
        /// How many.
        denied: u64,
        /// Of how many.
        requests: u64,
    },
}

/// Watches records and reports anomalies, each kind once per licence and window. Use it behind a
/// [`super::Queue`].
pub struct Detector<F> {
    thresholds: Thresholds,
    /// The number of the window.
    window: u64,
    /// Licences that were used in the window.
    licenses: HashMap<AccountId, Activity>,
    /// Requests of licences in the window before.
    before: HashMap<AccountId, u64>,
    report: F,
}

#[derive(Default)]
struct Activity {
    requests: u64,
    before: u64,
    denied: u64,
    sources: HashSet<String>,
    reported: [bool; 3],
}

/// Most licences that are watched in one window. Others are not watched until the next one.
const WATCHED: usize = 100_000;

impl<F: FnMut(&Record, &Anomaly)> Detector<F> {
    /// A detector that calls `report` with each anomaly and the record that showed it.
    pub fn new(thresholds: Thresholds, report: F) -> Self {
        Self { thresholds, window: 0, licenses: HashMap::new(), before: HashMap::new(), report }
    }

    /// Counts a record.
    pub fn watch(&mut self, record: &Record) {
        let (Some(issuer), Some(lineage)) = (&record.issuer, record.lineage) else { return };
        let account = AccountId::new(issuer, lineage);
        let limits = self.thresholds;
        self.turn(record.at.as_seconds() / limits.window.max(1));
        // One look-up, however many there are: what has ended goes with its window.
        let full = self.licenses.len() >= WATCHED;
        let activity = match self.licenses.entry(account) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(_) if full => return,
            Entry::Vacant(new) => {
                let before = self.before.get(&account).copied().unwrap_or(0);
                new.insert(Activity { before, ..Activity::default() })
            }
        };
        activity.requests += 1;
        activity.denied += u64::from(!record.code.is_allowed());
        if activity.sources.len() <= limits.sources && !record.source.is_empty() {
            activity.sources.insert(record.source.clone());
        }
        let (requests, before, denied) = (activity.requests, activity.before, activity.denied);
        let many = requests >= limits.least;
        let findings = [
            (activity.sources.len() > limits.sources)
                .then_some(Anomaly::Spreading { sources: activity.sources.len() }),
            (many && before > 0 && requests > before.saturating_mul(limits.burst))
                .then_some(Anomaly::Burst { requests, before }),
            (many && denied.saturating_mul(100) > requests.saturating_mul(limits.denied_percent))
                .then_some(Anomaly::Denials { denied, requests }),
        ];
        for (finding, reported) in findings.into_iter().zip(&mut activity.reported) {
            if let Some(anomaly) = finding.filter(|_| !*reported) {
                *reported = true;
                (self.report)(record, &anomaly);
            }
        }
    }
}

impl<F> Detector<F> {
    /// Begins a later window. A record that comes late counts in the present one.
    fn turn(&mut self, window: u64) {
        if window <= self.window {
            return;
        }
        let ended = std::mem::take(&mut self.licenses);
        self.before.clear();
        if window == self.window.saturating_add(1) {
            self.before.extend(ended.into_iter().map(|(account, activity)| (account, activity.requests)));
        }
        self.window = window;
    }
}

impl<F> fmt::Debug for Detector<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Detector")
            .field("thresholds", &self.thresholds)
            .field("licenses", &self.licenses.len())
            .finish_non_exhaustive()
    }
}
