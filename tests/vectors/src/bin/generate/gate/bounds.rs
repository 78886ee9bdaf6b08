//! Schema 2 of keysets: what a key may grant, and which keysets are refused.

use licentia_vectors::{GateGroup, GateTest};

use super::story::{Story, TYP, entry, payload, root, sealed};
use crate::{
    cbor::{self, Item},
    fields::Fields,
    licence::{EXPIRES, ISSUED, Licence, NOW, Policy},
    signer::Signer,
    terms::{Action, Feature, Overage, Period, Quota, Rate},
};

const DAY: u64 = 86_400;
const MONTH: Period = Period::Named(5, "month");

/// The key that the scopes limit.
fn key() -> Signer {
    Signer::named(1)
}

/// A keyset of schema 2.
fn keyset(sequence: u64, entries: &[Fields]) -> Vec<u8> {
    sealed(&root(), TYP, &payload(sequence, entries).set(0, cbor::int(2)).encode())
}

fn scoped(scope: &Fields) -> Vec<u8> {
    keyset(1, &[entry(&key()).set(4, scope.encode())])
}

fn bound(label: i64, value: Item) -> Fields {
    Fields::default().set(label, value)
}

fn named(name: &str, value: Item) -> Item {
    cbor::map(&[(cbor::text(name), value)])
}

fn with(change: impl FnOnce(&mut Licence)) -> Licence {
    let mut licence = Licence::with(|l| l.signer = key());
    change(&mut licence);
    licence
}

fn texts(texts: &[&str]) -> Item {
    cbor::array(&texts.iter().map(|text| cbor::text(text)).collect::<Vec<_>>())
}

fn numbers(numbers: &[u64]) -> Item {
    cbor::array(&numbers.iter().map(|number| cbor::uint(*number)).collect::<Vec<_>>())
}

fn test((comment, scope, licence, code): (&str, Fields, Licence, &str)) -> GateTest {
    Story::rooted("Scope", comment, &scoped(&scope)).check(&licence, NOW, 0, code).done()
}

pub(crate) fn group() -> GateGroup {
    let cases = [terms(), features(), quotas(), rates(), rest()];
    GateGroup {
        comment: "What a key may grant by a keyset of schema 2".to_owned(),
        tests: cases.into_iter().flatten().map(test).collect(),
    }
}

type Case = (&'static str, Fields, Licence, &'static str);

const OUT: &str = "key_out_of_scope";

fn terms() -> Vec<Case> {
    let term = EXPIRES - ISSUED;
    let scope = |longest: u64| bound(3, cbor::uint(longest));
    let led = |longest: u64, lead: u64| scope(longest).set(4, cbor::uint(lead));
    let starts = |lead: u64| with(|l| l.not_before = Some(ISSUED + lead));
    vec![
        ("just the longest term", scope(term), with(|_| ()), "allowed"),
        ("a second longer", scope(term - 1), with(|_| ()), OUT),
        ("a later start shortens no term without a lead", scope(term - DAY), starts(DAY), OUT),
        ("a later start within the lead", led(term - DAY, DAY), starts(DAY), "allowed"),
        ("a second more than the lead", led(term, DAY), starts(DAY + 1), OUT),
        ("a term that is a second longer from its start", led(term - DAY - 1, DAY), starts(DAY), OUT),
        ("a start before the issue", led(term, 0), with(|l| l.not_before = Some(ISSUED - DAY)), "allowed"),
        (
            "a start before the issue lengthens no term",
            led(term - 1, 0),
            with(|l| l.not_before = Some(0)),
            OUT,
        ),
        ("a perpetual licence", led(term, DAY), with(|l| l.expires = crate::licence::PERPETUAL), OUT),
    ]
}

