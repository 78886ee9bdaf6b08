//! Output: tables and colours for people, JSON for machines.

use std::{
    error::Error,
    io::{IsTerminal, Write},
    process::ExitCode,
};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

pub(crate) use super::{
    style::{ASIDE, BAD, GOOD, HEADING, NOTE},
    table::table,
};
use super::{
    suggest,
    table::{width, wrap},
};

/// The result of a command.
pub(crate) type Result<T = ExitCode> = std::result::Result<T, Box<dyn Error>>;

/// The command was understood, and its answer is no: exit code 1.
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) String);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Refused {}

/// The exit code of an error.
pub(crate) fn exit_code(error: &(dyn Error + 'static)) -> ExitCode {
    ExitCode::from(if error.is::<Refused>() { 1 } else { 2 })
}

/// The form of the output.
#[derive(Clone, Copy)]
pub(crate) struct Output {
    pub(crate) json: bool,
}

impl Output {
    /// Prints a value for machines, or a text for people.
    pub(crate) fn show(self, value: &Value, text: impl FnOnce() -> String) -> Result {
        write(&if self.json { json_line(value) } else { fitted(&without_controls(&text())) })?;
        Ok(ExitCode::SUCCESS)
    }

    /// Prints something that is not the result, if a person sits at the terminal.
    pub(crate) fn note(self, text: &str) {
        if !self.json && std::io::stderr().is_terminal() {
            anstream::eprintln!("{}", fitted(&without_controls(text)));
        }
    }

    /// Prints a warning on standard error, also for a script. JSON has it in the result.
    pub(crate) fn warn(self, text: &str) {
        if !self.json {
            anstream::eprintln!("{NOTE}warning:{NOTE:#} {}", without_controls(text));
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
            anstream::eprint!("{}", json_line(&json!({ "error": error })));
        } else {
            let text = fitted(&format!("{BAD}error:{BAD:#} {}", printable_lines(&error)));
            anstream::eprintln!("{text}");
        }
    }
}

/// Prints what must be done next, whoever reads it: it is not the result, and goes to standard error.
pub(crate) fn notice(text: &str) {
    anstream::eprintln!("{}", fitted(&without_controls(text)));
}

/// Prints the requested help, or what is wrong with the call.
pub(crate) fn usage(mut error: clap::Error) -> ExitCode {
    suggest::improve(&mut error);
    if !error.use_stderr() {
        // An error means that the reader is gone.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    // clap did not understand the options, so look for `--json` directly.
    if std::env::args_os().any(|argument| argument == "--json") {
        let text = without_secrets(&error.render().to_string());
        let text = text.strip_prefix("error: ").unwrap_or(&text).trim_end();
        anstream::eprint!("{}", json_line(&json!({ "error": text })));
    } else if std::env::args_os().any(|argument| argument.to_string_lossy().contains(is_unprintable)) {
        // What is quoted could command the terminal, so nothing is styled.
        anstream::eprint!("{}", printable_lines(&without_secrets(&error.render().to_string())));
    } else {
        anstream::eprint!("{}", fitted(&without_secrets(&error.render().ansi().to_string())));
    }
    ExitCode::from(2)
}

/// A value in one line. What could command a terminal is escaped, beyond what JSON escapes.
fn json_line(value: &Value) -> String {
    let mut line = String::new();
    for c in value.to_string().chars() {
        if is_unprintable(c) {
            let mut units = [0; 2];
            c.encode_utf16(&mut units).iter().for_each(|unit| line += &format!("\\u{unit:04x}"));
        } else {
            line.push(c);
        }
    }
    line + "\n"
}

/// Whether a character could command a terminal or reorder a line.
fn is_unprintable(c: char) -> bool {
    c.is_control() || is_format(c)
}

/// Marks that reorder, hide or join: Unicode's format characters (Cf) and separators of lines.
fn is_format(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A text of several lines with no character that could command a terminal.
fn printable_lines(text: &str) -> String {
    text.lines().map(printable).collect::<Vec<_>>().join("\n") + if text.ends_with('\n') { "\n" } else { "" }
}

/// A text with styles, without any other character that could command a terminal. Foreign texts are escaped by
/// [`printable`] where they are put in; this is for what was overlooked.
fn without_controls(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (_, after) = rest.split_at(c.len_utf8());
        let style = rest.strip_prefix("\u{1b}[").and_then(|codes| {
            let end = codes.find(|c: char| !c.is_ascii_digit() && c != ';')?;
            codes.get(end..)?.strip_prefix('m')
        });
        if let Some(after) = style {
            kept += rest.get(..rest.len() - after.len()).unwrap_or_default();
            rest = after;
            continue;
        }
        if c == '\n' || !is_unprintable(c) {
            kept.push(c);
        } else {
            kept.extend(c.escape_default());
        }
        rest = after;
    }
    kept
}

/// Breaks lines between words if a terminal would break them anywhere.
fn fitted(text: &str) -> String {
    if !std::io::stderr().is_terminal() {
        return text.to_owned();
    }
    let width = width();
    let mut fitted = Vec::new();
    for line in text.split('\n') {
        let indent = line.len() - line.trim_start_matches(' ').len();
        let rest = line.trim_start_matches(' ');
        // A long word, such as a token, is the terminal's to break: it can then be copied in one piece.
        if rest.split(' ').any(|word| word.len() > width) {
            fitted.push(line.to_owned());
            continue;
        }
        let lines = wrap(rest, width.saturating_sub(indent));
        fitted.extend(lines.into_iter().map(|part| format!("{}{part}", " ".repeat(indent))));
    }
    fitted.join("\n")
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
        let foreign = "a\u{1b}[31m\u{202e}b\u{9b}2J 'é'";
        assert_eq!(printable(foreign), "a\\u{1b}[31m\\u{202e}b\\u{9b}2J 'é'");
        let line = json_line(&json!({ "subject": foreign }));
        assert!(!line.trim_end().contains(is_unprintable), "{line}");
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["subject"], foreign);
        let text = format!("{GOOD}good{GOOD:#}\u{1b}]0;title\u{7}\u{1b}[2J\r\n");
        let shown = without_controls(&text);
        assert_eq!(shown, format!("{GOOD}good{GOOD:#}\\u{{1b}}]0;title\\u{{7}}\\u{{1b}}[2J\\r\n"));
        assert_eq!(printable_lines("a\nb\u{1b}\n"), "a\nb\\u{1b}\n");
    }
}
