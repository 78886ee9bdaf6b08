//! Revocation in a gate: exactly what is meant, at once, and never an older state again.

mod common;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::channel,
    },
    time::Duration,
};

use common::{DAY, NOW, draft, issuer, key, keyset, loaded, sign};
use licentia::{
    Action, Code, Feed, FeedError, Gate, GateBuilder, LoadError, Loadable, Request, State, Timestamp, Watch,
    revocation::{Effect, Reason, RevocationTerms},
    store::{Cell, JobAsk, JobCharged, JobFinish, Memory, PartDone, Store, Taken, Unreachable},
};
use licentia_issuer::{BundleDraft, KeyPurpose, KeysetDraft, KeysetEntry, RuleDraft};

/// The seed of the key that signs bundles.
const REVOKER: u8 = 5;

/// A keyset with an issuer's key and a revocation key.
fn keys() -> KeysetDraft {
    let mut keys = keyset(&[1]);
    keys.add(KeysetEntry { purpose: KeyPurpose::Revocation, ..KeysetEntry::new(&key(REVOKER).public()) })
        .unwrap();
    keys
}

fn bundle(sequence: u64, indices: &[u64]) -> BundleDraft {
    BundleDraft {
        issuer: "acme".into(),
        sequence,
        issued_at: NOW - 100,
        next_update: NOW + DAY,
        expires: NOW + 30 * DAY,
        salt: [3; 16].into(),
        indices: indices.iter().map(|index| (*index, RevocationTerms::default())).collect(),
        ..BundleDraft::default()
    }
}

fn signed(draft: &BundleDraft) -> Vec<u8> {
    draft.sign(&key(REVOKER)).unwrap()
}

fn gate(first: &BundleDraft) -> Gate {
    GateBuilder::new().keyset(key(9).public(), sign(&mut keys())).revocation(signed(first)).build().unwrap()
}

fn licence(index: u64, change: impl FnOnce(&mut licentia_issuer::Draft)) -> String {
    let mut draft = draft();
    draft.index = Some(index);
    change(&mut draft);
    issuer(1).issue(&draft).unwrap().text()
}

fn code(gate: &Gate, token: &str) -> Code {
    gate.check(token, &Request::new(), NOW).code()
}

#[test]
fn exactly_the_revoked_licence_is_refused_and_can_be_reinstated_by_a_delta() {
    let (first, second, third) = (bundle(1, &[]), bundle(2, &[7, 9]), bundle(3, &[9]));
    let gate = gate(&first);
    let tokens: Vec<_> = (6..=10).map(|index| licence(index, |_| ())).collect();
    let codes = || tokens.iter().map(|token| code(&gate, token)).collect::<Vec<_>>();
    assert_eq!(codes(), [Code::Allowed; 5]);
    assert_eq!(loaded(gate.load_revocation(&signed(&second))), Ok(true));
    assert_eq!(codes(), [Code::Allowed, Code::Revoked, Code::Allowed, Code::Revoked, Code::Allowed]);
    let delta = third.sign_delta(&second, &key(REVOKER)).unwrap();
    assert_eq!(loaded(gate.load_revocation(&delta)), Ok(true));
    assert_eq!(codes(), [Code::Allowed, Code::Allowed, Code::Allowed, Code::Revoked, Code::Allowed]);
    assert_eq!(loaded(gate.load_revocation(&delta)), Ok(false), "the same one again");
    assert_eq!(loaded(gate.load_revocation(&signed(&third))), Ok(false), "the same state, whole");
    let decision = gate.check(&tokens[3], &Request::new(), NOW);
    assert_eq!(decision.http_status(), 401);
    let json = decision.explanation().json().to_string();
    let expected = r#""check":"revocation","code":500,"result":"revoked","sequence":3,"reason":"unspecified","effective":0,"until":null"#;
    assert!(json.contains(expected), "{json}");
}

