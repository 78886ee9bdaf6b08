//! Why a store does not answer, or was not opened.

use std::{fmt, sync::Arc};

use licentia_core::Code;

/// What is known of an operation that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It was not sent: there is no connection, or the store failed a moment ago. Nothing was done.
    NotSent,
    /// The store refused this key alone: its value is of another type, or a script failed on it. Nothing was done, and
    /// other keys work.
    OneKey,
    /// The store answers and refuses to write: it is a replica, its memory or disk is full, it lacks replicas, or the
    /// user may not. Nothing was done.
    Refused,
    /// Nobody knows whether it was done: no answer came in time, or too few replicas have it.
    Unknown,
}

/// A store that did not do what it was asked: it cannot be reached, refuses, or is broken.
#[derive(Clone, Debug)]
pub struct Unreachable {
    fault: Fault,
    source: Arc<dyn std::error::Error + Send + Sync>,
}

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
    /// What is known, and why it failed.
    pub fn new(fault: Fault, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { fault, source: Arc::from(source.into()) }
    }

    /// For a reason that is known beforehand; nothing was sent.
    pub(crate) fn because(reason: &'static str) -> Self {
        Self::known(Fault::NotSent, reason)
    }

    /// For a reason that is known beforehand.
    pub(crate) fn known(fault: Fault, reason: &'static str) -> Self {
        Self { fault, source: Arc::new(Reason(reason)) }
    }

    /// What is known of the operation.
    pub fn fault(&self) -> Fault {
        self.fault
    }
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.fault {
            Fault::NotSent => "the store cannot be reached",
            Fault::OneKey => "the store refused this key",
            Fault::Refused => "the store refuses to write",
            Fault::Unknown => "the store did not answer in time",
        };
        write!(f, "{what}: {}", self.source)
    }
}

impl std::error::Error for Unreachable {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.source)
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
    /// A file that the URL names for TLS cannot be used.
    InvalidFile {
        /// The file's path.
        path: String,
        /// Why.
        why: String,
    },
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
            Self::UnknownScheme(_) | Self::InvalidUrl(_) | Self::InvalidFile { .. } => Code::InvalidArgument,
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
            Self::InvalidFile { path, why } => {
                write!(f, "the file {path} of the store's URL cannot be used for TLS: {why}")
            }
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
            Self::UnknownScheme(_) | Self::InvalidUrl(_) | Self::InvalidFile { .. } => None,
        }
    }
}
