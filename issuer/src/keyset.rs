//! Keysets: which keys sign, for what and until when. Signed with the vendor's root key.
//!
//! The root key signs nothing else and stays off line. A keyset is drafted in
//! a TOML file, changed, and signed again with the next sequence number:
//!
//! ```toml
//! sequence = 4
//!
//! [[key]]
//! key = "licpub1_..."
//! state = "retired"                 # active (the default), retired or revoked
//! not_after = "2027-01-31"          # the last `iat` of what it signed
//!
//! [[key]]
//! key = "licpub1_..."
//! scope = { tiers = ["free"], longest_term = "30 days" }
//! ```

use std::{fs, path::Path, str::FromStr};

use ciborium::Value as Cbor;
use licentia_core::{Key, KeyPurpose, KeyStatus, Keyset, inner::Typ, limits};
use serde::{Deserialize, Serialize};

use crate::{
    canonical::{encode, labelled},
    error::{Error, Result},
    key::SigningKey,
    moment::{self, Span},
    sign1::sign,
};

/// A keyset before it is signed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeysetDraft {
    /// Its number in the order of keysets; each one that is signed has a greater one than the last.
    #[serde(default)]
    pub sequence: u64,
    /// The keys.
    #[serde(default, rename = "key")]
    pub keys: Vec<Entry>,
}

/// One key of a keyset.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The public key, in its text form.
    pub key: String,
    /// Whether it is in use.
    #[serde(default)]
    pub state: State,
    /// What it signs.
    #[serde(default)]
    pub purpose: For,
    /// The first `iat` of what it may sign, as [`moment::parse`] reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<String>,
    /// The last `iat` of what it may sign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<String>,
    /// What it may sign for; everything where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
}

/// Whether a key is in use, by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It signs new licences.
    #[default]
    Active,
    /// It signs no more; what it signed stays good.
    Retired,
    /// Nothing that it signed is good any more.
    Revoked,
}

/// What a key signs, by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum For {
    /// Licences.
    #[default]
    License,
    /// Revocation bundles.
    Revocation,
}

/// What a key may sign for. What is left out is not limited.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// These issuers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuers: Option<Vec<String>>,
    /// These audiences, of which a licence must name at least one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audiences: Option<Vec<String>>,
    /// These tiers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tiers: Option<Vec<String>>,
    /// Licences that last no longer than this, such as `30 days`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longest_term: Option<String>,
}

impl KeysetDraft {
    /// Reads a draft from a TOML file.
    ///
    /// # Errors
    /// [`Error::File`] or [`Error::Keyset`].
    pub fn load(path: &Path) -> Result<Self> {
        fs::read_to_string(path).map_err(Error::file(path))?.parse()
    }

    /// Writes the draft to a TOML file, in place of the one before.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn save(&self, path: &Path) -> Result<()> {
        let text = toml::to_string_pretty(self).map_err(|error| Error::Keyset(error.to_string()))?;
        // Written beside and renamed, so that a crash leaves the old one or the new one.
        let beside = path.with_extension("toml.new");
        fs::write(&beside, text).map_err(Error::file(&beside))?;
        fs::rename(&beside, path).map_err(Error::file(path))
    }

    /// Adds a key.
    ///
    /// # Errors
    /// [`Error::Keyset`] where the keyset has it already.
    pub fn add(&mut self, entry: Entry) -> Result<()> {
        let key = entry.read()?;
        for other in &self.keys {
            if other.read()?.public() == key.public() {
                return Err(Error::Keyset(format!("key {} is in the keyset already", key.kid())));
            }
        }
        self.keys.push(entry);
        Ok(())
    }

    /// The entry of a key, by its identifier in hexadecimal digits.
    ///
    /// # Errors
    /// [`Error::Keyset`] where there is none; it names those that there are.
    pub fn entry(&mut self, kid: &str) -> Result<&mut Entry> {
        let mut known = Vec::new();
        for entry in &self.keys {
            known.push(entry.read()?.kid().to_string());
        }
        match known.iter().position(|other| other == kid).and_then(|at| self.keys.get_mut(at)) {
            Some(entry) => Ok(entry),
            None => Err(Error::Keyset(format!("no key {kid}; there are: {}", known.join(", ")))),
        }
    }

    /// Signs the keyset with the next sequence number, and gives its bytes. They were read as a gate reads them.
    ///
    /// # Errors
    /// [`Error::Value`] for a time or duration, [`Error::Keyset`] for what no gate would take.
    pub fn sign(&mut self, root: &SigningKey, issued_at: u64, expires: u64) -> Result<Vec<u8>> {
        let sequence = self.sequence.saturating_add(1);
        let entries = self.keys.iter().map(Entry::encode).collect::<Result<Vec<_>>>()?;
        let payload = encode(&labelled([
            (0, Some(Cbor::from(1))),
            (1, Some(Cbor::from(sequence))),
            (2, Some(Cbor::from(issued_at))),
            (3, Some(Cbor::from(expires.min(limits::TIME)))),
            (4, Some(Cbor::Array(entries))),
        ]));
        let bytes = sign(root, Typ::Keyset, &payload);
        Keyset::read(&bytes, &root.public())
            .map_err(|code| Error::Keyset(format!("no gate would take it: {code}")))?;
        self.sequence = sequence;
        Ok(bytes)
    }
}

