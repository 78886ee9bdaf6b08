//! Remembers used proofs against replay. When full it refuses rather than forgets.

use std::sync::{Mutex, PoisonError};

use licentia_core::{Code, Nonce, Timestamp, proof::Replay};

use crate::platform::{Table, fork::Inside};

/// The public key of a holder, and a nonce: nobody can use up another holder's. As bytes, for the table of WebAssembly.
type Used = [u8; 48];

fn used(holder: &[u8; 32], nonce: &Nonce) -> Used {
    let mut used = [0; 48];
    let (of_holder, of_nonce) = used.split_at_mut(holder.len());
    of_holder.copy_from_slice(holder);
    of_nonce.copy_from_slice(nonce.as_bytes());
    used
}

/// Nonces, and until when each must be remembered.
#[derive(Debug)]
pub(crate) struct Nonces {
    capacity: usize,
    remembered: Mutex<Remembered>,
}

#[derive(Debug, Default)]
struct Remembered {
    until: Table<Used, Timestamp>,
    /// Nothing can be forgotten before this time.
    earliest: Timestamp,
}

impl Nonces {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, remembered: Mutex::default() }
    }
}

impl Replay for Nonces {
    fn remember(
        &self,
        holder: &[u8; 32],
        nonce: &Nonce,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<(), Code> {
        let _inside = Inside::enter();
        let used = used(holder, nonce);
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.until.get(&used).is_some_and(|until| now < *until) {
            return Err(Code::ProofReplayed);
        }
        if remembered.until.len() >= self.capacity {
            // Scan only if at least one is due.
            if now >= remembered.earliest {
                remembered.until.retain(|_, until| now < *until);
                remembered.earliest = remembered.until.values().copied().min().unwrap_or_default();
            }
            if remembered.until.len() >= self.capacity {
                return Err(Code::ProofCacheFull);
            }
        }
        remembered.earliest =
            if remembered.until.is_empty() { until } else { remembered.earliest.min(until) };
        remembered.until.insert(used, until);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOLDER: [u8; 32] = [7; 32];

    #[test]
    fn a_nonce_is_one_holders() {
        let nonces = Nonces::new(2);
        assert_eq!(
            nonces.remember(&[8; 32], &[1; 16].into(), 100.into(), 50.into()),
            Ok(()),
            "used up by somebody else"
        );
        assert_eq!(nonces.remember(&HOLDER, &[1; 16].into(), 100.into(), 50.into()), Ok(()));
        assert_eq!(
            nonces.remember(&HOLDER, &[1; 16].into(), 100.into(), 50.into()),
            Err(Code::ProofReplayed)
        );
    }

    #[test]
    fn remembers_refuses_when_full_and_recovers() {
        let nonces = Nonces::new(2);
        assert_eq!(nonces.remember(&HOLDER, &[1; 16].into(), 100.into(), 50.into()), Ok(()));
        assert_eq!(
            nonces.remember(&HOLDER, &[1; 16].into(), 100.into(), 99.into()),
            Err(Code::ProofReplayed)
        );
        assert_eq!(nonces.remember(&HOLDER, &[2; 16].into(), 120.into(), 50.into()), Ok(()));
        assert_eq!(
            nonces.remember(&HOLDER, &[3; 16].into(), 120.into(), 60.into()),
            Err(Code::ProofCacheFull)
        );
        assert_eq!(
            nonces.remember(&HOLDER, &[3; 16].into(), 160.into(), 100.into()),
            Ok(()),
            "the first is due"
        );
        assert_eq!(
            nonces.remember(&HOLDER, &[2; 16].into(), 160.into(), 100.into()),
            Err(Code::ProofReplayed)
        );
        assert_eq!(
            nonces.remember(&HOLDER, &[4; 16].into(), 160.into(), 100.into()),
            Err(Code::ProofCacheFull)
        );
    }
}
