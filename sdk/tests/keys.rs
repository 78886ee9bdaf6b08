//! Rotation, compromise and scope of keys.

mod common;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use common::{DAY, NOW, YEAR, draft, issuer, key, keyset, loaded, sign};
use licentia::{
    BuildError, Code, Gate, GateBuilder, Keyset, Request,
    store::{Memory, Store as _},
};
use licentia_issuer::{KeyScope, KeyStatus};

fn code(gate: &Gate, token: &str) -> Code {
    gate.check(token, &Request::new(), NOW).code()
}

#[test]
fn a_rotation_keeps_old_licences_and_a_revocation_ends_them_at_once() {
    let mut keys = keyset(&[1]);
    let gate = GateBuilder::new().keyset(key(9).public(), sign(&mut keys)).build().unwrap();
    let old = issuer(1).issue(&draft()).unwrap().text();
    let new = issuer(2).issue(&draft()).unwrap().text();
    assert_eq!((code(&gate, &old), code(&gate, &new)), (Code::Allowed, Code::UnknownKey));

    // The new key is added, and both sign for a while.
    keys.add(licentia_issuer::KeysetEntry::new(&key(2).public())).unwrap();
    assert_eq!(loaded(gate.load_keyset(&sign(&mut keys))), Ok(true));
    assert_eq!((code(&gate, &old), code(&gate, &new)), (Code::Allowed, Code::Allowed));

    // The old key retires: what it signed before stays good, what it signs later does not.
    let kid = key(1).kid().to_string();
    let entry = keys.entry(&kid).unwrap();
    (entry.status, entry.not_after) = (KeyStatus::Retired, Some((NOW - 1).as_seconds().to_string()));
    assert_eq!(loaded(gate.load_keyset(&sign(&mut keys))), Ok(true));
    let mut late = draft();
    late.issued_at = NOW;
    let late = issuer(1).issue(&late).unwrap().text();
    assert_eq!((code(&gate, &old), code(&gate, &late)), (Code::Allowed, Code::KeyNotActive));

    // It leaks: one keyset, and nothing that it signed is good, cached or not.
    keys.entry(&kid).unwrap().status = KeyStatus::Revoked;
    assert_eq!(loaded(gate.load_keyset(&sign(&mut keys))), Ok(true));
    assert_eq!((code(&gate, &old), code(&gate, &new)), (Code::KeyRevoked, Code::Allowed));
}

#[test]
fn an_older_or_a_second_keyset_is_refused_also_after_a_restart() {
    let store = Arc::new(Memory::new());
    let build = |bytes: &[u8]| {
        GateBuilder::new()
            .keyset(key(9).public(), bytes)
            .store(store.clone())
            .build()
            .map(|_| ())
            .map_err(|error| error.code())
    };
    let mut keys = keyset(&[1]);
    let first = sign(&mut keys);
    let mut fork = keys.clone();
    let second = sign(&mut keys);
    let forked = fork.sign(&key(9), NOW, NOW + YEAR).unwrap();

    let gate =
        GateBuilder::new().keyset(key(9).public(), first.clone()).store(store.clone()).build().unwrap();
    assert_eq!(loaded(gate.load_keyset(&second)), Ok(true));
    assert_eq!(loaded(gate.load_keyset(&second)), Ok(false));
    assert_eq!(loaded(gate.load_keyset(&first)), Err(Code::KeysetRollback));
    assert_eq!(loaded(gate.load_keyset(&forked)), Err(Code::KeysetEquivocation));
    assert_eq!(loaded(gate.load_keyset(&second[..second.len() - 1])), Err(Code::Truncated));
    drop(gate);
    assert_eq!(build(&first), Err(Code::KeysetRollback), "the store remembers");
    assert_eq!(build(&forked), Err(Code::KeysetEquivocation));
    assert_eq!(build(&second), Ok(()));
}

