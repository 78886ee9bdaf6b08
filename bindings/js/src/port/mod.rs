//! How JavaScript and the module exchange values: numbers, words and one call.

pub(crate) mod call;
pub(crate) mod numbers;
pub(crate) mod words;
