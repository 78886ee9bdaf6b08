//! The vendor's side.

use licentia_core::{Code, limits};
use licentia_issuer::{Catalogue, Confirmation, Error, Issuer, SigningKey};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

/// A code as it is thrown, with a message of its own: number, name and message.
fn say(code: Code, message: &str) -> JsValue {
    [&*code.number().to_string(), code.name(), message].join("\0").into()
}

/// An issuer and its key.
#[wasm_bindgen]
pub struct RawIssuer(Issuer);

fn thrown(error: &Error) -> JsValue {
    say(error.code(), &error.to_string())
}

fn wrong(message: &str) -> JsValue {
    say(Code::InvalidArgument, message)
}

/// A whole number that a licence can hold.
fn whole(number: f64, most: u64, message: &str) -> Result<u64, JsValue> {
    let fits = number.fract() == 0.0 && (0.0..=most as f64).contains(&number);
    fits.then_some(number as u64).ok_or_else(|| wrong(message))
}

fn digest<const N: usize>(bytes: Option<Vec<u8>>, message: &str) -> Result<Option<[u8; N]>, JsValue> {
    bytes.map(|bytes| bytes.try_into().map_err(|_| wrong(message))).transpose()
}

/// A new private key in PKCS#8 PEM, encrypted where there is a passphrase.
///
/// # Errors
/// [`Code::StoreUnreachable`] where the host gives no random bytes.
#[wasm_bindgen(js_name = generateKey)]
#[allow(clippy::needless_pass_by_value, reason = "an optional text crosses by value")]
pub fn generate_key(passphrase: Option<String>) -> Result<String, JsValue> {
    let key = SigningKey::generate().and_then(|key| Ok(key.to_pem(passphrase.as_deref())?.to_string()));
    key.map_err(|error| thrown(&error))
}

#[wasm_bindgen]
impl RawIssuer {
    /// The issuer of a name with the key of a 32-byte seed.
    ///
    /// # Errors
    /// What is wrong with it.
    #[wasm_bindgen(constructor)]
    pub fn new(name: &str, seed: &[u8]) -> Result<Self, JsValue> {
        let seed = seed.try_into().map_err(|_| wrong("a seed is 32 bytes"))?;
        Ok(Self(Issuer::new(name, SigningKey::from_seed(seed).map_err(|error| thrown(&error))?)))
    }

    /// The issuer of a name with a key in PKCS#8 PEM.
    ///
    /// # Errors
    /// What is wrong with it.
    #[wasm_bindgen(js_name = fromPem)]
    #[allow(clippy::needless_pass_by_value, reason = "an optional text crosses by value")]
    pub fn from_pem(name: &str, pem: &str, passphrase: Option<String>) -> Result<Self, JsValue> {
        let key = SigningKey::from_pem(pem, passphrase.as_deref()).map_err(|error| thrown(&error))?;
        Ok(Self(Issuer::new(name, key)))
    }

    /// The public key in its text form.
    #[wasm_bindgen(js_name = publicKey)]
    pub fn public_key(&self) -> String {
        self.0.key().public().to_string()
    }

    /// Issues a licence of a tier of a catalogue, which is TOML: of the newest version where none is named, for all
    /// services where there are no audiences.
    ///
    /// # Errors
    /// What is wrong with it.
    #[allow(clippy::too_many_arguments, reason = "an object would cross field by field")]
    pub fn issue(
        &self,
        catalogue: &str,
        tier: &str,
        version: Option<f64>,
        subject: &str,
        start: f64,
        audiences: Vec<String>,
        holder: Option<Vec<u8>>,
        lineage: Option<Vec<u8>>,
        index: Option<f64>,
    ) -> Result<String, JsValue> {
        let number = |number| {
            whole(number, limits::INTEGER, "a version or index is a whole number from 0 to 2^53 - 1")
        };
        let version = version.map(number).transpose()?;
        let start =
            whole(start, limits::TIME, "a time is in whole seconds since 1970, and not in milliseconds")?;
        let issued = || {
            let mut draft = catalogue.parse::<Catalogue>()?.tier(tier, version)?.draft(subject, start)?;
            draft.audiences = audiences;
            Ok(draft)
        };
        let mut draft = issued().map_err(|error| thrown(&error))?;
        draft.holder = digest(holder, "a holder's public key is 32 bytes")?.map(Confirmation::Key);
        draft.lineage = digest::<16>(lineage, "a lineage is 16 bytes")?.map(Into::into);
        draft.index = index.map(number).transpose()?;
        Ok(self.0.issue(&draft).map_err(|error| thrown(&error))?.text())
    }
}
