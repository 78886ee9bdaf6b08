//! Why nothing is followed.

use std::{error::Error, fmt, io};

use crate::gate::BuildError;

/// Why [`super::Follow::start`] has started nothing.
#[derive(Debug)]
#[non_exhaustive]
pub enum FollowError {
    /// The certificates of authorities, or a URL.
    Settings(String),
    /// There is no keyset: neither at its place, nor an earlier one in the cache.
    NoKeyset(String),
    /// The gate cannot be built.
    Gate(BuildError),
    /// The system started no thread.
    Thread(io::Error),
}

impl fmt::Display for FollowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settings(problem) => f.write_str(problem),
            Self::NoKeyset(tried) => write!(f, "{tried}; and `cache` has no earlier one"),
            Self::Gate(error) => error.fmt(f),
            Self::Thread(error) => {
                write!(f, "the system started no thread: {error}; raise the limit of threads of this process")
            }
        }
    }
}

impl Error for FollowError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Gate(error) => Some(error),
            Self::Thread(error) => Some(error),
            Self::Settings(_) | Self::NoKeyset(_) => None,
        }
    }
}
