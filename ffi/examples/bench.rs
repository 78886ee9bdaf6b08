//! Prints how long a warm check takes, in nanoseconds, as `ffi/tests/bench.c` does from C: into a decision whose space
//! is used again, as the C ABI does it, and with a new one each time.

use std::{
    collections::BTreeMap,
    hint::black_box,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use licentia::{
    Decision, GateBuilder, Now, Request,
    event::{Event, Sink},
    revocation::RevocationTerms,
};
use licentia_issuer::{
    BundleDraft, Draft, Feature, FeatureValue, Issuer, KeyPurpose, KeysetDraft, KeysetEntry, SigningKey,
};

const BATCHES: usize = 200;
const CHECKS: u32 = 2000;
const NOW: u64 = 1_800_000_000;

#[derive(Default)]
struct Count(AtomicU64);

impl Sink for Count {
    fn record(&self, event: &Event<'_, '_>) {
        // Not locked, as the counter of the program in C.
        self.0
            .store(self.0.load(Ordering::Relaxed) + u64::from(event.took_nanos.is_some()), Ordering::Relaxed);
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [root, license_key, revocation_key] = [1, 2, 3].map(|byte| SigningKey::from_seed(&[byte; 32]));
    let (root, license_key, revocation_key) = (root?, license_key?, revocation_key?);
    let mut keys = KeysetDraft::default();
    keys.add(KeysetEntry::new(&license_key.public()))?;
    keys.add(KeysetEntry { purpose: KeyPurpose::Revocation, ..KeysetEntry::new(&revocation_key.public()) })?;
    let keyset = keys.sign(&root, NOW - 1000, NOW + 1_000_000)?;
    let bundle = BundleDraft {
        issuer: "acme".into(),
        sequence: 1,
        issued_at: (NOW - 10).into(),
        next_update: (NOW + 86_400).into(),
        expires: (NOW + 864_000).into(),
        salt: [7; 16].into(),
        indices: BTreeMap::from([(2, RevocationTerms::default())]),
        ..BundleDraft::default()
    };
    let mut draft = Draft::new("cus_42", "pro", 3, NOW - 100, NOW + 1_000_000);
    draft.grant.features.insert("export".into(), Feature { value: FeatureValue::True, expires: None });
    draft.grant.features.insert("rows".into(), Feature { value: FeatureValue::Int(5000), expires: None });
    draft.grant.features.insert("level".into(), "gold@2030-01-01".parse()?);
    draft.grant.quotas.insert("calls".into(), "1000000000/month".parse()?);
    draft.grant.rates.insert("api".into(), "1000000000/1s".parse()?);
    draft.index = Some(1);
    let token = Issuer::new("acme", license_key).issue(&draft)?.text();
    let sink = Arc::new(Count::default());
    let gate = GateBuilder::new().keyset(root.public(), keyset).revocation(bundle.sign(&revocation_key)?);
    let gate = gate.sink(sink.clone()).build()?;
    let request = Request::new().features(&["export"]).meters(&[("calls", 1)]).rates(&[("api", 1)]);

    let mut decision = Decision::undecided();
    let again = median(0, |now| {
        gate.check_into(black_box(&token), black_box(&request), now, &mut decision);
        black_box(&decision).is_allowed()
    });
    let new = median(BATCHES as u64, |now| {
        let decision = gate.check(black_box(&token), black_box(&request), now);
        black_box(&decision).is_allowed()
    });
    assert_eq!(sink.0.load(Ordering::Relaxed), 2 * BATCHES as u64 * u64::from(CHECKS));
    println!("{again:.2} {new:.2}");
    Ok(())
}

/// The median of what a check takes, in nanoseconds; time advances by a second with each batch.
fn median(first: u64, mut check: impl FnMut(Now) -> bool) -> f64 {
    let mut took = Vec::new();
    for batch in first..first + BATCHES as u64 {
        let now = Now { time: NOW.into(), monotonic_nanos: batch * 1_000_000_000 };
        let start = Instant::now();
        let allowed = (0..CHECKS).filter(|_| check(black_box(now))).count();
        took.push(start.elapsed().as_secs_f64() * 1e9 / f64::from(CHECKS));
        assert_eq!(allowed, CHECKS as usize);
    }
    took.sort_by(f64::total_cmp);
    took[BATCHES / 2]
}
