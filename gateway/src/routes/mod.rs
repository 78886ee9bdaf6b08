//! Routes: which requests there are, and what each needs of a licence.

pub(crate) mod openapi;
pub mod path;
mod resolve;
mod route;
mod table;
mod terms;

pub(crate) use resolve::{Written, resolve};
pub use route::Route;
pub use table::{Conflict, Match, Table};
pub(crate) use terms::Terms;
pub use terms::{Access, Charge, Cost, Statuses};
