//! How many licences there are: counted with each change, so that no question reads every licence.

use std::collections::BTreeMap;

use licentia_core::Timestamp;

use super::{
    database::Ledger,
    licenses::IssuedLicense,
    sql::{Database, Value, values},
};
use crate::error::Result;

/// The spans in which boundaries are counted: days, and for the day of the question seconds.
const DAY: u64 = 86_400;
const SPANS: [u64; 2] = [1, DAY];

/// What licences are counted by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Group {
    pub(super) issuer: String,
    pub(super) tier: String,
    pub(super) tier_version: u64,
    /// The number of the kind.
    pub(super) kind: u64,
    pub(super) kid: Vec<u8>,
}

/// How many licences of a group there are.
#[derive(Clone, Debug)]
pub(super) struct Total {
    pub(super) group: Group,
    pub(super) issued: u64,
    /// Those with a revocation of their own.
    pub(super) revoked: u64,
}

/// How many licences of one tier there are.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TierCount {
    /// Who issued them.
    pub issuer: String,
    /// Name of the tier.
    pub tier: String,
    /// Version of the tier.
    pub tier_version: u64,
    /// How many are in each state.
    pub states: Vec<(LicenseState, u64)>,
}

/// What a licence is in, as far as the ledger knows. A rule may revoke it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LicenseState {
    /// It has not begun.
    Pending,
    /// It is in its term.
    Active,
    /// Its contract has ended, and it goes on for a while.
    Grace,
    /// It has ended.
    Expired,
    /// It has a revocation of its own.
    Revoked,
}

impl LicenseState {
    /// All states.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Active, Self::Grace, Self::Expired, Self::Revoked];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Grace => "grace",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

/// An issuer, a tier and its version.
type Tier = (String, String, u64);

/// Changes of the counts, which are written once, after all others.
#[derive(Debug, Default)]
pub(super) struct Changes {
    totals: BTreeMap<Group, (i64, i64)>,
    /// By span, its start, and tier: how many begin, pass the end of their term, and end.
    boundaries: BTreeMap<(u64, u64, Tier), [i64; 3]>,
    subjects: i64,
    lineages: i64,
}

impl Changes {
    /// Counts a licence before it is inserted. The caller keeps others from inserting.
    pub(super) fn insert(&mut self, database: &Database, license: &IssuedLicense) -> Result<()> {
        let sql = "SELECT NOT EXISTS (SELECT 1 FROM license WHERE subject = ?1),
            NOT EXISTS (SELECT 1 FROM license WHERE lineage = ?2)";
        let known = values![&license.subject, &license.lineage];
        let (subject, lineage) = database.only(sql, known, |row| Ok((row.flag(0)?, row.flag(1)?)))?;
        self.subjects += i64::from(subject);
        self.lineages += i64::from(lineage);
        self.add(license, (1, 0), 1);
        Ok(())
    }

    /// Counts a licence that was revoked.
    pub(super) fn revoke(&mut self, license: &IssuedLicense) {
        self.add(license, (0, 1), -1);
    }

    /// Counts a licence whose revocation was removed.
    pub(super) fn reinstate(&mut self, license: &IssuedLicense) {
        self.add(license, (0, -1), 1);
    }

    fn add(&mut self, license: &IssuedLicense, (issued, revoked): (i64, i64), standing: i64) {
        let group = Group {
            issuer: license.issuer.clone(),
            tier: license.tier.clone(),
            tier_version: license.tier_version,
            kind: license.kind.number().into(),
            kid: license.kid.clone(),
        };
        let tier = (group.issuer.clone(), group.tier.clone(), group.tier_version);
        let total = self.totals.entry(group).or_default();
        *total = (total.0 + issued, total.1 + revoked);
        for (boundary, at) in boundaries(license).into_iter().enumerate() {
            let at = at.as_seconds();
            for span in SPANS {
                let counts = self.boundaries.entry((span, at - at % span, tier.clone())).or_default();
                if let Some(count) = counts.get_mut(boundary) {
                    *count += standing;
                }
            }
        }
    }

    /// Writes the changes.
    pub(super) fn write(self, database: &Database) -> Result<()> {
        for (group, (issued, revoked)) in &self.totals {
            database.execute(
                "INSERT INTO total (issuer, tier, tier_version, kind, kid, issued, revoked)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT (issuer, tier, tier_version, kind, kid) DO UPDATE SET
                    issued = total.issued + excluded.issued, revoked = total.revoked + excluded.revoked",
                values![
                    &group.issuer,
                    &group.tier,
                    group.tier_version,
                    group.kind,
                    &group.kid,
                    Value::Int(*issued),
                    Value::Int(*revoked)
                ],
            )?;
        }
        for ((span, at, (issuer, tier, version)), [begun, lapsed, ended]) in &self.boundaries {
            database.execute(
                "INSERT INTO boundary (seconds, at, issuer, tier, tier_version, begun, lapsed, ended)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                 ON CONFLICT (seconds, at, issuer, tier, tier_version) DO UPDATE SET
                    begun = boundary.begun + excluded.begun, lapsed = boundary.lapsed + excluded.lapsed,
                    ended = boundary.ended + excluded.ended",
                values![
                    *span,
                    *at,
                    issuer,
                    tier,
                    *version,
                    Value::Int(*begun),
                    Value::Int(*lapsed),
                    Value::Int(*ended)
                ],
            )?;
        }
        if (self.subjects, self.lineages) != (0, 0) {
            let sql = "UPDATE population SET subjects = subjects + ?1, lineages = lineages + ?2";
            database.execute(sql, values![Value::Int(self.subjects), Value::Int(self.lineages)])?;
        }
        Ok(())
    }
}

/// When a licence begins, passes the end of its term, and ends, in this order: it is pending before the first, in grace
/// from the second on, and expired from the last on. `COUNTED` in `schema.rs` says the same in SQL.
fn boundaries(license: &IssuedLicense) -> [Timestamp; 3] {
    let ends = license.expires;
    let begins = license.not_before.unwrap_or(Timestamp::EPOCH).min(ends);
    [begins, license.term_end.unwrap_or(ends).clamp(begins, ends), ends]
}

impl Ledger {
    /// How many licences were issued.
    ///
    /// # Errors
    /// [`Error::Ledger`](crate::Error::Ledger).
    pub fn count(&self) -> Result<u64> {
        Ok(self.totals()?.iter().map(|total| total.issued).sum())
    }

