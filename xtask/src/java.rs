//! The Java package: builds it, and runs its tests on every Java that it supports.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    command::{Result, cargo, command, output, root, run, target_folder},
    tools::system,
};

const FOLDER: &str = "bindings/java";
/// The Java that the multi-release classes are compiled with, at least.
const NEWEST: u32 = 22;
/// The oldest Java that is supported.
const OLDEST: u32 = 17;

/// Builds the jar, and runs its tests on the oldest and the newest Java of this machine.
pub(crate) fn check() -> Result {
    let newest = prepare("dev")?;
    let oldest = installed(|version| (OLDEST..NEWEST).contains(&version)).ok_or_else(|| {
        format!("no JDK from {OLDEST} to {} was found; install openjdk-17-jdk-headless", NEWEST - 1)
    })?;
    run(maven(&newest, &["verify"]))?;
    let java = format!("-Djvm={}", oldest.join("bin/java").display());
    run(maven(&newest, &["verify", &java]))
}

/// Builds the jar and puts it into the local Maven repository.
pub(crate) fn install() -> Result {
    let newest = prepare("release")?;
    run(maven(&newest, &["install", "-DskipTests"]))
}

/// Builds the jar; returns it, and the home of the Java that runs it. Its classes for newer Javas work only in a jar.
pub(crate) fn packaged() -> Result<(PathBuf, PathBuf)> {
    let newest = prepare("dev")?;
    run(maven(&newest, &["package", "-DskipTests"]))?;
    let jar = root().join(FOLDER).join("target").join(format!("licentia-{}.jar", env!("CARGO_PKG_VERSION")));
    if jar.exists() { Ok((newest, jar)) } else { Err(format!("Maven made no {}", jar.display())) }
}

/// Builds the shared library and puts it where the jar takes it from; returns the home of the newest Java.
fn prepare(profile: &str) -> Result<PathBuf> {
    system::require(&[("mvn", "maven"), ("javac", "openjdk-17-jdk-headless")])?;
    let newest = installed(|version| version >= NEWEST).ok_or_else(|| {
        format!("no JDK of {NEWEST} or later was found; install one and name it by JAVA_HOME, or put it in /usr/lib/jvm")
    })?;
    run(cargo(&["build", "--quiet", "--locked", "-p", "licentia-ffi", "--profile", profile]))?;
    let built = target_folder().join(if profile == "dev" { "debug" } else { profile });
    let file = |stem: &str| format!("{}{stem}{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
    let natives =
        root().join(FOLDER).join(format!("target/natives/{}-{}", env::consts::OS, env::consts::ARCH));
    fs::create_dir_all(&natives)
        .and_then(|()| fs::copy(built.join(file("licentia_c")), natives.join(file("licentia"))))
        .map_err(|error| format!("{}: {error}", natives.display()))?;
    Ok(newest)
}

fn maven(home: &Path, arguments: &[&str]) -> Command {
    let mut maven = command("mvn", &["--quiet", "--batch-mode", "--no-transfer-progress"]);
    maven.args(arguments).current_dir(root().join(FOLDER)).env("JAVA_HOME", home);
    maven
}

/// The home of a JDK of this machine whose version is wanted.
fn installed(wanted: impl Fn(u32) -> bool) -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib/jvm").into_iter().flatten().flatten().map(|entry| entry.path());
    let mut homes: Vec<PathBuf> =
        env::var_os("JAVA_HOME").map(PathBuf::from).into_iter().chain(folders).collect();
    homes.retain(|home| home.join("bin/javac").is_file());
    homes.into_iter().find(|home| version(home).is_some_and(&wanted))
}

/// The feature version of a JDK, such as 17.
fn version(home: &Path) -> Option<u32> {
    let shown = output(command(home.join("bin/javac"), &["-version"])).ok()?;
    shown.split_whitespace().nth(1)?.split('.').next()?.parse().ok()
}
