//! What a gate answers, and how it counts.

mod common;

use common::{DAY, NOW, YEAR, builder, draft, gate, issuer, key, licence};
use licentia::{BuildError, Check, Code, Gate, GateBuilder, Mode, Now, Request, State};

/// Milliseconds after `NOW`.
fn at(millis: u64) -> Now {
    Now { time: NOW + millis / 1000, monotonic_nanos: millis * 1_000_000 }
}

#[test]
fn a_licence_grants_what_it_says_and_no_more() {
    let (gate, token) = (gate(), licence(|_| ()));
    let code = |request: &Request<'_>| gate.check(&token, request, NOW).code();
    assert_eq!(code(&Request::new().features(&["export"])), Code::Allowed);
    assert_eq!(code(&Request::new().features(&["export", "sso"])), Code::FeatureNotLicensed);
    assert_eq!(code(&Request::new().meters(&[("gold", 1)])), Code::MeterNotLicensed);
    assert_eq!(code(&Request::new().rates(&[("gold", 1)])), Code::RateNotLicensed);
    assert_eq!(code(&Request::new().meters(&[("calls", 0); 9])), Code::InvalidArgument);
    assert_eq!(gate.check("", &Request::new(), NOW).code(), Code::MissingToken);
    assert_eq!(gate.check("lic1_AAAA", &Request::new(), NOW).code(), Code::MalformedFrame);
    assert_eq!(gate.check(&token, &Request::new(), NOW + YEAR).code(), Code::Expired);
}

#[test]
fn quotas_count_exactly_and_start_anew_with_their_period() {
    let (gate, token) = (gate(), licence(|_| ()));
    let request = Request::new().meters(&[("calls", 30)]);
    for left in [70, 40, 10] {
        let decision = gate.check(&token, &request, NOW);
        assert_eq!((decision.code(), decision.quota("calls").unwrap().remaining), (Code::Allowed, left));
    }
    let denied = gate.check(&token, &request, NOW);
    assert_eq!(denied.code(), Code::QuotaExceeded);
    assert_eq!(denied.quota("calls").unwrap().remaining, 10, "a denied request costs nothing");
    let midnight = NOW - NOW.as_seconds() % DAY + DAY;
    assert_eq!(denied.retry_after_ms(), Some(midnight.seconds_since(NOW) * 1000));
    let last = gate.check(&token, &Request::new().meters(&[("calls", 10)]), midnight - 1);
    assert_eq!((last.code(), last.quota("calls").unwrap().remaining), (Code::Allowed, 0));
    let next = gate.check(&token, &request, midnight);
    assert_eq!((next.code(), next.quota("calls").unwrap().remaining), (Code::Allowed, 70));
}

#[test]
fn several_meters_and_rates_are_charged_all_or_none() {
    let (gate, token) = (gate(), licence(|_| ()));
    let both = Request::new().rates(&[("api", 1)]).meters(&[("calls", 1), ("mails", 2)]);
    let look = Request::new().rates(&[("api", 0)]).meters(&[("calls", 0), ("mails", 0)]);
    let left = || {
        let decision = gate.check(&token, &look, at(0));
        assert_eq!(decision.code(), Code::Allowed);
        let charges = [decision.rate("api"), decision.quota("calls"), decision.quota("mails")];
        charges.map(|charge| charge.unwrap().remaining)
    };
    assert_eq!(gate.check(&token, &both, at(0)).code(), Code::Allowed);
    assert_eq!(gate.check(&token, &both, at(0)).code(), Code::Allowed);
    assert_eq!(left(), [8, 98, 1]);
    assert_eq!(gate.check(&token, &both, at(0)).code(), Code::QuotaExceeded);
    assert_eq!(left(), [8, 98, 1], "neither the rate nor the other meter was charged");
    assert_eq!(left(), [8, 98, 1], "and looking costs nothing");
}

#[test]
fn rates_refuse_what_comes_too_fast_and_say_when_to_come_back() {
    let (gate, token) = (gate(), licence(|_| ()));
    let request = Request::new().rates(&[("api", 1)]);
    for _ in 0..10 {
        assert_eq!(gate.check(&token, &request, at(0)).code(), Code::Allowed);
    }
    let denied = gate.check(&token, &request, at(0));
    assert_eq!((denied.code(), denied.retry_after_ms()), (Code::RateLimited, Some(100)));
    assert_eq!(denied.http_status(), 429);
    assert_eq!(gate.check(&token, &request, at(99)).code(), Code::RateLimited);
    assert_eq!(gate.check(&token, &request, at(100)).code(), Code::Allowed);
}

