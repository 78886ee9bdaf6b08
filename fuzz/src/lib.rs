//! What the fuzz targets share: numbers worth trying, signed objects around any payload, and bounds on what an input
//! may cost.

mod cost;
mod number;
mod sets;
mod signed;

pub use cost::{Bound, bounded};
pub use number::number;
pub use sets::{Numbers, Plain, SALT, bundle, members, plain};
pub use signed::{KEY, ROOT, Signer, head};
