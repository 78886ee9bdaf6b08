//! The gate: a token that it has not seen, and one that it has.

#![allow(missing_docs, reason = "a benchmark's main function is made by a macro")]

use std::{hint::black_box, sync::Arc};

use criterion::{Criterion, criterion_group, criterion_main};
use licentia::{Gate, Now, Request, event::Metrics};
use licentia_benches::{AUDIENCE, NOW, draft, issuer};

fn gate(criterion: &mut Criterion) {
    let token = issuer().issue(&draft()).unwrap().text();
    let builder = || Gate::builder().key(issuer().key().public()).issuer("acme").audience(AUDIENCE);
    let request = Request::new().features(&["export"]);
    let charged = request.rates(&[("api", 1)]).meters(&[("calls", 1)]);
    let mut group = criterion.benchmark_group("gate");

    let cold = builder().cache_capacity(0).prepare(700_000).build().unwrap();
    let warm = builder().build().unwrap();
    let watched = builder().sink(Arc::new(Metrics::new())).build().unwrap();
    for (name, gate, request) in [
        ("cold, rate and quota", &cold, &charged),
        ("warm, feature", &warm, &request),
        ("warm, rate and quota", &warm, &charged),
        ("warm, rate, quota and event", &watched, &charged),
    ] {
        let mut nanos = 0;
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                nanos += 100;
                let now = Now { seconds: NOW, monotonic_nanos: nanos };
                assert!(gate.check(black_box(&token), request, now).is_allowed());
            });
        });
    }
    group.finish();
}

criterion_group!(benches, gate);
criterion_main!(benches);
