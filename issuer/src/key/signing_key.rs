//! Private keys, in memory and on disk.
//!
//! On disk a key is PKCS#8 PEM (RFC 5958, RFC 8410) in a file that only its
//! owner can read. If there is a passphrase, it is encrypted (PBES2 with
//! scrypt and AES-256, RFC 8018, RFC 7914). In memory it is zeroised when
//! dropped.

use std::{fmt, path::Path};

use ed25519_dalek::{
    Signer,
    pkcs8::{DecodePrivateKey, EncodePrivateKey, KeypairBytes, spki::der::pem::LineEnding},
};
use licentia_core::{Key, Kid, proof::thumbprint};
use zeroize::Zeroizing;

use crate::{
    error::{Error, KeyError, Result},
    file::{Access, Created, create, read_text},
};

const ENCRYPTED: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";

/// An issuer's private key.
pub struct SigningKey {
    secret: ed25519_dalek::SigningKey,
    public: Key,
}

impl SigningKey {
    /// Generates a key from the operating system's randomness.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn generate() -> Result<Self> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(seed.as_mut()).map_err(|_| Error::Random)?;
        Self::from_seed(&seed)
    }

    /// The key of a 32-byte seed (RFC 8032, section 5.1.5). The seed is the secret.
    ///
    /// # Errors
    /// [`KeyError::Weak`], which no known seed leads to.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self> {
        Self::new(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    fn new(secret: ed25519_dalek::SigningKey) -> Result<Self> {
        let public = secret.verifying_key().to_bytes();
        let public = Key::ed25519(&kid_of(&public), &public).map_err(|_| KeyError::Weak)?;
        Ok(Self { secret, public })
    }

    /// The key under a longer identifier: the first `bytes` of its thumbprint, 4 to 32. For a keyset in which another key
    /// has the same first 4.
    ///
    /// # Errors
    /// [`Error::Value`] for another length.
    pub fn with_kid_length(self, bytes: usize) -> Result<Self> {
        let public = self.public.public().as_bytes();
        let print = thumbprint(public);
        let kid = Some(bytes).filter(|bytes| *bytes >= 4).and_then(|bytes| print.get(..bytes));
        let kid =
            kid.ok_or_else(|| Error::value("kid", &bytes.to_string(), "an identifier has 4 to 32 bytes"))?;
        let public = Key::ed25519(kid, public).map_err(|_| KeyError::Weak)?;
        Ok(Self { secret: self.secret.clone(), public })
    }

    /// The public key, for verifiers.
    pub fn public(&self) -> Key {
        self.public.clone()
    }

    /// The key's identifier.
    pub fn kid(&self) -> &Kid {
        self.public.kid()
    }

    /// Signs a message with Ed25519.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.secret.sign(message).to_bytes()
    }

    /// Encodes the key as PKCS#8 PEM, encrypted if there is a passphrase.
    ///
    /// # Errors
    /// [`KeyError::Unencodable`].
    pub fn to_pem(&self, passphrase: Option<&str>) -> Result<Zeroizing<String>> {
        // Version 1, without the public key: OpenSSL and others reject version 2.
        let key = KeypairBytes { secret_key: self.secret.to_bytes(), public_key: None };
        match passphrase {
            Some(passphrase) => key.to_pkcs8_encrypted_pem(passphrase, LineEnding::LF),
            None => key.to_pkcs8_pem(LineEnding::LF),
        }
        .map_err(|_| KeyError::Unencodable.into())
    }

    /// Decodes PKCS#8 PEM.
    ///
    /// # Errors
    /// [`Error::Key`], which says whether a passphrase is missing, wrong or not needed.
    pub fn from_pem(pem: &str, passphrase: Option<&str>) -> Result<Self> {
        let secret = match (pem.contains(ENCRYPTED), passphrase) {
            (true, None) => return Err(KeyError::PassphraseMissing.into()),
            (true, Some(passphrase)) => ed25519_dalek::SigningKey::from_pkcs8_encrypted_pem(pem, passphrase)
                .map_err(|_| KeyError::PassphraseWrong)?,
            (false, Some(_)) => return Err(KeyError::PassphraseUnneeded.into()),
            (false, None) => {
                ed25519_dalek::SigningKey::from_pkcs8_pem(pem).map_err(|_| KeyError::Malformed)?
            }
        };
        Self::new(secret)
    }

    /// Writes the key to a new file that only its owner can read. Never overwrites.
    ///
    /// # Errors
    /// [`Error::File`], also if the file exists.
    pub fn save(&self, path: &Path, passphrase: Option<&str>) -> Result<()> {
        let pem = self.to_pem(passphrase)?;
        create(path, pem.as_bytes(), Access::Owner).map(Created::keep)
    }

    /// Loads a key from a file.
    ///
    /// # Errors
    /// [`Error::File`], or [`Error::Content`] with what is wrong with the key.
    pub fn load(path: &Path, passphrase: Option<&str>) -> Result<Self> {
        let pem = read_text(path)?;
        Self::from_pem(&pem, passphrase).map_err(Error::content(path))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(kid {})", self.kid())
    }
}

/// The identifier of a public key: the first four bytes of its COSE_Key thumbprint (RFC 9679, section 3).
///
/// Four bytes are enough: the identifier only speeds up the look-up, and keys that share one are tried in turn.
pub(super) fn kid_of(public: &[u8; 32]) -> [u8; 4] {
    let [a, b, c, d, ..] = thumbprint(public);
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn pem_round_trips_with_and_without_a_passphrase() {
        let key = SigningKey::generate().unwrap();
        let plain = key.to_pem(None).unwrap();
        assert!(plain.starts_with("-----BEGIN PRIVATE KEY-----\n"));
        assert_eq!(SigningKey::from_pem(&plain, None).unwrap().kid(), key.kid());
        assert!(SigningKey::from_pem(&plain, Some("x")).unwrap_err().to_string().contains("not encrypted"));

        let sealed = key.to_pem(Some("correct horse")).unwrap();
        assert!(sealed.starts_with(ENCRYPTED));
        assert_eq!(SigningKey::from_pem(&sealed, Some("correct horse")).unwrap().kid(), key.kid());
        assert!(SigningKey::from_pem(&sealed, None).unwrap_err().to_string().contains("passphrase"));
        assert!(SigningKey::from_pem(&sealed, Some("wrong")).unwrap_err().to_string().contains("wrong"));
        assert!(SigningKey::from_pem("nonsense", None).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn files_are_private_and_never_overwritten() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("acme.pem");
        let key = SigningKey::generate().unwrap();
        key.save(&path, None).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(key.save(&path, None).is_err());
        assert_eq!(SigningKey::load(&path, None).unwrap().kid(), key.kid());
    }

    #[test]
    fn nothing_secret_is_shown() {
        let key = SigningKey::from_seed(&[7; 32]).unwrap();
        assert_eq!(format!("{key:?}"), format!("SigningKey(kid {})", key.kid()));
    }
}
