//! The suites of the Python package.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    command::{Result, cargo, command, output, root, run},
    tools,
};

const FOLDER: &str = "bindings/python";
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
pub(crate) fn tests() -> Result {
    free_threaded()?;
    let python = tools::python(&format!("{FOLDER}/tests/requirements.txt"))?;
    install(&python, "dev", &[&root().join(FOLDER).to_string_lossy()])?;
    let tests = |arguments: &[&str]| {
        let mut tests = command(&python, &["-m", "pytest", "-q", "-p", "no:cacheprovider"]);
        tests.args(arguments).current_dir(root().join(FOLDER)).env("PYTHONDONTWRITEBYTECODE", "1");
        run(tests)
    };
    tests(&[])?;
    // The same tests, each on several threads at once.
    tests(&["--parallel-threads=4", "tests/test_gate.py", "tests/test_issuer.py"])?;
    tests(&["--parallel-threads=4", "tests/test_vectors.py", "-k", "test_gate or test_key"])?;
    distribution(&python)
}

/// Compares speeds with other packages, on an optimised build. Every ratio that is promised must be kept.
pub(crate) fn bench() -> Result {
    let python = tools::python(&format!("{FOLDER}/tests/requirements.txt"))?;
    install(&python, "release", &[&root().join(FOLDER).to_string_lossy()])?;
    run(command(&python, &[&format!("{FOLDER}/benches/compare.py")]))
}

/// A command of pip's, which builds with a profile and the pinned maturin.
fn pip(python: &Path, profile: &str, arguments: &[&str]) -> Result<Command> {
    let programs = python.parent().unwrap_or(Path::new("")).to_path_buf();
    let path = env::var_os("PATH").unwrap_or_default();
    let paths = env::join_paths(std::iter::once(programs).chain(env::split_paths(&path)));
    let mut pip = command(python, &["-m", "pip", "--disable-pip-version-check"]);
    pip.args(arguments)
        .args(["--quiet", "--no-build-isolation", "--no-deps"])
        .env("PATH", paths.map_err(|error| error.to_string())?)
        .env("MATURIN_PEP517_ARGS", format!("--profile {profile}"));
    Ok(pip)
}

fn install(python: &Path, profile: &str, what: &[&str]) -> Result {
    run(pip(python, profile, &[&["install", "--force-reinstall"], what].concat())?)
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
    install(python, "dev", &[&wheel.to_string_lossy()])?;
    let inspected = output(command(python, &["-W", "error", "-m", "licentia", "--version"]))?;
    print!("{inspected}");
    Ok(())
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
