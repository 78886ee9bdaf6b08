//! Values of 16 bytes, each with a type of its own, so that none is passed for another.

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
}
