//! How it scales: with threads, with the number of licences, and with the size of a bundle. Prints tables.

#![allow(clippy::cast_precision_loss, reason = "figures for people")]

use std::{collections::BTreeSet, env, hint::black_box, process::Command, sync::Arc, thread, time::Instant};

use licentia::{Decision, Gate, GateBuilder, Request, event::Metrics};
use licentia_benches::{AUDIENCE, Service, draft, issuer, service::later};
use licentia_core::{
    Keyring,
    inner::build,
    revocation::{Bundle, RevocationTerms},
};
use licentia_issuer::{BundleDraft, SigningKey};

/// Requests in a row that are timed together. The best of many such is what the machine can do undisturbed.
const BATCH: u64 = 20_000;
const BATCHES: u64 = 100;

fn request() -> Request<'static> {
    Request::new().features(&["export"]).rates(&[("api", 1)]).meters(&[("calls", 1)])
}

/// Checks a token again and again; nanoseconds for each, in the best batch.
fn ask(gate: &Gate, token: &str) -> f64 {
    let (request, mut decision, mut best) = (request(), Decision::undecided(), f64::MAX);
    for batch in 0..BATCHES {
        let started = Instant::now();
        for count in 0..BATCH {
            gate.check_into(black_box(token), &request, later(batch * BATCH + count), &mut decision);
            assert!(decision.is_allowed());
        }
        best = best.min(started.elapsed().as_nanos() as f64 / BATCH as f64);
    }
    best
}

/// Millions of checks in a second by so many threads, together.
fn throughput(gate: &Gate, tokens: &[String]) -> f64 {
    let nanos: Vec<f64> = thread::scope(|scope| {
        let threads: Vec<_> = tokens.iter().map(|token| scope.spawn(|| ask(gate, token))).collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread")).collect()
    });
    nanos.iter().map(|nanos| 1e3 / nanos).sum()
}

fn threads(service: &Service) {
    println!("| threads | the same licence | one licence per thread |");
    println!("|---|---|---|");
    let most = thread::available_parallelism().map_or(1, usize::from);
    let (mut same_alone, mut own_alone) = (0.0, 0.0);
    for count in std::iter::successors(Some(1), |count| Some(count * 2)).take_while(|count| *count <= most) {
        let gate = service.gate().sink(Arc::new(Metrics::new())).build().expect("a gate");
        let own: Vec<_> = (0..count as u64).map(|customer| Service::token(customer + 1)).collect();
        let same = throughput(&gate, &vec![own[0].clone(); count]);
        let own = throughput(&gate, &own);
        if count == 1 {
            (same_alone, own_alone) = (same, own);
        }
        let shown = |now: f64, alone: f64| format!("{now:.2} M/s, {:.2} x", now / alone);
        println!("| {count} | {} | {} |", shown(same, same_alone), shown(own, own_alone));
    }
}

/// Bytes that the process has in memory.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: f64 = status.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0.0);
    pages * 4096.0
}

/// Places in the cache for each licence: so many that nearly all are found again.
const PLACES: usize = 2;

/// Requests in a row for licences that were seen before, of which the best of five is told.
const SEEN_AGAIN: u64 = 200_000;

/// A gate that has seen so many licences.
struct Seen {
    /// Bytes that it keeps of each, and those of them that are the token, as text and as bytes.
    kept: f64,
    token: f64,
    /// Nanoseconds to see one again, in an order that no cache foresees.
    nanos: f64,
}

impl Seen {
    fn measure(count: usize, charged: bool) -> Self {
        let issuer = issuer();
        let token = |customer: usize| {
            let mut draft = draft();
            draft.id = Some(((customer as u128) << 64 | 7).to_be_bytes().into());
            draft.grant.quotas.remove("mails");
            if !charged {
                draft.grant.rates.clear();
                draft.grant.quotas.clear();
            }
            issuer.issue(&draft).expect("a licence").text()
        };
        let tokens: Vec<String> = (0..count).map(token).collect();
        let length: usize = tokens.iter().map(|token| token.len() + token.len() * 3 / 4).sum();
        let before = resident();
        let gate = GateBuilder::new().key(issuer.key().public()).issuer("acme").audience(AUDIENCE);
        let gate =
            gate.prepare_keys(700_000).cache_capacity((count * PLACES).max(64)).build().expect("a gate");
        let request = if charged { request() } else { Request::new().features(&["export"]) };
        let (mut decision, mut at) = (Decision::undecided(), 0);
        let mut next = |step: usize| {
            at = (at + step) % tokens.len();
            gate.check_into(black_box(&tokens[at]), &request, later(0), &mut decision);
            assert!(decision.is_allowed());
        };
        // The second time more units are taken than are needed, so that the third one finds some.
        (0..2 * count).for_each(|_| next(1));
        let kept = resident() - before;
        let step = (tokens.len() * 61 / 100) | 1;
        let mut batch = || {
            let started = Instant::now();
            (0..SEEN_AGAIN).for_each(|_| next(step));
            started.elapsed().as_nanos() as f64 / SEEN_AGAIN as f64
        };
        let nanos = (0..5).map(|_| batch()).fold(f64::MAX, f64::min);
        Self { kept: kept / count as f64, token: length as f64 / count as f64, nanos }
    }