#[test]
fn a_hundred_deltas_lead_to_the_same_state_as_a_whole_bundle() {
    let mut draft = bundle(1, &[]);
    let gate = gate(&draft);
    for sequence in 2..=101_u64 {
        let mut next = BundleDraft { sequence, ..draft.clone() };
        next.indices.insert(sequence * 1000, RevocationTerms::default());
        if sequence % 3 == 0 {
            next.indices.pop_first();
            next.ids.insert([u8::try_from(sequence).unwrap(); 16].into(), RevocationTerms::default());
        }
        let delta = next.sign_delta(&draft, &key(REVOKER)).unwrap();
        assert_eq!(loaded(gate.load_revocation(&delta)), Ok(true), "{sequence}");
        draft = next;
    }
    for index in (0..102).map(|sequence| sequence * 1000) {
        let expected = if draft.indices.contains_key(&index) { Code::Revoked } else { Code::Allowed };
        assert_eq!(code(&gate, &licence(index, |_| ())), expected, "{index}");
    }
}

#[test]
fn licences_without_an_index_are_revoked_by_their_identifier() {
    let mut draft = bundle(1, &[]);
    draft.ids.insert([1; 16].into(), RevocationTerms::default());
    let gate = gate(&draft);
    let without = |id: u8| licence(0, |draft| (draft.index, draft.id) = (None, Some([id; 16].into())));
    assert_eq!([1, 2].map(|id| code(&gate, &without(id))), [Code::Revoked, Code::Allowed]);
}

#[test]
fn rules_revoke_what_has_their_conditions_in_common_and_nothing_else() {
    let kid = key(1).kid().as_bytes().to_vec();
    let good = licence(1, |draft| draft.id = Some([1; 16].into()));
    let mut buffer = licentia_core::Buffer::new();
    let bytes = licentia_core::text::decode_license(&good, &mut buffer).unwrap();
    let digest = licentia_core::inner::digest(bytes);
    let forged = licence(1, |draft| (draft.id, draft.issued_at) = (Some([1; 16].into()), NOW - 2 * DAY));
    let rule = RuleDraft::default;
    let cases = [
        (RuleDraft { subject: Some("customer-42".into()), ..rule() }, Code::RevokedByRule),
        (RuleDraft { subject: Some("customer-43".into()), ..rule() }, Code::Allowed),
        (RuleDraft { lineage: Some([1; 16].into()), ..rule() }, Code::RevokedByRule),
        (RuleDraft { tier: Some(("pro".into(), None)), ..rule() }, Code::RevokedByRule),
        (RuleDraft { tier: Some(("pro".into(), Some(3))), ..rule() }, Code::RevokedByRule),
        (RuleDraft { tier: Some(("pro".into(), Some(2))), ..rule() }, Code::Allowed),
        (RuleDraft { issued_at: Some((Timestamp::EPOCH, NOW - DAY)), ..rule() }, Code::RevokedByRule),
        (RuleDraft { issued_at: Some((NOW - DAY + 1, NOW)), ..rule() }, Code::Allowed),
        (RuleDraft { index: Some((0, 1)), ..rule() }, Code::RevokedByRule),
        (RuleDraft { index: Some((2, 9)), ..rule() }, Code::Allowed),
        (RuleDraft { kid: Some(kid.clone()), ..rule() }, Code::RevokedByRule),
        (RuleDraft { kid: Some(kid.clone()), exempt: [[1; 16].into()].into(), ..rule() }, Code::Allowed),
        (RuleDraft { kid: Some(kid.clone()), allowed: [digest].into(), ..rule() }, Code::Allowed),
        (RuleDraft { kid: Some(kid.clone()), index: Some((5, 6)), ..rule() }, Code::Allowed),
    ];
    for (rule, expected) in cases {
        let gate = gate(&BundleDraft { rules: vec![rule.clone()], ..bundle(1, &[]) });
        assert_eq!(code(&gate, &good), expected, "{rule:?}");
    }
    // A thief with the key can copy every claim of a good licence, and is refused all the same.
    let rule = RuleDraft { kid: Some(kid), allowed: [digest].into(), ..rule() };
    let gate = gate(&BundleDraft { rules: vec![rule], ..bundle(1, &[]) });
    assert_eq!([code(&gate, &good), code(&gate, &forged)], [Code::Allowed, Code::RevokedByRule]);
    let everything = BundleDraft { rules: vec![RuleDraft::default()], ..bundle(1, &[]) };
    assert!(everything.sign(&key(REVOKER)).is_err(), "a rule without a condition");
}

