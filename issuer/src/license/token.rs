//! A signed licence, as bytes and as text.

use std::fmt;

#[cfg(feature = "ledger")]
use licentia_core::inner::{Frame, Typ};
use licentia_core::{Malformed, Unverified, text::Text};

/// A signed licence. Unless it is bound to a holder's key, it is a credential: keep it out of logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Vec<u8>);

impl Token {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text form, `lic1_...`.
    pub fn text(&self) -> String {
        Text::license(&self.0).to_string()
    }

    /// What was signed, without the signature.
    #[cfg(feature = "ledger")]
    pub(crate) fn payload(&self) -> &[u8] {
        Frame::read(&self.0, Typ::License).map_or(&[], |frame| frame.payload.of(&self.0))
    }

    /// Its claims.
    ///
    /// # Errors
    /// None in practice: the token was read when it was issued.
    pub fn claims(&self) -> Result<Unverified<'_>, Malformed> {
        Unverified::read(&self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({} bytes)", self.0.len())
    }
}
