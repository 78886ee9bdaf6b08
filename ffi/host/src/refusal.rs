//! Why an operation was refused.

use std::fmt::Display;

use licentia::Code;

/// Why an operation was refused: a code, and what was wrong.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) code: Code,
    pub(crate) text: String,
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        let text = format!("{} {}", code.message(), code.advice());
        Self { code, text: text.trim().to_owned() }
    }
}

impl Refusal {
    /// A refusal with a text of its own.
    pub(crate) fn new(code: Code, text: &dyn Display) -> Self {
        Self { code, text: text.to_string() }
    }

    /// A refusal that names what was wrong.
    pub(crate) fn of(what: &dyn Display, code: Code) -> Self {
        Self::new(code, &format_args!("{what}: {} {}", code.message(), code.advice()))
    }
}
