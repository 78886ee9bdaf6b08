//! Whose licences are accepted, and what is revoked: the gate, whose keysets and bundles [`licentia::follow`] keeps up to
//! date.

mod gate;

pub(crate) use gate::start;
pub use licentia::follow::Trusted;