fn features() -> Vec<Case> {
    let grants = |feature: Feature| with(|l| l.features = vec![("export".to_owned(), feature)]);
    let scope = |value: Item| bound(5, named("export", value));
    let on = || cbor::simple(cbor::TRUE);
    vec![
        ("a feature of the scope", scope(on()), grants(Feature::on()), "allowed"),
        ("a feature of the scope that ends", scope(on()), grants(Feature::on().until(EXPIRES)), "allowed"),
        ("no feature", scope(on()), with(|_| ()), "allowed"),
        ("another feature", bound(5, named("audit", on())), grants(Feature::on()), OUT),
        ("a feature where none may be granted", bound(5, cbor::map(&[])), grants(Feature::on()), OUT),
        ("no feature where none may be granted", bound(5, cbor::map(&[])), with(|_| ()), "allowed"),
        ("just the greatest number", scope(cbor::int(5)), grants(Feature::int(5)), "allowed"),
        ("a number that is less than none", scope(cbor::int(5)), grants(Feature::int(-9)), "allowed"),
        ("a number that is too great", scope(cbor::int(5)), grants(Feature::int(6)), OUT),
        ("`true` for a number", scope(cbor::int(5)), grants(Feature::on()), OUT),
        ("a number for `true`", scope(on()), grants(Feature::int(1)), OUT),
        ("one of the texts", scope(texts(&["eu", "us"])), grants(Feature::text("us")), "allowed"),
        ("another text", scope(texts(&["eu", "us"])), grants(Feature::text("asia")), OUT),
        ("`true` for a text", scope(texts(&["eu"])), grants(Feature::on()), OUT),
        ("a text for a number", scope(cbor::int(5)), grants(Feature::text("4")), OUT),
    ]
}

fn quotas() -> Vec<Case> {
    let grants = |limit: u64, period: Period, overage: Overage| {
        with(|l| l.quotas = vec![("calls".to_owned(), Quota(limit, period, overage))])
    };
    let scope = |limit: u64, period: Period, overage: Overage| {
        bound(6, named("calls", Quota(limit, period, overage).encode()))
    };
    let month = || scope(1000, MONTH, Overage::Default);
    let (day, year) = (Period::Named(3, "day"), Period::Named(6, "year"));
    let deny = Overage::Default;
    vec![
        ("just the greatest quota", month(), grants(1000, MONTH, deny), "allowed"),
        ("a unit more", month(), grants(1001, MONTH, deny), OUT),
        ("the greatest integer", month(), grants(crate::licence::GREATEST, MONTH, deny), OUT),
        (
            "the same in months from an anchor",
            month(),
            grants(1000, Period::MonthFrom(ISSUED), deny),
            "allowed",
        ),
        ("the same in a longer period", month(), grants(1000, year, deny), "allowed"),
        ("the same for ever", month(), grants(1000, Period::Named(0, "lifetime"), deny), "allowed"),
        ("less in a shorter period", month(), grants(999, day, deny), OUT),
        ("the same in 31 days", month(), grants(1000, Period::Fixed(31 * DAY, 0), deny), "allowed"),
        ("the same in a second less", month(), grants(1000, Period::Fixed(31 * DAY - 1, 0), deny), OUT),
        ("months for 28 days", scope(9, Period::Fixed(28 * DAY, 0), deny), grants(9, MONTH, deny), "allowed"),
        ("months for 29 days", scope(9, Period::Fixed(29 * DAY, 0), deny), grants(9, MONTH, deny), OUT),
        ("overage that is not permitted", month(), grants(10, MONTH, Overage::UpTo(20)), OUT),
        ("overage without end", month(), grants(10, MONTH, Overage::Unlimited), OUT),
        (
            "just the hard limit",
            scope(10, MONTH, Overage::UpTo(20)),
            grants(10, MONTH, Overage::UpTo(20)),
            "allowed",
        ),
        ("a unit beyond it", scope(10, MONTH, Overage::UpTo(20)), grants(10, MONTH, Overage::UpTo(21)), OUT),
        (
            "no end where there is a hard limit",
            scope(10, MONTH, Overage::UpTo(20)),
            grants(10, MONTH, Overage::Unlimited),
            OUT,
        ),
        (
            "overage where all is permitted",
            scope(10, MONTH, Overage::Unlimited),
            grants(10, MONTH, Overage::Unlimited),
            "allowed",
        ),
        (
            "another meter",
            bound(6, named("mails", Quota(9, MONTH, deny).encode())),
            grants(1, MONTH, deny),
            OUT,
        ),
    ]
}

