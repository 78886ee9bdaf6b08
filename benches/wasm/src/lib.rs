//! Verifies a licence in WebAssembly, with tables for the issuer's key and without.

use licentia_core::{Buffer, Expect, Key, Preparation, verify_text};
use wasm_bindgen::prelude::wasm_bindgen;

/// An issuer's key.
#[wasm_bindgen]
pub struct Issuer(Key);

#[wasm_bindgen]
impl Issuer {
    /// The key of a text, with tables of up to so many bytes; with 0, none.
    pub fn of(text: &str, bytes: usize) -> Option<Issuer> {
        let key = Key::from_text(text).ok()?;
        Some(Self(if bytes == 0 { key } else { Preparation::within(bytes)?.key(&key) }))
    }

    /// Verifies a token so many times, at a time in seconds since 1970, and says how often it was good.
    pub fn verify(&self, token: &str, now: f64, count: u32) -> u32 {
        let (keys, expect) = (std::slice::from_ref(&self.0), Expect::new().audience("api.acme.example"));
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time")]
        let now = now as u64;
        let good = |_: &u32| verify_text(token, &mut Buffer::new(), keys, &expect, now).is_ok();
        u32::try_from((0..count).filter(good).count()).unwrap_or(0)
    }
}
