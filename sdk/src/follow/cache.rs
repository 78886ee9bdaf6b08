//! The last good keyset and bundles, on disk. They are verified anew when they are read.

use std::{
    fs,
    io::{self, Write},
    path::PathBuf,
};

/// A folder; without one, nothing is kept.
#[derive(Clone, Debug)]
pub(super) struct Cache(pub(super) Option<PathBuf>);

impl Cache {
    pub(super) fn read(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.0.as_ref()?.join(name)).ok()
    }

    /// Replaces what is kept: after a crash there is the old one or the new one.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), String> {
        let Some(folder) = &self.0 else { return Ok(()) };
        let (path, beside) = (folder.join(name), folder.join(format!(".{name}.new")));
        let written = || -> io::Result<()> {
            fs::create_dir_all(folder)?;
            let mut file = fs::File::create(&beside)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&beside, &path)
        };
        written().map_err(|error| format!("`cache` {}: {error}", path.display()))
    }
}
