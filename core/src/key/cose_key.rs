//! COSE_Key (RFC 9053, section 7.2) for Ed25519, as issuers and holders write it.
//!
//! `{1: 1 (OKP), ?2: kid, ?3: -19 (Ed25519), -1: 6 (Ed25519), -2: x}`, and nothing else.

use super::kid::Kid;
use crate::{
    cbor::{self, MapKey, Reader, write::Writer},
    code::Code,
    cose::Algorithm,
};

/// Longest COSE_Key that is read or written, in bytes.
pub(crate) const BYTES: usize = 128;

/// `kty` of an octet key pair and `crv` of Ed25519 (RFC 9053, section 7.1).
const OKP: i64 = 1;
const ED25519: i64 = 6;

/// The parts of a COSE_Key that differ from key to key.
pub(crate) struct CoseKey<'a> {
    pub(crate) kid: Option<&'a [u8]>,
    /// Whether it names its algorithm.
    pub(crate) has_algorithm: bool,
    /// The public key.
    pub(crate) x: &'a [u8; 32],
}

impl<'a> CoseKey<'a> {
    /// Reads the map of a COSE_Key.
    pub(crate) fn read(reader: &mut Reader<'a>) -> cbor::Result<Self> {
        let (mut kid, mut has_algorithm, mut key_type, mut curve, mut x) = (None, false, false, false, None);
        let mut map = reader.map()?;
        while let Some(key) = map.next_key(reader)? {
            let mut only = |value: i64| match reader.int()? {
                found if found == value => Ok(true),
                _ => reader.malformed(Code::InvalidValue),
            };
            match key {
                MapKey::Int(1) => key_type = only(OKP)?,
                MapKey::Int(2) => kid = Some(reader.bytes()?),
                MapKey::Int(3) => has_algorithm = only(Algorithm::Ed25519.id())?,
                MapKey::Int(-1) => curve = only(ED25519)?,
                MapKey::Int(-2) => x = Some(reader.array_of::<32>()?),
                // -4 is a private key, which must not travel.
                _ => return reader.malformed(Code::InvalidValue),
            }
        }
        match x {
            Some(x) if key_type && curve => Ok(Self { kid, has_algorithm, x }),
            _ => reader.malformed(Code::MissingField),
        }
    }
}

/// Writes the COSE_Key of an issuer's key, which names its identifier and its algorithm.
pub(crate) fn write<'b>(kid: &Kid, x: &[u8; 32], out: &'b mut [u8; BYTES]) -> &'b [u8] {
    let mut writer = Writer::new(&mut *out);
    writer.map(5).int(1).int(OKP).int(2).bytes(kid.as_bytes()).int(3).int(Algorithm::Ed25519.id());
    writer.int(-1).int(ED25519).int(-2).bytes(x);
    let length = writer.written().len();
    out.get(..length).unwrap_or_default()
}

/// Writes the key with its required parts only, as `cnf` has it and a thumbprint covers it (RFC 9679, section 3).
pub(crate) fn write_required<B: AsMut<[u8]> + AsRef<[u8]>>(writer: &mut Writer<B>, x: &[u8; 32]) {
    writer.map(3).int(1).int(OKP).int(-1).int(ED25519).int(-2).bytes(x);
}
