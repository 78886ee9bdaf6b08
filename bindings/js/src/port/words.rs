//! Texts that cross together as one, separated by U+0000.

use std::fmt::{Display, Write};

use licentia_core::Code;

/// Texts that JavaScript passed.
pub(crate) struct Words<'a>(Option<&'a str>);

impl<'a> Words<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        Self(Some(text))
    }

    /// The next text.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] if there is none left.
    pub(crate) fn next(&mut self) -> Result<&'a str, Code> {
        let text = self.0.ok_or(Code::InvalidArgument)?;
        let end = text.bytes().position(|byte| byte == 0);
        self.0 = end.and_then(|end| text.get(end.saturating_add(1)..));
        Ok(end.and_then(|end| text.get(..end)).unwrap_or(text))
    }

    /// Checks that no text is left.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] if there is one, as when a text contains U+0000.
    pub(crate) fn end(&self) -> Result<(), Code> {
        if self.0.is_none() { Ok(()) } else { Err(Code::InvalidArgument) }
    }
}

/// Texts for JavaScript, which fetches them after the call.
pub(crate) struct Told {
    text: String,
    begun: bool,
}

impl Told {
    pub(crate) const fn new() -> Self {
        Self { text: String::new(), begun: false }
    }

    /// Adds a text.
    pub(crate) fn word(&mut self, word: &dyn Display) -> &mut Self {
        if self.begun {
            self.text.push('\0');
        }
        self.part(word);
        self
    }

    /// Adds several texts.
    #[cfg(feature = "gate")]
    pub(crate) fn words(&mut self, words: &[&dyn Display]) {
        for word in words {
            self.word(word);
        }
    }

    /// Appends to the last text.
    pub(crate) fn part(&mut self, part: &dyn Display) {
        self.begun = true;
        // Writing to a `String` cannot fail.
        let _ = write!(self.text, "{part}");
    }

    /// Replaces everything by number, name and message of a code.
    pub(crate) fn refusal(&mut self, code: Code) {
        self.take();
        self.word(&code.number()).word(&code.name()).word(&code.message());
        if !code.advice().is_empty() {
            self.text.push(' ');
            self.text.push_str(code.advice());
        }
    }

    pub(crate) fn take(&mut self) -> String {
        self.begun = false;
        std::mem::take(&mut self.text)
    }
}
