//! The licence: its claims, and what they grant.

pub(crate) mod claims;
pub(crate) mod feature;
pub(crate) mod grant;
pub(crate) mod json;
pub(crate) mod name;
pub(crate) mod policy;
pub(crate) mod quota;
pub(crate) mod rate;
