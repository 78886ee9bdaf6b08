//! Who may depend on whom, and on what: `docs/architecture.md` and `deny.toml`.

mod crates;
mod graph;
mod licences;
mod source;

use std::{collections::BTreeSet, fs, path::Path};

use crates::{Package, arrows, packages, root};
use graph::Graph;
use source::Source;

/// Crates whose files are looked at, by the root of each.
const SOURCES: [&str; 15] = [
    "core/src/lib.rs",
    "issuer/src/lib.rs",
    "sdk/src/lib.rs",
    "cli/src/main.rs",
    "gateway/src/lib.rs",
    "server/src/lib.rs",
    "ffi/src/lib.rs",
    "ffi/bare/src/lib.rs",
    "ffi/header/src/main.rs",
    "ffi/host/src/lib.rs",
    "bindings/js/src/lib.rs",
    "bindings/js/bindgen/src/main.rs",
    "bindings/python/src/lib.rs",
    "tests/src/lib.rs",
    "xtask/src/main.rs",
];

fn uses(root_file: &str) -> Graph {
    let path = root().join(root_file);
    Source::read(&path).uses(path.parent().unwrap())
}

#[test]
fn no_two_files_use_each_other() {
    let mut found = String::new();
    for root_file in SOURCES {
        let graph = uses(root_file);
        for circle in graph.circles() {
            found += &format!("{root_file}, {circle:?}:\n{}", graph.describe(&circle));
        }
    }
    assert!(
        found.is_empty(),
        "files that use each other; move what both need into a file of its own:\n{found}"
    );
}

/// A circle through a re-export, a name that `use` brings, and a macro; without one through tests or the root's exports.
#[test]
fn a_circle_is_found() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("circle");
    fs::create_dir_all(folder.join("b")).unwrap();
    for (name, text) in [
        ("lib.rs", "mod a;\nmod b;\nmod c;\npub use c::C;\n#[cfg(test)]\nmod tests { use crate::c::C; }\n"),
        ("a.rs", "use crate::b;\npub fn f() -> b::B { b::B }\n"),
        ("b/mod.rs", "mod inner;\npub use inner::B;\n"),
        ("b/inner.rs", "pub struct B;\nfn g() { println!(\"{}\", crate::a::f()) }\n"),
        ("c.rs", "pub struct C(crate::a::A);\n#[cfg(test)]\nmod tests { use crate::C; }\n"),
    ] {
        fs::write(folder.join(name), text).unwrap();
    }
    let graph = Source::read(&folder.join("lib.rs")).uses(&folder);
    assert_eq!(graph.circles(), [["a.rs", "b/inner.rs"]]);
    let edges: Vec<_> = graph.edges().map(|(from, to, _)| (from, to)).collect();
    assert_eq!(edges, [("a.rs", "b/inner.rs"), ("b/inner.rs", "a.rs"), ("c.rs", "a.rs")]);
}

/// The folders of sdk that a folder, or a single file, may use: a table in `docs/architecture.md`.
fn uses_that_are_documented() -> BTreeSet<(String, String)> {
    let page = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let (_, table) = page.split_once("| in sdk | may use |\n|---|---|\n").unwrap();
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let names = |cell: &str| cell.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect::<Vec<_>>();
    let pairs = |row: &str| {
        let (users, used) = row.trim_matches('|').split_once('|').unwrap();
        let used = names(used);
        let pairs =
            |user: String| used.iter().map(move |used| (user.clone(), used.clone())).collect::<Vec<_>>();
        names(users).into_iter().flat_map(pairs).collect::<Vec<_>>()
    };
    rows.flat_map(pairs).collect()
}

/// `folder/` of a file in a folder of sdk. Files beside the folders are names for what is in them.
fn folder(file: &str) -> Option<String> {
    file.split_once('/').map(|(folder, _)| format!("{folder}/"))
}

#[test]
fn folders_of_sdk_use_each_other_as_documented() {
    let documented = uses_that_are_documented();
    let (mut refused, mut unused) = (String::new(), documented.clone());
    for (from, to, reasons) in uses("sdk/src/lib.rs").edges() {
        let (Some(user), Some(target)) = (folder(from), folder(to)) else { continue };
        let ways = [(user.clone(), target.clone()), (from.to_owned(), target.clone())];
        if user != target && ways.iter().all(|way| !documented.contains(way)) {
            refused += &format!("  {from} uses {to}: {reasons:?}\n");
        }
        unused.retain(|way| !ways.contains(way));
    }
    assert!(refused.is_empty(), "docs/architecture.md does not allow:\n{refused}");
    assert_eq!(unused, BTreeSet::new(), "docs/architecture.md allows what no file needs");
}

/// Which crates of ours each may depend on. A new crate gets a line, and an arrow that is not here is refused.
const ARROWS: [(&str, &[&str]); 21] = [
    ("licentia-core", &[]),
    ("licentia-issuer", &["licentia-core"]),
    ("licentia", &["licentia-core"]),
    ("licentia-gateway", &["licentia", "licentia-core"]),
    ("licentia-gateway-codegen", &[]),
    ("licentia-server", &["licentia", "licentia-core", "licentia-issuer"]),
    (
        "licentia-cli",
        &["licentia", "licentia-core", "licentia-gateway", "licentia-issuer", "licentia-server"],
    ),
    ("licentia-ffi", &["licentia", "licentia-core", "licentia-issuer"]),
    ("licentia-bare", &["licentia-core"]),
    ("licentia-header", &["licentia-core"]),
    ("licentia-host", &["licentia", "licentia-core"]),
    ("licentia-js", &["licentia", "licentia-core", "licentia-issuer"]),
    ("licentia-js-bindgen", &[]),
    ("licentia-python", &["licentia", "licentia-core", "licentia-issuer"]),
    ("licentia-vectors", &[]),
    ("licentia-tests", &["licentia", "licentia-core", "licentia-issuer", "licentia-vectors"]),
    ("licentia-benches", &["licentia", "licentia-core", "licentia-gateway", "licentia-issuer"]),
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

/// The package `fuzz/` is no member of the workspace: what `ARROWS` says of the others is said here.
#[test]
fn every_fuzz_target_is_built_and_documented() {
    let manifest = fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let programs = manifest["bin"].as_array().unwrap();
    let built: BTreeSet<String> =
        programs.iter().map(|program| program["path"].as_str().unwrap().to_owned()).collect();
    let files = fs::read_dir(root().join("fuzz/targets")).unwrap().map(|entry| entry.unwrap().file_name());
    let there: BTreeSet<String> = files.map(|name| format!("targets/{}", name.to_str().unwrap())).collect();
    assert_eq!(built, there, "fuzz/Cargo.toml, and the files of fuzz/targets");
    let page = fs::read_to_string(root().join("docs/fuzzing.md")).unwrap();
    let (_, table) = page.split_once("| target | what is read | what must hold |\n|---|---|---|\n").unwrap();
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let documented: BTreeSet<String> =
        rows.map(|row| format!("targets/{}.rs", row.split('`').nth(1).unwrap())).collect();
    assert_eq!(built, documented, "fuzz/Cargo.toml, and docs/fuzzing.md");

    let dependencies = manifest["dependencies"].as_table().unwrap();
    let ours =
        dependencies.iter().filter(|(_, what)| what.get("path").is_some()).map(|(name, _)| name.as_str());
    assert_eq!(ours.collect::<BTreeSet<_>>(), ["licentia", "licentia-core", "licentia-issuer"].into());
}
