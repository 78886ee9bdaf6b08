//! Why a keyset, a revocation bundle or a holder's key was not loaded.

use std::{error, fmt};

use licentia_core::{Code, Timestamp};

use crate::store::Unreachable;

/// What a gate loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Loadable {
    /// A keyset.
    Keyset,
    /// A revocation bundle, or a delta.
    Bundle,
}

impl fmt::Display for Loadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Keyset => "keyset",
            Self::Bundle => "revocation bundle",
        })
    }
}

/// Why a keyset or a revocation bundle was not loaded. The one in use stays.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoadError {
    /// The gate was built without a keyset, so it has no root key to check one with.
    NoRoot,
    /// It is malformed, or the key that signed it may not.
    Refused {
        /// What was given.
        what: Loadable,
        /// Why.
        code: Code,
    },
    /// A newer one is in use, or was loaded before by a gate on the same store.
    Older {
        /// What was given.
        what: Loadable,
        /// [`Code::KeysetRollback`], [`Code::BundleRollback`], or [`Code::BundleWrongBase`] for a delta.
        code: Code,
        /// Its sequence number.
        given: u64,
        /// The newest one's.
        newest: u64,
    },
    /// Another one of the same sequence number is in use, or was loaded before by a gate on the same store.
    Different {
        /// What was given.
        what: Loadable,
        /// [`Code::KeysetEquivocation`] or [`Code::BundleEquivocation`].
        code: Code,
        /// The sequence number.
        sequence: u64,
    },
    /// The keyset has expired, and the one in use has not.
    Expired {
        /// When.
        expires: Timestamp,
    },
    /// The store cannot be asked for the newest one, or cannot save it.
    Store {
        /// What was given.
        what: Loadable,
        /// Why.
        error: Unreachable,
    },
}

impl LoadError {
    /// Its code: [`Code::InvalidArgument`] without a root key, [`Code::KeysetExpired`], [`Code::StoreUnreachable`], or
    /// why it was refused.
    pub fn code(&self) -> Code {
        match self {
            Self::NoRoot => Code::InvalidArgument,
            Self::Refused { code, .. } | Self::Older { code, .. } | Self::Different { code, .. } => *code,
            Self::Expired { .. } => Code::KeysetExpired,
            Self::Store { .. } => Code::StoreUnreachable,
        }
    }

    pub(super) fn refused(what: Loadable) -> impl Fn(Code) -> Self {
        move |code| Self::Refused { what, code }
    }

    pub(super) fn store(what: Loadable) -> impl Fn(Unreachable) -> Self {
        move |error| Self::Store { what, error }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRoot => f.write_str(
                "the gate was built without a keyset, and has no root key to check one with; \
                 build it with `GateBuilder::keyset`",
            ),
            Self::Refused { what, code } => write!(f, "the {what} was refused: {code} {}", code.advice()),
            Self::Older { what, given, newest, .. } => {
                write!(
                    f,
                    "the {what} has number {given}, and number {newest} was loaded before; load a newer one"
                )
            }
            Self::Different { what, sequence, .. } => {
                write!(
                    f,
                    "another {what} of number {sequence} was loaded before; ask the issuer which one is right"
                )
            }
            Self::Expired { expires } => {
                write!(f, "the keyset expired at {expires}, and the one in use has not; load a newer one")
            }
            Self::Store { what, error } => write!(f, "the {what} was not loaded: {error}; load it again"),
        }
    }
}

impl error::Error for LoadError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Refused { code, .. } => Some(code),
            Self::Store { error, .. } => Some(error),
            _ => None,
        }
    }
}

impl From<LoadError> for Code {
    fn from(error: LoadError) -> Self {
        error.code()
    }
}

/// Why a text is no holder's key.
#[cfg(feature = "holder")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PemError {
    /// It is not PEM, or holds no private key in PKCS#8.
    NotPkcs8,
    /// It is encrypted.
    Encrypted,
    /// It is a public key.
    Public,
    /// It is a private key, and not a whole one for Ed25519.
    NotEd25519,
}

#[cfg(feature = "holder")]
impl PemError {
    /// Says what a text is that was not read.
    pub(super) fn of(pem: &str) -> Self {
        let begins = |label: &str| pem.contains(&format!("-----BEGIN {label}-----"));
        if begins("ENCRYPTED PRIVATE KEY") {
            Self::Encrypted
        } else if begins("PRIVATE KEY") {
            Self::NotEd25519
        } else if begins("PUBLIC KEY") {
            Self::Public
        } else {
            Self::NotPkcs8
        }
    }
}

#[cfg(feature = "holder")]
impl fmt::Display for PemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotPkcs8 => {
                "`pem` holds no private key in PKCS#8 (`-----BEGIN PRIVATE KEY-----`); \
                 make one with `openssl genpkey -algorithm ed25519`"
            }
            Self::Encrypted => "`pem` is encrypted; decrypt it with `openssl pkey`",
            Self::Public => "`pem` is a public key; give the private one",
            Self::NotEd25519 => {
                "`pem` is damaged, or is no Ed25519 key; make one with `openssl genpkey -algorithm ed25519`"
            }
        })
    }
}

#[cfg(feature = "holder")]
impl error::Error for PemError {}

#[cfg(feature = "holder")]
impl From<PemError> for Code {
    fn from(_: PemError) -> Self {
        Self::InvalidKey
    }
}
