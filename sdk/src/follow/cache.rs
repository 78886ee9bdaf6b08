//! The last good keyset and bundles, on disk. They are verified anew when they are read.

use std::{
    collections::HashMap,
    fs,
    io::{self, Write},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use crate::license::mark;

/// The keyset's name.
const KEYSET: &str = "keyset";
/// Most deltas that are kept after a bundle; then the whole bundle is fetched again.
const MOST_DELTAS: usize = 64;

/// A folder; without one, nothing is kept. Clones share what is known of it.
#[derive(Clone, Debug)]
pub(super) struct Cache {
    folder: Option<PathBuf>,
    /// The place of a bundle among those that are followed, and how many deltas came after it, by issuer and stream.
    bundles: Arc<Mutex<HashMap<String, (usize, usize)>>>,
}

impl Cache {
    pub(super) fn new(folder: Option<PathBuf>) -> Self {
        Self { folder, bundles: Arc::default() }
    }

    pub(super) fn keyset(&self) -> Option<Vec<u8>> {
        self.read(KEYSET)
    }

    pub(super) fn keep_keyset(&self, keyset: &[u8]) -> Result<(), String> {
        self.write(KEYSET, keyset)
    }

    /// A bundle, and the deltas that came after it.
    pub(super) fn bundle(&self, at: usize) -> Option<Vec<Vec<u8>>> {
        let mut chain = vec![self.read(&bundle_name(at))?];
        while chain.len() <= MOST_DELTAS
            && let Some(delta) = self.read(&delta_name(at, chain.len()))
        {
            chain.push(delta);
        }
        Some(chain)
    }

    /// What is in use of a bundle: it came with so many deltas.
    pub(super) fn note(&self, at: usize, bundle: &[u8], deltas: usize) {
        if let Some(name) = mark(bundle) {
            self.lock().insert(name, (at, deltas));
        }
    }

    /// Replaces a bundle and its deltas.
    pub(super) fn keep_bundle(&self, at: usize, bundle: &[u8]) -> Result<(), String> {
        self.write(&bundle_name(at), bundle)?;
        self.note(at, bundle, 0);
        let Some(folder) = &self.folder else { return Ok(()) };
        // The last first: what is left after a crash is no chain with a gap.
        for number in (1..=MOST_DELTAS).rev() {
            let path = folder.join(delta_name(at, number));
            if let Err(error) = fs::remove_file(&path)
                && error.kind() != io::ErrorKind::NotFound
            {
                return Err(format!("`cache` {}: {error}", path.display()));
            }
        }
        Ok(())
    }

    /// Adds a delta to its bundle. Beyond the most, nothing is kept: [`Cache::wants_whole`].
    pub(super) fn keep_delta(&self, delta: &[u8]) -> Result<(), String> {
        let Some(name) = mark(delta) else { return Ok(()) };
        let mut bundles = self.lock();
        let Some((at, deltas)) = bundles.get_mut(&name) else { return Ok(()) };
        *deltas = deltas.saturating_add(1);
        if *deltas > MOST_DELTAS { Ok(()) } else { self.write(&delta_name(*at, *deltas), delta) }
    }

    /// Whether a bundle has so many deltas that the whole one is due.
    pub(super) fn wants_whole(&self, at: usize) -> bool {
        self.lock().values().any(|(place, deltas)| *place == at && *deltas >= MOST_DELTAS)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, (usize, usize)>> {
        self.bundles.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.folder.as_ref()?.join(name)).ok()
    }

    /// Replaces what is kept: after a crash there is the old one or the new one.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), String> {
        let Some(folder) = &self.folder else { return Ok(()) };
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

fn bundle_name(at: usize) -> String {
    format!("bundle.{at}")
}

fn delta_name(at: usize, number: usize) -> String {
    format!("bundle.{at}.delta.{number}")
}
