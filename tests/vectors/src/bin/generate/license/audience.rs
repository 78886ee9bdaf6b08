//! What is expected of a licence: issuer, audience, features.

use licentia_vectors::LicenseGroup;

use crate::{
    licence::{Audience, Licence},
    section::Section,
    terms::Feature,
};

pub(crate) fn groups() -> Vec<LicenseGroup> {
    vec![issuers(), audiences(), no_audience(), one_feature(), several_features()]
}

fn issuers() -> LicenseGroup {
    let mut cases = Section::new("Issuer", "The expected issuer is `acme`").issuer("acme");
    cases.valid("the same", &Licence::base());
    for (what, issuer) in [
        ("another", "umbrella"),
        ("capitals", "ACME"),
        ("a beginning", "acm"),
        ("one letter more", "acmes"),
        ("a space after it", "acme "),
        ("a U+0000 after it", "acme\0"),
        ("a full stop after it", "acme."),
        ("a letter that looks the same", "\u{430}cme"),
        ("as a URL", "https://acme"),
    ] {
        let licence = Licence::with(|l| l.issuer = issuer.to_owned());
        cases.invalid(what, "issuer_mismatch", &licence.token());
    }
    cases.done()
}

fn many(names: &[&str]) -> Licence {
    Licence::with(|l| l.audience = Audience::Many(names.iter().map(|&name| name.to_owned()).collect()))
}

fn one(name: &str) -> Licence {
    Licence::with(|l| l.audience = Audience::One(name.to_owned()))
}

fn audiences() -> LicenseGroup {
    let mut cases =
        Section::new("Audience", "The service is `api.acme.example`").audience("api.acme.example");
    cases.valid("no aud: for every service", &Licence::base());
    cases.valid("the same", &one("api.acme.example"));
    cases.valid("among others", &many(&["web", "api.acme.example", "mail"]));
    for (what, audience) in [
        ("another", "web.acme.example"),
        ("capitals", "API.acme.example"),
        ("a beginning", "api.acme"),
        ("the end", "acme.example"),
        ("a wildcard", "*.acme.example"),
        ("a star", "*"),
        ("a subdomain", "v1.api.acme.example"),
        ("with a path", "api.acme.example/"),
        ("a space before it", " api.acme.example"),
        ("a list in one text", "web api.acme.example"),
    ] {
        cases.invalid(what, "audience_mismatch", &one(audience).token());
    }
    cases.invalid("an array of one other", "audience_mismatch", &many(&["web"]).token());
    cases.invalid("an array of others", "audience_mismatch", &many(&["api", "acme", "example"]).token());
    cases.invalid("an array of 16 others", "audience_mismatch", &many(&["web"; 16]).token());
    cases.done()
}

fn no_audience() -> LicenseGroup {
    let mut cases = Section::new("Audience", "The service names no audience");
    cases.valid("no aud", &Licence::base());
    cases.invalid("a text", "audience_mismatch", &one("api").token());
    cases.invalid("an array", "audience_mismatch", &many(&["api", "web"]).token());
    cases.done()
}

fn with(features: &[(&str, Feature)]) -> Licence {
    Licence::with(|l| {
        l.features = features.iter().map(|(name, feature)| ((*name).to_owned(), feature.clone())).collect();
    })
}

fn one_feature() -> LicenseGroup {
    let mut cases = Section::new("Feature", "The feature `export` is asked for").features(&["export"]);
    let code = "feature_not_licensed";
    cases.valid("true", &with(&[("export", Feature::on())]));
    cases.valid("0, whose value the caller judges", &with(&[("export", Feature::int(0))]));
    cases.valid("a negative integer", &with(&[("export", Feature::int(-1))]));
    cases.valid("a text", &with(&[("export", Feature::text("pdf"))]));
    cases.valid(
        "among others",
        &with(&[("a", Feature::on()), ("export", Feature::on()), ("zzzzzzz", Feature::on())]),
    );
    cases.invalid("no features", code, &Licence::base().token());
    for name in ["exports", "expor", "export.", "export.pdf", "xport", "e"] {
        cases.invalid(format!("only {name}"), code, &with(&[(name, Feature::on())]).token());
    }
    let meter = Licence::with(|l| l.meta = vec![("export".to_owned(), "true".to_owned())]);
    cases.invalid("only in meta", code, &meter.token());
    cases.done()
}

fn several_features() -> LicenseGroup {
    let mut cases =
        Section::new("Feature", "The features `b`, `a` and `c` are asked for").features(&["b", "a", "c"]);
    let (on, ended) = (Feature::on, || Feature::on().until(1));
    cases.valid("all", &with(&[("a", on()), ("b", on()), ("c", on())]));
    cases.valid("all and more", &with(&[("a", on()), ("b", on()), ("c", on()), ("d", ended())]));
    let gone = "feature_not_licensed";
    cases.invalid("the first is missing", gone, &with(&[("a", on()), ("c", on())]).token());
    cases.invalid("the last is missing", gone, &with(&[("a", on()), ("b", on())]).token());
    let over = "feature_expired";
    cases.invalid("the first has ended", over, &with(&[("a", on()), ("b", ended()), ("c", on())]).token());
    cases.invalid("the last has ended", over, &with(&[("a", on()), ("b", on()), ("c", ended())]).token());
    cases.invalid(
        "the first has ended, the second is missing",
        over,
        &with(&[("b", ended()), ("c", on())]).token(),
    );
    cases.invalid(
        "the first is missing, the second has ended",
        gone,
        &with(&[("a", ended()), ("c", on())]).token(),
    );
    cases.done()
}
