//! Metrics in memory, in the text format that Prometheus reads.

use std::{
    collections::BTreeMap,
    fmt::{self, Write},
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use licentia_core::{Code, code};

use super::{Event, Sink, Used};

/// Upper bounds of the latency histogram's buckets, in nanoseconds.
const BOUNDS: [u64; 10] = [250, 500, 1_000, 2_500, 10_000, 50_000, 100_000, 500_000, 1_000_000, 10_000_000];
/// Most tiers and meters that are told apart; customers must not be able to fill the memory.
const NAMES: usize = 256;

/// Counts of decisions by code and tier, units by meter, and a histogram of how long decisions took.
#[derive(Default)]
pub struct Metrics {
    by_code: RwLock<BTreeMap<u16, AtomicU64>>,
    by_tier: Named,
    by_meter: Named,
    buckets: [AtomicU64; BOUNDS.len()],
    count: AtomicU64,
    total_nanos: AtomicU64,
    keyset: AtomicU64,
    revocation: [AtomicU64; 2],
}

/// Counters by name.
#[derive(Default)]
struct Named(RwLock<BTreeMap<String, AtomicU64>>);

impl Named {
    fn add(&self, name: &str, amount: u64) {
        if let Some(counter) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            counter.fetch_add(amount, Ordering::Relaxed);
            return;
        }
        let mut counters = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let name = if counters.len() < NAMES { name } else { "other" };
        counters.entry(name.to_owned()).or_default().fetch_add(amount, Ordering::Relaxed);
    }

    fn write(&self, text: &mut String, metric: &str, label: &str) -> fmt::Result {
        for (name, counter) in &*self.0.read().unwrap_or_else(PoisonError::into_inner) {
            // Names are of a grammar that needs no escaping.
            writeln!(text, "{metric}{{{label}=\"{name}\"}} {}", counter.load(Ordering::Relaxed))?;
        }
        Ok(())
    }
}

impl Metrics {
    /// Counters that start at 0.
    pub fn new() -> Self {
        let counters = code::TABLE.iter().map(|entry| (entry.code.number(), AtomicU64::new(0)));
        Self { by_code: RwLock::new(counters.collect()), ..Self::default() }
    }

    /// Decisions with this code so far.
    pub fn count(&self, code: Code) -> u64 {
        let counters = self.by_code.read().unwrap_or_else(PoisonError::into_inner);
        counters.get(&code.number()).map_or(0, |counter| counter.load(Ordering::Relaxed))
    }

    /// Everything, in Prometheus' text format 0.0.4.
    pub fn prometheus(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) -> fmt::Result {
        text.push_str(
            "# HELP licentia_decisions_total Decisions by code.\n# TYPE licentia_decisions_total counter\n",
        );
        for (number, counter) in &*self.by_code.read().unwrap_or_else(PoisonError::into_inner) {
            let (count, code) = (counter.load(Ordering::Relaxed), Code::from_number(*number));
            if let (Some(code), 1..) = (code, count) {
                let name = code.name();
                writeln!(text, "licentia_decisions_total{{code=\"{name}\",number=\"{number}\"}} {count}")?;
            }
        }
        text.push_str("# HELP licentia_tier_allowed_total Allowed requests by tier.\n# TYPE licentia_tier_allowed_total counter\n");
        self.by_tier.write(text, "licentia_tier_allowed_total", "tier")?;
        text.push_str(
            "# HELP licentia_units_total Units charged by meter.\n# TYPE licentia_units_total counter\n",
        );
        self.by_meter.write(text, "licentia_units_total", "meter")?;
        text.push_str("# HELP licentia_decision_seconds How long decisions took.\n# TYPE licentia_decision_seconds histogram\n");
        let mut below = 0;
        for (bound, bucket) in BOUNDS.iter().zip(&self.buckets) {
            below += bucket.load(Ordering::Relaxed);
            writeln!(text, "licentia_decision_seconds_bucket{{le=\"{}\"}} {below}", seconds(*bound))?;
        }
        let count = self.count.load(Ordering::Relaxed);
        writeln!(text, "licentia_decision_seconds_bucket{{le=\"+Inf\"}} {count}")?;
        writeln!(
            text,
            "licentia_decision_seconds_sum {}",
            seconds(self.total_nanos.load(Ordering::Relaxed))
        )?;
        writeln!(text, "licentia_decision_seconds_count {count}")?;
        text.push_str("# HELP licentia_keyset_sequence Sequence number of the keyset in use.\n# TYPE licentia_keyset_sequence gauge\n");
        writeln!(text, "licentia_keyset_sequence {}", self.keyset.load(Ordering::Relaxed))?;
        let [sequence, issued_at] = &self.revocation;
        text.push_str("# HELP licentia_revocation_sequence Sequence number of the revocation bundle in use.\n# TYPE licentia_revocation_sequence gauge\n");
        writeln!(text, "licentia_revocation_sequence {}", sequence.load(Ordering::Relaxed))?;
        text.push_str("# HELP licentia_revocation_issued_seconds When the revocation bundle was issued.\n# TYPE licentia_revocation_issued_seconds gauge\n");
        writeln!(text, "licentia_revocation_issued_seconds {}", issued_at.load(Ordering::Relaxed))
    }
}

/// Nanoseconds as decimal seconds, exactly.
fn seconds(nanos: u64) -> String {
    let text = format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl Sink for Metrics {
    fn record(&self, event: &Event<'_, '_>) {
        let decision = event.decision;
        let counters = self.by_code.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(counter) = counters.get(&decision.code().number()) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        if decision.is_allowed() {
            if let Some(license) = decision.license() {
                self.by_tier.add(license.tier().name, 1);
            }
            decision.charges().for_each(|charge| self.by_meter.add(charge.name, charge.charged));
        }
        let bucket = BOUNDS.iter().zip(&self.buckets).find(|(bound, _)| event.took_nanos <= **bound);
        if let Some((_, bucket)) = bucket {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.count.fetch_add(1, Ordering::Relaxed);
        self.total_nanos.fetch_add(event.took_nanos, Ordering::Relaxed);
        self.keyset.store(event.keyset, Ordering::Relaxed);
        let (sequence, issued_at) = event.revocation.unwrap_or_default();
        for (gauge, value) in self.revocation.iter().zip([sequence, issued_at]) {
            gauge.store(value, Ordering::Relaxed);
        }
    }

    fn used(&self, used: &Used<'_>) {
        self.by_meter.add(used.meter, used.units);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_exact() {
        assert_eq!([0, 250, 1_000_000_000, 1_500_000_000].map(seconds), ["0", "0.00000025", "1", "1.5"]);
    }

    #[test]
    fn names_are_bounded() {
        let named = Named::default();
        (0..NAMES + 10).for_each(|at| named.add(&format!("tier{at}"), 1));
        assert_eq!(named.0.read().unwrap().len(), NAMES + 1);
        assert_eq!(named.0.read().unwrap()["other"].load(Ordering::Relaxed), 10);
    }
}