    /// The same in a process of its own, where no memory is left that something else had before.
    fn alone(count: usize, charged: bool) -> Self {
        let program = env::current_exe().expect("a path");
        let output = Command::new(program).args(["seen", &count.to_string(), &charged.to_string()]).output();
        let text = String::from_utf8(output.expect("a process").stdout).expect("text");
        let mut figures = text.split_whitespace().map(|figure| figure.parse().expect("a figure"));
        let mut next = || figures.next().expect("three figures");
        Self { kept: next(), token: next(), nanos: next() }
    }
}

fn licences() {
    println!("\n| licences | seen again | memory in all | the token | a rate and a quota |");
    println!("|---|---|---|---|---|");
    for count in [1, 1_000, 1_000_000] {
        let with = Seen::alone(count, true);
        let nanos = with.nanos;
        if count < 100_000 {
            println!("| {count} | {nanos:.0} ns | | | |");
        } else {
            let without = Seen::alone(count, false);
            let counted = (with.kept - with.token) - (without.kept - without.token);
            println!(
                "| {count} | {nanos:.0} ns | {:.0} bytes each | {:.0} | {counted:.0} |",
                with.kept, with.token
            );
        }
    }
}

fn bundles() {
    println!("\n| issued | revoked | bundle | with its filter in memory | load | miss | hit |");
    println!("|---|---|---|---|---|---|---|");
    let key = SigningKey::from_seed(&[5; 32]).expect("a key");
    let keys = [key.public().for_revocation()];
    for issued in [10_000, 100_000, 1_000_000, 10_000_000, 100_000_000_u64] {
        let mut random = fastrand::Rng::with_seed(issued);
        let count = usize::try_from(issued / 100).expect("a count");
        let mut revoked = BTreeSet::new();
        while revoked.len() < count {
            revoked.insert(random.u64(0..issued));
        }
        let draft = BundleDraft {
            issuer: "acme".into(),
            sequence: 1,
            next_update: 1_999_999_999.into(),
            expires: 2_000_000_000.into(),
            salt: [3; 16].into(),
            indices: revoked.iter().map(|index| (*index, RevocationTerms::default())).collect(),
            ..BundleDraft::default()
        };
        let bytes = draft.sign(&key).expect("a bundle");
        let started = Instant::now();
        let (bundle, _) = Bundle::read(&bytes, Keyring::new(&keys)).expect("a bundle");
        let filter = build::bloom(bundle.indices(), bundle.counts().0, bundle.salt());
        let load = started.elapsed().as_secs_f64() * 1e3;
        let bundle = bundle.with_bloom(&filter);
        let members: Vec<u64> = revoked.iter().copied().collect();
        let hits: Vec<u64> = (0..1 << 16).map(|_| members[random.usize(0..members.len())]).collect();
        let others =
            std::iter::repeat_with(|| random.u64(0..issued)).filter(|index| !revoked.contains(index));
        let misses: Vec<u64> = others.take(1 << 16).collect();
        let time = |questions: &[u64]| {
            let started = Instant::now();
            let found = questions.iter().filter(|index| bundle.contains(black_box(**index))).count();
            black_box(found);
            started.elapsed().as_nanos() as f64 / questions.len() as f64
        };
        let best = |questions: &[u64]| (0..20).map(|_| time(questions)).fold(f64::MAX, f64::min);
        println!(
            "| {issued} | {count} | {} bytes | {} bytes | {load:.2} ms | {:.1} ns | {:.1} ns |",
            bytes.len(),
            bytes.len() + filter.len(),
            best(&misses),
            best(&hits)
        );
    }
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [name, count, charged] = arguments.iter().map(String::as_str).collect::<Vec<_>>()[..]
        && name == "seen"
    {
        let seen = Seen::measure(count.parse().expect("a count"), charged == "true");
        println!("{} {} {}", seen.kept, seen.token, seen.nanos);
        return;
    }
    // `cargo bench` says `--bench`, and a name where one is asked for.
    let named = arguments.iter().find(|argument| !argument.starts_with('-'));
    if named.is_some_and(|name| !"scaling".contains(&**name)) {
        return;
    }
    threads(&Service::new(10_000));
    licences();
    bundles();
}
