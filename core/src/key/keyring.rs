//! Which of the known keys may have signed what.

use crate::{
    code::Code,
    key::{
        key::{Key, KeyPurpose, KeyStatus},
        kid::Kid,
    },
    license::claims::Claims,
    limits,
};

/// The keys to look licences up in: a simple list, or the keys of a keyset.
#[derive(Clone, Copy, Debug)]
pub struct Keyring<'k> {
    keys: &'k [Key],
    /// The keyset that the keys' scopes stand in; empty for a simple list.
    keyset: &'k [u8],
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

    /// The keys with an identifier that licences may be signed with.
    pub(crate) fn find(self, kid: &Kid) -> impl Iterator<Item = &'k Key> + Clone + use<'k> {
        let kid = *kid;
        let fits = move |key: &&Key| key.kid == kid && key.validity.purpose == KeyPurpose::License;
        self.keys.iter().filter(fits).take(limits::KEYS_TRIED)
    }

    /// Whether there is a key with this identifier that an issuer's revocation bundles may be signed with.
    pub fn has_revocation(self, kid: &Kid, issuer: &str) -> bool {
        self.find_revocation(kid).any(|key| key.validity.scope.permits_bundles(self.keyset, issuer))
    }

    /// The keys with an identifier that revocation bundles may be signed with: none that is retired or revoked.
    pub(crate) fn find_revocation(self, kid: &Kid) -> impl Iterator<Item = &'k Key> + Clone + use<'k> {
        let kid = *kid;
        let fits = move |key: &&Key| {
            key.kid == kid
                && key.validity.purpose == KeyPurpose::Revocation
                && key.validity.status == KeyStatus::Active
        };
        self.keys.iter().filter(fits).take(limits::KEYS_TRIED)
    }

    /// Why no key with an identifier may sign revocation bundles: it is out of use, or was never one.
    pub(crate) fn no_revocation(self, kid: &Kid) -> Code {
        let fits = |key: &&Key| key.kid == *kid && key.validity.purpose == KeyPurpose::Revocation;
        match self.keys.iter().find(fits).map(|key| key.validity.status) {
            Some(KeyStatus::Retired) => Code::KeyNotActive,
            Some(KeyStatus::Revoked) => Code::KeyRevoked,
            _ => Code::BundleUntrusted,
        }
    }

    /// Whether `key` may have signed a revocation bundle for an issuer at a time. What else a scope can limit are
    /// licences: a key that is limited in that way may revoke none, for a bundle cannot be held against it.
    pub(crate) fn permits_bundle(self, key: &Key, issuer: &str, issued_at: u64) -> Code {
        let validity = &key.validity;
        if !validity.scope.permits_bundles(self.keyset, issuer) {
            Code::BundleUntrusted
        } else if !(validity.not_before..=validity.not_after).contains(&issued_at) {
            Code::KeyNotActive
        } else {
            Code::Allowed
        }
    }

    /// Whether `key` may have signed a licence with these claims.
    ///
    /// The time of use is held against `iat`, which the signer chooses: it
    /// keeps honest issuers in order. Against a thief, revoke the key.
    pub(crate) fn permits(self, key: &Key, claims: &Claims<'_>) -> Code {
        let validity = &key.validity;
        if validity.status == KeyStatus::Revoked {
            Code::KeyRevoked
        } else if !(validity.not_before..=validity.not_after).contains(&claims.issued_at()) {
            Code::KeyNotActive
        } else if !validity.scope.permits(self.keyset, claims) {
            Code::KeyOutOfScope
        } else {
            Code::Allowed
        }
    }
}
