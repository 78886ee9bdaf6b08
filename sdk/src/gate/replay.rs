//! Remembers used proofs against replay. When full it refuses rather than forgets.

use std::sync::{Mutex, PoisonError};

use licentia_core::{Code, Nonce, proof::Replay};

use crate::platform::Table;

/// Nonces, and until when (seconds since 1970) each must be remembered.
#[derive(Debug)]
pub(crate) struct Nonces {
    capacity: usize,
    remembered: Mutex<Remembered>,
}

#[derive(Debug, Default)]
struct Remembered {
    until: Table<Nonce, u64>,
    /// Nothing can be forgotten before this time.
    earliest: u64,
}

impl Nonces {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, remembered: Mutex::default() }
    }
}

impl Replay for Nonces {
    fn remember(&self, nonce: &Nonce, until: u64, now: u64) -> Result<(), Code> {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.until.get(nonce).is_some_and(|until| now < *until) {
            return Err(Code::ProofReplayed);
        }
        if remembered.until.len() >= self.capacity {
            // Scan only if at least one is due.
            if now >= remembered.earliest {
                remembered.until.retain(|_, until| now < *until);
                remembered.earliest = remembered.until.values().copied().min().unwrap_or(0);
            }
            if remembered.until.len() >= self.capacity {
                return Err(Code::ProofCacheFull);
            }
        }
        remembered.earliest =
            if remembered.until.is_empty() { until } else { remembered.earliest.min(until) };
        remembered.until.insert(*nonce, until);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_refuses_when_full_and_recovers() {
        let nonces = Nonces::new(2);
        assert_eq!(nonces.remember(&[1; 16].into(), 100, 50), Ok(()));
        assert_eq!(nonces.remember(&[1; 16].into(), 100, 99), Err(Code::ProofReplayed));
        assert_eq!(nonces.remember(&[2; 16].into(), 120, 50), Ok(()));
        assert_eq!(nonces.remember(&[3; 16].into(), 120, 60), Err(Code::ProofCacheFull));
        assert_eq!(nonces.remember(&[3; 16].into(), 160, 100), Ok(()), "the first is due");
        assert_eq!(nonces.remember(&[2; 16].into(), 160, 100), Err(Code::ProofReplayed));
        assert_eq!(nonces.remember(&[4; 16].into(), 160, 100), Err(Code::ProofCacheFull));
    }
}
