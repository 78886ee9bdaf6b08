//! Nonces that a service hands out, so that a proof's age is told by the service's clock alone (RFC 9449, sections 8
//! and 9).
//!
//! A nonce is `time u64 big-endian || first 16 bytes of HMAC-SHA256(secret, label || time)`. The service keeps nothing
//! of it: whoever has the secret can tell when it was handed out.

use hmac_sha256::HMAC;

use crate::time::timestamp::Timestamp;

/// Length of a nonce, in bytes.
pub const NONCE_BYTES: usize = 24;
/// Separates this use of the secret from any other.
const LABEL: &[u8] = b"licentia proof nonce 1";

/// How a service hands out nonces, and whether it demands them.
#[derive(Clone, Copy)]
#[must_use]
pub struct ServiceNonces<'a> {
    secret: &'a [u8; 32],
    pub(crate) is_required: bool,
}

impl<'a> ServiceNonces<'a> {
    /// With a secret of 32 random bytes, which all processes share that take each other's nonces. A proof without a
    /// nonce is judged by its own time.
    pub const fn new(secret: &'a [u8; 32]) -> Self {
        Self { secret, is_required: false }
    }

    /// Refuses proofs without a nonce.
    pub const fn required(self) -> Self {
        Self { is_required: true, ..self }
    }

    /// A nonce that is handed out at `now`.
    pub fn issue(self, now: impl Into<Timestamp>) -> [u8; NONCE_BYTES] {
        let time = now.into().as_seconds().to_be_bytes();
        let mut nonce = [0; NONCE_BYTES];
        let bytes = time.into_iter().chain(self.tag(time));
        nonce.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        nonce
    }

    /// When a nonce was handed out; `None` if it was not handed out under this secret.
    pub(crate) fn time_of(self, nonce: &[u8]) -> Option<Timestamp> {
        let (time, tag) = nonce.split_first_chunk::<8>()?;
        let tag: &[u8; 16] = tag.try_into().ok()?;
        // All bytes are compared, wherever they differ.
        let differs = self.tag(*time).zip(tag).fold(0, |differs, (ours, theirs)| differs | (ours ^ theirs));
        (differs == 0).then(|| Timestamp::from_seconds(u64::from_be_bytes(*time)))
    }

    fn tag(self, time: [u8; 8]) -> impl Iterator<Item = u8> {
        let mut mac = HMAC::new(self.secret);
        mac.update(LABEL);
        mac.update(time);
        mac.finalize().into_iter().take(16)
    }
}

/// The secret is not shown.
impl core::fmt::Debug for ServiceNonces<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ServiceNonces").field("is_required", &self.is_required).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_tells_when_it_was_handed_out_and_by_whom() {
        let nonces = ServiceNonces::new(&[7; 32]);
        let nonce = nonces.issue(1_800_000_000);
        assert_eq!(nonces.required().time_of(&nonce), Some(Timestamp::from_seconds(1_800_000_000)));
        assert_eq!(ServiceNonces::new(&[8; 32]).time_of(&nonce), None, "another secret");
        for at in 0..NONCE_BYTES {
            let mut changed = nonce;
            changed[at] ^= 1;
            assert_eq!(nonces.time_of(&changed), None, "byte {at}");
            assert_eq!(nonces.time_of(&nonce[..at]), None, "cut");
        }
        assert_eq!(nonces.time_of(&[&nonce[..], &[0]].concat()), None, "longer");
    }
}
