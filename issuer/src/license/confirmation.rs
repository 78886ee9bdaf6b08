//! The key that a licence is bound to.

use ciborium::Value as Cbor;
use licentia_core::{Confirmation as Signed, PublicKey, proof::thumbprint};

use crate::{
    canonical::{bytes, labelled},
    error::{Error, Result},
};

/// The holder's public key that a licence is bound to (`cnf`, RFC 8747).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Confirmation {
    /// An Ed25519 public key, in full.
    Key([u8; 32]),
    /// Its COSE_Key thumbprint (RFC 9679), which is shorter.
    Thumbprint([u8; 32]),
}

impl Confirmation {
    /// The thumbprint of an Ed25519 public key.
    pub fn thumbprint_of(public: &[u8; 32]) -> Self {
        Self::Thumbprint(thumbprint(public))
    }

    /// The key that a signed licence is bound to.
    pub(super) fn of(signed: Signed<'_>) -> Self {
        match signed {
            Signed::Key(key) => Self::Key(*key),
            Signed::Thumbprint(print) => Self::Thumbprint(*print),
            // A newer kind would not have been read.
            _ => Self::Thumbprint([0; 32]),
        }
    }

    /// Refuses a weak key.
    pub(super) fn check(&self) -> Result<()> {
        match self {
            Self::Key(key) => PublicKey::from_bytes(key).map(drop).map_err(Error::Refused),
            Self::Thumbprint(_) => Ok(()),
        }
    }

    pub(super) fn to_cbor(self) -> Cbor {
        match self {
            Self::Key(key) => {
                let key = [(1, Some(Cbor::from(1))), (-1, Some(Cbor::from(6))), (-2, Some(bytes(&key)))];
                labelled([(1, Some(labelled(key)))])
            }
            Self::Thumbprint(print) => labelled([(5, Some(bytes(&print)))]),
        }
    }
}
