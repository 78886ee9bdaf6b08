//! Libraries of Python that know the standards read what we issue.

use crate::{
    command::{Result, command, run},
    programs::program,
    tools::python,
};

/// Runs `tests/oracle`.
pub(crate) fn check() -> Result {
    let python = python::environment("tests/oracle/requirements.txt")?;
    let mut tests = command(&python, &["-m", "pytest", "tests/oracle", "-q", "-p", "no:cacheprovider"]);
    tests.env("LICENTIA_BIN", program("licentia")?).env("PYTHONDONTWRITEBYTECODE", "1");
    run(tests)
}
