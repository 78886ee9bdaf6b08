//! Good licences: features.

use licentia_vectors::LicenseGroup;

use super::{
    claims::good_texts,
    grant::{WIDTHS, good_names},
};
use crate::{
    licence::{Licence, PERPETUAL},
    section::Section,
    terms::Feature,
};

pub(crate) fn groups() -> Vec<LicenseGroup> {
    let mut cases = Section::new("Grant", "Good licences: features");
    let one = |feature| Licence::with(|l| l.features = vec![("f".to_owned(), feature)]);
    for (what, name) in good_names() {
        let licence = Licence::with(|l| l.features = vec![(name, Feature::on())]);
        cases.valid(format!("feature: name of {what}"), &licence);
    }
    cases.valid("feature: true", &one(Feature::on()));
    for width in WIDTHS {
        let number = width.cast_signed();
        cases.valid(format!("feature: {number}"), &one(Feature::int(number)));
        // The encoding of a negative integer changes its width one later.
        let negative = if number == 9_007_199_254_740_991 { -number } else { -1 - number };
        cases.valid(format!("feature: {negative}"), &one(Feature::int(negative)));
    }
    for (what, text) in good_texts() {
        cases.valid(format!("feature: text of {what}"), &one(Feature::text(&text)));
    }
    for until in [0, 1_799_999_999, 1_800_000_000, 1_800_000_001, PERPETUAL] {
        cases.valid(format!("feature: true until {until}, not asked for"), &one(Feature::on().until(until)));
    }
    cases.valid("feature: an integer until a time", &one(Feature::int(-7).until(PERPETUAL)));
    cases.valid("feature: a text until a time", &one(Feature::text("gold").until(PERPETUAL)));
    // The shorter name comes first, whatever its letters.
    let licence = Licence::with(|l| {
        l.features = ["z", "aa", "ab", "b"].map(|name| (name.to_owned(), Feature::on())).to_vec();
    });
    cases.valid("features: in the order of their encoded names", &licence);
    let many = (0..64).map(|n| (format!("f{n:02}"), Feature::int(n))).collect();
    cases.valid("features: 64", &Licence::with(|l| l.features = many));
    let long = (0..40).map(|n| (format!("{n:02}{}", "x".repeat(62)), Feature::on())).collect();
    cases.valid("features: 40 with names of 64 characters", &Licence::with(|l| l.features = long));
    vec![cases.done()]
}
