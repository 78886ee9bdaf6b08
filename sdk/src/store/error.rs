//! Why a store does not answer, or was not opened.

use std::fmt;

use licentia_core::Code;

/// A store that cannot be reached, or is broken.
#[derive(Debug)]
pub struct Unreachable(pub Box<dyn std::error::Error + Send + Sync>);

/// A reason without anything behind it. An error of the standard library's brings along the escaping of text.
struct Reason(&'static str);

impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Reason {}

impl Unreachable {
    /// For a reason that is known beforehand.
    pub(crate) fn because(reason: &'static str) -> Self {
        Self(Box::new(Reason(reason)))
    }
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the store cannot be reached: {}", self.0)
    }
}

impl std::error::Error for Unreachable {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}

/// Why a store was not opened.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// The URL is of no kind that this build knows; the text says which ones it does.
    UnknownScheme(String),
    /// The URL names nothing that can be a store; the text says why.
    InvalidUrl(&'static str),
    /// What the URL names cannot be reached, or is broken.
    Unreachable {
        /// The file's path or the server's address, without a password.
        place: String,
        /// Why.
        error: Unreachable,
    },
}

impl OpenError {
    /// Its code: [`Code::InvalidArgument`] or [`Code::StoreUnreachable`].
    pub fn code(&self) -> Code {
        match self {
            Self::UnknownScheme(_) | Self::InvalidUrl(_) => Code::InvalidArgument,
            Self::Unreachable { .. } => Code::StoreUnreachable,
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownScheme(known) => {
                write!(f, "the URL names no kind of store that this build has: use {known}")
            }
            Self::InvalidUrl(why) => write!(f, "the store's URL is invalid: {why}"),
            Self::Unreachable { place, error } => {
                write!(f, "{place}: {error}; check that it exists and that this process may use it")
            }
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreachable { error, .. } => Some(error),
            Self::UnknownScheme(_) | Self::InvalidUrl(_) => None,
        }
    }
}
