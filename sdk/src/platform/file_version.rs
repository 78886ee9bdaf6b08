//! Whether a file has changed.

use std::fs::Metadata;

/// What distinguishes versions of a file, on Unix also one of the same length and date that replaced another: the clock of
/// a file system may stand still for some milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "follow"), allow(unreachable_pub, reason = "`follow` exports it"))]
pub struct FileVersion {
    #[cfg(unix)]
    place: (u64, u64),
    #[cfg(unix)]
    changed: (i64, i64),
    #[cfg(unix)]
    written: (i64, i64),
    #[cfg(not(unix))]
    written: Option<std::time::SystemTime>,
    length: u64,
}

impl From<&Metadata> for FileVersion {
    #[cfg(unix)]
    fn from(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self {
            place: (metadata.dev(), metadata.ino()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            written: (metadata.mtime(), metadata.mtime_nsec()),
            length: metadata.len(),
        }
    }

    #[cfg(not(unix))]
    fn from(metadata: &Metadata) -> Self {
        Self { written: metadata.modified().ok(), length: metadata.len() }
    }
}
