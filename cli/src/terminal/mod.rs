//! What comes in from the command line, and what is shown.

pub(crate) mod input;
pub(crate) mod output;
pub(crate) mod words;