#[test]
fn a_revocation_can_begin_later_warn_or_leave_a_grace() {
    let terms = |effective, effect| RevocationTerms { reason: Reason::Unpaid, effective, effect };
    let indices: BTreeMap<_, _> = [
        (1, terms(NOW + 10, Effect::Deny)),
        (2, terms(Timestamp::EPOCH, Effect::WarnUntil(NOW + 10))),
        (3, terms(Timestamp::EPOCH, Effect::GraceUntil(NOW + 10))),
    ]
    .into();
    let gate = gate(&BundleDraft { indices, ..bundle(1, &[]) });
    let at = |index, now| {
        let token = licence(index, |_| ());
        let decision = gate.check(&token, &Request::new(), now);
        (decision.code(), decision.state(), decision.warning())
    };
    let revoked = (Code::Revoked, State::Active, None);
    assert_eq!(at(1, NOW + 9), (Code::Allowed, State::Active, None));
    assert_eq!(at(2, NOW + 9), (Code::Allowed, State::Active, Some(Code::Revoked)));
    assert_eq!(at(3, NOW + 9), (Code::Allowed, State::Grace, Some(Code::Revoked)));
    let token = licence(3, |_| ());
    let decision = gate.check(&token, &Request::new(), NOW + 9);
    let text = decision.explanation().to_string();
    let expected =
        format!("warn  revocation  bundle 1, reason unpaid, passed over until {}", (NOW + 10).as_seconds());
    assert!(text.contains(&expected), "{text}");
    assert_eq!([1, 2, 3].map(|index| at(index, NOW + 10)), [revoked; 3]);
}

#[test]
fn of_several_revocations_the_strictest_counts() {
    let rule = |effective, effect| RuleDraft {
        subject: Some(draft().subject),
        terms: RevocationTerms { reason: Reason::Unpaid, effective, effect },
        ..RuleDraft::default()
    };
    let with = |rules: Vec<RuleDraft>, indices: &[u64]| {
        let gate = gate(&BundleDraft { rules, ..bundle(1, indices) });
        code(&gate, &licence(7, |_| ()))
    };
    let (later, warn) = (rule(NOW + 1, Effect::Deny), rule(Timestamp::EPOCH, Effect::WarnUntil(NOW + 1)));
    let (grace, now) =
        (rule(Timestamp::EPOCH, Effect::GraceUntil(NOW + 1)), rule(Timestamp::EPOCH, Effect::Deny));
    assert_eq!(with(vec![later.clone(), warn.clone(), grace.clone()], &[]), Code::Allowed);
    assert_eq!(with(vec![later, warn.clone(), grace.clone()], &[7]), Code::Revoked);
    assert_eq!(with(vec![warn, grace, now.clone()], &[]), Code::RevokedByRule);
    assert_eq!(with(vec![now], &[7]), Code::RevokedByRule, "the rule came first");
}

#[test]
fn staleness_follows_the_licence_and_expiry_is_final() {
    let with = |action, age| {
        licence(1, |draft| {
            draft.grant.policy.stale_revocation = action;
            draft.grant.policy.max_revocation_age = age;
        })
    };
    let at = |token: &str, now| {
        let gate = gate(&bundle(1, &[]));
        let decision = gate.check(token, &Request::new(), now);
        (decision.code(), decision.warning())
    };
    let stale = Code::RevocationStale;
    let update = NOW + DAY;
    assert_eq!(at(&with(Action::Deny, None), update), (Code::Allowed, None));
    assert_eq!(at(&with(Action::Deny, None), update + 1), (stale, None));
    assert_eq!(at(&with(Action::Warn(60), None), update + 60), (Code::Allowed, Some(stale)));
    assert_eq!(at(&with(Action::Warn(60), None), update + 61), (stale, None));
    assert_eq!(at(&with(Action::Allow, None), update + DAY), (Code::Allowed, Some(stale)));
    assert_eq!(at(&with(Action::Deny, Some(200)), NOW + 100), (Code::Allowed, None));
    assert_eq!(at(&with(Action::Deny, Some(200)), NOW + 101), (stale, None));
    assert_eq!(at(&with(Action::Allow, None), NOW + 30 * DAY).0, Code::RevocationExpired);
    let none = common::gate();
    assert_eq!(code(&none, &with(Action::Deny, None)), Code::Allowed, "a licence that asks for no bundle");
    assert_eq!(code(&none, &with(Action::Deny, Some(3600))), stale, "and one that does");
}

