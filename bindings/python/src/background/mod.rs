//! Work beside the requests, and what a fork does to it.

pub(crate) mod feed;
pub(crate) mod fork;
