//! A gate whose units are brought to it, as JavaScript does: what it asks for, and what it says when nothing comes.

mod common;

use std::sync::Arc;

use common::{NOW, YEAR, builder, licence};
use licentia::{
    Code, Gate, HolderKey, Now, Proof, Request,
    store::{Leased, Wish},
};

fn calls() -> Request<'static> {
    Request::new().meters(&[("calls", 1)])
}

fn gate() -> (Gate, Arc<Leased>) {
    let store = Arc::new(Leased::new());
    (builder().store(store.clone()).build().unwrap(), store)
}

fn wishes(gate: &Gate, store: &Leased, token: &str, request: &Request<'_>, now: impl Into<Now>) -> Vec<Wish> {
    store.wishes();
    gate.prefetch(token, request, now);
    store.wishes()
}

#[test]
fn a_store_out_of_reach_is_told_to_every_request_that_needs_it() {
    let (gate, store) = gate();
    let token = licence(|_| ());
    let both = Request::new().meters(&[("calls", 1), ("mails", 1)]);
    // Twenty that wait for the store at the same time, with one meter or two.
    let requests: Vec<_> = (0..20).map(|at| if at % 2 == 0 { both } else { calls() }).collect();
    for request in &requests {
        for wish in wishes(&gate, &store, &token, request, NOW) {
            store.lost(&wish.key);
        }
    }
    for request in &requests {
        assert_eq!(gate.check(&token, request, NOW).code(), Code::StoreUnreachable);
    }
    for wish in wishes(&gate, &store, &token, &both, NOW) {
        assert!(store.granted(&wish.key, 0, 100));
    }
    assert_eq!(gate.check(&token, &both, NOW).code(), Code::QuotaExceeded, "that is known now");
}

#[test]
fn a_request_wishes_only_for_what_it_needs_itself() {
    let (gate, store) = gate();
    let (one, other) = (licence(|_| ()), licence(|_| ()));
    assert_eq!(gate.check(&one, &calls(), NOW).code(), Code::QuotaExceeded, "nothing was brought");
    let wishes = wishes(&gate, &store, &other, &calls(), NOW);
    assert_eq!(wishes.iter().map(|wish| (wish.want, wish.limit)).collect::<Vec<_>>(), [(1, 100)]);
}

#[test]
fn a_request_that_cannot_pass_wishes_for_nothing() {
    let (gate, store) = gate();
    let token = licence(|_| ());
    let sso = calls().features(&["sso"]);
    assert_eq!(wishes(&gate, &store, &token, &sso, NOW), []);
    let ended = licence(|draft| (draft.issued_at, draft.expires) = (NOW - YEAR, NOW - 1));
    assert_eq!(wishes(&gate, &store, &ended, &calls(), NOW), []);
    assert_eq!(wishes(&gate, &store, "lic1_AAAA", &calls(), NOW), []);
    assert_eq!(wishes(&gate, &store, &token, &calls(), NOW).len(), 1);

    let holder = HolderKey::from_seed(&[33; 32]);
    let bound = licence(|draft| draft.holder = Some(licentia_issuer::Confirmation::Key(holder.public())));
    assert_eq!(wishes(&gate, &store, &bound, &calls(), NOW), []);
    let proof = holder.prove(&bound, "GET", "https://a.example/", None, NOW).unwrap();
    let proven = calls().proof(Proof { bytes: &proof, method: "GET", uri: "https://a.example/", body: None });
    let wish = wishes(&gate, &store, &bound, &proven, NOW).pop().unwrap();
    assert!(store.granted(&wish.key, 1, 1));
    gate.prefetch(&bound, &proven, NOW);
    assert_eq!(
        gate.check(&bound, &proven, NOW).code(),
        Code::Allowed,
        "to prepare does not use the proof up"
    );
    assert_eq!(gate.check(&bound, &proven, NOW).code(), Code::ProofReplayed);
}

#[test]
fn who_looks_first_learns_what_others_have_used() {
    let (gate, store) = gate();
    let token = licence(|_| ());
    let peek = Request::new().meters(&[("calls", 0)]);
    let wish = wishes(&gate, &store, &token, &peek, NOW).pop().unwrap();
    assert_eq!(wish.want, 0);
    store.granted(&wish.key, 0, 93);
    let decision = gate.check(&token, &peek, NOW);
    assert_eq!(decision.quota("calls").unwrap().remaining, 7);
}

#[test]
fn leases_follow_the_pace_and_what_is_not_used_goes_back() {
    let (gate, store) = gate();
    let token = licence(|draft| {
        draft.grant.quotas.insert("calls".into(), "1000000/day".parse().unwrap());
    });
    let (mut total, mut fetched, mut largest) = (0, 0, 0);
    // 1,000 requests a second for three seconds.
    for at in 0..3000 {
        let now = Now { time: NOW + at / 1000, monotonic_nanos: at * 1_000_000 };
        for wish in wishes(&gate, &store, &token, &calls(), now) {
            total += wish.want;
            fetched += 1;
            largest = largest.max(wish.want);
            assert!(store.granted(&wish.key, wish.want, total));
        }
        assert!(gate.check(&token, &calls(), now).is_allowed());
    }
    assert!(fetched < 20, "{fetched} leases");
    assert!((500..=1001).contains(&largest), "{largest} units: what lasts for a second");
    gate.settle().unwrap();
    let left = store.drain();
    assert_eq!(
        left.iter().map(|(_, units)| units).sum::<u64>(),
        total - 3000,
        "also what the gate had taken"
    );

    // After a minute in which hardly anything came, little is fetched ahead.
    let now = Now { time: NOW + 60, monotonic_nanos: 60_000_000_000 };
    let want = wishes(&gate, &store, &token, &calls(), now).pop().map(|wish| wish.want);
    assert!(want.is_some_and(|want| (1..=20).contains(&want)), "{want:?}");
}
