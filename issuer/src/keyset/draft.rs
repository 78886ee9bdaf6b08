//! A keyset before it is signed.

use std::{fs, path::Path, str::FromStr};

use ciborium::Value as Cbor;
use licentia_core::{Keyset, inner::Typ, limits};
use serde::{Deserialize, Serialize};

use super::entry::KeysetEntry;
use crate::{
    canonical::{canonical, labelled},
    error::{Error, KeysetError, Result},
    key::{SigningKey, sign},
};

/// A keyset before it is signed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeysetDraft {
    /// The sequence number of the last keyset that was signed. Each one has a greater number than the last.
    #[serde(default)]
    pub sequence: u64,
    /// The keys.
    #[serde(default, rename = "key")]
    pub keys: Vec<KeysetEntry>,
}

impl KeysetDraft {
    /// Loads a draft from a TOML file.
    ///
    /// # Errors
    /// [`Error::File`], or [`Error::Content`] with what is wrong and on which line.
    pub fn load(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).map_err(Error::file(path))?;
        text.parse().map_err(Error::content(path))
    }

    /// Replaces a TOML file with the draft.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn save(&self, path: &Path) -> Result<()> {
        let text = toml::to_string_pretty(self).map_err(|error| KeysetError::Syntax(error.to_string()))?;
        // A rename leaves either the old or the new file after a crash.
        let beside = path.with_extension("toml.new");
        fs::write(&beside, text).map_err(Error::file(&beside))?;
        fs::rename(&beside, path).map_err(Error::file(path))
    }

    /// Adds a key.
    ///
    /// # Errors
    /// [`KeysetError::DuplicateKey`] if the keyset has it already.
    pub fn add(&mut self, entry: KeysetEntry) -> Result<()> {
        let key = entry.read()?;
        for other in &self.keys {
            if other.read()?.public() == key.public() {
                return Err(KeysetError::DuplicateKey(key.kid().to_string()).into());
            }
        }
        self.keys.push(entry);
        Ok(())
    }

    /// The entry of a key, by its identifier in hexadecimal digits.
    ///
    /// # Errors
    /// [`KeysetError::UnknownKey`].
    pub fn entry(&mut self, kid: &str) -> Result<&mut KeysetEntry> {
        let mut known = Vec::new();
        for entry in &self.keys {
            known.push(entry.read()?.kid().to_string());
        }
        match known.iter().position(|other| other == kid).and_then(|at| self.keys.get_mut(at)) {
            Some(entry) => Ok(entry),
            None => Err(KeysetError::UnknownKey { kid: kid.to_owned(), known }.into()),
        }
    }

    /// Signs the keyset under the next sequence number, reads it as a gate would, and returns its bytes.
    ///
    /// # Errors
    /// [`Error::Value`] for a time or duration, [`Error::Keyset`] for what no gate would accept.
    pub fn sign(&mut self, root: &SigningKey, issued_at: u64, expires: u64) -> Result<Vec<u8>> {
        let sequence = self.sequence.saturating_add(1);
        let entries = self.keys.iter().map(KeysetEntry::to_cbor).collect::<Result<Vec<_>>>()?;
        let payload = canonical(&labelled([
            (0, Some(Cbor::from(1))),
            (1, Some(Cbor::from(sequence))),
            (2, Some(Cbor::from(issued_at))),
            (3, Some(Cbor::from(expires.min(limits::TIME)))),
            (4, Some(Cbor::Array(entries))),
        ]));
        let bytes = sign(root, Typ::Keyset, &payload);
        Keyset::read(&bytes, &root.public()).map_err(KeysetError::Refused)?;
        self.sequence = sequence;
        Ok(bytes)
    }
}

impl FromStr for KeysetDraft {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(toml::from_str(text).map_err(|error: toml::de::Error| KeysetError::Syntax(error.to_string()))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use licentia_core::Code;

    use crate::{KeyScope, KeyStatus};

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_seed(&[seed; 32]).unwrap()
    }

    #[test]
    fn a_draft_is_kept_changed_and_signed_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keyset.toml");
        let mut draft = KeysetDraft::default();
        draft.add(KeysetEntry::new(&key(1).public())).unwrap();
        draft.add(KeysetEntry::new(&key(2).public())).unwrap();
        assert!(draft.add(KeysetEntry::new(&key(1).public())).is_err(), "twice");
        draft.sign(&key(9), 1000, 2000).unwrap();
        draft.save(&path).unwrap();

        let mut draft = KeysetDraft::load(&path).unwrap();
        draft.entry(&key(1).kid().to_string()).unwrap().status = KeyStatus::Revoked;
        let entry = draft.entry(&key(2).kid().to_string()).unwrap();
        entry.not_before = Some("2027-01-01".into());
        entry.scope = Some(KeyScope { tiers: Some(vec!["free".into()]), ..KeyScope::default() });
        assert!(draft.entry("00000000").unwrap_err().to_string().contains("there are"));
        let bytes = draft.sign(&key(9), 1000, 2000).unwrap();
        let keyset = Keyset::read(&bytes, &key(9).public()).unwrap();
        assert_eq!((keyset.sequence(), keyset.issued_at(), keyset.expires()), (2, 1000, 2000));
        let keys: Vec<_> = keyset.keys().map(|key| key.unwrap()).collect();
        assert_eq!(keys[0].status(), KeyStatus::Revoked);
        assert_eq!(keys[1].window().0, 1_798_761_600);
    }

    #[test]
    fn only_the_pinned_root_signs_and_nothing_may_be_changed() {
        let mut draft = KeysetDraft::default();
        draft.add(KeysetEntry::new(&key(1).public())).unwrap();
        let bytes = draft.sign(&key(9), 1000, 2000).unwrap();
        assert_eq!(Keyset::read(&bytes, &key(8).public()).map(|_| ()), Err(Code::UnknownKey));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(Keyset::read(&changed, &key(9).public()).is_err(), "byte {at}");
            assert!(Keyset::read(&bytes[..at], &key(9).public()).is_err(), "cut at {at}");
        }
        assert!(KeysetDraft::default().sign(&key(9), 0, 1).is_err(), "no keys at all");
    }

    #[test]
    fn keysets_only_go_forward() {
        let mut draft = KeysetDraft::default();
        draft.add(KeysetEntry::new(&key(1).public())).unwrap();
        let root = key(9);
        let first = draft.sign(&root, 1000, 2000).unwrap();
        let mut fork = draft.clone();
        let second = draft.sign(&root, 1000, 2000).unwrap();
        let forked = fork.sign(&root, 1001, 2000).unwrap();
        let read = |bytes| Keyset::read(bytes, &root.public()).unwrap();
        let seen = read(&second).mark();
        assert_eq!(read(&first).replaces(None), Ok(true));
        assert_eq!(read(&second).replaces(Some(&read(&first).mark())), Ok(true));
        assert_eq!(read(&second).replaces(Some(&seen)), Ok(false), "the same");
        assert_eq!(read(&first).replaces(Some(&seen)), Err(Code::KeysetRollback));
        assert_eq!(read(&forked).replaces(Some(&seen)), Err(Code::KeysetEquivocation));
    }
}
