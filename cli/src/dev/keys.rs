//! The vendor's keys, and the keyset that the gateway trusts.

use std::{
    fs,
    time::{SystemTime, UNIX_EPOCH},
};

use licentia_issuer::{KeyPurpose, KeysetDraft, KeysetEntry, SigningKey, file::replace};

use super::place::Place;
use crate::terminal::output::Result;

/// The vendor's name.
pub(super) const ISSUER: &str = "acme";
const YEAR: u64 = 365 * 86_400;

/// The keys that sign licences and bundles. The root key is needed for the keyset alone.
pub(super) struct Keys {
    pub(super) license: SigningKey,
    pub(super) revocation: SigningKey,
}

impl Keys {
    /// Those of the folder, or new ones, with a keyset of them.
    pub(super) fn open(place: &Place) -> Result<Self> {
        let key = |name: &str| -> Result<SigningKey> {
            let path = place.file(name);
            if path.exists() {
                return Ok(SigningKey::load(&path, None)?);
            }
            let key = SigningKey::generate()?;
            key.save(&path, None)?;
            Ok(key)
        };
        let keys = Self { license: key("acme.pem")?, revocation: key("revocation.pem")? };
        let root = key("root.pem")?;
        fs::write(place.file("root.pub"), format!("{}\n", root.public()))?;
        let path = place.file("keyset.toml");
        let mut draft = if path.exists() { KeysetDraft::load(&path)? } else { KeysetDraft::default() };
        if draft.keys.is_empty() {
            draft.add(KeysetEntry::new(&keys.license.public()))?;
            draft.add(KeysetEntry {
                purpose: KeyPurpose::Revocation,
                ..KeysetEntry::new(&keys.revocation.public())
            })?;
        }
        let signed = draft.sign(&root, now(), now() + YEAR)?;
        draft.save(&path)?;
        replace(&place.file("keyset"), &signed)?;
        Ok(keys)
    }
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs())
}
