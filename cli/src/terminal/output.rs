//! Output: tables and colours for people, JSON for machines.

use std::{
    error::Error,
    io::{IsTerminal, Write},
    process::ExitCode,
};

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

/// The result of a command.
pub(crate) type Result<T = ExitCode> = std::result::Result<T, Box<dyn Error>>;

pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(crate) const NOTE: Style = AnsiColor::Yellow.on_default();
pub(crate) const HEADING: Style = Style::new().bold();

/// The form of the output.
#[derive(Clone, Copy)]
pub(crate) struct Output {
    pub(crate) json: bool,
}

impl Output {
    /// Prints a value for machines, or a text for people.
    pub(crate) fn show(self, value: &Value, text: impl FnOnce() -> String) -> Result {
        write(&if self.json { format!("{value}\n") } else { text() })?;
        Ok(ExitCode::SUCCESS)
    }

    /// Prints something that is not the result, if a person sits at the terminal.
    pub(crate) fn note(self, text: &str) {
        if !self.json && std::io::stderr().is_terminal() {
            anstream::eprintln!("{text}");
        }
    }

    /// A progress bar, which only a person at the terminal sees.
    pub(crate) fn progress(self, what: &'static str, length: u64) -> ProgressBar {
        if self.json {
            return ProgressBar::hidden();
        }
        let template = "{msg} {wide_bar} {human_pos} of {human_len}, {eta} left";
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        ProgressBar::new(length).with_style(style).with_message(what)
    }

    pub(crate) fn error(self, error: &dyn Error) {
        let error = without_secrets(&error.to_string());
        if self.json {
            anstream::eprintln!("{}", json!({ "error": error }));
        } else {
            anstream::eprintln!("{BAD}error:{BAD:#} {error}");
        }
    }
}

/// Prints what must be done next, whoever reads it: it is not the result, and goes to standard error.
pub(crate) fn notice(text: &str) {
    anstream::eprintln!("{text}");
}

/// Prints the requested help, or what is wrong with the call.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // An error means that the reader is gone.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    // clap did not understand the options, so look for `--json` directly.
    if std::env::args_os().any(|argument| argument == "--json") {
        let text = without_secrets(&error.render().to_string());
        let text = text.strip_prefix("error: ").unwrap_or(&text).trim_end();
        anstream::eprintln!("{}", json!({ "error": text }));
    } else {
        anstream::eprint!("{}", without_secrets(&error.render().ansi().to_string()));
    }
    ExitCode::from(2)
}

/// Writes to standard output. A reader that stops early is no error.
pub(crate) fn write(text: &str) -> std::io::Result<()> {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Cuts tokens and private keys out of an error, which quotes what was pasted in the wrong place.
fn without_secrets(text: &str) -> String {
    let token = |c: char| c.is_ascii_alphanumeric() || "-_=".contains(c);
    let key = |c: char| c.is_ascii_alphanumeric() || "-+/=\\\r\n".contains(c);
    cut(&cut(text, "lic1_", token), "PRIVATE KEY-----", key)
}

/// Cuts out the secret characters after each `mark`.
fn cut(text: &str, mark: &str, secret: impl Fn(char) -> bool) -> String {
    let mut parts = text.split(mark);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |kept, part| kept + mark + "..." + part.trim_start_matches(&secret))
}

/// Moves a progress bar, but not for each item: drawing would take longer than the work.
pub(crate) fn advance(bar: &ProgressBar, count: u64) {
    if count.is_multiple_of(4096) {
        bar.set_position(count);
    }
}

/// A number and its noun: `1 key`, `2 keys`.
pub(crate) fn counted(count: impl TryInto<u64>, noun: &str) -> String {
    let count = count.try_into().unwrap_or(u64::MAX);
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
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

/// A foreign text. Escapes whatever could control a terminal or reorder a line.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if "\"'".contains(c) { c.to_string() } else { c.escape_debug().to_string() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_and_private_keys_are_cut_out_of_errors() {
        assert_eq!(without_secrets("no 'lic1_AbC-_9' here, lic1_AA"), "no 'lic1_...' here, lic1_...");
        let pem = "-----BEGIN PRIVATE KEY-----\nMC4C+/A=\n-----END PRIVATE KEY-----\n: No such file";
        let said = without_secrets(pem);
        assert!(!said.contains("MC4C") && said.ends_with(": No such file"), "{said}");
        assert!(!without_secrets(&format!("{pem:?}")).contains("MC4C"));
        assert_eq!(without_secrets("acme.pub: no such file"), "acme.pub: no such file");
    }

    #[test]
    fn foreign_texts_cannot_command_a_terminal() {
        assert_eq!(printable("a\u{1b}[31m\u{202e}b 'é'"), "a\\u{1b}[31m\\u{202e}b 'é'");
    }
}
