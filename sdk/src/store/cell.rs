//! The quota that is counted, and its key in stores that name what they keep.

use licentia_core::{AccountId, Window};

/// The quota of one meter of one licence in one period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cell<'a> {
    /// Who is counted.
    pub account: AccountId,
    /// The meter.
    pub meter: &'a str,
    /// The period.
    pub window: Window,
}

/// Cells are kept this many seconds past the end of their period, and past the last time that units were taken of them,
/// for clocks that are behind.
pub(crate) const LONGER: u64 = 8 * 86_400;
/// What keys begin with by default.
pub(crate) const PREFIX: &str = "licentia";

impl Cell<'_> {
    /// Its key in stores that name what they keep: the same in every language, so that they count together. The
    /// braces keep the keys of a lineage in one slot of a Redis cluster.
    pub fn key(&self) -> String {
        keys(PREFIX, &self.account, &self.name()).now
    }

    /// Its part of the key.
    pub(crate) fn name(&self) -> String {
        let end = self.window.end.map_or_else(|| "life".to_owned(), |end| end.as_seconds().to_string());
        format!("{}:{}:{end}", self.meter, self.window.start.as_seconds())
    }

    /// When it may be forgotten, in seconds since 1970; that of a quota for life never is.
    pub fn forgotten(&self) -> Option<u64> {
        self.window.end.map(|end| end.as_seconds().saturating_add(LONGER))
    }
}

/// The key of something that is counted, and the key that it had before keys named the issuer. The count starts from
/// what is found under the former key.
pub(crate) struct Keys {
    pub(crate) now: String,
    #[cfg_attr(not(feature = "redis"), expect(dead_code, reason = "other stores have no keys from before"))]
    pub(crate) former: String,
}

/// The keys of what an account counts under a name. Both have the same hash tag.
pub(crate) fn keys(prefix: &str, account: &AccountId, name: &str) -> Keys {
    let issuer: String = account.issuer().iter().map(|byte| format!("{byte:02x}")).collect();
    let lineage = account.lineage();
    let now = format!("{prefix}:{issuer}:{{{lineage}}}:{name}");
    Keys { now, former: format!("{prefix}:{{{lineage}}}:{name}") }
}
