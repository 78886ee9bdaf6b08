//! The crates of the workspace and their dependencies, as cargo has them.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::graph::Graph;

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A package of the graph.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// The SPDX expression, if it has one.
    pub(crate) license: Option<String>,
    /// Where it is from; none for a crate of the workspace.
    pub(crate) source: Option<String>,
    pub(crate) manifest: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
}

/// What a package asks for.
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// Versions that are allowed, `*` for all.
    pub(crate) versions: String,
    pub(crate) is_path: bool,
    /// Neither a dependency of tests nor one of the build.
    pub(crate) is_normal: bool,
}

/// All packages that are built with all features, on any target.
pub(crate) fn packages() -> Vec<Package> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--all-features", "--locked"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().iter().map(package).collect()
}

fn package(value: &Value) -> Package {
    let text = |name: &str| value[name].as_str().map(ToOwned::to_owned);
    Package {
        name: text("name").unwrap(),
        version: text("version").unwrap(),
        license: text("license"),
        source: text("source"),
        manifest: text("manifest_path").unwrap().into(),
        dependencies: value["dependencies"].as_array().unwrap().iter().map(dependency).collect(),
    }
}

fn dependency(value: &Value) -> Dependency {
    Dependency {
        name: value["name"].as_str().unwrap().to_owned(),
        versions: value["req"].as_str().unwrap().to_owned(),
        is_path: value["path"].is_string(),
        is_normal: value["kind"].is_null(),
    }
}

/// Which crate of the workspace depends on which other one.
pub(crate) fn arrows(packages: &[Package]) -> Graph {
    let mut graph = Graph::default();
    for package in packages.iter().filter(|package| package.source.is_none()) {
        graph.add(&package.name);
        let ours =
            package.dependencies.iter().filter(|dependency| dependency.is_path && dependency.is_normal);
        ours.for_each(|dependency| graph.connect(&package.name, &dependency.name, "Cargo.toml"));
    }
    graph
}