fn rates() -> Vec<Case> {
    let grants = |count: u64, per: u64, burst: Option<u64>| {
        with(|l| l.rates = vec![("api".to_owned(), Rate(count, per, burst))])
    };
    let scope = || bound(7, named("api", Rate(10, 1000, Some(20)).encode()));
    let greatest = crate::licence::GREATEST;
    vec![
        ("just the rate", scope(), grants(10, 1000, Some(20)), "allowed"),
        ("the same rate in other numbers", scope(), grants(20, 2000, Some(1)), "allowed"),
        ("a faster one", scope(), grants(10, 999, Some(1)), OUT),
        ("a greater burst", scope(), grants(10, 1000, Some(21)), OUT),
        ("a burst that is not said and too great", scope(), grants(21, 9000, None), OUT),
        ("a product beyond 64 bits", scope(), grants(greatest, greatest, Some(1)), OUT),
        ("another product beyond 64 bits", scope(), grants(greatest / 200, greatest, Some(1)), "allowed"),
        ("another rate", bound(7, named("web", Rate(10, 1000, None).encode())), grants(1, 1000, None), OUT),
    ]
}

fn rest() -> Vec<Case> {
    let policy = |policy: Policy| with(|l| l.policy = Some(policy));
    let clock = |action: Action| policy(Policy { clock_doubt: Some(action), ..Policy::default() });
    let bounded = |action: Action| bound(9, cbor::map(&[(cbor::int(1), action.encode())]));
    let aged = |age: Option<u64>| policy(Policy { max_revocation_age: age, ..Policy::default() });
    let age = || bound(9, cbor::map(&[(cbor::int(3), cbor::uint(9 * DAY))]));
    let kind = |kind| with(|l| l.kind = kind);
    let (trial, paid) = (Some((1, "trial")), None);
    let indexed = |index| with(|l| l.index = index);
    let stream = |stream: u64| with(|l| l.stream = stream);
    vec![
        ("just the seats", bound(8, cbor::uint(5)), with(|l| l.seats = Some(5)), "allowed"),
        ("a seat more", bound(8, cbor::uint(5)), with(|l| l.seats = Some(6)), OUT),
        ("no seats", bound(8, cbor::uint(5)), with(|_| ()), "allowed"),
        ("a policy that is allowed", bounded(Action::Warn(60)), clock(Action::Warn(60)), "allowed"),
        ("a warning that is too long", bounded(Action::Warn(60)), clock(Action::Warn(61)), OUT),
        ("a policy that is too lenient", bounded(Action::Warn(60)), clock(Action::Allow), OUT),
        ("a policy that is stricter", bounded(Action::Allow), clock(Action::Warn(60)), "allowed"),
        (
            "another policy than the one that is stated",
            bounded(Action::Allow),
            policy(Policy { store_unreachable: Some(Action::Allow), ..Policy::default() }),
            OUT,
        ),
        ("no policy", bounded(Action::Deny), with(|_| ()), "allowed"),
        ("an age that is too great", age(), aged(Some(9 * DAY + 1)), OUT),
        ("no age", age(), with(|_| ()), OUT),
        ("a kind of the scope", bound(10, numbers(&[1, 2])), kind(trial), "allowed"),
        ("another kind", bound(10, numbers(&[1, 2])), kind(paid), OUT),
        ("the first index", bound(11, numbers(&[10, 20])), indexed(Some(10)), "allowed"),
        ("the last index", bound(11, numbers(&[10, 20])), indexed(Some(20)), "allowed"),
        ("an index before the first", bound(11, numbers(&[10, 20])), indexed(Some(9)), OUT),
        ("an index after the last", bound(11, numbers(&[10, 20])), indexed(Some(21)), OUT),
        ("no index", bound(11, numbers(&[10, 20])), indexed(None), OUT),
        ("a stream of the scope", bound(12, numbers(&[2, 3])), stream(3), "allowed"),
        ("another stream", bound(12, numbers(&[2, 3])), stream(4), OUT),
        ("no stream, which is the first", bound(12, numbers(&[2, 3])), with(|_| ()), OUT),
        ("no stream where the first is permitted", bound(12, numbers(&[0])), with(|_| ()), "allowed"),
        ("an issuer of the scope", bound(0, texts(&["acme"])), with(|_| ()), "allowed"),
        ("another issuer", bound(0, texts(&["other"])), with(|_| ()), OUT),
        ("no bounds", Fields::default(), with(|l| l.seats = Some(9)), "allowed"),
    ]
}

