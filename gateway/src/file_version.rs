//! Whether a file has changed.

use std::{fs::Metadata, os::unix::fs::MetadataExt};

/// What distinguishes versions of a file, also one of the same length and date that replaced another: the clock of a file
/// system may stand still for some milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileVersion {
    place: (u64, u64),
    changed: (i64, i64),
    written: (i64, i64),
    length: u64,
}

impl From<&Metadata> for FileVersion {
    fn from(metadata: &Metadata) -> Self {
        Self {
            place: (metadata.dev(), metadata.ino()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            written: (metadata.mtime(), metadata.mtime_nsec()),
            length: metadata.len(),
        }
    }
}
