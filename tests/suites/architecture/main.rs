//! Who may depend on whom, and on what: `docs/architecture.md` and `deny.toml`.

mod crates;
mod graph;
mod licences;

use std::{collections::BTreeSet, fs};

use crates::{Package, arrows, packages, root};
use graph::Graph;

/// Which crates of ours each may depend on. A new crate gets a line, and an arrow that is not here is refused.
const ARROWS: [(&str, &[&str]); 17] = [
    ("licentia-core", &[]),
    ("licentia-issuer", &["licentia-core"]),
    ("licentia", &["licentia-core"]),
    ("licentia-cli", &["licentia", "licentia-core", "licentia-issuer"]),
    ("licentia-ffi", &["licentia", "licentia-core", "licentia-issuer"]),
    ("licentia-bare", &["licentia-core"]),
    ("licentia-header", &["licentia-core"]),
    ("licentia-js", &["licentia", "licentia-core", "licentia-issuer"]),
    ("licentia-js-bindgen", &[]),
    ("licentia-python", &["licentia", "licentia-core", "licentia-issuer"]),
    ("licentia-vectors", &[]),
    ("licentia-tests", &["licentia-core", "licentia-vectors"]),
    ("licentia-benches", &["licentia", "licentia-core", "licentia-issuer"]),
    ("licentia-benches-wasm", &["licentia-core"]),
    ("licentia-example-axum", &["licentia", "licentia-issuer"]),
    ("licentia-example-poll", &["licentia"]),
    ("xtask", &[]),
];

/// Crates that must not be reached from others, however far: a gateway holds no key that signs licences.
const NEVER: [(&str, &str); 2] = [("licentia", "licentia-issuer"), ("licentia-gateway", "licentia-issuer")];

fn refused(graph: &Graph) -> Vec<String> {
    let mut refused = Vec::new();
    for (from, to, _) in graph.edges() {
        let allowed = ARROWS.iter().find(|(name, _)| *name == from);
        if !allowed.is_some_and(|(_, allowed)| allowed.contains(&to)) {
            refused.push(format!("{from} depends on {to}"));
        }
    }
    let reached = |from: &str, to: &str| graph.reachable(from).contains(to);
    refused.extend(
        NEVER.iter().filter(|(from, to)| reached(from, to)).map(|(from, to)| format!("{from} reaches {to}")),
    );
    refused
}

#[test]
fn crates_depend_on_each_other_as_they_may() {
    let packages = packages();
    let ours: BTreeSet<&str> =
        packages.iter().filter(|package| package.source.is_none()).map(|package| &*package.name).collect();
    assert_eq!(ours, ARROWS.iter().map(|(name, _)| *name).collect(), "each crate has a line in `ARROWS`");
    assert_eq!(refused(&arrows(&packages)), [] as [&str; 0]);
}

#[test]
fn an_arrow_the_wrong_way_is_refused() {
    for (from, to) in [
        ("licentia-core", "licentia"),
        ("licentia", "licentia-issuer"),
        ("licentia-ffi", "licentia-cli"),
        ("licentia-new", "licentia-core"),
    ] {
        let mut graph = Graph::default();
        graph.connect(from, to, "");
        assert!(!refused(&graph).is_empty(), "{from} -> {to}");
    }
    let mut graph = Graph::default();
    graph.connect("licentia-gateway", "licentia-helper", "");
    graph.connect("licentia-helper", "licentia-issuer", "");
    assert!(refused(&graph).contains(&"licentia-gateway reaches licentia-issuer".to_owned()));
}

/// The rules of `deny.toml` that need no database: licences, sources and versions. `cargo xtask advisories` checks all.
#[test]
fn dependencies_have_licences_sources_and_versions_that_are_allowed() {
    let rules = fs::read_to_string(root().join("deny.toml")).unwrap();
    let rules: toml::Table = rules.parse().unwrap();
    let texts = |value: &toml::Value| -> Vec<String> {
        value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let licenses = &rules["licenses"];
    let allowed = texts(&licenses["allow"]);
    let exceptions = licenses["exceptions"].as_array().unwrap();
    let is_allowed = |package: &Package, license: &str| {
        let excepted = exceptions.iter().filter(|one| one["crate"].as_str() == Some(&package.name));
        let excepted: Vec<String> = excepted.flat_map(|one| texts(&one["allow"])).collect();
        allowed.iter().chain(&excepted).any(|one| one == license)
    };
    assert_eq!(rules["bans"]["wildcards"].as_str(), Some("deny"));
    assert_eq!(rules["sources"]["unknown-registry"].as_str(), Some("deny"));
    assert_eq!(rules["sources"]["unknown-git"].as_str(), Some("deny"));

    let packages = packages();
    assert!(packages.len() > 200, "{} packages are not the whole graph", packages.len());
    let mut refused = Vec::new();
    for package in &packages {
        let shown = format!("{} {}", package.name, package.version);
        let license = package.license.as_deref().unwrap_or_default();
        if !licences::is_met(license, &|license| is_allowed(package, license)) {
            refused.push(format!("{shown}: the licence {license:?}"));
        }
        let registry = "registry+https://github.com/rust-lang/crates.io-index";
        match package.source.as_deref() {
            None => {
                let any = package.dependencies.iter().filter(|dependency| !dependency.is_path);
                let any = any.filter(|dependency| dependency.versions == "*");
                refused.extend(any.map(|dependency| format!("{shown}: any version of {}", dependency.name)));
                if !package.manifest.starts_with(root()) {
                    refused.push(format!("{shown}: the folder {}", package.manifest.display()));
                }
            }
            Some(source) if source == registry => {}
            Some(source) => refused.push(format!("{shown}: the source {source}")),
        }
    }
    assert!(refused.is_empty(), "deny.toml does not allow: {refused:#?}");
}
