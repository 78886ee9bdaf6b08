//! Catalogues are checked against what needs them, and shown as people read them.

use std::fs;

use crate::desk::{Desk, json, text};

const TIERS: &str = r#"
    [[tier]]
    name = "free"
    version = 1
    term = "perpetual"
    quotas = { calls = "1000/day" }

    [[tier]]
    name = "pro"
    version = 1
    term = "1 year"
    features = { export = true }
    quotas = { calls = "1000/month" }

    [[tier]]
    name = "pro"
    version = 2
    term = "1 year"
    grace = "14 days"
    seats = 5
    features = { export = true, rows = 100_000 }
    quotas = { calls = "100_000/month@term", mails = { limit = 10, per = "month", anchor = "2024-01-31T00:00:00+09:00" } }
    rates = { api = { count = 10, per = "1s", burst = 20 } }
"#;

fn desk() -> Desk {
    let desk = Desk::new();
    fs::write(desk.path().join("tiers.toml"), TIERS).unwrap();
    desk
}

#[test]
fn what_is_sold_is_a_table_that_people_can_publish() {
    let desk = desk();
    let expected = "             free@1     pro@2
term         perpetual  1 year
grace        -          14 days
seats        -          5
export       -          yes
rows         -          100,000
calls        1,000/day  100,000/month from the start of the term
mails        -          10/month from 2024-01-31T00:00:00+09:00
api          -          10/1 s, 20 at once
";
    let shown = text(&desk.run(&["catalogue", "show", "tiers.toml"]).stdout);
    let squeezed = |text: &str| {
        text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>()
    };
    assert_eq!(squeezed(&shown), squeezed(expected), "{shown}");
    let markdown = text(&desk.run(&["catalogue", "show", "tiers.toml", "--markdown"]).stdout);
    assert!(
        markdown.starts_with("|  | free@1 | pro@2 |\n| --- | --- | --- |\n| term | perpetual | 1 year |\n"),
        "{markdown}"
    );
    assert!(text(&desk.run(&["catalogue", "show", "tiers.toml", "--all"]).stdout).contains("pro@1"));

    let value = json(&desk.run(&["--json", "catalogue", "show", "tiers.toml"]));
    let pro = &value["tiers"][1];
    assert_eq!((&pro["name"], &pro["version"], &pro["sold"]), (&"pro".into(), &2.into(), &true.into()));
    assert_eq!(
        pro["quotas"]["calls"],
        serde_json::json!({ "limit": 100_000, "period": "month", "overage": "deny", "anchor": "term" })
    );
    assert_eq!(pro["features"]["rows"]["value"], 100_000);
}

#[test]
fn a_month_begins_on_the_day_they_bought() {
    let desk = desk();
    let period = |now: &str, more: &[&str]| {
        let issue =
            ["issue", "--key", "acme.pem", "--issuer", "acme", "--tier", "pro", "--catalogue", "tiers.toml"];
        let issue = [&["--json"], &issue[..], &["--subject", "x", "--now", now], more].concat();
        let issued = desk.run(&issue);
        assert!(issued.status.success(), "{}", text(&issued.stderr));
        json(&issued)["claims"]["quotas"]["calls"]["period"].clone()
    };
    assert_eq!(period("2027-01-15", &[])["month_from"], 1_799_971_200);
    assert_eq!(period("2027-01-20", &[])["month_from"], 1_800_403_200);
    assert_eq!(
        period("2027-01-20", &["--starts", "2027-01-31"])["month_from"],
        1_801_353_600,
        "with the term"
    );
    assert_eq!(period("2027-01-20", &["--quota", "calls=5/year@term"])["year_from"], 1_800_403_200);
    assert_eq!(period("2027-01-20", &["--quota", "calls=5/month@2024-01-31"])["month_from"], 1_706_659_200);
}

#[test]
fn what_other_tiers_and_routes_expect_is_checked() {
    let desk = desk();
    let alone = desk.run(&["catalogue", "check", "tiers.toml"]);
    let said = text(&alone.stdout);
    assert_eq!(alone.status.code(), Some(0));
    assert!(said.starts_with("tiers.toml: 3 versions, each of which can be issued\n"), "{said}");
    assert!(
        said.contains("free@1 lacks the rate `api`") && said.contains("free@1 lacks the meter `mails`"),
        "{said}"
    );
    assert!(!said.contains("export"), "a feature may be missing: {said}");

    let routes = "[[route]]\nmatch = \"GET /x\"\nfeatures = [\"export\"]\nmeters = { call = 1 }\n";
    fs::write(desk.path().join("gateway.toml"), routes).unwrap();
    let check = ["catalogue", "check", "tiers.toml", "--routes", "gateway.toml"];
    let wrong = desk.run(&check);
    let said = text(&wrong.stdout);
    assert_eq!(wrong.status.code(), Some(1), "{said}");
    assert!(said.contains("no tier has the meter `call`"), "{said}");
    assert!(said.contains("free@1 lacks the feature `export`"), "{said}");
    let value = json(&desk.run(&[&["--json"], &check[..]].concat()));
    let alarms = value["findings"].as_array().unwrap().iter().filter(|finding| finding["alarm"] == true);
    assert_eq!(alarms.map(|finding| finding["name"].as_str().unwrap()).collect::<Vec<_>>(), ["call"]);
    fs::write(desk.path().join("gateway.toml"), routes.replace("call =", "calls =")).unwrap();
    assert_eq!(desk.run(&check).status.code(), Some(0));
}
