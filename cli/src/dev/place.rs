//! The folder that everything is in.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::terminal::output::Result;

/// The folder with all files.
pub(super) enum Place {
    /// It is removed at the end.
    Temporary(TempDir),
    /// It stays.
    Kept(PathBuf),
}

impl Place {
    pub(super) fn open(folder: Option<PathBuf>) -> Result<Self> {
        match folder {
            // Only its owner can read it.
            None => Ok(Self::Temporary(tempfile::Builder::new().prefix("licentia-").tempdir()?)),
            Some(folder) => {
                let mut builder = fs::DirBuilder::new();
                #[cfg(unix)]
                std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
                let failed = |error| format!("--folder {}: {error}", folder.display());
                builder.recursive(true).create(&folder).map_err(failed)?;
                Ok(Self::Kept(folder.canonicalize().map_err(failed)?))
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Temporary(folder) => folder.path(),
            Self::Kept(folder) => folder,
        }
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }
}
