//! Whose licences are accepted, and what is revoked: keysets and bundles from files and URLs.

mod gate;

pub(crate) use gate::build;