#[test]
fn a_store_that_loses_its_mark_brings_no_older_keyset_back() {
    let store = Arc::new(Memory::new());
    let mut keys = keyset(&[1]);
    let first = sign(&mut keys);
    let mut fork = keys.clone();
    let second = sign(&mut keys);
    let forked = fork.sign(&key(9), NOW, NOW + YEAR).unwrap();
    let builder = GateBuilder::new().keyset(key(9).public(), second.clone());
    let gate = builder.store(store.clone()).build().unwrap();
    store.save("keyset.seen", &[]).unwrap();
    let older = gate.load_keyset(&first).unwrap_err();
    assert_eq!(older.code(), Code::KeysetRollback);
    assert_eq!(
        older.to_string(),
        "the keyset has number 1, and number 2 was loaded before; load a newer one"
    );
    assert_eq!(loaded(gate.load_keyset(&forked)), Err(Code::KeysetEquivocation));
    assert_eq!(store.load("keyset.seen").unwrap(), Some(Vec::new()), "what is refused is not remembered");
    assert_eq!(loaded(gate.load_keyset(&second)), Ok(false), "it is the one in use");
    assert!(store.load("keyset.seen").unwrap().is_some_and(|mark| !mark.is_empty()), "remembered again");
}

#[test]
fn a_thief_of_an_old_root_does_not_lock_out_the_next_one() {
    let store = Arc::new(Memory::new());
    let build = |root: u8, bytes: &[u8]| {
        let builder = GateBuilder::new().keyset(key(root).public(), bytes).store(store.clone());
        builder.build().map(|_| ()).map_err(|error| error.code())
    };
    let signed = |root: u8, sequence: u64| {
        let mut keys = keyset(&[1]);
        keys.sequence = sequence - 1;
        keys.sign(&key(root), NOW, NOW + YEAR).unwrap()
    };
    assert_eq!(build(9, &signed(9, 1)), Ok(()));
    assert_eq!(build(9, &signed(9, 1 << 50)), Ok(()), "the thief's");
    assert_eq!(build(9, &signed(9, 2)), Err(Code::KeysetRollback));
    assert_eq!(build(8, &signed(8, 2)), Ok(()), "the new root begins anew");
    assert_eq!(build(8, &signed(8, 1)), Err(Code::KeysetRollback));
    assert_eq!(build(9, &signed(9, 1 << 49)), Err(Code::KeysetRollback), "the old root's is remembered too");
    assert_eq!(build(8, &signed(8, 3)), Ok(()));
}

#[test]
fn a_mark_of_an_earlier_version_counts_for_the_present_root() {
    let store = Arc::new(Memory::new());
    let mut keys = keyset(&[1]);
    let (first, second) = (sign(&mut keys), sign(&mut keys));
    let mark = Keyset::read(&second, &key(9).public()).unwrap().mark();
    let earlier = [&mark.sequence.to_be_bytes()[..], &mark.digest].concat();
    assert!(store.replace("keyset.seen", None, &earlier).unwrap());
    let build = |bytes: &[u8]| {
        let builder = GateBuilder::new().keyset(key(9).public(), bytes).store(store.clone());
        builder.build().map(|_| ()).map_err(|error| error.code())
    };
    assert_eq!(build(&first), Err(Code::KeysetRollback));
    assert_eq!(build(&second), Ok(()));
    assert_eq!(build(&first), Err(Code::KeysetRollback));
}

#[test]
fn a_good_keyset_does_not_give_way_to_one_that_has_expired() {
    let store = Arc::new(Memory::new());
    let mut keys = keyset(&[1]);
    let good = keys.sign(&key(9), NOW, NOW + YEAR).unwrap();
    let gate = GateBuilder::new().keyset(key(9).public(), good.clone()).store(store.clone()).build().unwrap();
    let token = issuer(1).issue(&draft()).unwrap().text();
    assert_eq!(code(&gate, &token), Code::Allowed);
    let expired = keys.sign(&key(9), NOW - DAY, NOW - 1).unwrap();
    assert_eq!(loaded(gate.load_keyset(&expired)), Err(Code::KeysetExpired));
    assert_eq!(code(&gate, &token), Code::Allowed, "the good one stays in use");
    drop(gate);
    let again = GateBuilder::new().keyset(key(9).public(), good).store(store).build();
    assert!(again.is_ok(), "the expired one was not remembered");

    // Without a good one there is nothing to protect.
    let mut keys = keyset(&[1]);
    let short = keys.sign(&key(9), NOW - 2 * DAY, NOW - DAY).unwrap();
    let gate = GateBuilder::new().keyset(key(9).public(), short).build().unwrap();
    assert_eq!(code(&gate, &token), Code::KeysetExpired);
    assert_eq!(loaded(gate.load_keyset(&keys.sign(&key(9), NOW - DAY, NOW - 1).unwrap())), Ok(true));
}

