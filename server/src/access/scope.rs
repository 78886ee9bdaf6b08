//! What a credential may do.

/// What the names of the service's features begin with. Only an administrator hands out licences with them.
pub const RESERVED: &str = "server.";

/// Something that a credential may do.
pub trait Scope: Send + Sync + 'static {
    /// The feature that it needs. None for any valid licence.
    const FEATURE: Option<&'static str>;
}

macro_rules! scope {
    ($name:ident, $feature:expr, $text:literal) => {
        #[doc = $text]
        #[derive(Clone, Copy, Debug)]
        #[allow(clippy::exhaustive_enums, reason = "it has no values")]
        pub enum $name {}

        impl Scope for $name {
            const FEATURE: Option<&'static str> = $feature;
        }
    };
}

scope!(Anyone, None, "Any valid licence, such as a customer's.");
scope!(Issue, Some("server.issue"), "Issue, renew, upgrade, rotate; codes for activation.");
scope!(Revoke, Some("server.revoke"), "Suspend, resume, revoke, reinstate.");
scope!(Read, Some("server.read"), "See licences, customers, usage.");
scope!(Report, Some("server.report"), "Send receipts of usage.");
scope!(Admin, Some("server.admin"), "Change catalogues, see the audit, hand out credentials.");
