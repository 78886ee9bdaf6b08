//! The licence: its claims, and what they grant.

pub(crate) mod claims;
pub(crate) mod feature;
pub(crate) mod grant;
mod json;
pub(crate) mod name;
pub(crate) mod policy;
pub(crate) mod quota;
pub(crate) mod rate;
