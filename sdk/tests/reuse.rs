//! What is made once and used again: builders, and the space of decisions.

mod common;

use common::{NOW, builder, gate, licence};
use licentia::{Code, Decision, Mode, Request};

#[test]
fn nothing_of_a_decision_is_left_in_the_next() {
    let (good, bound) = (gate(), builder().issuer("somebody else").mode(Mode::Advisory).build().unwrap());
    let token = licence(|draft| draft.grant.policy.clock_doubt = licentia_core::Action::Allow);
    let request = Request::new().features(&["export"]).meters(&[("calls", 30)]).rates(&[("api", 0)]);
    let mut space = Decision::undecided();
    let gates = [&good, &bound, &good, &good, &good, &bound, &good];
    for (at, (gate, token)) in
        gates.into_iter().zip(["", &token, "lic1_AA", &token, "", &token, &token]).enumerate()
    {
        gate.check_into(token, &request, NOW, &mut space);
        let fresh = gate.check(token, &Request::new().features(&["export"]), NOW);
        assert_eq!((space.code(), space.state()), (fresh.code(), fresh.state()), "{at}");
        assert_eq!((space.is_allowed(), space.warning()), (fresh.is_allowed(), fresh.warning()), "{at}");
        assert_eq!(space.license().is_some(), fresh.license().is_some(), "{at}");
        let steps = fresh.explanation().steps();
        assert_eq!(space.explanation().steps().get(..steps.len()), Some(steps), "{at}");
        let charged = if space.code().is_allowed() { 2 } else { 0 };
        assert_eq!(space.charges().count(), charged, "{at}");
    }
}

#[test]
fn space_without_a_decision_is_a_denial() {
    let (gate, token) = (gate(), licence(|_| ()));
    let mut space = Decision::undecided();
    assert!(!space.is_allowed() && space.license().is_none() && space.explanation().steps().is_empty());
    gate.check_into(&token, &Request::new(), NOW, &mut space);
    assert!(space.is_allowed());
    space.clear();
    assert!(!space.is_allowed() && space.license().is_none() && space.explanation().steps().is_empty());
    assert_eq!((space.code(), space.charges().count()), (Code::InvalidArgument, 0));
}

#[test]
fn a_builder_makes_more_than_one_gate() {
    let builder = builder().audience("api");
    let (one, two) = (builder.clone().build().unwrap(), builder.build().unwrap());
    let token = licence(|draft| draft.audiences = vec!["api".into()]);
    assert!([one, two].iter().all(|gate| gate.check(&token, &Request::new(), NOW).is_allowed()));
}

#[test]
fn a_cache_that_no_machine_holds_is_refused() {
    let refused = builder().cache_capacity(usize::MAX).build().unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.to_string().contains("`cache_capacity`"), "{refused}");
    assert!(builder().cache_capacity(0).build().is_ok());
}
