//! Key identifiers.

use core::fmt;

use crate::{code::Code, limits};

/// A key identifier (`kid`, RFC 9052, section 3.1): 1 to 32 bytes. It is public.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Kid {
    bytes: [u8; limits::KID_BYTES],
    length: u8,
}

impl Kid {
    /// Takes 1 to 32 bytes.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] for any other length.
    pub fn new(kid: &[u8]) -> Result<Self, Code> {
        let mut bytes = [0; limits::KID_BYTES];
        let (Some(space), Ok(length @ 1..)) = (bytes.get_mut(..kid.len()), u8::try_from(kid.len())) else {
            return Err(Code::InvalidArgument);
        };
        space.copy_from_slice(kid);
        Ok(Self { bytes, length })
    }

    /// The identifier's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }
}

impl fmt::Display for Kid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Kid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kid({self})")
    }
}
