//! The gate, its builder, its requests and its decisions.

pub mod builder;

#[allow(clippy::module_inception, reason = "the folder is the subject, the file is the type")]
pub mod gate;

pub mod request;

pub mod reservation;

pub mod seat;

pub mod decision;

pub mod license;

pub mod event;