#[test]
fn an_upgrade_in_mid_period_keeps_what_was_used() {
    let gate = gate();
    let first = licence(|draft| draft.id = Some([1; 16].into()));
    let upgrade = licence(|draft| {
        (draft.id, draft.lineage) = (Some([2; 16].into()), Some([1; 16].into()));
        draft.grant.quotas.insert("calls".into(), "1000/day".parse().unwrap());
    });
    let request = Request::new().meters(&[("calls", 60)]);
    assert_eq!(gate.check(&first, &request, NOW).code(), Code::Allowed);
    assert_eq!(gate.check(&upgrade, &request, NOW).quota("calls").unwrap().remaining, 880);
    assert_eq!(gate.check(&first, &request, NOW).code(), Code::QuotaExceeded, "120 are used");
}

#[test]
fn overage_is_flagged_up_to_its_hard_limit() {
    use licentia_issuer::Quota;
    let gate = gate();
    let token = licence(|draft| {
        let overage = licentia_core::Overage::UpTo(12);
        draft
            .grant
            .quotas
            .insert("calls".into(), Quota { limit: 10, period: licentia::Period::Day, overage });
    });
    let request = Request::new().meters(&[("calls", 1)]);
    let states: Vec<_> =
        (0..13).map(|_| gate.check(&token, &request, NOW)).map(|d| (d.code(), d.state())).collect();
    assert!(states[..10].iter().all(|state| *state == (Code::Allowed, State::Active)));
    assert!(states[10..12].iter().all(|state| *state == (Code::Allowed, State::Overage)));
    assert_eq!(states[12].0, Code::QuotaExceeded);
}

#[test]
fn threads_together_never_get_more_than_the_quota() {
    let gate = gate();
    let token = licence(|draft| {
        draft.grant.quotas.insert("calls".into(), "10000/day".parse().unwrap());
    });
    let request = Request::new().meters(&[("calls", 1), ("mails", 0)]);
    let allowed: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| (0..4_000).filter(|_| gate.check(&token, &request, NOW).is_allowed()).count())
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(allowed, 10_000);
}

#[test]
fn grace_is_allowed_and_flagged() {
    let (gate, token) = (gate(), licence(|draft| draft.term_end = Some(NOW)));
    assert_eq!(gate.check(&token, &Request::new(), NOW - 1).state(), State::Active);
    let decision = gate.check(&token, &Request::new(), NOW);
    assert_eq!((decision.code(), decision.state()), (Code::Allowed, State::Grace));
}

#[test]
fn advisory_mode_lets_pass_and_says_what_it_would_have_done() {
    let gate = builder().mode(Mode::Advisory).build().unwrap();
    let decision = gate.check(&licence(|_| ()), &Request::new().features(&["gold"]), NOW);
    assert!(decision.is_allowed());
    assert_eq!((decision.code(), decision.state()), (Code::FeatureNotLicensed, State::Advisory));
    assert_eq!(decision.http_status(), 200);
}

#[test]
fn node_locks_and_releases_bind() {
    let gate = gate();
    let token = licence(|draft| {
        draft.node_locks = vec![[7; 32]];
        draft.maintained_until = Some(NOW);
    });
    let code = |request: Request<'_>| gate.check(&token, &request, NOW).code();
    assert_eq!(code(Request::new()), Code::NodeRequired);
    assert_eq!(code(Request::new().node(&[8; 32])), Code::NodeMismatch);
    assert_eq!(code(Request::new().node(&[7; 32])), Code::ReleaseRequired);
    assert_eq!(code(Request::new().node(&[7; 32]).release(NOW)), Code::Allowed);
    assert_eq!(code(Request::new().node(&[7; 32]).release(NOW + 1)), Code::ReleaseNotCovered);
}

#[test]
fn the_audience_and_the_issuer_are_checked() {
    let token = licence(|draft| draft.audiences = vec!["api".into()]);
    let gate = builder().issuer("acme").audience("api").build().unwrap();
    assert_eq!(gate.check(&token, &Request::new(), NOW).code(), Code::Allowed);
    assert_eq!(gate.check(&token, &Request::new().audience("web"), NOW).code(), Code::AudienceMismatch);
    let other = builder().issuer("other").build().unwrap();
    assert_eq!(other.check(&token, &Request::new(), NOW).code(), Code::IssuerMismatch);
}

