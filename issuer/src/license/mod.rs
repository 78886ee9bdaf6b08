//! A licence from its draft to the signed token.

mod confirmation;
mod draft;
mod issuer;
mod renewal;
mod token;

pub use confirmation::Confirmation;
pub use draft::Draft;
pub use issuer::Issuer;
pub use renewal::Renewal;
pub use token::Token;
