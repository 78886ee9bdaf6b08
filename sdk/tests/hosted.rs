//! A store that the host asks: questions are data, and the host brings the answers.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use licentia::{
    Code, Gate, GateBuilder, Key, Now, Request,
    store::{Fault, Hosted, Memory, Store, Unreachable},
};

const KEY: &str = include_str!("../../core/tests/data/example.pub");
const TOKEN: &str = include_str!("../../core/tests/data/example.lic");
const QUOTA: u64 = 100_000;

fn gate() -> Gate {
    let builder = GateBuilder::with_store(Arc::new(Hosted::new()));
    builder.key(Key::from_text(KEY.trim()).unwrap()).audience("api.acme.example").build().unwrap()
}

fn now(millis: u64) -> Now {
    Now { time: 1_800_000_000.into(), monotonic_nanos: millis * 1_000_000 }
}

/// Answers all questions by a store; returns how many there were.
fn answer(gate: &Gate, store: &dyn Store, millis: u64) -> usize {
    let questions = gate.take_questions(now(millis));
    let answers: Vec<_> = questions
        .into_iter()
        .map(|question| {
            let said = store.batch(&[question.op()]).pop().unwrap();
            (question, said)
        })
        .collect();
    let count = answers.len();
    gate.bring_answers(answers);
    count
}

/// Charges calls, with answers of `store`.
fn charge(gate: &Gate, store: &dyn Store, calls: u64, job: Option<&str>) -> (Code, u64) {
    let meters = [("calls", calls)];
    let mut request = Request::new().meters(&meters);
    if let Some(job) = job {
        request = request.job(job);
    }
    let mut check = pin!(gate.check_async(TOKEN.trim(), &request, now(0)));
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..8 {
        if let Poll::Ready(decision) = check.as_mut().poll(&mut context) {
            let left = decision.quota("calls").map_or(0, |charge| charge.remaining);
            return (decision.code(), left);
        }
        assert!(answer(gate, store, 0) > 0, "it waits for an answer");
    }
    panic!("it waits for ever");
}

#[test]
fn a_check_waits_until_the_host_has_answered() {
    let (gate, store) = (gate(), Memory::new());
    let meters = [("calls", 1)];
    let request = Request::new().meters(&meters);
    assert!(gate.may_wait(TOKEN.trim(), &request, now(0)));
    assert_eq!(charge(&gate, &store, 3, None), (Code::Allowed, QUOTA - 3));
    assert_eq!(charge(&gate, &store, 4, Some("job")), (Code::Allowed, QUOTA - 7));
    assert_eq!(charge(&gate, &store, 4, Some("job")), (Code::Allowed, QUOTA - 7), "a job is charged once");
    assert_eq!(charge(&gate, &store, QUOTA, None).0, Code::QuotaExceeded);
}

#[test]
fn what_is_taken_ahead_goes_back() {
    let (gate, store) = (gate(), Memory::new());
    assert_eq!(charge(&gate, &store, 3, None), (Code::Allowed, QUOTA - 3));
    // Nothing more comes in: whatever was taken ahead is given back within a second.
    for tick in 1..20 {
        answer(&gate, &store, tick * 50);
    }
    let _ = gate.settle();
    answer(&gate, &store, 2000);
    let other = self::gate();
    assert_eq!(charge(&other, &store, 0, None), (Code::Allowed, QUOTA - 3));
}

#[test]
fn a_store_that_fails_leaves_the_policy_to_decide() {
    let gate = gate();
    let meters = [("calls", 1)];
    let request = Request::new().meters(&meters);
    let mut check = pin!(gate.check_async(TOKEN.trim(), &request, now(0)));
    let mut context = Context::from_waker(Waker::noop());
    assert!(check.as_mut().poll(&mut context).is_pending());
    let failed = || Err(Unreachable::new(Fault::NotSent, "no route"));
    let questions = gate.take_questions(now(0));
    assert_eq!(questions.len(), 1);
    gate.bring_answers(questions.into_iter().map(|question| (question, failed())));
    let Poll::Ready(decision) = check.as_mut().poll(&mut context) else { panic!("it still waits") };
    assert_eq!(decision.code(), Code::StoreUnreachable);
}