#[test]
fn every_check_is_in_the_explanation_in_text_and_json() {
    let gate = builder().issuer("acme").audience("api").build().unwrap();
    let token = licence(|draft| {
        draft.audiences = vec!["api".into()];
        draft.node_locks = vec![[7; 32]];
    });
    let request =
        Request::new().features(&["export"]).rates(&[("api", 1)]).meters(&[("calls", 1)]).node(&[7; 32]);
    for _ in ["cold", "warm"] {
        let decision = gate.check(&token, &request, NOW);
        let checks: Vec<_> = decision.explanation().steps().iter().map(|step| step.check).collect();
        let expected = [
            Check::Frame,
            Check::Key,
            Check::Signature,
            Check::Claims,
            Check::KeyScope,
            Check::Time,
            Check::Issuer,
            Check::Audience,
            Check::Node,
            Check::Feature,
            Check::Rate,
            Check::Quota,
        ];
        assert_eq!(checks, expected);
        let (text, json) = (decision.explanation().to_string(), decision.explanation().json().to_string());
        for check in expected {
            assert!(text.contains(check.name()), "{text}");
            assert!(json.contains(&format!(r#""check":"{}""#, check.name())), "{json}");
        }
    }
    let denied = gate.check(&token, &request.features(&["gold"]), NOW);
    let last = denied.explanation().steps().last().unwrap();
    assert_eq!((last.check, last.code), (Check::Feature, Code::FeatureNotLicensed));
}

#[test]
fn the_http_mapping_says_what_went_wrong_and_what_is_left() {
    let (gate, token) = (gate(), licence(|_| ()));
    let request = Request::new().rates(&[("api", 1)]).meters(&[("calls", 1)]);
    let decision = gate.check(&token, &request, NOW);
    let fields = decision.http_headers();
    assert_eq!(fields[0], ("ratelimit-policy", r#""api";q=10;w=1, "calls";q=100;w=86400"#.to_owned()));
    assert_eq!(fields[1], ("ratelimit", r#""api";r=9;t=1, "calls";r=99;t=57600"#.to_owned()));

    let none = gate.check("", &Request::new(), NOW);
    assert_eq!(
        (none.http_status(), none.http_headers()),
        (401, vec![("www-authenticate", "Bearer".to_owned())])
    );
    let forbidden = gate.check(&token, &Request::new().features(&["gold"]), NOW);
    assert_eq!(forbidden.http_status(), 403);
    assert!(forbidden.http_headers()[0].1.contains("insufficient_scope"));
    assert!(forbidden.problem().contains(r#""name":"feature_not_licensed""#), "{}", forbidden.problem());

    assert!(gate.check(&token, &Request::new().meters(&[("mails", 1)]), NOW).is_allowed());
    let too_much = gate.check(&token, &Request::new().meters(&[("mails", 5)]), NOW);
    assert_eq!(too_much.http_status(), 429);
    assert!(too_much.http_headers().contains(&("retry-after", "57600".to_owned())));
}

#[test]
fn nothing_that_is_said_holds_a_token_or_a_key() {
    let (gate, token) = (gate(), licence(|_| ()));
    let (_, signature) = token.split_at(token.len() - 40);
    let public = issuer(1).key().public().to_string();
    let (_, public) = public.split_at(public.len() - 20);
    let tampered = format!("{}A{}", &token[..60], &token[61..]);
    for token in [&token, &tampered, &token[..80].to_owned()] {
        let decision = gate.check(token, &Request::new().features(&["gold"]), NOW);
        let said = [
            decision.explanation().to_string(),
            decision.json().to_string(),
            format!("{decision:?}"),
            decision.problem(),
            format!("{:?}", decision.http_headers()),
        ]
        .concat();
        assert!(!said.contains("lic1_") && !said.contains(signature) && !said.contains(public), "{said}");
    }
}

#[test]
fn a_prepared_gate_answers_as_one_that_is_not() {
    let builder = || GateBuilder::new().key(key(1).public());
    let (plain, prepared) = (builder().build().unwrap(), builder().prepare_keys(82_000).build().unwrap());
    let good = issuer(1).issue(&draft()).unwrap().text();
    let forged = issuer(2).issue(&draft()).unwrap().text();
    let mut bent = good.clone().into_bytes();
    let last = bent.len() - 10;
    bent[last] = if bent[last] == b'A' { b'B' } else { b'A' };
    let bent = String::from_utf8(bent).unwrap();
    let answers =
        |gate: &Gate| [&good, &forged, &bent].map(|token| gate.check(token, &Request::new(), NOW).code());
    assert_eq!(answers(&plain), [Code::Allowed, Code::UnknownKey, Code::BadSignature]);
    assert_eq!(answers(&prepared), answers(&plain));
    assert!(matches!(builder().prepare_keys(1000).build(), Err(BuildError::KeyTables { bytes: 1000 })));
    let mut keys = common::keyset(&[1]);
    let keyset = common::sign(&mut keys);
    let rooted = GateBuilder::new().keyset(key(9).public(), keyset).prepare_keys(82_000).build().unwrap();
    assert_eq!(answers(&rooted), answers(&plain));
}
