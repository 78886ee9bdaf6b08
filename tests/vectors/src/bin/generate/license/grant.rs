//! Good licences, field by field of the grant.

use licentia_vectors::LicenseGroup;

use super::claims::good_texts;
use crate::{
    cbor,
    licence::{Audience, Confirmation, EXPIRES, GREATEST, ISSUED, Licence, NOW, PERPETUAL, Policy},
    proof::{Presented, holder},
    section::Section,
    terms::{Action, Feature, Overage, Period, Quota, Rate},
};

/// Integers on both sides of each width of the encoding, up to the greatest that is allowed.
pub(super) const WIDTHS: [u64; 10] =
    [0, 23, 24, 255, 256, 65_535, 65_536, 4_294_967_295, 4_294_967_296, GREATEST];

/// Every character that a name may have.
pub(super) const NAME_CHARACTERS: &str = "abcdefghijklmnopqrstuvwxyz0123456789._:-";

/// Names that keep to the grammar.
pub(super) fn good_names() -> Vec<(&'static str, String)> {
    vec![
        ("1 character", "a".to_owned()),
        ("64 characters", "a".repeat(64)),
        ("all letters, digits and marks", NAME_CHARACTERS.to_owned()),
        ("a digit", "0".to_owned()),
        ("a full stop", ".".to_owned()),
        ("a low line", "_".to_owned()),
        ("a colon", ":".to_owned()),
        ("a hyphen", "-".to_owned()),
        ("two full stops", "..".to_owned()),
        ("a word that JavaScript objects have", "__proto__".to_owned()),
        ("a number", "42".to_owned()),
    ]
}

pub(crate) fn groups() -> Vec<LicenseGroup> {
    vec![fields(), machines(), releases(), policies(), everything()]
}

fn fields() -> LicenseGroup {
    let mut cases = Section::new("Grant", "Good licences: the fields of the grant");
    for (what, name) in good_names() {
        cases.valid(format!("tier: {what}"), &Licence::with(|l| l.tier.0 = name));
    }
    for version in WIDTHS {
        cases.valid(format!("tier: version {version}"), &Licence::with(|l| l.tier.1 = version));
    }
    for seats in WIDTHS {
        cases.valid(format!("seats: {seats}"), &Licence::with(|l| l.seats = Some(seats)));
    }
    for index in WIDTHS {
        cases.valid(format!("index: {index}"), &Licence::with(|l| l.index = Some(index)));
    }
    for end in [NOW + 1, EXPIRES - 1, EXPIRES, EXPIRES + 1, PERPETUAL] {
        cases.valid(format!("term_end: {end}"), &Licence::with(|l| l.term_end = Some(end)));
    }
    for (number, name) in [(0, "paid"), (1, "trial"), (2, "developer"), (3, "internal")] {
        cases.valid(format!("kind: {name}"), &Licence::with(|l| l.kind = Some((number, name))));
    }
    cases.valid("lineage: another licence", &Licence::with(|l| l.lineage = Some([7; 16])));
    cases.valid("lineage: the licence itself", &Licence::with(|l| l.lineage = Some(l.id)));
    cases.valid("lineage: zeros", &Licence::with(|l| l.lineage = Some([0; 16])));
    for (what, text) in good_texts() {
        let value = text.clone();
        cases
            .valid(format!("meta: key of {what}"), &Licence::with(|l| l.meta = vec![(text, "v".to_owned())]));
        cases.valid(
            format!("meta: value of {what}"),
            &Licence::with(|l| l.meta = vec![("k".to_owned(), value)]),
        );
    }
    let pairs = (0..16).map(|n| (format!("Key {n}"), format!("value {n}"))).collect();
    cases.valid("meta: 16 entries", &Licence::with(|l| l.meta = pairs));
    cases.done()
}

fn machines() -> LicenseGroup {
    let mut cases = Section::new("Grant", "Good licences: the machines that they are for").node([1; 32]);
    let with =
        |locks: &[u8]| Licence::with(|l| l.node_locks = locks.iter().map(|lock| [*lock; 32]).collect());
    cases.valid("no locks: any machine", &Licence::base());
    cases.valid("node_locks: one", &with(&[1]));
    cases.valid("node_locks: two, in no order", &with(&[2, 1]));
    cases.valid("node_locks: the same twice", &with(&[1, 1]));
    cases.valid("node_locks: the first of 16", &with(&(1..17).collect::<Vec<_>>()));
    cases.valid("node_locks: the last of 16", &with(&(1..17).rev().collect::<Vec<_>>()));
    cases.done()
}

