//! A token that was seen before is decided without allocating anything.

mod common;

use std::sync::Arc;

use common::{NOW, builder, licence};
use licentia::{Decision, Now, Request, event::Metrics};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

#[test]
fn a_token_that_was_seen_before_allocates_nothing() {
    let _profiler = dhat::Profiler::builder().testing().build();
    let gate = builder().sink(Arc::new(Metrics::new())).build().unwrap();
    let token = licence(|draft| {
        draft.grant.quotas.insert("calls".into(), "1000000/day".parse().unwrap());
        draft.grant.rates.insert("api".into(), "1000000/1s".parse().unwrap());
    });
    let request = Request::new().features(&["export"]).meters(&[("calls", 1)]).rates(&[("api", 1)]);
    let mut decision = Decision::undecided();
    let mut ask = |count: u64| {
        let before = dhat::HeapStats::get().total_blocks;
        let now = Now { time: NOW, monotonic_nanos: count * 1_000_000 };
        gate.check_into(&token, &request, now, &mut decision);
        assert!(decision.is_allowed(), "{decision:?}");
        dhat::HeapStats::get().total_blocks - before
    };
    let allocated: Vec<u64> = (0..2000).map(&mut ask).collect();
    assert!(allocated[0] > 0, "the first time the token is verified and kept");
    // About once in a second the store is asked for more units.
    let quiet = allocated[1000..].iter().filter(|blocks| **blocks == 0).count();
    assert!(quiet > 990, "{quiet} of 1000 allocated nothing");
}