#[test]
fn what_is_not_the_next_bundle_of_the_right_key_is_refused_with_its_own_code() {
    let store = Arc::new(Memory::new());
    let mut keys = keys();
    let build = |keyset: &[u8], bundle: &[u8]| {
        GateBuilder::new()
            .keyset(key(9).public(), keyset)
            .revocation(bundle)
            .store(store.clone())
            .build()
            .map_err(|error| error.code())
    };
    let keyset = sign(&mut keys);
    let (first, second) = (bundle(1, &[1]), bundle(2, &[1, 2]));
    let fork = BundleDraft { issued_at: NOW - 99, ..second.clone() };
    let third = bundle(3, &[2]);
    let gate = build(&keyset, &signed(&first)).unwrap();
    assert_eq!(loaded(gate.load_revocation(&signed(&second))), Ok(true));
    assert_eq!(loaded(gate.load_revocation(&signed(&first))), Err(Code::BundleRollback));
    assert_eq!(loaded(gate.load_revocation(&signed(&fork))), Err(Code::BundleEquivocation));
    let delta = |base: &BundleDraft| third.sign_delta(base, &key(REVOKER)).unwrap();
    assert_eq!(loaded(gate.load_revocation(&delta(&first))), Err(Code::BundleWrongBase));
    assert_eq!(
        loaded(
            gate.load_revocation(&delta(&BundleDraft { indices: first.indices.clone(), ..second.clone() }))
        ),
        Err(Code::BundleWrongRoot)
    );
    assert_eq!(
        loaded(gate.load_revocation(&third.sign(&key(1)).unwrap())),
        Err(Code::BundleUntrusted),
        "a licence key"
    );
    let good = signed(&third);
    for at in (0..good.len()).step_by(3) {
        let mut changed = good.clone();
        changed[at] ^= 4;
        assert!(gate.load_revocation(&changed).is_err(), "byte {at}");
        assert!(gate.load_revocation(&good[..at]).is_err(), "cut at {at}");
    }
    let mut bent = good.clone();
    *bent.last_mut().unwrap() ^= 1;
    assert_eq!(loaded(gate.load_revocation(&bent)), Err(Code::BundleBadSignature));
    assert_eq!(loaded(gate.load_revocation(&keyset)), Err(Code::WrongTyp), "a keyset");
    let licence = licence(1, |_| ());
    assert_eq!(loaded(gate.load_revocation(licence.as_bytes())), Err(Code::BundleMalformed));
    assert_eq!(code(&gate, &licence), Code::Revoked, "the one in use stays");
    drop(gate);
    assert_eq!(build(&keyset, &signed(&first)).map(|_| ()), Err(Code::BundleRollback), "the store remembers");

    // A thief signed a very high number. The root replaces the key, and the issuer goes on from its own.
    let gate = build(&keyset, &signed(&bundle(1 << 50, &[]))).unwrap();
    assert_eq!(loaded(gate.load_revocation(&signed(&third))), Err(Code::BundleRollback));
    keys.entry(&key(REVOKER).kid().to_string()).unwrap().status = licentia_issuer::KeyStatus::Revoked;
    keys.add(KeysetEntry { purpose: KeyPurpose::Revocation, ..KeysetEntry::new(&key(6).public()) }).unwrap();
    assert_eq!(loaded(gate.load_keyset(&sign(&mut keys))), Ok(true));
    assert_eq!(loaded(gate.load_revocation(&signed(&third))), Err(Code::KeyRevoked));
    keys.entry(&key(REVOKER).kid().to_string()).unwrap().status = licentia_issuer::KeyStatus::Retired;
    assert_eq!(loaded(gate.load_keyset(&sign(&mut keys))), Ok(true));
    assert_eq!(loaded(gate.load_revocation(&signed(&third))), Err(Code::KeyNotActive));
    assert_eq!(loaded(gate.load_revocation(&third.sign(&key(6)).unwrap())), Ok(true));
}

#[test]
fn a_bundle_says_nothing_about_another_issuer() {
    let gate = gate(&bundle(1, &[7]));
    let other = licentia_issuer::Issuer::new("other", key(1));
    let mut draft = draft();
    draft.index = Some(7);
    assert_eq!(code(&gate, &other.issue(&draft).unwrap().text()), Code::Allowed);
}

