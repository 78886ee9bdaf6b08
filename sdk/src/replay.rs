//! The memory of proofs that were used. It refuses when it is full rather than forget.

use std::sync::{Mutex, PoisonError};

use licentia_core::{Code, Nonce, proof::Replay};

use crate::table::Table;

/// Nonces, and until when (seconds since 1970) each must be remembered.
#[derive(Debug)]
pub(crate) struct Nonces {
    capacity: usize,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    until: Table<Nonce, u64>,
    /// Nothing that is known can be forgotten before this time.
    earliest: u64,
}

impl Nonces {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, known: Mutex::default() }
    }
}

impl Replay for Nonces {
    fn remember(&self, nonce: &Nonce, until: u64, now: u64) -> Result<(), Code> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.until.get(nonce).is_some_and(|until| now < *until) {
            return Err(Code::ProofReplayed);
        }
        if known.until.len() >= self.capacity {
            // Looking through all of them is worth it only when one is due.
            if now >= known.earliest {
                known.until.retain(|_, until| now < *until);
                known.earliest = known.until.values().copied().min().unwrap_or(0);
            }
            if known.until.len() >= self.capacity {
                return Err(Code::ProofCacheFull);
            }
        }
        known.earliest = if known.until.is_empty() { until } else { known.earliest.min(until) };
        known.until.insert(*nonce, until);
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
