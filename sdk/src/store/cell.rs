//! The quota that is counted, and its key in stores that name what they keep.

use licentia_core::Window;

/// The quota of one meter of one licence in one period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cell<'a> {
    /// The licence, through its renewals and upgrades.
    pub lineage: [u8; 16],
    /// The meter.
    pub meter: &'a str,
    /// The period.
    pub window: Window,
}

/// Cells are kept this many seconds past the end of their period, and past the last time that units were taken of them,
/// for clocks that are behind.
pub(crate) const LONGER: u64 = 8 * 86_400;
/// What keys begin with, where nothing else is said.
pub(crate) const PREFIX: &str = "licentia";

impl Cell<'_> {
    /// Its key in stores that name what they keep: the same in every language, so that they count together. The
    /// braces keep the keys of a licence in one slot of a Redis cluster.
    pub fn key(&self) -> String {
        self.key_under(PREFIX)
    }

    /// The same with another prefix.
    pub(crate) fn key_under(&self, prefix: &str) -> String {
        let end = self.window.end.map_or_else(|| "life".to_owned(), |end| end.as_seconds().to_string());
        format!("{}:{}:{}:{end}", keys(prefix, &self.lineage), self.meter, self.window.start.as_seconds())
    }

    /// When it may be forgotten, in seconds since 1970; that of a quota for life never is.
    pub fn forgotten(&self) -> Option<u64> {
        self.window.end.map(|end| end.as_seconds().saturating_add(LONGER))
    }
}

/// What the keys of a licence begin with.
pub(crate) fn keys(prefix: &str, lineage: &[u8; 16]) -> String {
    let lineage: String = lineage.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{prefix}:{{{lineage}}}")
}
