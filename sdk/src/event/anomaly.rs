//! Detects unusual use: hints for people, never a reason to deny.

use std::{
    collections::{HashMap, HashSet},
    fmt,
};

use licentia_core::Lineage;

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
    licenses: HashMap<Lineage, Activity>,
    report: F,
}

#[derive(Default)]
struct Activity {
    window: u64,
    requests: u64,
    before: u64,
    denied: u64,
    sources: HashSet<String>,
    reported: [bool; 3],
}

/// Most licences that are watched at once. Those that were quiet for a window are evicted first.
const WATCHED: usize = 100_000;

impl<F: FnMut(&Record, &Anomaly)> Detector<F> {
    /// A detector that calls `report` with each anomaly and the record that showed it.
    pub fn new(thresholds: Thresholds, report: F) -> Self {
        Self { thresholds, licenses: HashMap::new(), report }
    }

    /// Counts a record.
    pub fn watch(&mut self, record: &Record) {
        let Some(lineage) = record.lineage else { return };
        let limits = self.thresholds;
        let window = record.at.as_seconds() / limits.window.max(1);
        if self.licenses.len() >= WATCHED && !self.licenses.contains_key(&lineage) {
            self.licenses.retain(|_, activity| activity.window + 1 >= window);
            if self.licenses.len() >= WATCHED {
                return;
            }
        }
        let activity = self.licenses.entry(lineage).or_default();
        if activity.window != window {
            let before = if activity.window + 1 == window { activity.requests } else { 0 };
            *activity = Activity { window, before, ..Activity::default() };
        }
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

impl<F> fmt::Debug for Detector<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Detector")
            .field("thresholds", &self.thresholds)
            .field("licenses", &self.licenses.len())
            .finish_non_exhaustive()
    }
}
