//! What comes in from the command line, and what is shown.

pub(crate) mod input;
pub(crate) mod interrupt;
pub(crate) mod output;
#[cfg_attr(not(unix), path = "prompt_windows.rs")]
mod prompt;
mod style;
mod suggest;
pub(crate) mod table;
pub(crate) mod words;
