//! One key of a keyset.

use ciborium::Value as Cbor;
use licentia_core::{Key, Timestamp};
use serde::{Deserialize, Serialize};

use super::scope::KeyScope;
use crate::{
    KeyPurpose, KeyStatus,
    canonical::{self, bytes, labelled},
    error::{KeysetError, Result},
    time,
};

/// One key of a keyset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeysetEntry {
    /// The public key, in its text form.
    pub key: String,
    /// What the vendor calls it. It is for people, and in no signed keyset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Whether it is in use.
    #[serde(default, rename = "state", with = "status_name")]
    pub status: KeyStatus,
    /// What it signs.
    #[serde(default, with = "purpose_name")]
    pub purpose: KeyPurpose,
    /// The first `iat` of what it may sign, as [`time::parse_start`] reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<String>,
    /// The last `iat` of what it may sign, as [`time::parse_last`] reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<String>,
    /// What it may sign for; everything if it is `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<KeyScope>,
}

impl KeysetEntry {
    /// An active licence key without limits.
    pub fn new(key: &Key) -> Self {
        Self {
            key: key.to_string(),
            label: None,
            status: KeyStatus::Active,
            purpose: KeyPurpose::License,
            not_before: None,
            not_after: None,
            scope: None,
        }
    }

    /// The key.
    ///
    /// # Errors
    /// [`KeysetError::Key`] if its text form is wrong.
    pub fn read(&self) -> Result<Key> {
        Ok(Key::from_text(&self.key).map_err(KeysetError::Key)?)
    }

    /// The first and the last `iat` of what it may sign.
    ///
    /// # Errors
    /// [`Error::Value`](crate::Error::Value) for a time, or [`KeysetError::EmptyWindow`].
    pub fn window(&self) -> Result<(Option<Timestamp>, Option<Timestamp>)> {
        let not_before = self.not_before.as_deref().map(time::parse_start).transpose()?;
        let not_after = self.not_after.as_deref().map(time::parse_last).transpose()?;
        if not_before.zip(not_after).is_some_and(|(first, last)| first > last) {
            return Err(KeysetError::EmptyWindow(self.read()?.kid().to_string()).into());
        }
        for (field, time) in [("not_before", not_before), ("not_after", not_after)] {
            time.map(|time| time::plausible(field, time)).transpose()?;
        }
        Ok((not_before, not_after))
    }

    pub(super) fn to_cbor(&self) -> Result<Cbor> {
        let (not_before, not_after) = self.window()?;
        let status = (self.status != KeyStatus::Active).then(|| Cbor::from(self.status.number()));
        let purpose = (self.purpose != KeyPurpose::License).then(|| Cbor::from(self.purpose.number()));
        let scope = self.scope.as_ref().map(KeyScope::to_cbor).transpose()?;
        Ok(labelled([
            (0, Some(cose_key(&self.read()?))),
            (1, not_before.map(canonical::time)),
            (2, not_after.map(canonical::time)),
            (3, status),
            (4, scope),
            (5, purpose),
        ]))
    }
}

/// A COSE_Key of Ed25519 (RFC 9053, section 7.2).
fn cose_key(key: &Key) -> Cbor {
    labelled([
        (1, Some(Cbor::from(1))),
        (2, Some(bytes(key.kid().as_bytes()))),
        (3, Some(Cbor::from(key.algorithm().id()))),
        (-1, Some(Cbor::from(6))),
        (-2, Some(bytes(key.public().as_bytes()))),
    ])
}

/// The names of a key's status in TOML.
mod status_name {
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    use crate::KeyStatus;

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    pub(super) fn serialize<S: Serializer>(status: &KeyStatus, output: S) -> Result<S::Ok, S::Error> {
        output.serialize_str(match status {
            KeyStatus::Retired => "retired",
            KeyStatus::Revoked => "revoked",
            _ => "active",
        })
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<KeyStatus, D::Error> {
        match String::deserialize(input)?.as_str() {
            "active" => Ok(KeyStatus::Active),
            "retired" => Ok(KeyStatus::Retired),
            "revoked" => Ok(KeyStatus::Revoked),
            other => Err(D::Error::unknown_variant(other, &["active", "retired", "revoked"])),
        }
    }
}

/// The names of a key's purpose in TOML.
mod purpose_name {
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    use crate::KeyPurpose;

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    pub(super) fn serialize<S: Serializer>(purpose: &KeyPurpose, output: S) -> Result<S::Ok, S::Error> {
        output.serialize_str(if *purpose == KeyPurpose::Revocation { "revocation" } else { "license" })
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<KeyPurpose, D::Error> {
        match String::deserialize(input)?.as_str() {
            "license" => Ok(KeyPurpose::License),
            "revocation" => Ok(KeyPurpose::Revocation),
            other => Err(D::Error::unknown_variant(other, &["license", "revocation"])),
        }
    }
}
