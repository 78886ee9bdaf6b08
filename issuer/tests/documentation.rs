//! The page about the catalogue has every field, no other, and examples that work.

use std::collections::BTreeSet;

use licentia_issuer::Catalogue;

const PAGE: &str = include_str!("../../docs/catalogue.md");
const TIER: &str = "[[tier]]\nname = \"pro\"\nversion = 1\nterm = \"1 year\"\n";

/// The fields in the table of a section.
fn documented(section: &str) -> BTreeSet<String> {
    let (_, rest) = PAGE.split_once(&format!("\n## {section}\n")).expect("the section is there");
    let text = rest.split("\n## ").next().unwrap();
    let fields = text.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    fields.map(str::to_owned).collect()
}

/// The fields that the reader knows: it names them if it meets another.
fn known(tier: &str) -> BTreeSet<String> {
    let error = tier.parse::<Catalogue>().unwrap_err().to_string();
    let (_, expected) = error.split_once("unknown field `nonsense`, expected").expect(&error);
    let expected = expected.split('\n').next().unwrap();
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_page_has_every_field_and_no_other() {
    for (section, table) in [
        ("Tier", "nonsense = 1"),
        ("Feature", "features = { a = { nonsense = 1 } }"),
        ("Quota", "quotas = { a = { nonsense = 1 } }"),
        ("Rate", "rates = { a = { nonsense = 1 } }"),
        ("Policy", "policy = { nonsense = 1 }"),
    ] {
        let known = known(&format!("{TIER}{table}"));
        assert!(known.len() > 1, "{section}: {known:?}");
        assert_eq!(documented(section), known, "{section}");
    }
}

#[test]
fn the_examples_work() {
    let examples: Vec<&str> =
        PAGE.split("\n```toml\n").skip(1).map(|rest| rest.split("\n```").next().unwrap()).collect();
    assert_eq!(examples.len(), 2);
    for example in examples {
        example.parse::<Catalogue>().unwrap();
    }
    // What the page says about values in its tables.
    for kind in ["paid", "trial", "developer", "internal"] {
        format!("{TIER}kind = \"{kind}\"").parse::<Catalogue>().unwrap();
        assert!(PAGE.contains(&format!("`\"{kind}\"`")));
    }
    for period in ["lifetime", "minute", "hour", "day", "week", "month", "year", "30 days"] {
        format!("{TIER}quotas = {{ a = \"1/{period}\" }}").parse::<Catalogue>().unwrap();
        assert!(PAGE.contains(&format!("`\"{period}\"`")));
    }
}
