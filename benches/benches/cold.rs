//! A token that was not seen before: from its text to the decision, beside the peers.

#![allow(missing_docs, reason = "a benchmark's main function is made by a macro")]

mod peers;

use std::{cell::RefCell, hint::black_box};

use coset::{CborSerializable, CoseSign1, TaggedCborSerializable, cwt::ClaimsSet};
use criterion::{Criterion, criterion_group, criterion_main};
use ed25519_dalek::{Signature, SigningKey};
use licentia::{Decision, Request};
use licentia_benches::{AUDIENCE, NOW, Service, draft, issuer, service::later};
use licentia_core::{
    Buffer, Expect, Key, Preparation, Unverified,
    inner::{Frame, Typ},
    text::decode_license,
    verify_text,
};
use peers::{Peer, SEED};

fn licentia(name: &'static str, key: Key) -> Peer {
    let keys = [key];
    let expect = Expect::new().issuer("acme").audience(AUDIENCE).features(&["export"]);
    let buffer = RefCell::new(Buffer::new());
    let check = move |token: &str| verify_text(token, &mut buffer.borrow_mut(), &keys, &expect, NOW).is_ok();
    (name, issuer().issue(&draft()).unwrap().text(), Box::new(check))
}

/// The issuer's key with tables of at most so many bytes.
fn prepared(bytes: usize) -> Key {
    Preparation::within(bytes).unwrap().key(&issuer().key().public())
}

fn cold(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("cold");
    let plain = issuer().key().public();
    let own = [
        licentia("licentia", prepared(700_000)),
        licentia("licentia, 215 KiB a key", prepared(230_000)),
        licentia("licentia, no tables", plain),
    ];
    for peer in own.into_iter().chain(peers::peers()) {
        peers::measure(&mut group, &peer);
    }

    // The whole gate: keyset, revocation bundle, feature, rate, quota.
    let gate = Service::new(10_000).gate().cache_capacity(0).build().unwrap();
    let token = Service::token(1);
    let request = Request::new().features(&["export"]).rates(&[("api", 1)]).meters(&[("calls", 1)]);
    let (mut decision, mut count) = (Decision::undecided(), 0);
    group.bench_function("licentia, whole gate", |bencher| {
        bencher.iter(|| {
            count += 1;
            gate.check_into(black_box(&token), &request, later(count), &mut decision);
            assert!(decision.is_allowed());
        });
    });

    let token = issuer().issue(&draft()).unwrap();
    let bytes = token.as_bytes();
    let text = token.text();
    let mut buffer = Buffer::new();
    group.bench_function("licentia without signature", |bencher| {
        bencher.iter(|| {
            Unverified::read(decode_license(black_box(&text), &mut buffer).unwrap()).unwrap().expires()
        });
    });

    // The signature check alone, of the very bytes that the licence's signature covers.
    let frame = Frame::read(bytes, Typ::License).unwrap();
    let (message, signature) = (frame.to_be_signed().concat(), Signature::from_bytes(frame.signature));
    let key = SigningKey::from_bytes(&SEED).verifying_key();
    group.bench_function("verify_strict", |bencher| {
        bencher.iter(|| key.verify_strict(black_box(&message), black_box(&signature)).unwrap());
    });
    let theirs = ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, key.to_bytes());
    group.bench_function("ring, signature", |bencher| {
        bencher.iter(|| theirs.verify(black_box(&message), black_box(frame.signature)).unwrap());
    });
    let theirs = aws_lc_rs::signature::UnparsedPublicKey::new(&aws_lc_rs::signature::ED25519, key.to_bytes());
    group.bench_function("aws-lc-rs, signature", |bencher| {
        bencher.iter(|| theirs.verify(black_box(&message), black_box(frame.signature)).unwrap());
    });
    // The frame by the coset crate and the signature by dalek: what a service would write by itself.
    group.bench_function("coset and verify_strict", |bencher| {
        bencher.iter(|| {
            let sign1 = CoseSign1::from_tagged_slice(black_box(bytes)).unwrap();
            let check = |signature: &[u8], message: &[u8]| {
                key.verify_strict(message, &Signature::from_slice(signature).unwrap())
            };
            sign1.verify_signature(&[], check).unwrap();
            ClaimsSet::from_slice(sign1.payload.as_deref().unwrap()).unwrap().expiration_time
        });
    });
    group.finish();
}

criterion_group!(benches, cold);
criterion_main!(benches);
