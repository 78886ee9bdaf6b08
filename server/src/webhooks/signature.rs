//! Signatures of messages, as Standard Webhooks 1.0.0 defines them: HMAC-SHA256 over `id.timestamp.body`.
//!
//! The secret of a webhook is derived from the server's own and is stored nowhere: a copy of the ledger signs nothing.

use std::fmt;

use data_encoding::BASE64;
use hmac_sha256::HMAC;
use zeroize::Zeroizing;

/// What the secrets of all webhooks are derived from. Every server of one ledger has the same.
pub(crate) struct MasterSecret(Zeroizing<[u8; 32]>);

impl MasterSecret {
    /// Takes the bytes of a secret, which are random.
    pub(crate) fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }

    /// The secret of a webhook after so many rotations.
    pub(super) fn derive(&self, webhook: &[u8; 16], generation: u64) -> Secret {
        let mut mac = HMAC::new(*self.0);
        mac.update(b"licentia webhook\0");
        mac.update(webhook);
        mac.update(generation.to_be_bytes());
        Secret(Zeroizing::new(mac.finalize().to_vec()))
    }
}

impl fmt::Debug for MasterSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterSecret(..)")
    }
}

/// The secret of one webhook, which its receiver has too.
pub(super) struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// As receivers write it: `whsec_` and base64.
    pub(super) fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("whsec_{}", BASE64.encode(&self.0)))
    }

    /// The signature of a message.
    pub(super) fn sign(&self, id: &str, timestamp: u64, body: &str) -> String {
        let mut mac = HMAC::new(&*self.0);
        mac.update(format!("{id}.{timestamp}."));
        mac.update(body);
        format!("v1,{}", BASE64.encode(&mac.finalize()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_signed_as_the_reference_library_does() {
        // The test vector of the specification's own libraries.
        let bytes = BASE64.decode(b"C2FVsBQIhrscChlQIMV+b5sSYspob7oD").unwrap();
        let secret = Secret(Zeroizing::new(bytes));
        let body = r#"{"email":"test@example.com","username":"test_user"}"#;
        assert_eq!(
            secret.sign("msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1_649_367_553, body),
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="
        );
        assert_eq!(*secret.text(), "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
    }

    #[test]
    fn each_webhook_and_each_rotation_has_a_secret_of_its_own() {
        let master = MasterSecret::new(Zeroizing::new([7; 32]));
        let text = |webhook: u8, generation| master.derive(&[webhook; 16], generation).text().to_string();
        assert_eq!(text(1, 0), text(1, 0));
        assert!(text(1, 0) != text(2, 0) && text(1, 0) != text(1, 1));
        let other = MasterSecret::new(Zeroizing::new([8; 32]));
        assert_ne!(*other.derive(&[1; 16], 0).text(), text(1, 0));
        let bytes = BASE64.decode(text(1, 0).strip_prefix("whsec_").unwrap().as_bytes()).unwrap();
        assert!((24..=64).contains(&bytes.len()), "the specification's bounds");
        assert_eq!(format!("{master:?}"), "MasterSecret(..)");
    }
}
