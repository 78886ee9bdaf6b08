//! A token that was seen before: a gate as a service has it, with a keyset, a million revoked licences, a feature, a
//! rate, a quota and an event for each decision; and what its parts cost. Peers keep nothing and verify it again.

#![allow(missing_docs, reason = "a benchmark's main function is made by a macro")]

mod peers;

use std::{hint::black_box, sync::Arc};

use criterion::{Criterion, criterion_group, criterion_main};
use licentia::{Decision, Request, event::Metrics};
use licentia_benches::{Service, service::later};

fn warm(criterion: &mut Criterion) {
    let service = Service::new(1_000_000);
    let token = Service::token(1);
    let featured = Request::new().features(&["export"]);
    let charged = featured.rates(&[("api", 1)]).meters(&[("calls", 1)]);
    let gate = service.gate().build().unwrap();
    let watched = service.gate().sink(Arc::new(Metrics::new())).build().unwrap();
    let mut group = criterion.benchmark_group("warm");
    let mut decision = Decision::undecided();
    for (name, gate, request) in [
        ("licentia", &watched, &charged),
        ("licentia, without the event", &gate, &charged),
        ("licentia, a feature alone", &gate, &featured),
    ] {
        let mut count = 0;
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                count += 1;
                gate.check_into(black_box(&token), request, later(count), &mut decision);
                assert!(decision.is_allowed());
            });
        });
    }
    let mut count = 0;
    group.bench_function("licentia, a decision of its own", |bencher| {
        bencher.iter(|| {
            count += 1;
            assert!(watched.check(black_box(&token), &charged, later(count)).is_allowed());
        });
    });
    for peer in &peers::peers() {
        peers::measure(&mut group, peer);
    }
    group.finish();
}

criterion_group!(benches, warm);
criterion_main!(benches);
