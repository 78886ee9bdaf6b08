//! Issuer keys and their identifiers.
//!
//! A key is a byte-match look-up by `kid`, never a path or a query, and says
//! itself which algorithm it is for.

use core::fmt;

use crate::{
    cbor::{self, MapKey, Reader},
    claims::Claims,
    code::Code,
    cose,
    ed25519::PublicKey,
    limits,
    scope::Scope,
    text,
};

/// Longest COSE_Key that is read, in bytes.
const COSE_KEY_BYTES: usize = 128;

/// A key identifier (`kid`, RFC 9052, section 3.1): 1 to 32 bytes. It is public.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Kid {
    bytes: [u8; limits::KID_BYTES],
    length: u8,
}

impl Kid {
    /// Takes 1 to 32 bytes.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] for any other length.
    pub fn new(kid: &[u8]) -> Result<Self, Code> {
        let mut bytes = [0; limits::KID_BYTES];
        let (Some(space), Ok(length @ 1..)) = (bytes.get_mut(..kid.len()), u8::try_from(kid.len())) else {
            return Err(Code::InvalidArgument);
        };
        space.copy_from_slice(kid);
        Ok(Self { bytes, length })
    }

    /// The identifier's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }
}

impl fmt::Display for Kid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Kid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kid({self})")
    }
}

/// A signature algorithm, by its fully specified COSE name (RFC 9864).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// Ed25519.
    Ed25519,
}

impl Algorithm {
    /// Its number in the COSE Algorithms registry.
    pub const fn id(self) -> i64 {
        match self {
            Self::Ed25519 => -19,
        }
    }
}

/// Whether a key of a keyset is in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// It signs new licences.
    #[default]
    Active,
    /// It signs no more; what it signed within its time stays good.
    Retired,
    /// It is in wrong hands: nothing that it signed is good any more.
    Revoked,
}

/// What a key of a keyset signs. No key signs both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Purpose {
    /// Licences.
    #[default]
    License,
    /// Revocation bundles.
    Revocation,
}

/// When and for what a key may sign. The default permits every licence at any time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Validity {
    pub(crate) standing: Standing,
    pub(crate) purpose: Purpose,
    pub(crate) not_before: u64,
    pub(crate) not_after: u64,
    pub(crate) scope: Scope,
}

impl Default for Validity {
    fn default() -> Self {
        Self {
            standing: Standing::Active,
            purpose: Purpose::License,
            not_before: 0,
            not_after: u64::MAX,
            scope: Scope::default(),
        }
    }
}

