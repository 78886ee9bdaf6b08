//! The suite of the Python package.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::package::{FOLDER, install, pip};
use crate::{
    command::{Result, cargo, command, output, root, run},
    tools::{python, system},
};

/// The tests that can run on several threads at once: those of what a service calls.
const ON_THREADS: &[&str] = &[
    "tests/test_gate.py",
    "tests/test_issuer.py",
    "tests/test_mutation.py",
    "tests/test_receipts.py",
    "tests/test_vectors.py",
];
/// What a build for a free-threaded interpreter is told of it, where there is none to ask.
const FREE_THREADED: &str = "implementation=CPython
version=3.14
shared=true
build_flags=Py_GIL_DISABLED
pointer_width=64
suppress_build_script_link_lines=true
";

/// Builds the package as `pip install .` does, into an environment of its own, and runs its tests; builds a
/// wheel from the source distribution; checks that free-threaded interpreters can be built for.
pub(crate) fn check() -> Result {
    free_threaded()?;
    system::require(&[("redis-server", "redis-server")])?;
    let python = installed()?;
    let tests = |arguments: &[&str]| {
        let mut tests = command(&python, &["-m", "pytest", "-q", "-p", "no:cacheprovider"]);
        tests.args(arguments).current_dir(root().join(FOLDER)).env("PYTHONDONTWRITEBYTECODE", "1");
        tests
    };
    run(tests(&[]))?;
    parallel(tests(&[&["--parallel-threads=4"], ON_THREADS].concat()))?;
    distribution(&python)
}

/// Installs the package into an environment, and returns its interpreter.
pub(crate) fn installed() -> Result<PathBuf> {
    let python = python::environment(&format!("{FOLDER}/tests/requirements.txt"))?;
    install(&python, "dev", &[&root().join(FOLDER).to_string_lossy()])?;
    Ok(python)
}

/// Runs tests, each on several threads at once, and fails where none was.
fn parallel(tests: Command) -> Result {
    let shown = output(tests)?;
    let mut words = shown.split_whitespace().skip_while(|word| *word != "Collected").skip(1);
    let count: usize = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
    println!("{}\n{count} tests ran on 4 threads at once", shown.lines().last().unwrap_or_default());
    if count == 0 { Err("no test ran on several threads".to_owned()) } else { Ok(()) }
}

/// The source distribution builds, into a wheel for every Python from 3.10.
fn distribution(python: &Path) -> Result {
    let folder = root().join("target/python");
    let _ = fs::remove_dir_all(&folder);
    let name = folder.to_string_lossy().into_owned();
    let manifest = root().join(FOLDER).join("Cargo.toml");
    let mut sdist = command(python, &["-m", "maturin", "sdist", "-o", &name]);
    sdist.arg("-m").arg(manifest);
    run(sdist)?;
    let source = only(&folder, ".tar.gz")?;
    run(pip(python, "dev", &["wheel", "-w", &name, &source.to_string_lossy()])?)?;
    let wheel = only(&folder, ".whl")?;
    let wheel_name = wheel.file_name().unwrap_or_default().to_string_lossy();
    println!("{wheel_name}");
    if !wheel_name.contains("-cp310-abi3-") {
        return Err("the wheel is not for every Python from 3.10".to_owned());
    }
    let target = folder.join("installed").to_string_lossy().into_owned();
    run(pip(python, "dev", &["install", "--target", &target, &wheel.to_string_lossy()])?)?;
    let example = root().join("examples/python/quickstart.py");
    let mut versions = Vec::new();
    for (version, interpreter) in interpreters() {
        let mut smoke = command(interpreter, &["-W", "error", &example.to_string_lossy()]);
        smoke.env("PYTHONPATH", &target).env("PYTHONDONTWRITEBYTECODE", "1");
        output(smoke)?;
        versions.push(version);
    }
    println!("the wheel runs on Python {}", versions.join(", "));
    if versions.is_empty() { Err("no Python from 3.10 was found".to_owned()) } else { Ok(()) }
}

/// Every Python from 3.10 that is on the path, or that pyenv has, by its version.
fn interpreters() -> BTreeMap<String, PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let pyenv = env::var_os("PYENV_ROOT").map(PathBuf::from);
    let pyenv = pyenv.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".pyenv")));
    let versions = pyenv.and_then(|pyenv| fs::read_dir(pyenv.join("versions")).ok()).into_iter().flatten();
    let folders = versions.flatten().map(|version| version.path().join("bin")).chain(env::split_paths(&path));
    let mut found = BTreeMap::new();
    for folder in folders {
        for minor in 10..30 {
            let program = folder.join(format!("python3.{minor}"));
            // One of pyenv's own shims says nothing where its version is not in use.
            if let Ok(version) = Command::new(&program).arg("--version").stderr(Stdio::null()).output()
                && let Ok(version) = String::from_utf8(version.stdout)
                && let Some(version) = version.strip_prefix("Python ")
            {
                found.entry(version.trim().to_owned()).or_insert(program);
            }
        }
    }
    found
}

/// The one file of a folder with this ending.
fn only(folder: &Path, ending: &str) -> Result<PathBuf> {
    let entries = fs::read_dir(folder).map_err(|error| error.to_string())?;
    let paths = entries.flatten().map(|entry| entry.path());
    let found: Vec<_> = paths.filter(|path| path.to_string_lossy().ends_with(ending)).collect();
    match found.as_slice() {
        [one] => Ok(one.clone()),
        others => Err(format!("not one *{ending} but {}", others.len())),
    }
}

/// Compiles for a free-threaded interpreter: the limited API does not exist there, so that other code is used.
fn free_threaded() -> Result {
    let config = root().join("target/free-threaded.txt");
    fs::create_dir_all(root().join("target"))
        .and_then(|()| fs::write(&config, FREE_THREADED))
        .map_err(|error| error.to_string())?;
    let mut check = cargo(&["check", "--quiet", "--locked", "-p", "licentia-python"]);
    check.env("PYO3_CONFIG_FILE", config);
    run(check)
}
