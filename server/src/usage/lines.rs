//! The lines of an invoice: what was used, by customer, tier, lineage, meter and period.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
};

use licentia::receipt::{Report, UsageCell};
use licentia_core::{Lineage, Timestamp};
use licentia_issuer::{IssuedLicense, Ledger, time};

use super::sheet::Sheet;

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UsageBy {
    /// The issuer, who names the customers and the tiers.
    Issuer,
    /// The subject of the licence.
    Customer,
    /// The tier that the licence had at the end of the period, `NAME@VERSION`.
    Tier,
    /// The licence through its renewals.
    Lineage,
    /// The meter.
    Meter,
    /// The start of the period.
    Period,
}

impl UsageBy {
    /// All of them, in the order of a table's columns.
    pub const ALL: [Self; 6] =
        [Self::Issuer, Self::Customer, Self::Tier, Self::Lineage, Self::Meter, Self::Period];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Issuer => "issuer",
            Self::Customer => "customer",
            Self::Tier => "tier",
            Self::Lineage => "lineage",
            Self::Meter => "meter",
            Self::Period => "period",
        }
    }

    /// The one with a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.name() == name)
    }

    /// Whether only the ledger can say it.
    pub const fn needs_ledger(self) -> bool {
        matches!(self, Self::Issuer | Self::Customer | Self::Tier)
    }

    fn of(self, cell: &UsageCell, owner: Option<&IssuedLicense>) -> String {
        let unknown = || "unknown".to_owned();
        match self {
            // Older receipts do not name it.
            Self::Issuer if cell.issuer.is_empty() => {
                owner.map_or_else(unknown, |license| license.issuer.clone())
            }
            Self::Issuer => cell.issuer.clone(),
            Self::Customer => owner.map_or_else(unknown, |license| license.subject.clone()),
            Self::Tier => {
                owner.map_or_else(unknown, |license| format!("{}@{}", license.tier, license.tier_version))
            }
            Self::Lineage => cell.lineage.to_string(),
            Self::Meter => cell.meter.clone(),
            Self::Period if cell.window.end.is_none() => "for life".to_owned(),
            Self::Period => time::stamp(cell.window.start),
        }
    }
}

/// Which licences the lineages of a report had, the oldest first.
#[derive(Debug, Default)]
pub struct Owners(BTreeMap<Lineage, Vec<IssuedLicense>>);

impl Owners {
    /// Asks the ledger who used what is in a report.
    ///
    /// # Errors
    /// [`licentia_issuer::Error::Ledger`].
    pub fn of(report: &Report, ledger: &Ledger) -> licentia_issuer::Result<Self> {
        let lineages: BTreeSet<Lineage> = report.usage.keys().map(|cell| cell.lineage).collect();
        let owner = |lineage: Lineage| Ok((lineage, ledger.of_lineage(&lineage)?));
        lineages.into_iter().map(owner).collect::<licentia_issuer::Result<_>>().map(Self)
    }

    /// The licence that a lineage had at the end of a period, of the issuer that it was counted for.
    fn at(&self, cell: &UsageCell) -> Option<&IssuedLicense> {
        let is_of = |license: &&IssuedLicense| cell.issuer.is_empty() || license.issuer == cell.issuer;
        let mut all = self.0.get(&cell.lineage).map(Vec::as_slice).unwrap_or_default().iter().filter(is_of);
        let end = cell.window.end.unwrap_or(Timestamp::MAX);
        let first = all.clone().next();
        all.rfind(|license| license.issued_at < end).or(first)
    }
}

/// The issuers of a report, if a line would add up customers or tiers of several that have the same name.
pub fn mixed_issuers<'a>(report: &'a Report, by: &[UsageBy]) -> Option<BTreeSet<&'a str>> {
    let names_of_issuers = by.iter().any(|by| matches!(by, UsageBy::Customer | UsageBy::Tier));
    if !names_of_issuers || by.contains(&UsageBy::Issuer) {
        return None;
    }
    let issuers = report.usage.keys().map(|cell| &*cell.issuer).filter(|issuer| !issuer.is_empty());
    Some(issuers.collect::<BTreeSet<_>>()).filter(|issuers| issuers.len() > 1)
}

/// What was used, by what a line is about.
pub fn usage_lines(report: &Report, by: &[UsageBy], owners: &Owners) -> BTreeMap<Vec<String>, u64> {
    let mut lines = BTreeMap::<Vec<String>, u64>::new();
    for (cell, usage) in &report.usage {
        let owner = owners.at(cell);
        let used = lines.entry(by.iter().map(|by| by.of(cell, owner)).collect()).or_default();
        *used = used.saturating_add(usage.total());
    }
    lines
}

/// The lines as CSV, with a head.
///
/// # Errors
/// None that is known: it writes to memory.
pub fn usage_csv(
    by: &[UsageBy],
    lines: &BTreeMap<Vec<String>, u64>,
) -> Result<String, Box<dyn Error + Send + Sync>> {
    let mut sheet = Sheet::new(Vec::new(), by.iter().map(|by| by.name()).chain(["used"]))?;
    for (key, used) in lines {
        sheet.row(key.iter().chain([&used.to_string()]))?;
    }
    Ok(String::from_utf8(sheet.finish()?)?)
}
