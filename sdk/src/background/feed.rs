//! Where revocation bundles come from.

use std::{
    fmt,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use licentia_core::{Code, limits};

use crate::{gate::Gate, platform::FileVersion};

use super::error::FeedError;

/// Returns a new bundle or delta, if there is one.
type Source = Box<dyn FnMut() -> Result<Option<Vec<u8>>, FeedError> + Send>;

/// A source of bundles and deltas: a file, or anything else. [`super::Watch`] polls it in a thread; a host that has
/// its own threads polls it itself.
///
/// A bundle that the gate refuses is kept until another one comes, and tried again with every keyset that the gate
/// loads: a bundle may arrive before the keyset with its key. If the store could not save its mark, it is tried again
/// each time.
pub struct Feed {
    source: Source,
    refused: Option<RefusedBundle>,
}

/// The last bundle, if it was refused.
struct RefusedBundle {
    bytes: Vec<u8>,
    code: Code,
    /// The generation of the keys that it was verified with.
    keys: u64,
}

impl Feed {
    /// Polls `source`, which returns `None` if there is nothing new.
    pub fn new(source: impl FnMut() -> Result<Option<Vec<u8>>, FeedError> + Send + 'static) -> Self {
        Self { source: Box::new(source), refused: None }
    }

    /// Reads a file whenever it has changed. Replace the file by renaming another one over it, so that nobody reads
    /// half of it.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let mut last = None;
        Self::new(move || {
            let unreadable = |error| FeedError::File { path: path.clone(), error };
            let file = File::open(&path).map_err(unreadable)?;
            let now = file.metadata().ok().map(|metadata| FileVersion::from(&metadata));
            if now.is_some() && now == last {
                return Ok(None);
            }
            let bytes = read(file, &path)?;
            // A file that cannot be read is tried again; one that is wrong is reported once.
            last = now;
            bytes.map(Some).ok_or_else(|| FeedError::FileTooLong { path: path.clone() })
        })
    }

    /// Polls once, for a host that loads the bundle itself.
    ///
    /// # Errors
    /// What the source says.
    pub fn poll(&mut self) -> Result<Option<Vec<u8>>, FeedError> {
        (self.source)()
    }

    /// Polls once, and loads what comes into a gate; `false` if there was nothing new.
    ///
    /// # Errors
    /// What the source says, or [`FeedError::Refused`] with what [`Gate::load_revocation`] says. The bundle in use
    /// then stays.
    pub fn load(&mut self, gate: &Gate) -> Result<bool, FeedError> {
        let fetched = self.poll();
        // Read before loading: keys that are replaced meanwhile are a reason to try again.
        let keys = gate.keys_generation();
        if let Ok(Some(bytes)) = fetched {
            self.refused = None;
            return self.offer(gate, bytes, keys);
        }
        let due =
            |refused: &mut RefusedBundle| refused.code == Code::StoreUnreachable || refused.keys != keys;
        let again = self.refused.take_if(due).map(|refused| self.offer(gate, refused.bytes, keys));
        fetched.and_then(|_| again.unwrap_or(Ok(false)))
    }

    fn offer(&mut self, gate: &Gate, bytes: Vec<u8>, keys: u64) -> Result<bool, FeedError> {
        let result = gate.load_revocation(&bytes);
        if let Err(error) = &result {
            self.refused = Some(RefusedBundle { bytes, code: error.code(), keys });
        }
        result.map_err(FeedError::Refused)
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed")
            .field("refused", &self.refused.as_ref().map(|refused| refused.code))
            .finish_non_exhaustive()
    }
}

/// The content of a file; none if it is longer than any bundle.
fn read(file: File, path: &Path) -> Result<Option<Vec<u8>>, FeedError> {
    let (mut bytes, most) = (Vec::new(), limits::BUNDLE_BYTES as u64);
    let length = file.take(most.saturating_add(1)).read_to_end(&mut bytes);
    length.map_err(|error| FeedError::File { path: path.to_owned(), error })?;
    Ok((bytes.len() as u64 <= most).then_some(bytes))
}
