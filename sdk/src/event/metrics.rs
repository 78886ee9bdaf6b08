//! Metrics in memory, in the text format that Prometheus reads.

use std::{
    fmt::{self, Write},
    sync::{
        OnceLock,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use licentia_core::{Code, CodeEntry, Timestamp};

use crate::metering::Unit;

use super::{Event, Sink, Used};

/// Upper bounds of the latency histogram's buckets, in nanoseconds.
const BOUNDS: [u64; 12] =
    [100, 150, 250, 500, 1_000, 2_500, 10_000, 50_000, 100_000, 500_000, 1_000_000, 10_000_000];
/// Most tiers, most meters and most rates that have counters of their own, so that memory is bounded.
const NAMES: usize = 256;
/// Codes have numbers below this.
const CODES: usize = 1000;
/// Threads that have counters of their own; further threads share the last stripe.
const STRIPES: usize = 64;

/// Counts of decisions by code and tier, units by meter and by rate, seats, and a histogram of the duration of timed decisions: see
/// [`Sink::is_timed`].
///
/// Each thread has its own counters, so that threads do not contend for cache lines.
pub struct Metrics {
    stripes: [OnceLock<Box<Stripe>>; STRIPES],
    tiers: Names,
    meters: Names,
    rates: Names,
    clock_healed: AtomicU64,
    keyset: AtomicU64,
    revocation: [AtomicU64; 2],
}

/// The counters of a thread.
#[repr(align(128))]
struct Stripe {
    by_code: [AtomicU64; CODES],
    by_tier: [AtomicU64; Names::PLACES],
    by_meter: [AtomicU64; Names::PLACES],
    refunded: [AtomicU64; Names::PLACES],
    by_rate: [AtomicU64; Names::PLACES],
    seats: AtomicU64,
    buckets: [AtomicU64; BOUNDS.len()],
    timed: AtomicU64,
    total_nanos: AtomicU64,
}

/// Names. A name keeps its place, so that finding it takes no lock.
struct Names {
    places: [OnceLock<Box<str>>; Self::PLACES - 1],
    count: AtomicUsize,
}

impl Names {
    /// Twice as many as names, so that searches are short. The last place is for all other names.
    const PLACES: usize = 2 * NAMES + 1;
    const OTHER: usize = Self::PLACES - 1;

    fn new() -> Self {
        Self { places: [const { OnceLock::new() }; Self::PLACES - 1], count: AtomicUsize::new(0) }
    }

    /// The place of a name.
    fn place(&self, name: &str) -> usize {
        let first = usize::try_from(hash(name) >> 32).unwrap_or(0) % Self::OTHER;
        match self.places.get(first).and_then(OnceLock::get) {
            Some(known) if **known == *name => first,
            _ => self.look(first, name),
        }
    }

    /// The place of a name that may not be in its first one.
    #[cold]
    fn look(&self, first: usize, name: &str) -> usize {
        for at in (first..Self::OTHER).chain(0..first) {
            let Some(place) = self.places.get(at) else { break };
            if place.get().is_none() && self.count.fetch_add(1, Ordering::Relaxed) >= NAMES {
                break;
            }
            // Another thread may have taken the place for another name.
            if **place.get_or_init(|| name.into()) == *name {
                return at;
            }
        }
        Self::OTHER
    }

    /// Every used place, with its name.
    fn all(&self) -> impl Iterator<Item = (usize, &str)> {
        let named = self.places.iter().enumerate().filter_map(|(at, name)| Some((at, &**name.get()?)));
        named.chain([(Self::OTHER, "other")])
    }
}

/// A hash of a name's ends: names are few and short, and of licences that were verified.
fn hash(name: &str) -> u64 {
    let name = name.as_bytes();
    let short = |bytes: &[u8; 4]| u64::from(u32::from_le_bytes(*bytes));
    let (first, last) = match (name.first_chunk(), name.last_chunk(), name.first_chunk(), name.last_chunk()) {
        (Some(first), Some(last), ..) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        (_, _, Some(first), Some(last)) => (short(first), short(last)),
        _ => (name.iter().fold(0, |word, byte| (word << 8) | u64::from(*byte)), 0),
    };
    (first ^ last.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn zeros<const N: usize>() -> [AtomicU64; N] {
    [const { AtomicU64::new(0) }; N]
}

/// The counters that a thread adds to.
struct ThreadCounters<'m> {
    stripe: &'m Stripe,
    /// Whether no other thread adds to them.
    alone: bool,
}

impl ThreadCounters<'_> {
    fn add(&self, counters: impl Fn(&Stripe) -> Option<&AtomicU64>, amount: u64) {
        let Some(counter) = counters(self.stripe) else { return };
        if self.alone {
            // A quarter of the time of an atomic addition.
            counter.store(counter.load(Ordering::Relaxed).wrapping_add(amount), Ordering::Relaxed);
        } else {
            counter.fetch_add(amount, Ordering::Relaxed);
        }
    }
}

/// Writes a gauge only if it changes, since all threads read it.
fn set(gauge: &AtomicU64, value: u64) {
    if gauge.load(Ordering::Relaxed) != value {
        gauge.store(value, Ordering::Relaxed);
    }
}

impl Stripe {
    fn new() -> Box<Self> {
        Box::new(Self {
            by_code: zeros(),
            by_tier: zeros(),
            by_meter: zeros(),
            refunded: zeros(),
            by_rate: zeros(),
            seats: AtomicU64::new(0),
            buckets: zeros(),
            timed: AtomicU64::new(0),
            total_nanos: AtomicU64::new(0),
        })
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Counters that start at 0.
    pub fn new() -> Self {
        Self {
            stripes: [const { OnceLock::new() }; STRIPES],
            tiers: Names::new(),
            meters: Names::new(),
            rates: Names::new(),
            clock_healed: AtomicU64::new(0),
            keyset: AtomicU64::new(0),
            revocation: zeros(),
        }
    }

    /// The counters of this thread.
    fn own(&self) -> Option<ThreadCounters<'_>> {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static THREAD: usize = THREADS.fetch_add(1, Ordering::Relaxed);
        }
        // A thread that is ending uses the shared stripe.
        let at = THREAD.try_with(|thread| *thread).unwrap_or(STRIPES).min(STRIPES - 1);
        let stripe = self.stripes.get(at)?.get_or_init(Stripe::new);
        Some(ThreadCounters { stripe, alone: at < STRIPES - 1 })
    }

    /// A counter of all threads together.
    fn sum(&self, counter: impl Fn(&Stripe) -> Option<&AtomicU64>) -> u64 {
        let stripes = self.stripes.iter().filter_map(OnceLock::get);
        stripes.filter_map(|stripe| Some(counter(stripe)?.load(Ordering::Relaxed))).sum()
    }

    /// Decisions with this code so far.
    pub fn count(&self, code: Code) -> u64 {
        self.sum(|stripe| stripe.by_code.get(usize::from(code.number())))
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
        for CodeEntry { code, name, .. } in Code::TABLE {
            if let count @ 1.. = self.count(*code) {
                let number = code.number();
                writeln!(text, "licentia_decisions_total{{code=\"{name}\",number=\"{number}\"}} {count}")?;
            }
        }
        text.push_str("# HELP licentia_tier_allowed_total Allowed requests by tier.\n# TYPE licentia_tier_allowed_total counter\n");
        for (at, tier) in self.tiers.all() {
            if let count @ 1.. = self.sum(|stripe| stripe.by_tier.get(at)) {
                // Names are of a grammar that needs no escaping.
                writeln!(text, "licentia_tier_allowed_total{{tier=\"{tier}\"}} {count}")?;
            }
        }
        text.push_str(
            "# HELP licentia_units_total Units charged by meter.\n# TYPE licentia_units_total counter\n",
        );
        for (at, meter) in self.meters.all() {
            if let count @ 1.. = self.sum(|stripe| stripe.by_meter.get(at)) {
                writeln!(text, "licentia_units_total{{meter=\"{meter}\"}} {count}")?;
            }
        }
        text.push_str(
            "# HELP licentia_refunded_units_total Units refunded by meter.\n# TYPE licentia_refunded_units_total counter\n",
        );
        for (at, meter) in self.meters.all() {
            if let count @ 1.. = self.sum(|stripe| stripe.refunded.get(at)) {
                writeln!(text, "licentia_refunded_units_total{{meter=\"{meter}\"}} {count}")?;
            }
        }
        text.push_str("# HELP licentia_rate_requests_total Requests counted by rate.\n# TYPE licentia_rate_requests_total counter\n");
        for (at, rate) in self.rates.all() {
            if let count @ 1.. = self.sum(|stripe| stripe.by_rate.get(at)) {
                writeln!(text, "licentia_rate_requests_total{{rate=\"{rate}\"}} {count}")?;
            }
        }
        text.push_str(
            "# HELP licentia_seats_total Seats taken or kept.\n# TYPE licentia_seats_total counter\n",
        );
        writeln!(text, "licentia_seats_total {}", self.sum(|stripe| Some(&stripe.seats)))?;
        text.push_str("# HELP licentia_decision_seconds How long decisions took, of those that were timed.\n# TYPE licentia_decision_seconds histogram\n");
        let mut below = 0;
        for (at, bound) in BOUNDS.iter().enumerate() {
            below += self.sum(|stripe| stripe.buckets.get(at));
            writeln!(text, "licentia_decision_seconds_bucket{{le=\"{}\"}} {below}", seconds(*bound))?;
        }
        let timed = self.sum(|stripe| Some(&stripe.timed));
        writeln!(text, "licentia_decision_seconds_bucket{{le=\"+Inf\"}} {timed}")?;
        let total = seconds(self.sum(|stripe| Some(&stripe.total_nanos)));
        writeln!(text, "licentia_decision_seconds_sum {total}")?;
        writeln!(text, "licentia_decision_seconds_count {timed}")?;
        text.push_str("# HELP licentia_clock_healed_seconds_total Seconds by which the clock's mark fell back to a clock that was right again.\n# TYPE licentia_clock_healed_seconds_total counter\n");
        let healed = self.clock_healed.load(Ordering::Relaxed);
        writeln!(text, "licentia_clock_healed_seconds_total {healed}")?;
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
        let Some(own) = self.own() else { return };
        let decision = event.decision;
        own.add(|stripe| stripe.by_code.get(usize::from(decision.code().number())), 1);
        if decision.is_allowed() {
            if let Some(tier) = decision.tier_name() {
                let place = self.tiers.place(tier);
                own.add(|stripe| stripe.by_tier.get(place), 1);
            }
            for charge in decision.charges() {
                // A rate and a meter may have the same name.
                match charge.unit {
                    Unit::Quota => {
                        let place = self.meters.place(charge.name);
                        own.add(|stripe| stripe.by_meter.get(place), charge.charged);
                    }
                    Unit::Rate => {
                        let place = self.rates.place(charge.name);
                        own.add(|stripe| stripe.by_rate.get(place), charge.charged);
                    }
                    Unit::Seat => own.add(|stripe| Some(&stripe.seats), charge.charged),
                }
            }
        }
        if let Some(took) = event.took_nanos {
            if let Some(bucket) = BOUNDS.iter().position(|bound| took <= *bound) {
                own.add(|stripe| stripe.buckets.get(bucket), 1);
            }
            own.add(|stripe| Some(&stripe.timed), 1);
            own.add(|stripe| Some(&stripe.total_nanos), took);
        }
        set(&self.keyset, event.keyset);
        let revocation = event.revocation.map(|(sequence, issued_at)| [sequence, issued_at.as_seconds()]);
        for (gauge, value) in self.revocation.iter().zip(revocation.into_iter().flatten()) {
            set(gauge, value);
        }
    }

    fn used(&self, used: &Used<'_>) {
        let place = self.meters.place(used.meter);
        if let Some(own) = self.own() {
            own.add(|stripe| stripe.by_meter.get(place), used.units);
        }
    }

    fn clock_healed(&self, _now: Timestamp, seconds: u64) {
        self.clock_healed.fetch_add(seconds, Ordering::Relaxed);
    }

    fn refunded(&self, refunded: &Used<'_>) {
        let place = self.meters.place(refunded.meter);
        if let Some(own) = self.own() {
            own.add(|stripe| stripe.refunded.get(place), refunded.units);
        }
    }

    /// A histogram is as good with some of them, and reading clocks would take longer than all the rest.
    fn is_timed(&self) -> bool {
        false
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
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
        let names = Names::new();
        let places: Vec<_> = (0..NAMES + 10).map(|at| names.place(&format!("tier{at}"))).collect();
        assert_eq!(names.all().count(), NAMES + 1);
        assert!(places[NAMES..].iter().all(|place| *place == Names::OTHER), "there is no place for more");
        assert_eq!(places[..NAMES].iter().collect::<std::collections::HashSet<_>>().len(), NAMES);
        assert_eq!(names.place("tier7"), places[7], "a name keeps its place");
    }

    #[test]
    fn threads_count_together() {
        let metrics = Metrics::new();
        std::thread::scope(|scope| {
            // More than have counters of their own.
            for _ in 0..2 * STRIPES {
                scope.spawn(|| {
                    for _ in 0..1000 {
                        let place = metrics.tiers.place("pro");
                        metrics.own().unwrap().add(|stripe| stripe.by_tier.get(place), 1);
                    }
                });
            }
        });
        assert!(metrics.prometheus().contains("licentia_tier_allowed_total{tier=\"pro\"} 128000"));
    }
}