/// A public key that licences may be signed with.
#[derive(Clone, Debug)]
pub struct Key {
    kid: Kid,
    algorithm: Algorithm,
    public: PublicKey,
    validity: Validity,
}

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
        let fits = move |key: &&Key| key.kid == kid && key.validity.purpose == Purpose::License;
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
                && key.validity.purpose == Purpose::Revocation
                && key.validity.standing == Standing::Active
        };
        self.keys.iter().filter(fits).take(limits::KEYS_TRIED)
    }

    /// Why no key with an identifier may sign revocation bundles: it is out of use, or was never one.
    pub(crate) fn no_revocation(self, kid: &Kid) -> Code {
        let fits = |key: &&Key| key.kid == *kid && key.validity.purpose == Purpose::Revocation;
        match self.keys.iter().find(fits).map(|key| key.validity.standing) {
            Some(Standing::Retired) => Code::KeyNotActive,
            Some(Standing::Revoked) => Code::KeyRevoked,
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
        if validity.standing == Standing::Revoked {
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

impl Key {
    /// An Ed25519 key from its identifier and its 32 bytes.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] for a `kid` that is not 1 to 32 bytes, else as [`PublicKey::from_bytes`].
    pub fn ed25519(kid: &[u8], public: &[u8; 32]) -> Result<Self, Code> {
        let (kid, public) = (Kid::new(kid)?, PublicKey::from_bytes(public)?);
        Ok(Self { kid, algorithm: Algorithm::Ed25519, public, validity: Validity::default() })
    }

    /// Reads the text form, `licpub1_` and the base64url of a COSE_Key.
    ///
    /// # Errors
    /// [`Code::InvalidKey`] or [`Code::WeakKey`].
    pub fn from_text(key: &str) -> Result<Self, Code> {
        let digits = key.strip_prefix(text::KEY_PREFIX).ok_or(Code::InvalidKey)?;
        let mut buffer = [0; COSE_KEY_BYTES];
        Self::from_cose(text::decode(digits, &mut buffer).map_err(|_| Code::InvalidKey)?)
    }

    /// Reads a COSE_Key (RFC 9053, section 7.2): exactly
    /// `{1: 1 (OKP), 2: kid, 3: -19 (Ed25519), -1: 6 (Ed25519), -2: x}`.
    ///
    /// # Errors
    /// [`Code::InvalidKey`] or [`Code::WeakKey`].
    pub fn from_cose(cose_key: &[u8]) -> Result<Self, Code> {
        let mut reader = Reader::new(cose_key);
        match Self::read(&mut reader).and_then(|key| reader.finish().map(|()| key)) {
            Ok(Err(Code::WeakKey)) => Err(Code::WeakKey),
            Ok(Ok(key)) => Ok(key),
            _ => Err(Code::InvalidKey),
        }
    }

    /// Reads a COSE_Key that names its `kid` and algorithm; the inner error is of one that cannot be used.
    pub(crate) fn read(reader: &mut Reader<'_>) -> cbor::Result<Result<Self, Code>> {
        match Self::read_cose(reader)? {
            (Some(kid), true, x) => Ok(Self::ed25519(kid, x)),
            _ => reader.malformed(Code::MissingField),
        }
    }

    pub(crate) fn with_validity(self, validity: Validity) -> Self {
        Self { validity, ..self }
    }

    /// Reads the map of a COSE_Key for Ed25519: its `kid`, whether it names the algorithm, and `x`.
    pub(crate) fn read_cose<'a>(
        reader: &mut Reader<'a>,
    ) -> cbor::Result<(Option<&'a [u8]>, bool, &'a [u8; 32])> {
        let (mut kid, mut algorithm, mut key_type, mut curve, mut x) = (None, false, false, false, None);
        let mut map = reader.map()?;
        while let Some(key) = map.next_key(reader)? {
            let mut only = |value: i64| match reader.int()? {
                found if found == value => Ok(true),
                _ => reader.malformed(Code::InvalidValue),
            };
            match key {
                MapKey::Int(1) => key_type = only(1)?,
                MapKey::Int(2) => kid = Some(reader.bytes()?),
                MapKey::Int(3) => algorithm = only(Algorithm::Ed25519.id())?,
                MapKey::Int(-1) => curve = only(6)?,
                MapKey::Int(-2) => x = Some(reader.array_of::<32>()?),
                // In particular -4, a private key, has no place here.
                _ => return reader.malformed(Code::InvalidValue),
            }
        }
        match x {
            Some(x) if key_type && curve => Ok((kid, algorithm, x)),
            _ => reader.malformed(Code::MissingField),
        }
    }

    /// Writes the COSE_Key that [`Key::from_cose`] reads, and gives its bytes.
    pub fn write_cose<'b>(&self, out: &'b mut [u8; COSE_KEY_BYTES]) -> &'b [u8] {
        let kid = self.kid.as_bytes();
        let long = kid.len() > 23;
        let parts: [&[u8]; 6] = [
            &[0xa5, 0x01, 0x01, 0x02],
            if long { &[0x58] } else { &[] },
            &[if long { self.kid.length } else { 0x40 | self.kid.length }],
            kid,
            &[0x03, 0x32, 0x20, 0x06, 0x21, 0x58, 0x20],
            self.public.as_bytes(),
        ];
        let mut length = 0;
        for (to, from) in out.iter_mut().zip(parts.into_iter().flatten()) {
            *to = *from;
            length = usize::saturating_add(length, 1);
        }
        out.get(..length).unwrap_or_default()
    }

    /// The key's identifier.
    pub fn kid(&self) -> &Kid {
        &self.kid
    }

    /// The algorithm that the key is for.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key, for signing revocation bundles and no licences.
    #[must_use]
    pub fn for_revocation(mut self) -> Self {
        self.validity.purpose = Purpose::Revocation;
        self
    }

    /// Whether it is in use.
    pub fn standing(&self) -> Standing {
        self.validity.standing
    }

    /// What it signs.
    pub fn purpose(&self) -> Purpose {
        self.validity.purpose
    }

    /// First and last `iat` of what it may sign, in seconds since 1970.
    pub fn window(&self) -> (u64, u64) {
        (self.validity.not_before, self.validity.not_after)
    }

    #[cfg(feature = "prepared")]
    pub(crate) fn with_public(self, public: PublicKey) -> Self {
        Self { public, ..self }
    }

    /// The public key.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Whether the frame's signature is this key's.
    pub(crate) fn verifies(&self, frame: &cose::Frame<'_>) -> bool {
        match self.algorithm {
            Algorithm::Ed25519 => self.public.verify(&frame.to_be_signed(), frame.signature),
        }
    }
}

impl fmt::Display for Key {
    /// The text form that [`Key::from_text`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        text::Text::key(self.write_cose(&mut [0; COSE_KEY_BYTES])).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    const PUBLIC: [u8; 32] = [
        0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e,
        0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a,
    ];

    #[test]
    fn text_form_round_trips_for_every_kid_length() {
        for length in 1..=32 {
            let key = Key::ed25519(&[7; 32][..length], &PUBLIC).unwrap();
            let again = Key::from_text(&key.to_string()).unwrap();
            assert_eq!((again.kid(), again.public()), (key.kid(), key.public()));
        }
        assert_eq!(Kid::new(&[]), Err(Code::InvalidArgument));
        assert_eq!(Kid::new(&[0; 33]), Err(Code::InvalidArgument));
    }

    #[test]
    fn weak_and_malformed_keys_are_refused_at_load() {
        let mut identity = [0; 32];
        identity[0] = 1;
        assert_eq!(Key::ed25519(b"k", &identity).map(|_| ()), Err(Code::WeakKey));
        let mut off_curve = [0; 32];
        off_curve[0] = 2;
        assert_eq!(Key::ed25519(b"k", &off_curve).map(|_| ()), Err(Code::InvalidKey));

        let key = Key::ed25519(b"k", &PUBLIC).unwrap();
        let mut space = [0; COSE_KEY_BYTES];
        let good = key.write_cose(&mut space).to_vec();
        for at in 0..good.len() {
            assert_eq!(Key::from_cose(&good[..at]).map(|_| ()), Err(Code::InvalidKey), "cut at {at}");
        }
        assert_eq!(Key::from_text("licpub1_").map(|_| ()), Err(Code::InvalidKey));
        assert_eq!(Key::from_text(&"licpub1_".repeat(99)).map(|_| ()), Err(Code::InvalidKey));
    }

    #[test]
    fn no_key_bytes_are_shown_by_debug() {
        let shown = std::format!("{:?}", Key::ed25519(b"k", &PUBLIC).unwrap());
        assert!(!shown.contains("215") && !shown.contains("d75a"), "{shown}");
    }
}
