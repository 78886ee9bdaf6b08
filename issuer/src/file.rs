//! Replaces files safely.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use crate::error::{Error, Result};

/// Replaces a file, or creates it. After a crash or power loss it is the old or the new one, whole.
///
/// # Errors
/// [`Error::File`]. The old file is then still there.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let (beside, file) = create_beside(path)?;
    write_durably(file, bytes).and_then(|()| fs::rename(&beside, path)).map_err(|error| {
        // The cause is more interesting than a left-over file.
        let _ = fs::remove_file(&beside);
        Error::file(path)(error)
    })?;
    sync_folder(path).map_err(Error::file(path))
}

/// A new file in the same folder, under a name that no other process uses.
fn create_beside(path: &Path) -> Result<(PathBuf, File)> {
    let mut random = [0_u8; 8];
    getrandom::fill(&mut random).map_err(|_| Error::Random)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{:016x}.new", u64::from_le_bytes(random)));
    let beside = path.with_file_name(name);
    let file = OpenOptions::new().write(true).create_new(true).open(&beside);
    Ok((beside, file.map_err(Error::file(path))?))
}

/// Without the sync, a rename can reach the disk before the content does.
fn write_durably(mut file: File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes the rename itself durable. Only Unix can sync a folder.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_file_stays_if_the_new_one_cannot_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keyset.toml");
        replace(&path, b"old").unwrap();
        replace(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        let nowhere = folder.path().join("missing").join("keyset.toml");
        assert!(replace(&nowhere, b"x").unwrap_err().to_string().contains("keyset.toml"));
        fs::create_dir(folder.path().join("folder")).unwrap();
        assert!(replace(&folder.path().join("folder"), b"x").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left over");
    }
}
