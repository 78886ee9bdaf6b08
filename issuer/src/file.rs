//! Reads text files that any editor may have written, and writes files safely.

use std::{
    borrow::Cow,
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// Who can read a new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Its owner alone (mode 0600). Only Unix has modes.
    Owner,
    /// As the process's umask says.
    Umask,
}

/// Reads a text file: UTF-8, with or without a byte order mark, or UTF-16 with one, as `PowerShell` 5 writes it.
///
/// # Errors
/// [`Error::File`], also for any other encoding.
pub fn read_text(path: &Path) -> Result<Zeroizing<String>> {
    let bytes = Zeroizing::new(fs::read(path).map_err(Error::file(path))?);
    match decode(&bytes) {
        Some(Cow::Owned(text)) => Ok(Zeroizing::new(text)),
        Some(Cow::Borrowed(text)) => Ok(Zeroizing::new(text.to_owned())),
        None => {
            let wrong = "the text is neither UTF-8 nor UTF-16 with a byte order mark; save it as UTF-8";
            Err(Error::file(path)(io::Error::new(io::ErrorKind::InvalidData, wrong)))
        }
    }
}

/// Decodes a text as [`read_text`] does; `None` for any other encoding.
pub fn decode(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let wide = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, []) = rest.as_chunks::<2>() else { return None };
        // Allocated once: a longer copy of a secret would leave the shorter one behind.
        let mut text = String::with_capacity(2 * rest.len());
        for c in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
            text.push(c.ok()?);
        }
        Some(Cow::Owned(text))
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => str::from_utf8(rest).ok().map(Cow::Borrowed),
        _ => str::from_utf8(bytes).ok().map(Cow::Borrowed),
    }
}

/// Replaces a file, or creates it. After a crash or power loss it is the old or the new one, whole.
///
/// # Errors
/// [`Error::File`]. The old file is then still there.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    replace_for(path, bytes, Access::Umask)
}

/// Replaces a file as [`replace`] does; `access` says who can read the new one.
///
/// # Errors
/// [`Error::File`]. The old file is then still there.
pub fn replace_for(path: &Path, bytes: &[u8], access: Access) -> Result<()> {
    let beside = beside(path)?;
    let new = Created::write(&beside, bytes, access).map_err(Error::file(path))?;
    fs::rename(&beside, path).map_err(Error::file(path))?;
    new.keep();
    sync_folder(path).map_err(Error::file(path))
}

/// Creates a file. Never overwrites one.
///
/// # Errors
/// [`Error::File`], also if the file exists.
pub fn create(path: &Path, bytes: &[u8], access: Access) -> Result<Created> {
    Created::write(path, bytes, access).map_err(Error::file(path))
}

/// A file that was created. It is removed again unless it is kept, so that a failure leaves nothing behind.
#[derive(Debug)]
#[must_use = "the file is removed unless it is kept"]
pub struct Created {
    path: PathBuf,
    kept: bool,
}

impl Created {
    fn write(path: &Path, bytes: &[u8], access: Access) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        if access == Access::Owner {
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        }
        #[cfg(not(unix))]
        let _ = access;
        let mut unfinished = unfinished();
        let mut file = options.open(path)?;
        unfinished.insert(path.to_owned());
        drop(unfinished);
        let created = Self { path: path.to_owned(), kept: false };
        file.write_all(bytes)?;
        // Without it, a rename can reach the disk before the content does.
        file.sync_all()?;
        Ok(created)
    }

    /// Keeps the file.
    pub fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Created {
    fn drop(&mut self) {
        let mut unfinished = unfinished();
        if unfinished.remove(&self.path) && !self.kept {
            // What went wrong before is more interesting than a left-over file.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The files that are being written.
static UNFINISHED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn unfinished() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends the process of a program that was interrupted, and removes the files that its threads are just writing.
pub fn abandon(exit_code: i32) -> ! {
    // The lock is held to the end, so that no other file is created.
    let unfinished = unfinished();
    for path in &*unfinished {
        let _ = fs::remove_file(path);
    }
    std::process::exit(exit_code)
}

/// A path in the same folder, under a name that no other process uses.
fn beside(path: &Path) -> Result<PathBuf> {
    let mut random = [0_u8; 8];
    getrandom::fill(&mut random).map_err(|_| Error::Random)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{:016x}.new", u64::from_le_bytes(random)));
    Ok(path.with_file_name(name))
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

    #[test]
    fn a_new_file_is_removed_unless_it_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("acme.pem");
        drop(create(&path, b"x", Access::Owner).unwrap());
        assert!(!path.exists());
        create(&path, b"mine", Access::Owner).unwrap().keep();
        assert!(create(&path, b"other", Access::Umask).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"mine", "and another's stays");
    }

    #[test]
    fn texts_of_every_editor_are_read() {
        let wide =
            |unit: fn(u16) -> [u8; 2]| "\u{feff}é\r\n😀".encode_utf16().flat_map(unit).collect::<Vec<u8>>();
        assert_eq!(decode(&wide(u16::to_le_bytes)).unwrap(), "é\r\n😀");
        assert_eq!(decode(&wide(u16::to_be_bytes)).unwrap(), "é\r\n😀");
        assert_eq!(decode("\u{feff}é".as_bytes()).unwrap(), "é");
        assert_eq!(decode("é".as_bytes()).unwrap(), "é");
        for wrong in [&[0xe9][..], &[0xff, 0xfe, 0], &[0xff, 0xfe, 0, 0xd8], &[0xef, 0xbb, 0xbf, 0xff]] {
            assert_eq!(decode(wrong), None, "{wrong:?}");
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("latin1.toml");
        fs::write(&path, [0xe9]).unwrap();
        let said = read_text(&path).unwrap_err().to_string();
        assert!(said.contains("latin1.toml") && said.contains("save it as UTF-8"), "{said}");
    }
}
