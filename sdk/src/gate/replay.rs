//! Remembers used proofs against replay. When full it refuses rather than forgets.

use std::sync::{Arc, Mutex, PoisonError};

use std::fmt;

use licentia_core::{Code, Nonce, Timestamp, proof::Replay};

use crate::{
    platform::{Table, fork::Inside},
    store::Store,
};

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
pub(crate) struct Nonces {
    capacity: usize,
    /// Set if they are shared with other processes.
    shared: Option<Arc<dyn Store>>,
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
        Self { capacity, shared: None, remembered: Mutex::default() }
    }

    /// Also remembers them in a store, for all that have the same one.
    pub(crate) fn shared(self, store: Arc<dyn Store>) -> Self {
        Self { shared: Some(store), ..self }
    }

    /// Whether remembering one asks a store that may wait.
    pub(crate) fn may_wait(&self) -> bool {
        self.shared.as_ref().is_some_and(|store| store.may_wait())
    }

    /// Remembers a nonce in the store, in one step.
    fn share(&self, used: &Used, until: Timestamp, now: Timestamp) -> Result<(), Code> {
        let Some(store) = &self.shared else { return Ok(()) };
        let name: String = used.iter().map(|byte| format!("{byte:02x}")).collect();
        match store.remember(&format!("proof:{name}"), until.as_seconds(), now.as_seconds()) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Code::ProofReplayed),
            // A proof that may have been used elsewhere is none.
            Err(_) => Err(Code::StoreUnreachable),
        }
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
        // Nobody waits for the store under the lock.
        drop(remembered);
        self.share(&used, until, now)
    }
}

impl fmt::Debug for Nonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nonces").field("capacity", &self.capacity).finish_non_exhaustive()
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