    /// How many licences of all issuers have a revocation of their own.
    ///
    /// # Errors
    /// [`Error::Ledger`](crate::Error::Ledger).
    pub fn revoked(&self) -> Result<u64> {
        Ok(self.totals()?.iter().map(|total| total.revoked).sum())
    }

    /// How many customers and lineages there are.
    ///
    /// # Errors
    /// [`Error::Ledger`](crate::Error::Ledger).
    pub fn customers(&self) -> Result<(u64, u64)> {
        let sql = "SELECT subjects, lineages FROM population";
        self.database.only(sql, &[], |row| Ok((row.unsigned(0)?, row.unsigned(1)?)))
    }

    /// The issuers whose licences are in the ledger.
    ///
    /// # Errors
    /// [`Error::Ledger`](crate::Error::Ledger).
    pub fn issuers(&self) -> Result<Vec<String>> {
        let mut issuers: Vec<String> = self.totals()?.into_iter().map(|total| total.group.issuer).collect();
        issuers.dedup();
        Ok(issuers)
    }

    /// How many licences of each tier are in which state.
    ///
    /// # Errors
    /// [`Error::Ledger`](crate::Error::Ledger).
    pub fn tier_counts(&self, now: Timestamp) -> Result<Vec<TierCount>> {
        let mut counts: BTreeMap<Tier, ([u64; 2], [u64; 3])> = BTreeMap::new();
        for Total { group, issued, revoked } in self.totals()? {
            let (all, _) = counts.entry((group.issuer, group.tier, group.tier_version)).or_default();
            *all = [all[0] + issued, all[1] + revoked];
        }
        let now = now.as_seconds();
        let sql =
            "SELECT issuer, tier, tier_version, CAST(sum(begun) AS BIGINT), CAST(sum(lapsed) AS BIGINT),
                CAST(sum(ended) AS BIGINT)
            FROM (SELECT * FROM boundary WHERE seconds = ?1 AND at < ?2
                UNION ALL SELECT * FROM boundary WHERE seconds = 1 AND at >= ?2 AND at <= ?3) AS past
            GROUP BY issuer, tier, tier_version";
        let past: Vec<(Tier, [u64; 3])> =
            self.database.all(sql, values![DAY, now - now % DAY, now], |row| {
                let tier = (row.text(0)?.to_owned(), row.text(1)?.to_owned(), row.unsigned(2)?);
                Ok((tier, [row.unsigned(3)?, row.unsigned(4)?, row.unsigned(5)?]))
            })?;
        for (tier, passed) in past {
            counts.entry(tier).or_default().1 = passed;
        }
        let count = |((issuer, tier, tier_version), (all, passed)): (Tier, ([u64; 2], [u64; 3]))| {
            let ([issued, revoked], [begun, lapsed, ended]) = (all, passed);
            let standing = issued.saturating_sub(revoked);
            let states = [
                (LicenseState::Pending, standing.saturating_sub(begun)),
                (LicenseState::Active, begun.saturating_sub(lapsed)),
                (LicenseState::Grace, lapsed.saturating_sub(ended)),
                (LicenseState::Expired, ended),
                (LicenseState::Revoked, revoked),
            ];
            TierCount { issuer, tier, tier_version, states: states.to_vec() }
        };
        Ok(counts.into_iter().map(count).collect())
    }

    /// How many licences of each group there are, ordered by group.
    pub(super) fn totals(&self) -> Result<Vec<Total>> {
        let sql = "SELECT issuer, tier, tier_version, kind, kid, issued, revoked FROM total
            ORDER BY issuer, tier, tier_version, kind, kid";
        self.database.all(sql, &[], |row| {
            Ok(Total {
                group: Group {
                    issuer: row.text(0)?.to_owned(),
                    tier: row.text(1)?.to_owned(),
                    tier_version: row.unsigned(2)?,
                    kind: row.unsigned(3)?,
                    kid: row.bytes(4)?.to_owned(),
                },
                issued: row.unsigned(5)?,
                revoked: row.unsigned(6)?,
            })
        })
    }
}
