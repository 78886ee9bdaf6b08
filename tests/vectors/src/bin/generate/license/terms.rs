//! Good licences: quotas and rates.

use licentia_vectors::LicenseGroup;

use super::grant::{WIDTHS, good_names};
use crate::{
    licence::{GREATEST, Licence, PERPETUAL},
    section::Section,
    terms::{NAMED, Overage, Period, Quota, Rate},
};

pub(crate) fn groups() -> Vec<LicenseGroup> {
    vec![quotas(), rates()]
}

fn quotas() -> LicenseGroup {
    let mut cases = Section::new("Grant", "Good licences: quotas");
    let one = |quota| Licence::with(|l| l.quotas = vec![("q".to_owned(), quota)]);
    let month = NAMED[5];
    for (what, name) in good_names() {
        let licence = Licence::with(|l| l.quotas = vec![(name, Quota(1, month, Overage::Default))]);
        cases.valid(format!("quota: meter of {what}"), &licence);
    }
    for limit in WIDTHS {
        cases.valid(format!("quota: limit {limit}"), &one(Quota(limit, month, Overage::Default)));
    }
    let more = [
        Period::Fixed(1, 0),
        Period::Fixed(2_592_000, 1_706_659_200),
        Period::Fixed(4, PERPETUAL),
        Period::Fixed(5, 0),
        Period::Fixed(6, 0),
        Period::Fixed(GREATEST, 1),
        Period::MonthFrom(0),
        Period::MonthFrom(1_706_659_200),
        Period::MonthFrom(PERPETUAL),
        Period::YearFrom(0),
        Period::YearFrom(1_709_164_800),
        Period::YearFrom(PERPETUAL),
    ];
    for period in NAMED.into_iter().chain(more) {
        cases.valid(format!("quota: period {}", period.json()), &one(Quota(10, period, Overage::Default)));
    }
    let overages = [
        ("not said", Overage::Default),
        ("deny, said", Overage::Deny),
        ("unlimited", Overage::Unlimited),
        ("up to the limit itself", Overage::UpTo(100)),
        ("up to one more", Overage::UpTo(101)),
        ("up to 2^53 - 1", Overage::UpTo(GREATEST)),
    ];
    for (what, overage) in overages {
        cases.valid(format!("quota: overage {what}"), &one(Quota(100, month, overage)));
    }
    cases.valid("quota: overage up to 0 with a limit of 0", &one(Quota(0, month, Overage::UpTo(0))));
    let many = (0..16).map(|n| (format!("meter:{n}"), Quota(n, month, Overage::Default))).collect();
    cases.valid("quotas: 16", &Licence::with(|l| l.quotas = many));
    cases.done()
}

fn rates() -> LicenseGroup {
    let mut cases = Section::new("Grant", "Good licences: rates");
    let one = |rate| Licence::with(|l| l.rates = vec![("r".to_owned(), rate)]);
    for (what, name) in good_names() {
        let licence = Licence::with(|l| l.rates = vec![(name, Rate(1, 1, None))]);
        cases.valid(format!("rate: name of {what}"), &licence);
    }
    cases.valid("rate: 1 every millisecond", &one(Rate(1, 1, None)));
    cases.valid("rate: 10 every second", &one(Rate(10, 1_000, None)));
    cases.valid("rate: with a burst of 1", &one(Rate(10, 1_000, Some(1))));
    cases.valid("rate: with a burst of its count", &one(Rate(10, 1_000, Some(10))));
    cases.valid("rate: with a burst above its count", &one(Rate(10, 1_000, Some(11))));
    cases.valid("rate: 2^53 - 1 of everything", &one(Rate(GREATEST, GREATEST, Some(GREATEST))));
    let many = (1..=16).map(|n| (format!("r-{n}"), Rate(n, n, None))).collect();
    cases.valid("rates: 16", &Licence::with(|l| l.rates = many));
    cases.done()
}
