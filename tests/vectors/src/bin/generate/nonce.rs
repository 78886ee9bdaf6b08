//! Nonces that a service hands out for proofs.

use licentia_vectors::{File, NonceGroup, NonceTest, Verdict};
use sha2::{Digest as _, Sha256};

use crate::{
    cbor::{self, Item},
    encoding::{base64url, hex, license_text},
    licence::NOW,
    license::bound,
    output,
    proof::{METHOD, Presented},
    signer::Signer,
};

/// The claim key of the service's nonce.
const SERVICE_NONCE: i64 = -65_541;
const SECRET: [u8; 32] = [9; 32];
const YEAR: u64 = 31_536_000;

pub(crate) fn file() -> File<NonceGroup> {
    let notes = [
        ("Malformed", "A nonce that is no byte string."),
        ("NoNonce", "A proof without a nonce of the service."),
        ("Nonce", "A proof with a nonce of the service: its own time is not looked at."),
        ("Order", "What is checked before the nonce."),
    ];
    output::file("licentia-nonce-v1", &notes, vec![welcome(), required()])
}

/// HMAC-SHA256 (RFC 2104).
fn hmac(secret: &[u8; 32], message: &[u8]) -> [u8; 32] {
    let pad = |byte: u8| {
        let mut block = [byte; 64];
        block.iter_mut().zip(secret).for_each(|(pad, key)| *pad ^= key);
        block
    };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().into()
}

/// What a service with a secret hands out at a time.
fn handed_out(secret: &[u8; 32], time: u64) -> Vec<u8> {
    let time = time.to_be_bytes();
    let tag = hmac(secret, &[b"licentia proof nonce 1", &time[..]].concat());
    [&time[..], &tag[..16]].concat()
}

/// A group that is being written.
struct Cases {
    group: NonceGroup,
    flag: &'static str,
}

impl Cases {
    fn new(comment: &str, required: bool) -> Self {
        let group = NonceGroup {
            comment: comment.to_owned(),
            keys: vec![Signer::main().text()],
            token: license_text(&bound().token()),
            secret: hex(&SECRET),
            required,
            tests: Vec::new(),
        };
        Self { group, flag: "Nonce" }
    }

    fn add(&mut self, comment: &str, code: &str, now: u64, proof: &Presented) {
        let result = if code == "allowed" { Verdict::Valid } else { Verdict::Invalid };
        self.group.tests.push(NonceTest {
            tc_id: 0,
            comment: comment.to_owned(),
            flags: vec![self.flag.to_owned()],
            proof: proof.present(),
            now,
            nonce: base64url(&handed_out(&SECRET, now)),
            result,
            code: code.to_owned(),
        });
    }
}

/// A proof that is made at a time, with a nonce or without.
fn proof(made_at: u64, nonce: Option<Item>) -> Presented {
    let made = Presented::with(6, cbor::uint(made_at));
    match nonce {
        Some(nonce) => Presented { claims: made.claims.set(SERVICE_NONCE, nonce), ..made },
        None => made,
    }
}

fn good(time: u64) -> Item {
    cbor::bytes(&handed_out(&SECRET, time))
}

fn welcome() -> NonceGroup {
    let mut cases = Cases::new("A service that takes nonces, and proofs without one", false);
    let needed = "proof_nonce_required";
    for made_at in [0, NOW - YEAR, NOW, NOW + YEAR] {
        cases.add(
            &format!("a holder's clock that shows {made_at}"),
            "allowed",
            NOW,
            &proof(made_at, Some(good(NOW))),
        );
    }
    for (what, handed_out, code) in [
        ("a nonce of 60 seconds ago", NOW - 60, "allowed"),
        ("a nonce of 61 seconds ago", NOW - 61, needed),
        ("a nonce of another machine that is 60 seconds ahead", NOW + 60, "allowed"),
        ("a nonce of 61 seconds from now", NOW + 61, needed),
        ("a nonce of 1970", 0, needed),
        ("a nonce of the end of time", u64::MAX, needed),
    ] {
        cases.add(what, code, NOW, &proof(NOW, Some(good(handed_out))));
    }
    let ours = handed_out(&SECRET, NOW);
    let turned = |at: usize| {
        let mut bytes = ours.clone();
        bytes[at] ^= 1;
        bytes
    };
    for (what, nonce) in [
        ("a nonce under another secret", handed_out(&[8; 32], NOW)),
        ("another time under the same tag", turned(7)),
        ("the tag's first bit", turned(8)),
        ("the tag's last bit", turned(23)),
        ("a nonce that is cut by a byte", ours[..23].to_vec()),
        ("a nonce with a byte more", [&ours[..], &[0]].concat()),
        ("an empty nonce", Vec::new()),
        ("a nonce of 300 bytes", vec![1; 300]),
    ] {
        cases.add(what, needed, NOW, &proof(NOW, Some(cbor::bytes(&nonce))));
    }
    cases.flag = "NoNonce";
    for (made_at, code) in [
        (NOW, "allowed"),
        (NOW - 60, "allowed"),
        (NOW - 61, "proof_stale"),
        (NOW + 60, "allowed"),
        (NOW + 61, "proof_in_future"),
    ] {
        cases.add(&format!("made at {made_at}"), code, NOW, &proof(made_at, None));
    }
    cases.flag = "Malformed";
    let values =
        [("null", cbor::simple(cbor::NULL)), ("a text", cbor::text("nonce")), ("a number", cbor::uint(1))];
    for (what, value) in values {
        cases.add(what, "proof_malformed", NOW, &proof(NOW, Some(value)));
    }
    cases.flag = "Order";
    let stranger = Presented { signer: Signer::main(), ..proof(NOW, Some(good(0))) };
    cases.add("another key, and an old nonce", "proof_bad_signature", NOW, &stranger);
    let other = proof(NOW, Some(good(0)));
    let other = Presented { claims: other.claims.set(METHOD, cbor::text("PUT")), ..other };
    cases.add("another method, and an old nonce", "proof_wrong_method", NOW, &other);
    cases.group
}

fn required() -> NonceGroup {
    let mut cases = Cases::new("A service that refuses proofs without a nonce", true);
    let needed = "proof_nonce_required";
    cases.add("a nonce of now", "allowed", NOW, &proof(NOW - YEAR, Some(good(NOW))));
    cases.add("a nonce of 61 seconds ago", needed, NOW, &proof(NOW, Some(good(NOW - 61))));
    cases.flag = "NoNonce";
    for made_at in [NOW - YEAR, NOW, NOW + YEAR] {
        cases.add(&format!("made at {made_at}"), needed, NOW, &proof(made_at, None));
    }
    cases.group
}
