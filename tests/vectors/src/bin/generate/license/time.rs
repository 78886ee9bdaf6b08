//! Time: the first second that counts, and the first that is too late.

use licentia_vectors::LicenseGroup;

use crate::{
    licence::{EXPIRES, ISSUED, Licence, NOW, PERPETUAL},
    section::Section,
    terms::Feature,
};

pub(crate) fn groups() -> Vec<LicenseGroup> {
    let mut groups: Vec<_> = [0, 1, 60, 3600].into_iter().map(bounds).collect();
    groups.extend([grace(), feature_ends(), perpetual(), no_order()]);
    groups
}

fn bounds(skew: u64) -> LicenseGroup {
    let mut cases =
        Section::new("Time", &format!("exp, iat and nbf, where clocks may differ by {skew} s")).skew(skew);
    let base = Licence::base();
    let late = base.token();
    for before in [60, 2, 1] {
        cases.valid_at(format!("{before} s before exp"), &base, EXPIRES - before, "active");
    }
    for after in [0, 1, 60, 3601] {
        // Tolerance never makes a licence last longer.
        cases.invalid_at(format!("{after} s after exp"), "expired", &late, EXPIRES + after);
    }
    let edge = ISSUED - skew;
    for before in [2, 1] {
        let comment = format!("{before} s before iat less the tolerance");
        cases.invalid_at(comment, "issued_in_future", &late, edge - before);
    }
    for after in [0, 1] {
        cases.valid_at(format!("{after} s after iat less the tolerance"), &base, edge + after, "active");
    }
    cases.valid_at("at iat", &base, ISSUED, "active");
    let start = NOW;
    let later = Licence::with(|l| l.not_before = Some(start));
    for before in [2, 1] {
        let comment = format!("{before} s before nbf less the tolerance");
        cases.invalid_at(comment, "not_yet_valid", &later.token(), start - skew - before);
    }
    for after in [0, 1] {
        cases.valid_at(
            format!("{after} s after nbf less the tolerance"),
            &later,
            start - skew + after,
            "active",
        );
    }
    cases.valid_at("at nbf", &later, start, "active");
    cases.invalid_at("at 0", "issued_in_future", &late, 0);
    cases.invalid_at("at the end of the year 9999", "expired", &late, PERPETUAL);
    cases.done()
}

fn grace() -> LicenseGroup {
    let mut cases = Section::new("Grace", "The end of the contract");
    let licence = Licence::with(|l| l.term_end = Some(NOW));
    cases.valid_at("1 s before term_end", &licence, NOW - 1, "active");
    for after in [0, 1, 60] {
        cases.valid_at(format!("{after} s after term_end"), &licence, NOW + after, "grace");
    }
    cases.valid_at("1 s before exp", &licence, EXPIRES - 1, "grace");
    cases.invalid_at("at exp", "expired", &licence.token(), EXPIRES);
    let at_exp = Licence::with(|l| l.term_end = Some(EXPIRES));
    cases.valid_at("term_end at exp: 1 s before it", &at_exp, EXPIRES - 1, "active");
    cases.invalid_at("term_end at exp: then", "expired", &at_exp.token(), EXPIRES);
    let after = Licence::with(|l| l.term_end = Some(EXPIRES + 10));
    cases.invalid_at("term_end after exp: between them", "expired", &after.token(), EXPIRES + 5);
    let before = Licence::with(|l| l.term_end = Some(ISSUED - 1));
    cases.valid_at("term_end before iat", &before, ISSUED, "grace");
    let zero = Licence::with(|l| l.term_end = Some(0));
    cases.valid_at("term_end at 0", &zero, NOW, "grace");
    cases.done()
}

fn feature_ends() -> LicenseGroup {
    let mut cases = Section::new("Time", "The end of a feature").features(&["f"]);
    let until = |time| Licence::with(|l| l.features = vec![("f".to_owned(), Feature::on().until(time))]);
    let licence = until(NOW);
    cases.valid_at("1 s before its end", &licence, NOW - 1, "active");
    for after in [0, 1, 59, 61] {
        cases.invalid_at(
            format!("{after} s after its end"),
            "feature_expired",
            &licence.token(),
            NOW + after,
        );
    }
    cases.invalid("ended at 0", "feature_expired", &until(0).token());
    cases.valid("ends after the licence", &until(EXPIRES + 1));
    cases.invalid_at(
        "ends after the licence, which has ended",
        "expired",
        &until(EXPIRES + 1).token(),
        EXPIRES,
    );
    let number = Licence::with(|l| l.features = vec![("f".to_owned(), Feature::int(5).until(NOW))]);
    cases.valid_at("an integer, 1 s before its end", &number, NOW - 1, "active");
    cases.invalid_at("an integer, at its end", "feature_expired", &number.token(), NOW);
    let grace = Licence::with(|l| {
        l.term_end = Some(NOW);
        l.features = vec![("f".to_owned(), Feature::on().until(NOW + 1))];
    });
    cases.valid_at("in grace, 1 s before its end", &grace, NOW, "grace");
    cases.invalid_at("in grace, at its end", "feature_expired", &grace.token(), NOW + 1);
    cases.done()
}

fn perpetual() -> LicenseGroup {
    let mut cases = Section::new("Time", "The end of the year 9999");
    let licence = Licence::with(|l| l.expires = PERPETUAL);
    cases.valid_at("1 s before it", &licence, PERPETUAL - 1, "active");
    cases.invalid_at("then", "expired", &licence.token(), PERPETUAL);
    cases.invalid_at("1 s later", "expired", &licence.token(), PERPETUAL + 1);
    cases.invalid_at("at 2^53 - 1", "expired", &licence.token(), (1 << 53) - 1);
    cases.done()
}

/// No claim is compared with another.
fn no_order() -> LicenseGroup {
    let mut cases = Section::new("Time", "Claims in an order that leaves no time");
    let ends = Licence::with(|l| l.expires = 0);
    cases.invalid_at("exp at 0", "expired", &ends.token(), 0);
    let never = Licence::with(|l| l.expires = ISSUED);
    cases.invalid_at("exp at iat: then", "expired", &never.token(), ISSUED);
    cases.valid_at("exp at iat: within the tolerance before it", &never, ISSUED - 1, "active");
    let reversed = Licence::with(|l| (l.expires, l.issued_at) = (ISSUED, EXPIRES));
    cases.invalid_at("exp before iat: between them", "expired", &reversed.token(), NOW);
    cases.invalid_at("exp before iat: before both", "issued_in_future", &reversed.token(), ISSUED - 1);
    let start = Licence::with(|l| l.not_before = Some(EXPIRES + 1));
    cases.invalid("nbf after exp", "not_yet_valid", &start.token());
    cases.done()
}