pub(crate) fn malformed() -> GateGroup {
    let main = entry(&key());
    let limit = |label: i64, value: Item| keyset(2, &[main.clone().set(4, bound(label, value).encode())]);
    let window =
        |from: u64, to: u64| keyset(2, &[main.clone().set(1, cbor::uint(from)).set(2, cbor::uint(to))]);
    let mut short = key();
    short.kid.truncate(3);
    let many: Vec<Fields> = (10..73_u8)
        .map(|seed| {
            let scope = (0..3).fold(Fields::default(), |scope, label| {
                scope.set(label, cbor::array(&vec![cbor::text("a scope of a key of many"); 12]))
            });
            entry(&Signer::named(seed))
                .set(1, cbor::uint(1))
                .set(2, cbor::uint(EXPIRES))
                .set(4, scope.encode())
        })
        .chain([main.clone()])
        .collect();
    let full = keyset(2, &many);
    assert!(full.len() > 16_384, "longer than a keyset of schema 1 may be");
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("64 keys with windows and scopes", full, "allowed"),
        ("a key under two identifiers", keyset(2, &[main.clone(), entry(&Signer::main())]), "ambiguous_key"),
        ("an identifier that somebody chose", keyset(2, &[entry(&Signer::new(b"next", 2))]), "invalid_key"),
        ("an identifier of three bytes", keyset(2, &[entry(&short)]), "invalid_key"),
        (
            "an identifier of a thumbprint and more",
            keyset(2, &[entry(&Signer::new(&[&key().kid[..], b"0"].concat(), 1))]),
            "invalid_key",
        ),
        ("the root among its keys", keyset(2, &[entry(&Signer::named(9))]), "invalid_key"),
        ("a key twice", keyset(2, &[main.clone(), main.clone()]), "ambiguous_key"),
        ("a window of one second", window(ISSUED, ISSUED), "allowed"),
        ("a window that ends before it begins", window(NOW + 1, NOW), "invalid_value"),
        ("a bound that is not known", limit(13, cbor::uint(0)), "unknown_critical_field"),
        (
            "a bound under a text",
            keyset(2, &[main.clone().set(4, cbor::map(&[(cbor::text("x"), cbor::uint(0))]))]),
            "unknown_critical_field",
        ),
        (
            "a bound of a policy that is not known",
            limit(9, cbor::map(&[(cbor::int(4), cbor::uint(0))])),
            "unknown_critical_field",
        ),
        ("`false` for a feature", limit(5, named("export", cbor::simple(cbor::FALSE))), "invalid_value"),
        ("a feature without a name", limit(5, named("", cbor::simple(cbor::TRUE))), "invalid_value"),
        (
            "a feature with a name in capitals",
            limit(5, named("Export", cbor::simple(cbor::TRUE))),
            "invalid_value",
        ),
        ("no texts", limit(5, named("export", cbor::array(&[]))), "invalid_value"),
        ("a quota of one number", limit(6, named("calls", numbers(&[1]))), "invalid_value"),
        ("a rate of nothing", limit(7, named("api", numbers(&[0, 1]))), "invalid_value"),
        ("no kinds", limit(10, cbor::array(&[])), "invalid_value"),
        ("a kind that is not known", limit(10, numbers(&[4])), "invalid_value"),
        ("indices that end before they begin", limit(11, numbers(&[2, 1])), "invalid_value"),
        ("no streams", limit(12, cbor::array(&[])), "invalid_value"),
        ("a text for a stream", limit(12, texts(&["0"])), "wrong_type"),
    ];
    let first = keyset(1, std::slice::from_ref(&main));
    let test = |(comment, bytes, code): (&str, Vec<u8>, &str)| {
        let story = Story::rooted("Malformed", comment, &first).load(&bytes, code);
        story.check(&with(|_| ()), NOW, 0, "allowed").done()
    };
    GateGroup {
        comment: "Keysets of schema 2 that are refused, and some that are not".to_owned(),
        tests: cases.into_iter().map(test).collect(),
    }
}
