//! What is shown: tables and colours for people, JSON for machines.

use std::{error::Error, io::Write, process::ExitCode};

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

/// Result of a command.
pub(crate) type Result<T = ExitCode> = std::result::Result<T, Box<dyn Error>>;

pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(crate) const NOTE: Style = AnsiColor::Yellow.on_default();
pub(crate) const HEADING: Style = Style::new().bold();

/// For whom the output is.
#[derive(Clone, Copy)]
pub(crate) struct Output {
    pub(crate) json: bool,
}

impl Output {
    /// Shows a value to machines, or a text to people.
    pub(crate) fn show(self, value: &Value, text: impl FnOnce() -> String) -> Result {
        let text = if self.json { format!("{value}\n") } else { text() };
        match anstream::stdout().write_all(text.as_bytes()) {
            // Who reads the first lines only has what they wanted.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
            written => written?,
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Says something that is not the result, on standard error.
    pub(crate) fn note(self, text: &str) {
        if !self.json {
            anstream::eprintln!("{text}");
        }
    }

    pub(crate) fn error(self, error: &dyn Error) {
        if self.json {
            anstream::eprintln!("{}", json!({ "error": error.to_string() }));
        } else {
            anstream::eprintln!("{BAD}error:{BAD:#} {error}");
        }
    }
}

/// A table of two columns.
pub(crate) fn table<'a>(rows: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let rows: Vec<_> = rows.into_iter().collect();
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    rows.iter().map(|(name, value)| format!("  {name:width$}  {value}\n")).collect()
}

/// Bytes in hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A text of somebody else, with what could command a terminal escaped.
pub(crate) fn printable(text: &str) -> String {
    let keep = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(keep).collect()
}
