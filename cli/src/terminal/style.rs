//! The styles. Each means one thing.

use anstyle::{AnsiColor, Style};

/// Allowed, or in effect.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// Denied, or wrong.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// Somebody should look at it.
pub(crate) const NOTE: Style = AnsiColor::Yellow.on_default();
/// A heading, or the name that it is about.
pub(crate) const HEADING: Style = Style::new().bold();
/// What can be skipped.
pub(crate) const ASIDE: Style = Style::new().dimmed();
