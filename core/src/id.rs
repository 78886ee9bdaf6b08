//! Values of 16 bytes. Each has its own type, so that none is passed for another.

use core::fmt;

macro_rules! sixteen_bytes {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// Its bytes.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }

        impl From<[u8; 16]> for $name {
            fn from(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }
        }

        impl From<$name> for [u8; 16] {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    };
}

/// Identifiers are public: they are shown in hexadecimal.
macro_rules! shown {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    };
}

/// Salts and nonces stay out of logs.
macro_rules! hidden {
    ($name:ident) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    };
}

sixteen_bytes! {
    /// Identifies a licence through its renewals and upgrades. `Display` writes 32 hexadecimal digits.
    Lineage
}
shown!(Lineage);

sixteen_bytes! {
    /// Identifies one token (`cti`, RFC 8392, section 3.1.7). `Display` writes 32 hexadecimal digits.
    TokenId
}
shown!(TokenId);

sixteen_bytes! {
    /// The key of a revocation bundle's hashes. It is drawn after the indices are fixed, so that nobody can choose an
    /// index that hits the pre-filter.
    Salt
}
hidden!(Salt);

sixteen_bytes! {
    /// 16 random bytes that make a proof of possession unique.
    Nonce
}
hidden!(Nonce);

/// Who is counted: a lineage and the issuer of its licences, so that a key of one issuer never reaches the counters of
/// another's customers. `Display` writes the issuer's hash and the lineage: `HASH:LINEAGE`, in hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId([u8; Self::BYTES]);

impl AccountId {
    /// Bytes of an issuer's hash.
    pub const ISSUER_BYTES: usize = 8;
    const BYTES: usize = Self::ISSUER_BYTES + 16;

    /// The account of an issuer's lineage. The issuer is kept as the first 8 bytes of SHA-256 (FIPS 180-4) of its name.
    pub fn new(issuer: &str, lineage: Lineage) -> Self {
        let hash = hmac_sha256::Hash::hash(issuer.as_bytes());
        let mut bytes = [0; Self::BYTES];
        let parts = hash.iter().take(Self::ISSUER_BYTES).chain(lineage.as_bytes());
        bytes.iter_mut().zip(parts).for_each(|(byte, part)| *byte = *part);
        Self(bytes)
    }

    /// The account of a lineage whose issuer is known by the hash of its name: [`AccountId::issuer`].
    pub fn of_hash(issuer: [u8; Self::ISSUER_BYTES], lineage: Lineage) -> Self {
        let mut bytes = [0; Self::BYTES];
        let parts = issuer.iter().chain(lineage.as_bytes());
        bytes.iter_mut().zip(parts).for_each(|(byte, part)| *byte = *part);
        Self(bytes)
    }

    /// The hash of the issuer's name.
    pub fn issuer(&self) -> [u8; Self::ISSUER_BYTES] {
        let mut hash = [0; Self::ISSUER_BYTES];
        hash.iter_mut().zip(self.0).for_each(|(byte, part)| *byte = part);
        hash
    }

    /// The lineage.
    pub fn lineage(&self) -> Lineage {
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(self.0.iter().skip(Self::ISSUER_BYTES)).for_each(|(byte, part)| *byte = *part);
        Lineage(bytes)
    }
}

impl AsRef<[u8]> for AccountId {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.issuer().iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        write!(f, ":{}", self.lineage())
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccountId({self})")
    }
}

/// A token that names no lineage starts one.
impl From<TokenId> for Lineage {
    fn from(id: TokenId) -> Self {
        Self(id.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_shown_and_salts_and_nonces_are_not() {
        let bytes = *b"\x00\x01\xfe\xff\x10\x20\x30\x40\x50\x60\x70\x80\x90\xa0\xb0\xc0";
        let hex = "0001feff102030405060708090a0b0c0";
        assert_eq!(std::format!("{}", Lineage::from(bytes)), hex);
        assert_eq!(std::format!("{:?}", TokenId::from(bytes)), std::format!("TokenId({hex})"));
        assert_eq!(std::format!("{:?} {:?}", Salt::from(bytes), Nonce::from(bytes)), "Salt(..) Nonce(..)");
        assert_eq!(<[u8; 16]>::from(Nonce::from(bytes)), bytes);
    }

    #[test]
    fn an_account_is_an_issuer_and_a_lineage() {
        let account = AccountId::new("abc", Lineage([7; 16]));
        // SHA-256 of "abc": FIPS 180-4's example.
        assert_eq!(std::format!("{account}"), std::format!("ba7816bf8f01cfea:{}", "07".repeat(16)));
        assert_eq!(account.lineage(), Lineage([7; 16]));
        assert_eq!(account.issuer(), [0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea]);
        assert_eq!(account, AccountId::of_hash(account.issuer(), account.lineage()));
        assert_ne!(account, AccountId::new("abd", Lineage([7; 16])));
        assert_ne!(account, AccountId::new("abc", Lineage([8; 16])));
    }
}
