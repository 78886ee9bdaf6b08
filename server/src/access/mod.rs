//! Who calls, and what they may do. Roles are licences of the vendor's own, whose features name the actions; the gate
//! decides, as it does for every API.

mod caller;
mod scope;

pub(crate) use caller::authenticate;
pub use caller::{Caller, Identity};
pub use scope::{Admin, Anyone, Issue, RESERVED, Read, Report, Revoke, Scope};
