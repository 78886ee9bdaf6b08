//! The vendor's side.

use licentia_issuer::{Catalogue, Holder, Issuer, SigningKey};
use wasm_bindgen::{JsError, prelude::wasm_bindgen};

/// An issuer and its key.
#[wasm_bindgen]
pub struct RawIssuer(Issuer);

#[wasm_bindgen]
impl RawIssuer {
    /// The issuer of a name with the key of a 32-byte seed.
    ///
    /// # Errors
    /// For people.
    #[wasm_bindgen(constructor)]
    pub fn new(name: &str, seed: &[u8]) -> Result<Self, JsError> {
        let seed = seed.try_into().map_err(|_| JsError::new("a seed is 32 bytes"))?;
        Ok(Self(Issuer::new(name, SigningKey::from_seed(seed)?)))
    }

    /// The issuer of a name with a key in PKCS#8 PEM; the passphrase is empty where it is not encrypted.
    ///
    /// # Errors
    /// For people.
    #[wasm_bindgen(js_name = fromPem)]
    pub fn from_pem(name: &str, pem: &str, passphrase: &str) -> Result<Self, JsError> {
        let passphrase = Some(passphrase).filter(|passphrase| !passphrase.is_empty());
        Ok(Self(Issuer::new(name, SigningKey::from_pem(pem, passphrase)?)))
    }

    /// The public key in its text form.
    #[wasm_bindgen(js_name = publicKey)]
    pub fn public_key(&self) -> String {
        self.0.key().public().to_string()
    }

    /// Issues a licence of a tier of a catalogue, which is TOML. `version` below 0 is the newest; `holder` is
    /// empty, or the public key that the licence is bound to; `audiences` are joined by U+0000.
    ///
    /// # Errors
    /// For people.
    #[allow(clippy::too_many_arguments, reason = "an object would cross field by field")]
    pub fn issue(
        &self,
        catalogue: &str,
        tier: &str,
        version: f64,
        subject: &str,
        start: f64,
        audiences: &str,
        holder: &[u8],
    ) -> Result<String, JsError> {
        let catalogue: Catalogue = catalogue.parse()?;
        let version = (version >= 0.0).then_some(version as u64);
        let mut draft = catalogue.tier(tier, version)?.draft(subject, start as u64)?;
        draft.audiences = audiences.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        if !holder.is_empty() {
            let key = holder.try_into().map_err(|_| JsError::new("a holder's public key is 32 bytes"))?;
            draft.holder = Some(Holder::Key(key));
        }
        Ok(self.0.issue(&draft)?.text())
    }
}