impl FromStr for KeysetDraft {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        toml::from_str(text).map_err(|error| Error::Keyset(error.to_string()))
    }
}

impl Entry {
    /// A key in use, without limits.
    pub fn new(key: &Key) -> Self {
        Self {
            key: key.to_string(),
            state: State::Active,
            purpose: For::License,
            not_before: None,
            not_after: None,
            scope: None,
        }
    }

    /// The key.
    ///
    /// # Errors
    /// [`Error::Keyset`] where its text form is wrong.
    pub fn read(&self) -> Result<Key> {
        Key::from_text(&self.key).map_err(|code| Error::Keyset(code.to_string()))
    }

    fn encode(&self) -> Result<Cbor> {
        let time = |time: &Option<String>| -> Result<Option<Cbor>> {
            time.as_deref().map(|time| Ok(Cbor::from(moment::parse(time)?))).transpose()
        };
        let standing = match self.state {
            State::Active => None,
            State::Retired => Some(Cbor::from(KeyStatus::Retired.number())),
            State::Revoked => Some(Cbor::from(KeyStatus::Revoked.number())),
        };
        let purpose = (self.purpose == For::Revocation).then(|| Cbor::from(KeyPurpose::Revocation.number()));
        let scope = self.scope.as_ref().map(Scope::encode).transpose()?;
        let mut cose_key = [0; 128];
        let cose_key = self.read()?.write_cose(&mut cose_key).to_vec();
        let cose_key: Cbor =
            ciborium::from_reader(cose_key.as_slice()).map_err(|error| Error::Keyset(error.to_string()))?;
        Ok(labelled([
            (0, Some(cose_key)),
            (1, time(&self.not_before)?),
            (2, time(&self.not_after)?),
            (3, standing),
            (4, scope),
            (5, purpose),
        ]))
    }
}

impl Scope {
    fn encode(&self) -> Result<Cbor> {
        let texts = |texts: &Option<Vec<String>>| {
            let texts = texts.as_ref()?.iter().map(|text| Cbor::from(text.as_str()));
            Some(Cbor::Array(texts.collect()))
        };
        let longest = match &self.longest_term {
            Some(span) => Some(Cbor::from(span.parse::<Span>()?.seconds()?)),
            None => None,
        };
        let (issuers, audiences, tiers) = (texts(&self.issuers), texts(&self.audiences), texts(&self.tiers));
        Ok(labelled([(0, issuers), (1, audiences), (2, tiers), (3, longest)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use licentia_core::Code;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_seed(&[seed; 32]).unwrap()
    }

    #[test]
    fn a_draft_is_kept_changed_and_signed_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keyset.toml");
        let mut draft = KeysetDraft::default();
        draft.add(Entry::new(&key(1).public())).unwrap();
        draft.add(Entry::new(&key(2).public())).unwrap();
        assert!(draft.add(Entry::new(&key(1).public())).is_err(), "twice");
        draft.sign(&key(9), 1000, 2000).unwrap();
        draft.save(&path).unwrap();

        let mut draft = KeysetDraft::load(&path).unwrap();
        draft.entry(&key(1).kid().to_string()).unwrap().state = State::Revoked;
        let entry = draft.entry(&key(2).kid().to_string()).unwrap();
        entry.not_before = Some("2027-01-01".into());
        entry.scope = Some(Scope { tiers: Some(vec!["free".into()]), ..Scope::default() });
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
        draft.add(Entry::new(&key(1).public())).unwrap();
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
        draft.add(Entry::new(&key(1).public())).unwrap();
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
