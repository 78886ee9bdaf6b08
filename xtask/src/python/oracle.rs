//! An independent reader of the formats, and libraries that know the standards, against what we read and write.

use crate::{
    command::{Result, command, run},
    programs::program,
    tools::{go, python},
};

/// Runs `tests/oracle`.
pub(crate) fn check() -> Result {
    let python = python::environment("tests/oracle/requirements.txt")?;
    let mut tests = command(&python, &["-m", "pytest", "tests/oracle", "-q", "-p", "no:cacheprovider"]);
    tests
        .env("LICENTIA_BIN", program("licentia")?)
        .env("LICENTIA_VERDICTS", program("verdicts")?)
        .env("LICENTIA_GO_COSE", go::program("tests/oracle/go", "cose")?)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    run(tests)
}