#[test]
fn each_issuer_has_a_bundle_of_its_own() {
    let theirs = |sequence| BundleDraft { issuer: "other".into(), ..bundle(sequence, &[8]) };
    let gate = gate(&bundle(5, &[7]));
    assert_eq!(loaded(gate.load_revocation(&signed(&theirs(2)))), Ok(true));
    assert_eq!(loaded(gate.load_revocation(&signed(&theirs(2)))), Ok(false));
    let other = |index| {
        let mut draft = draft();
        draft.index = Some(index);
        licentia_issuer::Issuer::new("other", key(1)).issue(&draft).unwrap().text()
    };
    let ours = [7, 8].map(|index| code(&gate, &licence(index, |_| ())));
    assert_eq!(ours, [Code::Revoked, Code::Allowed]);
    assert_eq!([7, 8].map(|index| code(&gate, &other(index))), [Code::Allowed, Code::Revoked]);
    let in_use = gate.revocation("acme").unwrap();
    assert_eq!((in_use.issuer.as_str(), in_use.sequence, in_use.issued_at), ("acme", 5, NOW - 100));
    assert_eq!((in_use.next_update, in_use.expires), (NOW + DAY, NOW + 30 * DAY));
    assert_eq!(gate.revocation("other").map(|bundle| bundle.sequence), Some(2));
    assert_eq!(gate.revocation("nobody"), None);
}

#[test]
fn a_gate_that_requires_a_bundle_refuses_until_there_is_one() {
    let required = || GateBuilder::new().keyset(key(9).public(), sign(&mut keys())).require_revocation();
    let gate = required().build().unwrap();
    let with = |action| licence(1, |draft| draft.grant.policy.stale_revocation = action);
    let [deny, allow] = [with(Action::Deny), with(Action::Allow)];
    assert_eq!(code(&gate, &deny), Code::RevocationStale);
    let decision = gate.check(&allow, &Request::new(), NOW);
    assert_eq!((decision.code(), decision.warning()), (Code::Allowed, Some(Code::RevocationStale)));
    gate.load_revocation(&signed(&BundleDraft { issuer: "other".into(), ..bundle(1, &[]) })).unwrap();
    assert_eq!(code(&gate, &deny), Code::RevocationStale, "another issuer's");
    gate.load_revocation(&signed(&bundle(1, &[]))).unwrap();
    assert_eq!([&deny, &allow].map(|token| code(&gate, token)), [Code::Allowed; 2]);
}

#[test]
fn a_process_that_another_one_went_ahead_of_is_told_to_fetch_the_whole_bundle() {
    let store = Arc::new(Memory::new());
    let build = |first: &BundleDraft| {
        let builder = GateBuilder::new().keyset(key(9).public(), sign(&mut keys())).store(store.clone());
        builder.revocation(signed(first)).build().unwrap()
    };
    let (fourth, fifth, sixth) = (bundle(4, &[]), bundle(5, &[7]), bundle(6, &[7, 8]));
    let (one, two) = (build(&fourth), build(&fourth));
    assert_eq!(loaded(two.load_revocation(&signed(&sixth))), Ok(true));
    let delta = fifth.sign_delta(&fourth, &key(REVOKER)).unwrap();
    assert_eq!(loaded(one.load_revocation(&delta)), Err(Code::BundleWrongBase));
    assert_eq!(loaded(one.load_revocation(&signed(&fifth))), Err(Code::BundleRollback));
    assert_eq!(loaded(one.load_revocation(&signed(&sixth))), Ok(true));
    assert_eq!(code(&one, &licence(8, |_| ())), Code::Revoked);
}

/// What happens to a store once.
type Interruption = Box<dyn FnOnce(&Memory) + Send>;

/// A store in which something happens just before the first mark of a bundle is saved.
struct Interrupted {
    memory: Memory,
    before: std::sync::Mutex<Option<Interruption>>,
}

impl Interrupted {
    fn new(before: impl FnOnce(&Memory) + Send + 'static) -> Arc<Self> {
        Arc::new(Self { memory: Memory::new(), before: std::sync::Mutex::new(Some(Box::new(before))) })
    }
}

