//! What can go wrong beside the requests.

use std::{error::Error, fmt, io, path::PathBuf};

use licentia_core::Code;

use crate::license::LoadError;

/// Why a thread that works beside the requests did not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The interval is zero.
    ZeroInterval,
    /// The system started no thread.
    Thread(io::Error),
    /// The first bundle was not loaded.
    Feed(FeedError),
}

impl StartError {
    /// Its code: [`Code::InvalidArgument`], [`Code::StoreUnreachable`], or that of the bundle.
    pub fn code(&self) -> Code {
        match self {
            Self::ZeroInterval => Code::InvalidArgument,
            Self::Thread(_) => Code::StoreUnreachable,
            Self::Feed(error) => error.code(),
        }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ZeroInterval => f.write_str("`interval` is zero: give the time between two runs"),
            Self::Thread(error) => {
                write!(f, "the system started no thread: {error}; raise the limit of threads of this process")
            }
            Self::Feed(error) => error.fmt(f),
        }
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::ZeroInterval => None,
            Self::Thread(error) => Some(error),
            Self::Feed(error) => error.source(),
        }
    }
}

impl From<io::Error> for StartError {
    fn from(error: io::Error) -> Self {
        Self::Thread(error)
    }
}

impl From<FeedError> for StartError {
    fn from(error: FeedError) -> Self {
        Self::Feed(error)
    }
}

impl From<StartError> for Code {
    fn from(error: StartError) -> Self {
        error.code()
    }
}

/// Why a [`super::Feed`] loaded no bundle. The bundle in use then stays.
#[derive(Debug)]
#[non_exhaustive]
pub enum FeedError {
    /// The file cannot be read.
    File {
        /// Its path.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The file is longer than any bundle.
    FileTooLong {
        /// Its path.
        path: PathBuf,
    },
    /// The source failed.
    Source(Box<dyn Error + Send + Sync>),
    /// The source panicked.
    SourcePanicked,
    /// The gate did not load the bundle.
    Refused(LoadError),
}

impl FeedError {
    /// For an error of a source: what the host's client says.
    pub fn source(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Source(error.into())
    }

    /// Its code: [`Code::StoreUnreachable`] if the source cannot be read, else why the bundle was refused.
    pub fn code(&self) -> Code {
        match self {
            Self::File { .. } | Self::Source(_) | Self::SourcePanicked => Code::StoreUnreachable,
            Self::FileTooLong { .. } => Code::BundleMalformed,
            Self::Refused(error) => error.code(),
        }
    }
}

impl fmt::Display for FeedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, error } => {
                write!(f, "cannot read the revocation bundle {}: {error}", path.display())
            }
            Self::FileTooLong { path } => {
                write!(f, "{} is longer than any revocation bundle: check the path", path.display())
            }
            Self::Source(error) => write!(f, "cannot fetch a revocation bundle: {error}"),
            Self::SourcePanicked => f.write_str("cannot fetch a revocation bundle: the source panicked"),
            Self::Refused(error) => error.fmt(f),
        }
    }
}

impl Error for FeedError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::File { error, .. } => Some(error),
            Self::Source(error) => Some(&**error),
            Self::Refused(error) => Some(error),
            Self::FileTooLong { .. } | Self::SourcePanicked => None,
        }
    }
}

impl From<LoadError> for FeedError {
    fn from(error: LoadError) -> Self {
        Self::Refused(error)
    }
}

impl From<FeedError> for Code {
    fn from(error: FeedError) -> Self {
        error.code()
    }
}
