//! The signed keyset. The root key is off line, so that somebody must sign the next one by hand: the service says so
//! weeks ahead.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use licentia::{Gate, Keyset, Timestamp};
use licentia_core::Key;

use super::shelf::Shelf;

/// How long before its end people are told.
const AHEAD: u64 = 30 * 86_400;
/// How often they are told.
const AGAIN: u64 = 86_400;

/// The file of the keyset.
#[derive(Debug)]
pub(crate) struct KeysetFile {
    pub(crate) path: PathBuf,
    pub(crate) root: Key,
    pub(crate) gate: Arc<Gate>,
    pub(crate) shelf: Arc<Shelf>,
    known: Vec<u8>,
    told: Timestamp,
}

impl KeysetFile {
    /// How often the file is looked at.
    pub(super) const EVERY: Duration = Duration::from_secs(2);

    pub(crate) fn new(path: PathBuf, root: Key, gate: Arc<Gate>, shelf: Arc<Shelf>) -> Self {
        Self { path, root, gate, shelf, known: Vec::new(), told: Timestamp::EPOCH }
    }

    /// Publishes the file if it is new and good; says when it will end soon.
    pub(crate) fn look(&mut self, now: Timestamp) {
        if let Ok(bytes) = fs::read(&self.path)
            && bytes != self.known
        {
            match self.gate.load_keyset(&bytes) {
                Ok(_) => self.shelf.put_keyset(bytes.clone()),
                Err(error) => eprintln!("licentia-server: {}: {error}", self.path.display()),
            }
            self.known = bytes;
        }
        let Some(keyset) = self.shelf.keyset() else { return };
        let Ok(keyset) = Keyset::read(&keyset.bytes, &self.root) else { return };
        let left = keyset.expires().seconds_since(now);
        if left < AHEAD && now.seconds_since(self.told) >= AGAIN {
            self.told = now;
            eprintln!(
                "licentia-server: WARNING: the keyset {} ends in {} days, and then every gateway refuses all licences: sign the next one with the root key (`licentia keyset sign`)",
                self.path.display(),
                left / 86_400
            );
        }
    }
}
