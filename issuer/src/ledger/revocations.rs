//! The licences and rules that are revoked.

use licentia_core::{
    Lineage, Timestamp, TokenId,
    revocation::{Effect, Reason, RevocationTerms},
};

use super::{
    counts::Changes,
    database::Ledger,
    index::take_turn,
    licenses::{COLUMNS, IssuedLicense, read},
    sql::{Database, Row, values},
};
use crate::{
    error::{BundleError, Result},
    revocation::{RuleDraft, check_terms},
};

/// A rule that is in every bundle until it is removed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StandingRule {
    /// Its number in the ledger.
    pub number: u64,
    /// The issuer whose licences it is about.
    pub issuer: String,
    /// The rule, without the digests that it spares.
    pub rule: RuleDraft,
    /// Whether it spares the tokens of the ledger. After a theft of the key: the good ones.
    pub spare_issued: bool,
}

/// Whether a value is in a range, if there is one.
fn within<T: PartialOrd>(range: Option<(T, T)>, value: Option<T>) -> bool {
    range.is_none_or(|(from, to)| value.is_some_and(|value| (from..=to).contains(&value)))
}

impl StandingRule {
    /// Whether it hits a licence of the ledger, at some time.
    pub fn hits(&self, license: &IssuedLicense) -> bool {
        let rule = &self.rule;
        self.issuer == license.issuer
            && !self.spare_issued
            && !rule.exempt.contains(&license.id)
            && rule.kid.as_ref().is_none_or(|kid| *kid == license.kid)
            && rule.subject.as_ref().is_none_or(|subject| *subject == license.subject)
            && rule.lineage.is_none_or(|lineage| lineage == license.lineage)
            && rule.tier.as_ref().is_none_or(|(name, version)| {
                *name == license.tier && version.is_none_or(|version| version == license.tier_version)
            })
            && within(rule.issued_at, Some(license.issued_at))
            && within(rule.index, license.index)
    }
}

impl Ledger {
    /// Revokes a licence from the next bundle on. If it was revoked before, the new terms replace the old ones.
    ///
    /// # Errors
    /// [`BundleError::UnknownLicense`], [`Error::Value`](crate::Error::Value) for a time that is not plausible, [`Error::Ledger`](crate::Error::Ledger).
    pub fn revoke(&mut self, id: &TokenId, terms: RevocationTerms) -> Result<()> {
        self.revoke_all([id], terms, |_| ())
    }

    /// Revokes many licences, all or none. `progress` is called with the number so far.
    ///
    /// # Errors
    /// [`BundleError::UnknownLicense`], [`Error::Ledger`](crate::Error::Ledger).
    pub fn revoke_all<'a>(
        &mut self,
        ids: impl IntoIterator<Item = &'a TokenId>,
        terms: RevocationTerms,
        mut progress: impl FnMut(u64),
    ) -> Result<()> {
        let transaction = self.database.begin()?;
        take_turn(&transaction)?;
        let mut changes = Changes::default();
        for (id, done) in ids.into_iter().zip(1..) {
            revoke(&transaction, id, &terms, &mut changes)?;
            progress(done);
        }
        changes.write(&transaction)?;
        transaction.commit()
    }

    /// Removes the revocation of a licence. Returns `false` if there was none.
    ///
    /// # Errors
    /// [`Error::Ledger`](crate::Error::Ledger).
    pub fn reinstate(&mut self, id: &TokenId) -> Result<bool> {
        let transaction = self.database.begin()?;
        take_turn(&transaction)?;
        let found = transaction.execute("DELETE FROM revocation WHERE id = ?1", values![id])? > 0;
        if found {
            let sql = "INSERT INTO reinstated (id) VALUES (?1) ON CONFLICT (id) DO NOTHING";
            transaction.execute(sql, values![id])?;
            let mut changes = Changes::default();
            changes.reinstate(&known(&transaction, id)?);
            changes.write(&transaction)?;
        }
        transaction.commit()?;
        Ok(found)
    }

    /// Adds a rule to every bundle of the issuer from now on, and returns its number. The draft's `allowed` digests
    /// are not stored: with `spare_issued`, each bundle spares the tokens of the ledger.
    ///
    /// # Errors
    /// As [`RuleDraft::check`], [`BundleError::TooManySpared`], or [`Error::Ledger`](crate::Error::Ledger).
    pub fn add_rule(&mut self, issuer: &str, rule: &RuleDraft, spare_issued: bool) -> Result<u64> {
        rule.check()?;
        if spare_issued {
            self.check_spared(issuer, rule.kid.as_deref())?;
        }
        let (effect, until) = effect(rule.terms.effect);
        let (tier, version) = rule.tier.clone().unzip();
        let (times, indices) = (rule.issued_at.unzip(), rule.index.unzip());
        let exempt: Vec<u8> = rule.exempt.iter().flat_map(TokenId::as_bytes).copied().collect();
        self.database.only(
            "INSERT INTO rule (issuer, kid, subject, lineage, tier, tier_version, issued_from, issued_to,
                index_from, index_to, exempt, spare_issued, reason, effective, effect, until)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16) RETURNING number",
            values![
                issuer,
                rule.kid.as_ref(),
                rule.subject.as_deref(),
                rule.lineage.as_ref(),
                tier.as_deref(),
                version.flatten(),
                times.0,
                times.1,
                indices.0,
                indices.1,
                &exempt,
                spare_issued,
                rule.terms.reason.number(),
                rule.terms.effective,
                effect,
                until,
            ],
            |row| row.unsigned(0),
        )
    }

    /// Removes a rule. Returns `false` if there was none with this number.
    ///
    /// # Errors
    /// [`Error::Ledger`](crate::Error::Ledger).
    pub fn remove_rule(&mut self, rule: u64) -> Result<bool> {
        Ok(self.database.execute("DELETE FROM rule WHERE number = ?1", values![rule])? > 0)
    }

    /// The rules of all issuers, in the order in which they were added.
    ///
    /// # Errors
    /// [`Error::Ledger`](crate::Error::Ledger).
    pub fn rules(&self) -> Result<Vec<StandingRule>> {
        let sql = "SELECT reason, effective, effect, until, number, issuer, kid, subject, lineage, tier,
                tier_version, issued_from, issued_to, index_from, index_to, exempt, spare_issued
            FROM rule ORDER BY number";
        self.database.all(sql, &[], standing_rule)
    }

    /// The revocation that names a licence, if there is one. A rule may hit it too.
    ///
    /// # Errors
    /// [`Error::Ledger`](crate::Error::Ledger).
    pub fn revocation(&self, id: &TokenId) -> Result<Option<RevocationTerms>> {
        let sql = "SELECT reason, effective, effect, until FROM revocation WHERE id = ?1";
        self.database.first(sql, values![id], |row| terms(row, 0))
    }
}

