//! Which of the known keys may have signed what.

use crate::{
    code::Code,
    key::{
        key::{Key, KeyPurpose, KeyStatus},
        kid::Kid,
        scope::{BundleTraits, ScopeBound},
    },
    license::claims::Claims,
    time::timestamp::Timestamp,
};

/// The keys to look licences up in: a simple list, or the keys of a keyset.
#[derive(Clone, Copy, Debug)]
pub struct Keyring<'k> {
    keys: &'k [Key],
    /// The keyset that the keys' scopes stand in; empty for a simple list.
    keyset: &'k [u8],
}

/// A simple list of trusted keys.
impl<'k, K: AsRef<[Key]> + ?Sized> From<&'k K> for Keyring<'k> {
    fn from(keys: &'k K) -> Self {
        Self::new(keys.as_ref())
    }
}

impl<'k> Keyring<'k> {
    /// A simple list of trusted keys, without time limits or scopes.
    pub const fn new(keys: &'k [Key]) -> Self {
        Self { keys, keyset: &[] }
    }

    /// The keys that were read from a keyset with [`crate::Keyset::keys`], beside its bytes.
    pub const fn of_keyset(keys: &'k [Key], keyset: &'k [u8]) -> Self {
        Self { keys, keyset }
    }

    /// How many of the keys have an identifier.
    pub(crate) fn count(self, kid: &Kid) -> usize {
        self.keys.iter().filter(|key| key.kid == *kid).count()
    }

    /// The key with an identifier, for a purpose.
    ///
    /// # Errors
    /// [`Code::UnknownKey`] if there is none; [`Code::AmbiguousKey`] if there are two: whoever chose the identifier of
    /// one would decide about the other.
    pub(crate) fn find(self, kid: &Kid, purpose: KeyPurpose) -> Result<&'k Key, Code> {
        let mut named = self.keys.iter().filter(|key| key.kid == *kid);
        let first = named.next().ok_or(Code::UnknownKey)?;
        let differs = |key: &Key| key.public() != first.public() || key.purpose() != first.purpose();
        if named.any(differs) {
            Err(Code::AmbiguousKey)
        } else if first.purpose() == purpose {
            Ok(first)
        } else {
            Err(Code::UnknownKey)
        }
    }

    /// Whether there is a key with this identifier that revocation bundles of an issuer's stream may be signed with.
    pub fn has_revocation(self, kid: &Kid, issuer: &str, stream: u64) -> bool {
        let bundle = BundleTraits { issuer, stream, has_rules: false, issued_at: Timestamp::EPOCH };
        self.find_revocation(kid).is_ok_and(|key| key.validity.scope.permits_bundle(self.keyset, bundle))
    }

    /// The key with an identifier that revocation bundles may be signed with.
    ///
    /// # Errors
    /// [`Code::BundleUntrusted`] if there is none, [`Code::AmbiguousKey`] if there are two, [`Code::KeyNotActive`] or
    /// [`Code::KeyRevoked`] if it is out of use.
    pub(crate) fn find_revocation(self, kid: &Kid) -> Result<&'k Key, Code> {
        let untrusted = |code| if code == Code::UnknownKey { Code::BundleUntrusted } else { code };
        let key = self.find(kid, KeyPurpose::Revocation).map_err(untrusted)?;
        match key.status() {
            KeyStatus::Active => Ok(key),
            KeyStatus::Retired => Err(Code::KeyNotActive),
            KeyStatus::Revoked => Err(Code::KeyRevoked),
        }
    }

    /// Whether `key` may have signed a revocation bundle.
    pub(crate) fn permits_bundle(self, key: &Key, bundle: BundleTraits<'_>) -> Code {
        let validity = &key.validity;
        if !validity.scope.permits_bundle(self.keyset, bundle) {
            Code::BundleUntrusted
        } else if !(validity.not_before..=validity.not_after).contains(&bundle.issued_at) {
            Code::KeyNotActive
        } else {
            Code::Allowed
        }
    }

    /// Whether `key` may have signed a licence with these claims; if its scope is exceeded, by which bound.
    ///
    /// The time of use is held against `iat`, which the signer chooses: it
    /// keeps honest issuers in order. Against a thief, revoke the key.
    pub(crate) fn permits(self, key: &Key, claims: &Claims<'_>) -> (Code, Option<ScopeBound>) {
        let validity = &key.validity;
        if validity.status == KeyStatus::Revoked {
            (Code::KeyRevoked, None)
        } else if !(validity.not_before..=validity.not_after).contains(&claims.issued_at()) {
            (Code::KeyNotActive, None)
        } else {
            let exceeded = validity.scope.exceeded(self.keyset, claims);
            (if exceeded.is_some() { Code::KeyOutOfScope } else { Code::Allowed }, exceeded)
        }
    }
}
