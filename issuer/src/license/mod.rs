//! A licence from its draft to the signed token.

mod confirmation;
mod draft;
mod issuer;
mod token;

pub use confirmation::Confirmation;
pub use draft::Draft;
pub use issuer::Issuer;
pub use token::Token;