impl Store for Interrupted {
    fn take(&self, cell: &Cell<'_>, need: u64, want: u64, limit: u64) -> Result<Taken, Unreachable> {
        self.memory.take(cell, need, want, limit)
    }
    fn give_back(&self, cell: &Cell<'_>, units: u64) -> Result<(), Unreachable> {
        self.memory.give_back(cell, units)
    }
    fn charge_job(&self, ask: &JobAsk<'_>) -> Result<JobCharged, Unreachable> {
        self.memory.charge_job(ask)
    }
    fn finish_job(&self, ask: &JobFinish<'_>) -> Result<Vec<PartDone>, Unreachable> {
        self.memory.finish_job(ask)
    }
    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, Unreachable> {
        self.memory.load(name)
    }
    fn save(&self, name: &str, value: &[u8]) -> Result<(), Unreachable> {
        self.memory.save(name, value)
    }
    fn replace(&self, name: &str, before: Option<&[u8]>, value: &[u8]) -> Result<bool, Unreachable> {
        let interrupt = name.starts_with("revocation.").then(|| self.before.lock().unwrap().take());
        if let Some(interrupt) = interrupt.flatten() {
            interrupt(&self.memory);
        }
        self.memory.replace(name, before, value)
    }
}

#[test]
fn a_slower_process_never_sets_a_mark_back() {
    let build = |store: Arc<dyn Store>| {
        GateBuilder::new().keyset(key(9).public(), sign(&mut keys())).store(store).build().unwrap()
    };
    let other = Arc::new(Memory::new());
    build(other.clone()).load_revocation(&signed(&bundle(6, &[]))).unwrap();
    let mark = other.load("revocation.seen.acme").unwrap();
    let another = mark.clone().unwrap();
    let store = Interrupted::new(move |memory| memory.save("revocation.seen.acme", &another).unwrap());
    let slower = build(store.clone());
    assert_eq!(loaded(slower.load_revocation(&signed(&bundle(5, &[])))), Err(Code::BundleRollback));
    assert_eq!(store.load("revocation.seen.acme").unwrap(), mark);
    assert_eq!(loaded(slower.load_revocation(&signed(&bundle(6, &[])))), Ok(true));
}

#[test]
fn a_bundle_that_waits_for_another_one_is_held_against_the_keys_of_then() {
    let ((reached, at), (go, go_on)) = (channel(), channel());
    let store = Interrupted::new(move |_| {
        reached.send(()).unwrap();
        go_on.recv().unwrap();
    });
    let mut keys = keys();
    let gate = GateBuilder::new().keyset(key(9).public(), sign(&mut keys)).store(store).build().unwrap();
    std::thread::scope(|scope| {
        let first = scope.spawn(|| gate.load_revocation(&signed(&bundle(1, &[]))));
        at.recv().unwrap();
        let thief = scope.spawn(|| gate.load_revocation(&signed(&bundle(1 << 50, &[]))));
        // Long enough to read the keys, if it did that before its turn.
        std::thread::sleep(Duration::from_millis(50));
        keys.entry(&key(REVOKER).kid().to_string()).unwrap().status = licentia_issuer::KeyStatus::Revoked;
        keys.add(KeysetEntry { purpose: KeyPurpose::Revocation, ..KeysetEntry::new(&key(6).public()) })
            .unwrap();
        assert_eq!(loaded(gate.load_keyset(&sign(&mut keys))), Ok(true));
        go.send(()).unwrap();
        assert_eq!(loaded(first.join().unwrap()), Ok(true));
        assert_eq!(loaded(thief.join().unwrap()), Err(Code::KeyRevoked));
    });
    assert_eq!(loaded(gate.load_revocation(&bundle(2, &[7]).sign(&key(6)).unwrap())), Ok(true));
}

