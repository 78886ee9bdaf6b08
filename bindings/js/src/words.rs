//! Texts that cross together, as one: between each and the next is U+0000.

use std::fmt::{Display, Write};

use licentia_core::Code;

/// Texts that came.
pub(crate) struct Words<'a>(Option<&'a str>);

impl<'a> Words<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        Self(Some(text))
    }

    /// The next one.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] where there is none.
    pub(crate) fn next(&mut self) -> Result<&'a str, Code> {
        let text = self.0.ok_or(Code::InvalidArgument)?;
        let end = text.bytes().position(|byte| byte == 0);
        self.0 = end.and_then(|end| text.get(end.saturating_add(1)..));
        Ok(end.and_then(|end| text.get(..end)).unwrap_or(text))
    }

    /// Says that there are no more.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] where there are, as when one has a U+0000 in it.
    pub(crate) fn end(&self) -> Result<(), Code> {
        if self.0.is_none() { Ok(()) } else { Err(Code::InvalidArgument) }
    }
}

/// Texts that go.
pub(crate) struct Told {
    text: String,
    begun: bool,
}

impl Told {
    pub(crate) const fn new() -> Self {
        Self { text: String::new(), begun: false }
    }

    /// Adds one.
    pub(crate) fn word(&mut self, word: &dyn Display) -> &mut Self {
        if self.begun {
            self.text.push('\0');
        }
        self.part(word);
        self
    }

    /// Adds to the last one.
    pub(crate) fn part(&mut self, part: &dyn Display) {
        self.begun = true;
        // To write to a text cannot fail.
        let _ = write!(self.text, "{part}");
    }

    /// Tells a code, as it is thrown, and nothing else.
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