#[test]
fn an_expired_keyset_vouches_for_nothing() {
    let mut keys = keyset(&[1]);
    let bytes = keys.sign(&key(9), NOW - DAY, NOW).unwrap();
    let gate = GateBuilder::new().keyset(key(9).public(), bytes).build().unwrap();
    let token = issuer(1).issue(&draft()).unwrap().text();
    assert_eq!(gate.check(&token, &Request::new(), NOW - 1).code(), Code::Allowed);
    let decision = gate.check(&token, &Request::new(), NOW);
    assert_eq!((decision.code(), decision.http_status()), (Code::KeysetExpired, 503));
}

#[test]
fn a_reseller_cannot_sign_beyond_its_scope() {
    let texts = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect());
    let scopes = [
        (KeyScope { issuers: texts(&["acme"]), ..KeyScope::default() }, Code::Allowed),
        (KeyScope { issuers: texts(&["other"]), ..KeyScope::default() }, Code::KeyOutOfScope),
        (KeyScope { tiers: texts(&["free", "pro"]), ..KeyScope::default() }, Code::Allowed),
        (KeyScope { tiers: texts(&["free"]), ..KeyScope::default() }, Code::KeyOutOfScope),
        (KeyScope { audiences: texts(&["a", "b"]), ..KeyScope::default() }, Code::Allowed),
        (KeyScope { audiences: texts(&["a"]), ..KeyScope::default() }, Code::KeyOutOfScope),
        (KeyScope { longest_term: Some("366 days".into()), ..KeyScope::default() }, Code::Allowed),
        (KeyScope { longest_term: Some("365 days".into()), ..KeyScope::default() }, Code::KeyOutOfScope),
    ];
    let mut draft = draft();
    draft.audiences = vec!["a".into(), "b".into()];
    let token = issuer(1).issue(&draft).unwrap().text();
    for (scope, expected) in scopes {
        let mut keys = keyset(&[1]);
        keys.keys[0].scope = Some(scope.clone());
        let gate = GateBuilder::new().keyset(key(9).public(), sign(&mut keys)).audience("a").build().unwrap();
        assert_eq!(code(&gate, &token), expected, "{scope:?}");
    }
}

#[test]
fn a_revocation_key_signs_no_licences() {
    let mut keys = keyset(&[1, 2]);
    keys.keys[0].purpose = licentia_issuer::KeyPurpose::Revocation;
    let gate = GateBuilder::new().keyset(key(9).public(), sign(&mut keys)).build().unwrap();
    assert_eq!(code(&gate, &issuer(1).issue(&draft()).unwrap().text()), Code::UnknownKey);
}

#[test]
fn a_gate_needs_keys() {
    assert!(matches!(GateBuilder::new().build(), Err(BuildError::NoKey)));
    let gate = common::gate();
    assert_eq!(
        loaded(gate.load_keyset(&sign(&mut keyset(&[1])))),
        Err(Code::InvalidArgument),
        "no root to check it with"
    );
}

#[test]
fn threads_see_whole_keysets_while_they_are_swapped() {
    let mut keys = keyset(&[1, 2]);
    let gate = GateBuilder::new().keyset(key(9).public(), sign(&mut keys)).cache_capacity(8).build().unwrap();
    let tokens = [1, 2].map(|seed| issuer(seed).issue(&draft()).unwrap().text());
    let kids = [1, 2].map(|seed| key(seed).kid().to_string());
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let codes = [0, 1].map(|at| code(&gate, &tokens[at]));
                    assert!(
                        codes.iter().all(|code| matches!(code, Code::Allowed | Code::KeyRevoked)),
                        "{codes:?}"
                    );
                }
            });
        }
        for round in 0..200 {
            // Exactly one of the two is revoked in each keyset, so that a mixture would show.
            for (at, kid) in kids.iter().enumerate() {
                keys.entry(kid).unwrap().status =
                    if at == round % 2 { KeyStatus::Revoked } else { KeyStatus::Active };
            }
            assert_eq!(loaded(gate.load_keyset(&sign(&mut keys))), Ok(true));
            let codes = [0, 1].map(|at| code(&gate, &tokens[at]));
            let mut expected = [Code::Allowed; 2];
            expected[round % 2] = Code::KeyRevoked;
            assert_eq!(codes, expected, "in effect at once");
        }
        done.store(true, Ordering::Relaxed);
    });
}