#[test]
fn an_emergency_rule_is_in_effect_in_every_thread_at_once() {
    const THREADS: u64 = 3;
    let gate = gate(&bundle(1, &[]));
    let token = licence(1, |_| ());
    let loaded = AtomicBool::new(false);
    // Threads that have had the answer of before, and of after.
    let (before, after) = (AtomicU64::new(0), AtomicU64::new(0));
    let wait = |threads: &AtomicU64| {
        let deadline = std::time::Instant::now() + Duration::from_mins(1);
        while threads.load(Ordering::SeqCst) < THREADS {
            assert!(std::time::Instant::now() < deadline, "a thread has not seen it");
            std::thread::yield_now();
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let mut seen = false;
                loop {
                    let swapped = loaded.load(Ordering::SeqCst);
                    match code(&gate, &token) {
                        Code::RevokedByRule => break,
                        code => assert!(!swapped && code == Code::Allowed, "{code:?} after the swap"),
                    }
                    if !std::mem::replace(&mut seen, true) {
                        before.fetch_add(1, Ordering::SeqCst);
                    }
                }
                after.fetch_add(1, Ordering::SeqCst);
            });
        }
        wait(&before);
        let rule = RuleDraft { subject: Some("customer-42".into()), ..RuleDraft::default() };
        gate.load_revocation(&signed(&BundleDraft { rules: vec![rule], ..bundle(2, &[]) })).unwrap();
        loaded.store(true, Ordering::SeqCst);
        wait(&after);
    });
}

/// Waits until something is so.
fn until(is_so: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(std::time::Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(1));
    }
}

const TICK: Duration = Duration::from_millis(1);

#[test]
fn a_bundle_that_comes_before_the_keyset_with_its_key_is_tried_again() {
    let mut keys = keys();
    let gate =
        GateBuilder::new().keyset(key(9).public(), sign(&mut keys)).revocation(signed(&bundle(1, &[])));
    let gate = Arc::new(gate.build().unwrap());
    let mut once = Some(bundle(2, &[7]).sign(&key(6)).unwrap());
    let (sender, problems) = channel();
    let report = move |error: FeedError| sender.send(error.code()).unwrap();
    let _watch = Watch::eventually(&gate, TICK, move || Ok(once.take()), report).unwrap();
    assert_eq!(problems.recv_timeout(Duration::from_secs(30)), Ok(Code::BundleUntrusted));
    std::thread::sleep(20 * TICK);
    assert!(problems.try_recv().is_err(), "and is told once");
    keys.add(KeysetEntry { purpose: KeyPurpose::Revocation, ..KeysetEntry::new(&key(6).public()) }).unwrap();
    gate.load_keyset(&sign(&mut keys)).unwrap();
    until(|| gate.revocation("acme").unwrap().sequence == 2);
}

#[test]
fn a_watch_outlives_what_panics_and_a_source_that_is_down() {
    let gate = GateBuilder::new().keyset(key(9).public(), sign(&mut keys())).require_revocation();
    let gate = Arc::new(gate.build().unwrap());
    let mut asked = 0;
    let source = move || {
        asked += 1;
        match asked {
            1 => Err(FeedError::source("it is down")),
            2 => panic!("a source that panics, as this test means it to"),
            _ => Ok((asked == 5).then(|| signed(&bundle(1, &[7])))),
        }
    };
    let (sender, problems) = channel();
    let mut reports = 0;
    let report = move |error: FeedError| {
        sender.send(error.code()).unwrap();
        reports += 1;
        assert!(reports != 2, "a report that panics, as this test means it to");
    };
    let _watch = Watch::eventually(&gate, TICK, source, report).unwrap();
    let token = licence(7, |_| ());
    until(|| code(&gate, &token) == Code::Revoked);
    let told: Vec<Code> = problems.try_iter().collect();
    assert_eq!(told, [Code::StoreUnreachable; 2]);
    let nothing = || Ok(None);
    let spinning = Watch::source(&gate, Duration::ZERO, nothing, |_| ()).unwrap_err();
    assert_eq!(spinning.code(), Code::InvalidArgument, "it would never rest");
    assert!(spinning.to_string().contains("`interval`"), "{spinning}");
}

#[test]
fn a_store_that_loses_its_mark_brings_no_older_bundle_back() {
    let store = Arc::new(Memory::new());
    let (first, second) = (bundle(1, &[1]), bundle(2, &[1, 2]));
    let fork = BundleDraft { issued_at: NOW - 99, ..second.clone() };
    let builder = GateBuilder::new().keyset(key(9).public(), sign(&mut keys())).revocation(signed(&first));
    let gate = builder.store(store.clone()).build().unwrap();
    let delta = second.sign_delta(&first, &key(REVOKER)).unwrap();
    assert_eq!(loaded(gate.load_revocation(&delta)), Ok(true));
    store.save("revocation.seen.acme", &[]).unwrap();
    assert_eq!(loaded(gate.load_revocation(&signed(&first))), Err(Code::BundleRollback));
    assert_eq!(loaded(gate.load_revocation(&signed(&fork))), Err(Code::BundleEquivocation));
    assert_eq!(loaded(gate.load_revocation(&signed(&second))), Ok(false), "it is the one in use");
    assert!(store.load("revocation.seen.acme").unwrap().is_some_and(|mark| !mark.is_empty()));
    assert_eq!(code(&gate, &licence(2, |_| ())), Code::Revoked);
}

