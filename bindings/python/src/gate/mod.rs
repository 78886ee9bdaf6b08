//! The gate, its requests and its decisions.

pub(crate) mod decided;
pub(crate) mod decision;
pub(crate) mod event;
#[allow(clippy::module_inception, reason = "the folder is the subject, the file is the type")]
pub(crate) mod gate;
pub(crate) mod license;
pub(crate) mod request;
pub(crate) mod reservation;
pub(crate) mod seat;
