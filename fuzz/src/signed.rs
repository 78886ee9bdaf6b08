//! Signed objects around any payload, so that mutations get past the signature.

use ed25519_dalek::{Signer as _, SigningKey};
use licentia_core::{Key, inner::Typ, proof::thumbprint};

/// The key that signs licences and bundles.
pub const KEY: Signer = Signer { seed: [1; 32] };
/// The root key.
pub const ROOT: Signer = Signer { seed: [9; 32] };

/// A key from a fixed seed, which is good for tests and nothing else.
#[derive(Clone, Copy, Debug)]
pub struct Signer {
    /// The seed.
    pub seed: [u8; 32],
}

impl Signer {
    /// The public key, whose identifier is the start of its thumbprint.
    pub fn public(&self) -> Key {
        let public = self.secret().verifying_key().to_bytes();
        Key::ed25519(&thumbprint(&public)[..4], &public).expect("the key is good")
    }

    /// The public key's bytes.
    pub fn public_bytes(&self) -> [u8; 32] {
        self.secret().verifying_key().to_bytes()
    }

    fn secret(&self) -> SigningKey {
        SigningKey::from_bytes(&self.seed)
    }

    /// Signs a message.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.secret().sign(message).to_bytes()
    }

    /// A COSE_Sign1 of a type, with the identifier that a verifier of the type looks for.
    pub fn seal(&self, typ: Typ, payload: &[u8]) -> Vec<u8> {
        let public = self.public_bytes();
        let print = thumbprint(&public);
        // An instance is named by its whole thumbprint.
        let kid = if typ == Typ::Receipt { &print[..] } else { &print[..4] };
        let typ = typ.media_type();
        let header = [
            &[0xa3, 0x01, 0x32, 0x04][..],
            &head(2, kid.len()),
            kid,
            &[0x10],
            &head(3, typ.len()),
            typ.as_bytes(),
        ]
        .concat();
        let header = [&head(2, header.len())[..], &header].concat();
        let payload = [&head(2, payload.len())[..], payload].concat();
        let message = [b"\x84\x6aSignature1", &header[..], b"\x40", &payload].concat();
        let signature = self.sign(&message);
        [b"\xd2\x84", &header[..], b"\xa0", &payload, b"\x58\x40", &signature].concat()
    }
}

/// The shortest head of a major type with an argument (RFC 8949, section 3).
pub fn head(major: u8, argument: usize) -> Vec<u8> {
    let argument = argument as u64;
    let bytes = argument.to_be_bytes();
    let (info, length) = match argument {
        0..=23 => return vec![major << 5 | bytes[7]],
        24..=0xff => (24, 1),
        0x100..=0xffff => (25, 2),
        0x1_0000..=0xffff_ffff => (26, 4),
        _ => (27, 8),
    };
    [&[major << 5 | info], &bytes[8 - length..]].concat()
}
