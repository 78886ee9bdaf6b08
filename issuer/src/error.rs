//! What can go wrong on the vendor's side. No variant holds key or token bytes.

use std::path::PathBuf;

use licentia_core::Code;

/// Result of the vendor's side.
pub type Result<T> = std::result::Result<T, Error>;

/// An error, with a message that says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A private key could not be read or written.
    #[error("private key: {0}")]
    Key(&'static str),
    /// The operating system gave no random bytes.
    #[error("the operating system's random generator failed; nothing was made")]
    Random,
    /// A catalogue is wrong.
    #[error("catalogue: {0}")]
    Catalogue(String),
    /// A keyset is wrong.
    #[error("keyset: {0}")]
    Keyset(String),
    /// A revocation bundle is wrong.
    #[error("revocation bundle: {0}")]
    Bundle(String),
    /// A value that a person wrote could not be understood.
    #[error("{what} {given:?}: {expected}")]
    Value {
        /// What was to be read.
        what: &'static str,
        /// What was given.
        given: String,
        /// What is understood.
        expected: &'static str,
    },
    /// The draft would make a licence that no verifier accepts, so it was not signed.
    #[error("this licence would be refused by every verifier, so it was not issued: {0}")]
    Refused(Code),
    /// The ledger could not be read or written.
    #[cfg(feature = "ledger")]
    #[error("ledger: {0}")]
    Ledger(#[from] rusqlite::Error),
    /// The ledger is of a version that this program does not know.
    #[error(
        "ledger: it has schema version {0}, which this version of Licentia does not know; update Licentia"
    )]
    LedgerVersion(i64),
}

impl Error {
    /// Its code, for languages that have no more to tell it by.
    pub fn code(&self) -> Code {
        match self {
            Self::Refused(code) => *code,
            Self::Key(_) => Code::InvalidKey,
            #[cfg(feature = "ledger")]
            Self::Ledger(_) => Code::StoreUnreachable,
            Self::File { .. } | Self::Random | Self::LedgerVersion(_) => Code::StoreUnreachable,
            Self::Catalogue(_) | Self::Keyset(_) | Self::Bundle(_) | Self::Value { .. } => {
                Code::InvalidArgument
            }
        }
    }

    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }

    pub(crate) fn value(what: &'static str, given: &str, expected: &'static str) -> Self {
        Self::Value { what, given: given.into(), expected }
    }
}
