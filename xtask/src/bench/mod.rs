//! Measuring: figures, their page, and instructions that are counted.

pub(crate) mod figures;
pub(crate) mod instructions;
pub(crate) mod page;
pub(crate) mod peers;
pub(crate) mod plot;
pub(crate) mod run;