#[cfg(unix)]
#[test]
fn a_file_of_the_same_length_and_date_is_seen_to_be_another_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("revoked.bin");
    let date = std::time::UNIX_EPOCH + Duration::from_secs(NOW.as_seconds());
    let publish = |bytes: &[u8]| {
        let beside = folder.path().join("revoked.new");
        std::fs::write(&beside, bytes).unwrap();
        std::fs::File::options().write(true).open(&beside).unwrap().set_modified(date).unwrap();
        std::fs::rename(&beside, &path).unwrap();
    };
    let mut feed = Feed::file(&path);
    let missing = feed.poll().unwrap_err();
    assert_eq!(missing.code(), Code::StoreUnreachable, "not there");
    assert!(missing.to_string().contains("revoked.bin"), "the path is named: {missing}");
    publish(b"one");
    assert_eq!([feed.poll().unwrap(), feed.poll().unwrap()], [Some(b"one".to_vec()), None]);
    publish(b"two");
    assert_eq!(feed.poll().unwrap(), Some(b"two".to_vec()));
}

#[test]
fn a_watched_file_is_loaded_when_it_changes() {
    let folder = std::env::temp_dir().join(format!("licentia-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (path, beside) = (folder.join("revoked.bin"), folder.join("revoked.new"));
    let publish = |bytes: &[u8]| {
        std::fs::write(&beside, bytes).unwrap();
        std::fs::rename(&beside, &path).unwrap();
    };
    publish(&signed(&bundle(1, &[])));
    let gate = Arc::new(GateBuilder::new().keyset(key(9).public(), sign(&mut keys())).build().unwrap());
    let (sender, problems) = channel();
    let report = move |error: FeedError| sender.send(error.code()).unwrap();
    let watch = Watch::start(&gate, &path, Duration::from_millis(5), report).unwrap();
    let token = licence(7, |_| ());
    assert_eq!(code(&gate, &token), Code::Allowed);
    publish(&signed(&bundle(2, &[7])));
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while code(&gate, &token) == Code::Allowed {
        assert!(std::time::Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(5));
    }
    publish(b"nonsense that is no bundle");
    assert_eq!(problems.recv_timeout(Duration::from_secs(10)), Ok(Code::BundleMalformed));
    assert_eq!(code(&gate, &token), Code::Revoked);
    drop(watch);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_source_is_asked_again_and_again() {
    let gate = Arc::new(GateBuilder::new().keyset(key(9).public(), sign(&mut keys())).build().unwrap());
    let (first, second) = (bundle(1, &[]), bundle(2, &[7]));
    let delta = second.sign_delta(&first, &key(REVOKER)).unwrap();
    let mut answers =
        vec![Ok(Some(delta)), Err(FeedError::source("it is down")), Ok(None), Ok(Some(signed(&first)))];
    let (sender, problems) = channel();
    let source = move || answers.pop().unwrap_or(Ok(None));
    let report = move |error: FeedError| sender.send(error.code()).unwrap();
    let _watch = Watch::source(&gate, Duration::from_millis(1), source, report).unwrap();
    assert_eq!(problems.recv_timeout(Duration::from_secs(10)), Ok(Code::StoreUnreachable));
    let token = licence(7, |_| ());
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while code(&gate, &token) == Code::Allowed {
        assert!(std::time::Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(1));
    }
    let none = || {
        Err(FeedError::Refused(LoadError::Refused { what: Loadable::Bundle, code: Code::BundleMalformed }))
    };
    let refused = Watch::source(&gate, Duration::from_millis(1), none, |_| ());
    assert_eq!(refused.unwrap_err().code(), Code::BundleMalformed, "the first time is the caller's to know");
}
