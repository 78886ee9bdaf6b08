//! A keyset before it is signed.

use std::{path::Path, str::FromStr};

use ciborium::Value as Cbor;
use licentia_core::{Code, Key, KeyStatus, Keyset, Kid, Timestamp, inner::Typ, proof::thumbprint};
use serde::{Deserialize, Serialize};

use super::{entry::KeysetEntry, scope::KeyScope};
use crate::{
    canonical::{canonical, labelled, time},
    error::{Error, KeysetError, Result},
    file::{read_text, replace},
    key::{SigningKey, sign},
    time::{plausible, stamp},
};

/// A keyset before it is signed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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
        let text = read_text(path)?;
        text.parse().map_err(Error::content(path))
    }

    /// Replaces a TOML file with the draft.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn save(&self, path: &Path) -> Result<()> {
        let text = toml::to_string_pretty(self).map_err(|error| KeysetError::Syntax(error.to_string()))?;
        replace(path, text.as_bytes())
    }

    /// Adds a key, and returns the identifier that it has in the keyset: its own or, if another key of the keyset has
    /// that one, a longer start of its thumbprint. Its owner then signs under the longer one
    /// ([`SigningKey::with_kid_length`]).
    ///
    /// # Errors
    /// [`KeysetError::DuplicateKey`] if the keyset has it already, [`KeysetError::ForeignKid`] if its identifier is not
    /// the start of its thumbprint.
    pub fn add(&mut self, mut entry: KeysetEntry) -> Result<Kid> {
        let given = entry.read()?;
        let others = self.keys.iter().map(KeysetEntry::read).collect::<Result<Vec<_>>>()?;
        let print = thumbprint(given.public().as_bytes());
        let longer = (given.kid().as_bytes().len()..=print.len()).filter_map(|length| print.get(..length));
        let free = |kid: &&[u8]| others.iter().all(|other| other.kid().as_bytes() != *kid);
        let mut key = given.clone();
        if print.starts_with(given.kid().as_bytes())
            && let Some(kid) = longer.into_iter().find(free)
            && kid != given.kid().as_bytes()
        {
            key = Key::ed25519(kid, given.public().as_bytes()).map_err(KeysetError::Key)?;
            entry.key = key.to_string();
        }
        self.keys.push(entry);
        self.check_kids().inspect_err(|_| drop(self.keys.pop()))?;
        Ok(*key.kid())
    }

    /// Checks that each key is there once, under an identifier that nobody chose.
    fn check_kids(&self) -> Result<()> {
        let keys = self.keys.iter().map(KeysetEntry::read).collect::<Result<Vec<_>>>()?;
        for (at, key) in keys.iter().enumerate() {
            let kid = key.kid().to_string();
            let earlier = keys.get(..at).unwrap_or_default();
            if earlier.iter().any(|other| other.public() == key.public()) {
                return Err(KeysetError::DuplicateKey(kid).into());
            }
            if earlier.iter().any(|other| other.kid() == key.kid()) {
                return Err(KeysetError::DuplicateKid(kid).into());
            }
            if key.kid().as_bytes().len() < 4
                || !thumbprint(key.public().as_bytes()).starts_with(key.kid().as_bytes())
            {
                return Err(KeysetError::ForeignKid(kid).into());
            }
        }
        Ok(())
    }

    /// The entry of a key, by its identifier in hexadecimal digits.
    ///
    /// # Errors
    /// [`KeysetError::UnknownKey`], or [`KeysetError::DuplicateKid`] if two keys of a draft that was written by hand have
    /// the identifier.
    pub fn entry(&mut self, kid: &str) -> Result<&mut KeysetEntry> {
        let mut known = Vec::new();
        for entry in &self.keys {
            known.push(entry.read()?.kid().to_string());
        }
        if known.iter().filter(|other| *other == kid).count() > 1 {
            return Err(KeysetError::DuplicateKid(kid.to_owned()).into());
        }
        match known.iter().position(|other| other == kid).and_then(|at| self.keys.get_mut(at)) {
            Some(entry) => Ok(entry),
            None => Err(KeysetError::UnknownKey { kid: kid.to_owned(), known }.into()),
        }
    }

    /// Retires a key: what it signed until `now` stays valid. If it was to end earlier, that stays.
    ///
    /// # Errors
    /// [`KeysetError::UnknownKey`], [`KeysetError::Revoked`], [`KeysetError::EmptyWindow`] for a key that was not to
    /// sign before `now`, or [`Error::Value`].
    pub fn retire(&mut self, kid: &str, now: impl Into<Timestamp>) -> Result<()> {
        let now = plausible("now", now)?;
        let entry = self.entry(kid)?;
        if entry.status == KeyStatus::Revoked {
            return Err(KeysetError::Revoked(kid.to_owned()).into());
        }
        let (not_before, not_after) = entry.window()?;
        if not_before.is_some_and(|first| first > now) {
            return Err(KeysetError::EmptyWindow(kid.to_owned()).into());
        }
        if not_after.is_none_or(|last| last > now) {
            entry.not_after = Some(stamp(now));
        }
        entry.status = KeyStatus::Retired;
        Ok(())
    }

    /// Revokes a key: nothing that it signed stays valid.
    ///
    /// # Errors
    /// [`KeysetError::UnknownKey`].
    pub fn revoke(&mut self, kid: &str) -> Result<()> {
        self.entry(kid)?.status = KeyStatus::Revoked;
        Ok(())
    }

    /// Removes a key, and returns its entry. What it signed is then refused as if nobody knew it.
    ///
    /// # Errors
    /// As [`KeysetDraft::entry`].
    pub fn remove(&mut self, kid: &str) -> Result<KeysetEntry> {
        let removed = self.entry(kid)?.clone();
        self.keys.retain(|entry| *entry != removed);
        Ok(removed)
    }

    /// Checks that the keyset can be signed.
    ///
    /// # Errors
    /// As [`KeysetDraft::sign`].
    pub fn check(&self) -> Result<()> {
        self.preview().map(drop)
    }

    /// The keyset as [`KeysetDraft::sign`] would make it, and the public half of the root key that signed it. No gate
    /// trusts that key: it is for a look at the keyset.
    ///
    /// # Errors
    /// As [`KeysetDraft::sign`].
    pub fn preview(&self) -> Result<(Vec<u8>, Key)> {
        /// 2027-01-15 08:00:00 UTC. Any plausible time will do.
        const LOOKED_AT: Timestamp = Timestamp::from_seconds(1_800_000_000);
        let root = SigningKey::generate()?;
        let bytes = self.clone().sign(&root, LOOKED_AT, LOOKED_AT.saturating_add(1))?;
        Ok((bytes, root.public()))
    }

    /// Checks that the draft trusts no key more than an earlier keyset does: a revoked key stays revoked, a retired
    /// key stays retired and signs no later licence.
    ///
    /// # Errors
    /// [`KeysetError::MoreTrust`].
    pub fn follows(&self, earlier: &Keyset<'_>) -> Result<()> {
        let trust = |status: KeyStatus| match status {
            KeyStatus::Active => 2,
            KeyStatus::Retired => 1,
            _ => 0,
        };
        for before in earlier.keys() {
            let before = before.map_err(KeysetError::Refused)?;
            for entry in &self.keys {
                let longer = before.status() != KeyStatus::Active
                    && entry.window()?.1.unwrap_or(Timestamp::MAX) > before.window().1;
                let same = entry.read()?.public() == before.public();
                if same && (trust(entry.status) > trust(before.status()) || longer) {
                    return Err(KeysetError::MoreTrust(before.kid().to_string()).into());
                }
            }
        }
        Ok(())
    }

    /// Signs the keyset under the next sequence number, reads it as a gate would, and returns its bytes.
    ///
    /// # Errors
    /// [`Error::Value`] for a time or duration, [`Error::Keyset`] for a keyset that would help nobody, or that no gate
    /// would accept.
    pub fn sign(
        &mut self,
        root: &SigningKey,
        issued_at: impl Into<Timestamp>,
        expires: impl Into<Timestamp>,
    ) -> Result<Vec<u8>> {
        let issued_at = plausible("issued_at", issued_at)?;
        let expires = plausible("expires", expires)?;
        if expires <= issued_at {
            return Err(KeysetError::Expired { issued_at, expires }.into());
        }
        for entry in &self.keys {
            let key = entry.read()?;
            if key.public() == root.public().public() {
                return Err(KeysetError::RootKey(key.kid().to_string()).into());
            }
        }
        self.check_kids()?;
        let sequence = self.sequence.saturating_add(1);
        let entries = self.keys.iter().map(KeysetEntry::to_cbor).collect::<Result<Vec<_>>>()?;
        let payload = |schema: u64| {
            canonical(&labelled([
                (0, Some(Cbor::from(schema))),
                (1, Some(Cbor::from(sequence))),
                (2, Some(time(issued_at))),
                (3, Some(time(expires))),
                (4, Some(Cbor::Array(entries.clone()))),
            ]))
        };
        let sealed = |schema: u64| {
            let bytes = sign(root, Typ::Keyset, &payload(schema));
            Keyset::read(&bytes, &root.public()).map(drop).map(|()| bytes)
        };
        // Gates of earlier versions read schema 1 alone: the other one is for what only it can say.
        let scopes = self.keys.iter().filter_map(|entry| entry.scope.as_ref());
        let signed = match sealed(1) {
            Err(Code::TokenTooLong | Code::TooComplex) => sealed(2),
            _ if scopes.into_iter().any(KeyScope::needs_second_schema) => sealed(2),
            signed => signed,
        };
        let bytes = signed.map_err(KeysetError::Refused)?;
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

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

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
        draft.sign(&key(9), NOW, NOW + 1000).unwrap();
        draft.save(&path).unwrap();

        let mut draft = KeysetDraft::load(&path).unwrap();
        draft.entry(&key(1).kid().to_string()).unwrap().status = KeyStatus::Revoked;
        let entry = draft.entry(&key(2).kid().to_string()).unwrap();
        entry.not_before = Some("2027-01-01".into());
        entry.scope = Some(KeyScope { tiers: Some(vec!["free".into()]), ..KeyScope::default() });
        assert!(draft.entry("00000000").unwrap_err().to_string().contains("there are"));
        let bytes = draft.sign(&key(9), NOW, NOW + 1000).unwrap();
        let keyset = Keyset::read(&bytes, &key(9).public()).unwrap();
        assert_eq!((keyset.sequence(), keyset.issued_at(), keyset.expires()), (2, NOW, NOW + 1000));
        let keys: Vec<_> = keyset.keys().map(|key| key.unwrap()).collect();
        assert_eq!(keys[0].status(), KeyStatus::Revoked);
        assert_eq!(keys[1].window().0, 1_798_761_600.into());
    }

    /// Keys whose thumbprints share the first four bytes.
    fn alike() -> [SigningKey; 2] {
        [102_343_u64, 105_824].map(|number| {
            let mut seed = [0; 32];
            seed[..8].copy_from_slice(&number.to_le_bytes());
            SigningKey::from_seed(&seed).unwrap()
        })
    }

    #[test]
    fn of_two_keys_that_begin_alike_the_second_is_listed_under_more_bytes() {
        let [first, second] = alike();
        assert_eq!(
            (first.kid().to_string(), second.kid().to_string()),
            ("152bebcf".into(), "152bebcf".into())
        );
        let mut draft = KeysetDraft::default();
        assert_eq!(draft.add(KeysetEntry::new(&first.public())).unwrap(), *first.kid());
        let kid = draft.add(KeysetEntry::new(&second.public())).unwrap();
        let longer = second.with_kid_length(5).unwrap();
        assert_eq!(kid, *longer.kid());
        assert!(draft.add(KeysetEntry::new(&alike()[1].public())).is_err(), "the same key again");
        let bytes = draft.sign(&key(9), NOW, NOW + 1000).unwrap();
        let keyset = Keyset::read(&bytes, &key(9).public()).unwrap();
        assert_eq!(keyset.key(&kid).unwrap().public(), longer.public().public());
        assert_eq!(keyset.key(first.kid()).unwrap().public(), first.public().public());
    }

    #[test]
    fn only_the_pinned_root_signs_and_nothing_may_be_changed() {
        let mut draft = KeysetDraft::default();
        draft.add(KeysetEntry::new(&key(1).public())).unwrap();
        let bytes = draft.sign(&key(9), NOW, NOW + 1000).unwrap();
        assert_eq!(Keyset::read(&bytes, &key(8).public()).map(|_| ()), Err(Code::UnknownKey));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(Keyset::read(&changed, &key(9).public()).is_err(), "byte {at}");
            assert!(Keyset::read(&bytes[..at], &key(9).public()).is_err(), "cut at {at}");
        }
        assert!(KeysetDraft::default().sign(&key(9), NOW, NOW + 1).is_err(), "no keys at all");
    }

    #[test]
    fn keysets_only_go_forward() {
        let mut draft = KeysetDraft::default();
        draft.add(KeysetEntry::new(&key(1).public())).unwrap();
        let root = key(9);
        let first = draft.sign(&root, NOW, NOW + 1000).unwrap();
        let mut fork = draft.clone();
        let second = draft.sign(&root, NOW, NOW + 1000).unwrap();
        let forked = fork.sign(&root, NOW + 1, NOW + 1000).unwrap();
        let read = |bytes| Keyset::read(bytes, &root.public()).unwrap();
        let seen = read(&second).mark();
        assert_eq!(read(&first).replaces(None), Ok(true));
        assert_eq!(read(&second).replaces(Some(&read(&first).mark())), Ok(true));
        assert_eq!(read(&second).replaces(Some(&seen)), Ok(false), "the same");
        assert_eq!(read(&first).replaces(Some(&seen)), Err(Code::KeysetRollback));
        assert_eq!(read(&forked).replaces(Some(&seen)), Err(Code::KeysetEquivocation));
    }

    fn kid(seed: u8) -> String {
        key(seed).kid().to_string()
    }

    fn draft(seeds: &[u8]) -> KeysetDraft {
        let mut draft = KeysetDraft::default();
        for seed in seeds {
            draft.add(KeysetEntry::new(&key(*seed).public())).unwrap();
        }
        draft
    }

    #[test]
    fn a_key_only_moves_towards_less_trust() {
        let mut keys = draft(&[1, 2, 3]);
        keys.revoke(&kid(1)).unwrap();
        assert!(keys.retire(&kid(1), NOW).unwrap_err().to_string().contains("stays revoked"));
        assert_eq!(keys.keys[0].status, KeyStatus::Revoked);

        keys.keys[1].not_after = Some("2026-12-31".into());
        keys.retire(&kid(2), NOW).unwrap();
        assert_eq!(keys.keys[1].not_after.as_deref(), Some("2026-12-31"), "an earlier end stays");
        keys.retire(&kid(3), NOW).unwrap();
        keys.retire(&kid(3), NOW + 500).unwrap();
        assert_eq!(keys.keys[2].window().unwrap().1, Some(NOW), "retired again, and no later");
        keys.revoke(&kid(3)).unwrap();
        assert_eq!(keys.keys[2].status, KeyStatus::Revoked);
    }

    #[test]
    fn what_cannot_be_signed_is_found_before() {
        let mut keys = draft(&[1, 2]);
        keys.check().unwrap();
        let longest_term = Some("1 year".to_owned());
        keys.keys[0].scope = Some(KeyScope { longest_term, ..KeyScope::default() });
        let said = keys.check().unwrap_err().to_string();
        assert!(said.contains("longest_term \"1 year\"") && said.contains("365 days"), "{said}");
        assert_eq!(keys.sequence, 0);
        keys.remove(&kid(1)).unwrap();
        keys.check().unwrap();
        assert_eq!(keys.keys.len(), 1);
        assert!(keys.remove(&kid(1)).is_err());
    }

    #[test]
    fn a_keyset_trusts_no_key_more_than_the_one_before() {
        let root = key(9);
        let mut keys = draft(&[1, 2, 3]);
        keys.revoke(&kid(1)).unwrap();
        keys.retire(&kid(2), NOW).unwrap();
        let signed = keys.sign(&root, NOW, NOW + 1000).unwrap();
        let before = Keyset::read(&signed, &root.public()).unwrap();
        keys.follows(&before).unwrap();
        let refused = |change: &dyn Fn(&mut KeysetDraft)| {
            let mut changed = keys.clone();
            change(&mut changed);
            matches!(changed.follows(&before), Err(Error::Keyset(KeysetError::MoreTrust(_))))
        };
        assert!(refused(&|keys| keys.keys[0].status = KeyStatus::Active));
        assert!(refused(&|keys| keys.keys[0].status = KeyStatus::Retired));
        assert!(refused(&|keys| keys.keys[1].status = KeyStatus::Active));
        assert!(refused(&|keys| keys.keys[1].not_after = Some(stamp(NOW + 1))));
        assert!(refused(&|keys| keys.keys[1].not_after = None));
        assert!(!refused(&|keys| keys.keys[2].status = KeyStatus::Revoked));
        assert!(!refused(&|keys| drop(keys.keys.remove(0))), "an unknown key is trusted least");
    }

    #[test]
    fn a_root_signs_no_nonsense() {
        let root = key(9);
        let refused = |keys: &mut KeysetDraft, issued_at: Timestamp, expires: Timestamp| {
            keys.sign(&root, issued_at, expires).unwrap_err().to_string()
        };
        let mut keys = draft(&[1]);
        assert!(refused(&mut keys, NOW, NOW).contains("it expires at 2027-01-15"));
        assert!(refused(&mut keys, NOW, NOW - 1).contains("later `expires`"));
        assert!(refused(&mut keys, NOW, 1_900_000_000_000.into()).contains("milliseconds"));
        assert!(refused(&mut keys, NOW, 20_270_131.into()).contains("1970-08-23"));
        assert!(refused(&mut draft(&[1, 9]), NOW, NOW + 1).contains("is the root key"));
        keys.keys[0].not_before = Some("2027-02-01".into());
        keys.keys[0].not_after = Some("2027-01-31".into());
        assert!(refused(&mut keys, NOW, NOW + 1).contains("`not_before` is later"));
        keys.keys[0].not_before = Some("20270131".into());
        assert!(refused(&mut keys, NOW, NOW + 1).contains("20270131"));
        assert_eq!(keys.sequence, 0, "no number is used up");
    }

    #[test]
    fn a_last_day_is_included() {
        let root = key(9);
        let mut keys = draft(&[1]);
        keys.keys[0].not_after = Some("2027-01-31".into());
        let signed = keys.sign(&root, NOW, NOW + 1000).unwrap();
        let keyset = Keyset::read(&signed, &root.public()).unwrap();
        let last = keyset.keys().next().unwrap().unwrap().window().1;
        assert_eq!(last, Timestamp::from_seconds(1_801_353_600 + 86_399), "its last second");
    }
}
