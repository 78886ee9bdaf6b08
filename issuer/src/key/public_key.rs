//! Public keys, in the forms that people have them.

use ed25519_dalek::{VerifyingKey, pkcs8::DecodePublicKey};
use licentia_core::{Code, Key};

use super::signing_key::kid_of;

/// Reads a public key: its text form (`licpub1_...`), or `SubjectPublicKeyInfo` in PEM (`BEGIN PUBLIC KEY`, RFC 8410),
/// as OpenSSL writes it. White space around it is ignored.
///
/// # Errors
/// [`Code::InvalidKey`] for a PEM that has no Ed25519 key, or the code of the text form.
pub fn read_public_key(text: &str) -> Result<Key, Code> {
    let text = text.trim();
    if !text.contains("-----BEGIN") {
        return Key::from_text(text);
    }
    let key = VerifyingKey::from_public_key_pem(text).map_err(|_| Code::InvalidKey)?;
    Key::ed25519(&kid_of(key.as_bytes()), key.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SigningKey;

    /// The key of RFC 8410, section 10.1.
    const PEM: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

    #[test]
    fn both_forms_are_read_and_others_are_named() {
        let read = |text: &str| read_public_key(text).map(|key| key.to_string());
        let key = read(PEM).unwrap();
        assert_eq!(read(&PEM.replace('\n', "\r\n")).unwrap(), key);
        assert_eq!(read(&format!("  {key}\r\n")).unwrap(), key, "the same identifier, too");
        assert_eq!(read(&PEM.replace("MCow", "MCox")), Err(Code::InvalidKey));
        assert_eq!(read("-----BEGIN PUBLIC KEY-----"), Err(Code::InvalidKey));
        let own = SigningKey::from_seed(&[7; 32]).unwrap();
        assert_eq!(read(&own.public().to_string()).unwrap(), own.public().to_string());
        assert!(read("nonsense").is_err());
    }
}