fn releases() -> LicenseGroup {
    let mut cases = Section::new("Grant", "Good licences: the releases that they cover").release(0);
    cases.valid("every release", &Licence::base());
    for until in [0, 1, NOW, PERPETUAL] {
        let licence = Licence::with(|l| l.maintained_until = Some(until));
        cases.valid(format!("maintained_until: {until}"), &licence);
    }
    cases.done()
}

fn policies() -> LicenseGroup {
    let mut cases = Section::new("Grant", "Good licences: the failure policy");
    let actions = [
        ("deny", Action::Deny),
        ("warn for 0 seconds", Action::Warn(0)),
        ("warn for a day", Action::Warn(86_400)),
        ("warn for 2^53 - 1 seconds", Action::Warn(GREATEST)),
        ("allow", Action::Allow),
    ];
    let with = |policy| Licence::with(|l| l.policy = Some(policy));
    for (what, action) in actions {
        let stale = Policy { stale_revocation: Some(action), ..Policy::default() };
        cases.valid(format!("stale_revocation: {what}"), &with(stale));
        let clock = Policy { clock_doubt: Some(action), ..Policy::default() };
        cases.valid(format!("clock_doubt: {what}"), &with(clock));
        let store = Policy { store_unreachable: Some(action), ..Policy::default() };
        cases.valid(format!("store_unreachable: {what}"), &with(store));
    }
    for age in [0, 1, 604_800, GREATEST] {
        // Nobody has a bundle here, and the licence asks for one: it says what then happens.
        let stale_revocation = Some(Action::Allow);
        let policy = Policy { stale_revocation, max_revocation_age: Some(age), ..Policy::default() };
        cases.valid(format!("max_revocation_age: {age}"), &with(policy));
    }
    let all = Policy {
        stale_revocation: Some(Action::Warn(NOW - ISSUED)),
        clock_doubt: Some(Action::Allow),
        store_unreachable: Some(Action::Deny),
        max_revocation_age: Some(1_000_000_000),
        more: Vec::new(),
    };
    cases.valid("all four", &with(all));
    let asking = with(Policy { max_revocation_age: Some(10), ..Policy::default() });
    cases.invalid_at("no bundle when the licence is issued", "revocation_stale", &asking.token(), ISSUED);
    let warned =
        Policy { stale_revocation: Some(Action::Warn(10)), max_revocation_age: Some(0), ..Policy::default() };
    cases.valid_at(
        "no bundle, for as long as the licence warns",
        &with(warned.clone()),
        ISSUED + 10,
        "active",
    );
    cases.invalid_at("no bundle, a second later", "revocation_stale", &with(warned).token(), ISSUED + 11);
    cases.done()
}

fn everything() -> LicenseGroup {
    let mut cases = Section::new("Grant", "Good licences: everything at once")
        .issuer("acme")
        .audience("api")
        .features(&["export", "seats"])
        .node([1; 32])
        .release(NOW);
    let public = holder().public();
    let key = super::confirmation::holder_key();
    let licence = Licence::with(|l| {
        l.audience = Audience::Many(vec!["api".to_owned(), "web".to_owned()]);
        l.not_before = Some(NOW - 1);
        l.confirmation = Some(Confirmation::Key(public, key.entries()));
        l.status = Some(cbor::map(&[(cbor::uint(1), cbor::array(&[cbor::uint(2)]))]));
        l.features = vec![
            ("seats".to_owned(), Feature::int(25)),
            ("export".to_owned(), Feature::on().until(NOW + 1)),
            ("support".to_owned(), Feature::text("gold").until(EXPIRES)),
        ];
        l.quotas = vec![
            ("calls".to_owned(), Quota(100_000, Period::Named(5, "month"), Overage::UpTo(120_000))),
            ("mails".to_owned(), Quota(2_000, Period::MonthFrom(1_706_659_200), Overage::Unlimited)),
        ];
        l.rates = vec![("api".to_owned(), Rate(10, 1_000, Some(50)))];
        l.term_end = Some(NOW + 1);
        l.seats = Some(5);
        l.policy = Some(Policy { clock_doubt: Some(Action::Warn(3_600)), ..Policy::default() });
        l.node_locks = vec![[1; 32]];
        l.maintained_until = Some(EXPIRES);
        l.kind = Some((1, "trial"));
        l.meta = vec![("order".to_owned(), "A-17".to_owned())];
        l.lineage = Some(*b"the first of all");
        l.index = Some(123_456);
    });
    cases.valid("every claim and every field", &licence);
    cases.prove(Presented::base().present());
    cases.done()
}
