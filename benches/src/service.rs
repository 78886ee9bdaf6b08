//! A service as it runs: a keyset, a revocation bundle, and licences of many customers.

use std::collections::BTreeMap;

use licentia::{GateBuilder, Key, Now, revocation::RevocationTerms};
use licentia_issuer::{BundleDraft, KeyPurpose, KeysetDraft, KeysetEntry, SigningKey};

use crate::{AUDIENCE, EXPIRES, ISSUED_AT, NOW, draft, issuer};

/// Licences that are revoked are among so many that were issued.
const OF: u64 = 100;

/// What a service has from its vendor.
pub struct Service {
    root: Key,
    keyset: Vec<u8>,
    bundle: Vec<u8>,
}

impl Service {
    /// One with a bundle that revokes `revoked` licences, which are one in 100: those of an index that is a multiple
    /// of it.
    ///
    /// # Panics
    /// Never: what is signed here is well-formed.
    pub fn new(revoked: u64) -> Self {
        let [root, revocation] = [2, 3].map(|byte| SigningKey::from_seed(&[byte; 32]).expect("a key"));
        let mut keys = KeysetDraft::default();
        keys.add(KeysetEntry::new(&issuer().key().public())).expect("a new key");
        keys.add(KeysetEntry { purpose: KeyPurpose::Revocation, ..KeysetEntry::new(&revocation.public()) })
            .expect("a new key");
        let bundle = BundleDraft {
            issuer: "acme".into(),
            sequence: 1,
            issued_at: (NOW - 60).into(),
            next_update: (EXPIRES - 1).into(),
            expires: EXPIRES.into(),
            salt: [7; 16].into(),
            indices: (0..revoked)
                .map(|index| (index * OF, RevocationTerms::default()))
                .collect::<BTreeMap<_, _>>(),
            ..BundleDraft::default()
        };
        Self {
            root: root.public(),
            keyset: keys.sign(&root, ISSUED_AT, EXPIRES).expect("a keyset"),
            bundle: bundle.sign(&revocation).expect("a bundle"),
        }
    }

    /// A gate with all of it, and with prepared keys.
    pub fn gate(&self) -> GateBuilder {
        let gate = GateBuilder::new().keyset(self.root.clone(), &*self.keyset).revocation(&*self.bundle);
        gate.issuer("acme").audience(AUDIENCE).prepare_keys(700_000)
    }

    /// The licence of a customer, which is not revoked.
    ///
    /// # Panics
    /// Never: the draft is well-formed.
    pub fn token(customer: u64) -> String {
        let mut draft = draft();
        draft.id = Some((u128::from(customer) << 64 | 7).to_be_bytes().into());
        draft.index = Some(customer * OF + 1);
        issuer().issue(&draft).expect("a licence").text()
    }
}

/// The time of the `count`th request, 100 nanoseconds after the one before.
pub fn later(count: u64) -> Now {
    Now { time: NOW.into(), monotonic_nanos: count * 100 }
}