/// Revokes a licence, and counts it if it was not revoked before.
pub(super) fn revoke(
    database: &Database,
    id: &TokenId,
    terms: &RevocationTerms,
    changes: &mut Changes,
) -> Result<()> {
    check_terms(terms)?;
    let (effect, until) = effect(terms.effect);
    let given = values![id, terms.reason.number(), terms.effective, effect, until];
    // Of two processes that revoke one licence, one inserts the row.
    let sql = "INSERT INTO revocation (id, reason, effective, effect, until)
            SELECT id, ?2, ?3, ?4, ?5 FROM license WHERE id = ?1 ON CONFLICT (id) DO NOTHING";
    if database.execute(sql, given)? > 0 {
        changes.revoke(&known(database, id)?);
    } else {
        let sql = "UPDATE revocation SET reason = ?2, effective = ?3, effect = ?4, until = ?5 WHERE id = ?1";
        if database.execute(sql, given)? == 0 {
            return Err(BundleError::UnknownLicense(id.to_string()).into());
        }
    }
    database.execute("DELETE FROM reinstated WHERE id = ?1", values![id])?;
    Ok(())
}

/// A licence that must be in the ledger.
fn known(database: &Database, id: &TokenId) -> Result<IssuedLicense> {
    let sql = format!("SELECT {COLUMNS} FROM license WHERE id = ?1");
    database.only(&sql, values![id], read)
}

/// The number of an effect, and its end.
fn effect(effect: Effect) -> (u64, Timestamp) {
    match effect {
        Effect::WarnUntil(until) => (1, until),
        Effect::GraceUntil(until) => (2, until),
        _ => (0, Timestamp::EPOCH),
    }
}

/// Reads the terms of a revocation: reason, start, effect and its end, from a column on.
pub(super) fn terms(row: &Row<'_>, from: usize) -> Result<RevocationTerms> {
    let until = row.time(from + 3)?;
    let effect = match row.unsigned(from + 2)? {
        1 => Effect::WarnUntil(until),
        2 => Effect::GraceUntil(until),
        _ => Effect::Deny,
    };
    Ok(RevocationTerms {
        reason: Reason::from_number(row.unsigned(from)?),
        effective: row.time(from + 1)?,
        effect,
    })
}

fn standing_rule(row: &Row<'_>) -> Result<StandingRule> {
    let range =
        |from: usize| -> Result<Option<(u64, u64)>> { Ok(row.optional(from)?.zip(row.optional(from + 1)?)) };
    let version = row.optional(10)?;
    let lineage = row.optional_bytes(8)?.and_then(|lineage| <[u8; 16]>::try_from(lineage).ok());
    Ok(StandingRule {
        number: row.unsigned(4)?,
        issuer: row.text(5)?.to_owned(),
        rule: RuleDraft {
            kid: row.optional_bytes(6)?,
            subject: row.optional_text(7)?,
            lineage: lineage.map(Lineage::from),
            tier: row.optional_text(9)?.map(|name| (name, version)),
            issued_at: range(11)?.map(|(from, to)| (from.into(), to.into())),
            index: range(13)?,
            exempt: row.bytes(15)?.as_chunks::<16>().0.iter().copied().map(TokenId::from).collect(),
            terms: terms(row, 0)?,
            ..RuleDraft::default()
        },
        spare_issued: row.unsigned(16)? > 0,
    })
}
