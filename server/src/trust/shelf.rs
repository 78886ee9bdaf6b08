//! What is published, as gateways fetch it.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use licentia_core::revocation::Bundle;
use licentia_issuer::{Result, SigningKey, sign_delta};

/// How many bundles of an issuer are kept, for deltas.
pub(super) const HISTORY: usize = 64;

/// Something that is published, and its entity tag.
#[derive(Clone, Debug)]
pub(crate) struct Sheet {
    pub(crate) bytes: Bytes,
    pub(crate) tag: String,
}

impl Sheet {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        let digest = hmac_sha256::Hash::hash(&bytes);
        let tag = format!("\"{}\"", data_encoding::HEXLOWER.encode(digest.get(..16).unwrap_or_default()));
        Self { bytes: bytes.into(), tag }
    }
}

/// What is published.
#[derive(Default)]
pub(crate) struct Shelf {
    keyset: Mutex<Option<Sheet>>,
    bundles: Mutex<BTreeMap<String, BTreeMap<u64, Sheet>>>,
    /// The deltas that lead to the newest bundle of an issuer, by the number that they lead from.
    deltas: Mutex<BTreeMap<(String, u64), Sheet>>,
}

impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shelf")
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shelf {
    pub(crate) fn put_keyset(&self, keyset: Vec<u8>) {
        *locked(&self.keyset) = Some(Sheet::new(keyset));
    }

    pub(crate) fn keyset(&self) -> Option<Sheet> {
        locked(&self.keyset).clone()
    }

    /// The number of the newest bundle.
    pub(super) fn newest(&self, issuer: &str) -> Option<u64> {
        locked(&self.bundles).get(issuer)?.last_key_value().map(|(sequence, _)| *sequence)
    }

    /// The newest bundle.
    pub(crate) fn bundle(&self, issuer: &str) -> Option<Sheet> {
        locked(&self.bundles).get(issuer)?.last_key_value().map(|(_, sheet)| sheet.clone())
    }

    /// Adds a bundle, and forgets the oldest.
    pub(super) fn put(&self, issuer: &str, sequence: u64, bundle: Vec<u8>) {
        let sheet = Sheet::new(bundle);
        let mut bundles = locked(&self.bundles);
        let of_issuer = bundles.entry(issuer.to_owned()).or_default();
        of_issuer.insert(sequence, sheet);
        while of_issuer.len() > HISTORY {
            of_issuer.pop_first();
        }
        locked(&self.deltas).retain(|(name, _), _| name != issuer);
    }

    /// The delta that leads from a bundle to the newest one; none if the first is not kept, or no delta leads on from it.
    pub(super) fn delta(&self, issuer: &str, from: u64, key: &SigningKey) -> Result<Option<Sheet>> {
        let place = (issuer.to_owned(), from);
        if let Some(known) = locked(&self.deltas).get(&place) {
            return Ok(Some(known.clone()));
        }
        let (base, newest) = {
            let bundles = locked(&self.bundles);
            let Some(of_issuer) = bundles.get(issuer) else { return Ok(None) };
            let newest = of_issuer.last_key_value().map(|(_, sheet)| sheet.clone());
            let (Some(base), Some(newest)) = (of_issuer.get(&from).cloned(), newest) else { return Ok(None) };
            (base, newest)
        };
        let read =
            |sheet: &Arc<Sheet>| Bundle::inspect(&sheet.bytes).ok().map(|(bundle, _)| bundle.sequence());
        let (base, newest) = (Arc::new(base), Arc::new(newest));
        if read(&base) >= read(&newest) {
            return Ok(None);
        }
        let (Ok((first, _)), Ok((last, _))) = (Bundle::inspect(&base.bytes), Bundle::inspect(&newest.bytes))
        else {
            return Ok(None);
        };
        if first.salt() != last.salt() || first.stream() != last.stream() {
            return Ok(None);
        }
        let sheet = Sheet::new(sign_delta(&first, &last, key)?);
        // A newer bundle may have come meanwhile: its deltas are others.
        if self.newest(issuer) == Some(last.sequence()) {
            locked(&self.deltas).insert(place, sheet.clone());
        }
        Ok(Some(sheet))
    }
}
