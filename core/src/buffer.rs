//! The space that a token is decoded into.

use core::fmt;

use crate::limits;

/// Space for one decoded token. Reuse it between calls: it is 4 KiB.
pub struct Buffer([u8; limits::TOKEN_BYTES]);

impl Buffer {
    /// An empty buffer.
    pub const fn new() -> Self {
        Self([0; limits::TOKEN_BYTES])
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8; limits::TOKEN_BYTES] {
        &mut self.0
    }
}

impl Default for Buffer {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Buffer(..)") // never the token
    }
}
