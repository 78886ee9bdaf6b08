//! Ed25519 (RFC 8032) with one acceptance rule on every platform: the strict one.
//!
//! The accepted set is exactly that of `ed25519_dalek::VerifyingKey::verify_strict`:
//! `S` below the group order, no public key and no `R` of small order, and
//! the cofactorless equation `R = [S]B - [k]A`. Comparing encodings makes a
//! non-canonical `R` fail by itself, so `R` need not be decompressed. Tests
//! hold this equality over public suites and random and mutated signatures.

use core::fmt;

use curve25519_dalek::{edwards::CompressedEdwardsY, edwards::EdwardsPoint, scalar::Scalar};

use super::straus;
#[cfg(feature = "prepared")]
use super::tables::{Table, Tables};
use crate::code::Code;

/// Length of a public key, in bytes.
const PUBLIC_KEY_BYTES: usize = 32;
/// Length of a signature, in bytes.
const SIGNATURE_BYTES: usize = 64;

/// A public key that was checked and is ready to verify with.
#[derive(Clone)]
pub struct PublicKey {
    encoded: [u8; PUBLIC_KEY_BYTES],
    negated: EdwardsPoint,
    #[cfg(feature = "prepared")]
    tables: Option<Tables>,
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.encoded == other.encoded
    }
}

impl Eq for PublicKey {}

impl PublicKey {
    /// Decodes a public key. As in dalek, a `y` that is not reduced is taken too, beyond RFC 8032, section
    /// 5.1.3: signatures cover the key's bytes as they are, so that nothing else can be forged with it.
    ///
    /// # Errors
    /// [`Code::InvalidKey`] if the bytes are no point of the curve,
    /// [`Code::WeakKey`] if the point is of small order.
    pub fn from_bytes(encoded: &[u8; PUBLIC_KEY_BYTES]) -> Result<Self, Code> {
        let point = CompressedEdwardsY(*encoded).decompress().ok_or(Code::InvalidKey)?;
        if point.is_small_order() {
            return Err(Code::WeakKey);
        }
        #[allow(clippy::arithmetic_side_effects, reason = "a point's negation cannot overflow")]
        let negated = -point;
        Ok(Self {
            encoded: *encoded,
            negated,
            #[cfg(feature = "prepared")]
            tables: None,
        })
    }

    /// The key with its own tables, whose digits are as wide as those of the base point's.
    #[cfg(feature = "prepared")]
    pub(crate) fn with_tables(self, base: &alloc::sync::Arc<Table>) -> Self {
        Self { tables: Some(Tables::new(base, self.negated)), ..self }
    }

    /// `[s]B - [k]A`.
    fn sum(&self, s: &Scalar, k: &Scalar) -> EdwardsPoint {
        #[cfg(feature = "prepared")]
        if let Some(tables) = &self.tables {
            return tables.sum(s, k);
        }
        if cfg!(target_os = "none") {
            straus::double_scalar_mul_basepoint(k, &self.negated, s)
        } else {
            EdwardsPoint::vartime_double_scalar_mul_basepoint(k, &self.negated, s)
        }
    }

    /// The key as it was given.
    pub fn as_bytes(&self) -> &[u8; PUBLIC_KEY_BYTES] {
        &self.encoded
    }

    /// Whether `signature` is this key's signature of the concatenated `message` parts.
    pub fn verify(&self, message: &[&[u8]], signature: &[u8; SIGNATURE_BYTES]) -> bool {
        let (Some(r), Some(s)) = (signature.first_chunk::<32>(), signature.last_chunk::<32>()) else {
            return false;
        };
        let Some(s) = Option::<Scalar>::from(Scalar::from_canonical_bytes(*s)) else {
            return false;
        };
        let mut hash = hmac_sha512::Hash::new();
        hash.update(r);
        hash.update(self.encoded);
        for part in message {
            hash.update(part);
        }
        let k = Scalar::from_bytes_mod_order_wide(&hash.finalize());
        let expected = self.sum(&s, &k);
        expected.compress().as_bytes() == r && !expected.is_small_order()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublicKey(..)") // key bytes never reach a log
    }
}
