//! The licences and rules that are revoked.

use licentia_core::{
    Lineage, Timestamp, TokenId,
    revocation::{Effect, Reason, RevocationTerms},
};
use rusqlite::{Row, params};

use super::database::{Ledger, number, time};
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
        check_terms(&terms)?;
        let (effect, until) = effect(terms.effect);
        let (reason, effective) = (terms.reason.number(), time(terms.effective));
        let transaction = self.database.transaction()?;
        {
            let mut statement = transaction.prepare(
                "INSERT INTO revocation (id, reason, effective, effect, until)
                    SELECT id, ?2, ?3, ?4, ?5 FROM license WHERE id = ?1
                 ON CONFLICT (id) DO UPDATE SET reason = excluded.reason, effective = excluded.effective,
                    effect = excluded.effect, until = excluded.until",
            )?;
            let mut forget = transaction.prepare("DELETE FROM reinstated WHERE id = ?1")?;
            for (id, done) in ids.into_iter().zip(1..) {
                if statement.execute(params![id.as_bytes(), reason, effective, effect, time(until)])? == 0 {
                    return Err(BundleError::UnknownLicense(id.to_string()).into());
                }
                forget.execute([id.as_bytes()])?;
                progress(done);
            }
        }
        transaction.commit()?;
        Ok(())
    }

    /// Removes the revocation of a licence. Returns `false` if there was none.
    ///
    /// # Errors
    /// [`Error::Ledger`](crate::Error::Ledger).
    pub fn reinstate(&mut self, id: &TokenId) -> Result<bool> {
        let transaction = self.database.transaction()?;
        let found = transaction.execute("DELETE FROM revocation WHERE id = ?1", [id.as_bytes()])? > 0;
        if found {
            transaction.execute("INSERT OR IGNORE INTO reinstated (id) VALUES (?1)", [id.as_bytes()])?;
        }
        transaction.commit()?;
        Ok(found)
    }

    /// Adds a rule to every bundle of the issuer from now on, and returns its number. The draft's `allowed` digests
    /// are not stored: with `spare_issued`, each bundle spares the tokens of the ledger.
    ///
    /// # Errors
    /// As [`RuleDraft::check`], or [`Error::Ledger`](crate::Error::Ledger).
    pub fn add_rule(&mut self, issuer: &str, rule: &RuleDraft, spare_issued: bool) -> Result<u64> {
        rule.check()?;
        let (effect, until) = effect(rule.terms.effect);
        let (tier, version) = rule.tier.clone().unzip();
        let (issued, index) = (rule.issued_at.unzip(), rule.index.unzip());
        self.database.execute(
            "INSERT INTO rule (issuer, kid, subject, lineage, tier, tier_version, issued_from, issued_to,
                index_from, index_to, exempt, spare_issued, reason, effective, effect, until)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
            params![
                issuer,
                rule.kid,
                rule.subject,
                rule.lineage.as_ref().map(Lineage::as_bytes),
                tier,
                version.flatten().map(number),
                issued.0.map(time),
                issued.1.map(time),
                index.0.map(number),
                index.1.map(number),
                rule.exempt.iter().flat_map(TokenId::as_bytes).copied().collect::<Vec<u8>>(),
                spare_issued,
                rule.terms.reason.number(),
                time(rule.terms.effective),
                effect,
                time(until),
            ],
        )?;
        Ok(self.database.last_insert_rowid().unsigned_abs())
    }

    /// Removes a rule. Returns `false` if there was none with this number.
    ///
    /// # Errors
    /// [`Error::Ledger`](crate::Error::Ledger).
    pub fn remove_rule(&mut self, rule: u64) -> Result<bool> {
        Ok(self.database.execute("DELETE FROM rule WHERE number = ?1", [number(rule)])? > 0)
    }

    /// The rules of all issuers, in the order in which they were added.
    ///
    /// # Errors
    /// [`Error::Ledger`](crate::Error::Ledger).
    pub fn rules(&self) -> Result<Vec<StandingRule>> {
        let mut statement = self.database.prepare("SELECT * FROM rule ORDER BY number")?;
        let rows = statement.query_map([], standing_rule)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// How many licences of all issuers have a revocation of their own.
    ///
    /// # Errors
    /// [`Error::Ledger`](crate::Error::Ledger).
    pub fn revoked(&self) -> Result<u64> {
        let count: i64 = self.database.query_row("SELECT count(*) FROM revocation", [], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }
}

/// The number of an effect, and its end.
fn effect(effect: Effect) -> (u8, Timestamp) {
    match effect {
        Effect::WarnUntil(until) => (1, until),
        Effect::GraceUntil(until) => (2, until),
        _ => (0, Timestamp::EPOCH),
    }
}

/// Reads the terms of a revocation.
pub(super) fn terms(row: &Row<'_>) -> rusqlite::Result<RevocationTerms> {
    let unsigned = |column: &str| row.get::<_, i64>(column).map(i64::unsigned_abs);
    let until = unsigned("until")?.into();
    let effect = match unsigned("effect")? {
        1 => Effect::WarnUntil(until),
        2 => Effect::GraceUntil(until),
        _ => Effect::Deny,
    };
    Ok(RevocationTerms {
        reason: Reason::from_number(unsigned("reason")?),
        effective: unsigned("effective")?.into(),
        effect,
    })
}

fn standing_rule(row: &Row<'_>) -> rusqlite::Result<StandingRule> {
    let unsigned = |column: &str| -> rusqlite::Result<Option<u64>> {
        Ok(row.get::<_, Option<i64>>(column)?.map(i64::unsigned_abs))
    };
    let range = |from: &str, to: &str| -> rusqlite::Result<Option<(u64, u64)>> {
        Ok(unsigned(from)?.zip(unsigned(to)?))
    };
    let tier: Option<String> = row.get("tier")?;
    let version = unsigned("tier_version")?;
    let exempt: Vec<u8> = row.get("exempt")?;
    Ok(StandingRule {
        number: unsigned("number")?.unwrap_or(0),
        issuer: row.get("issuer")?,
        rule: RuleDraft {
            kid: row.get("kid")?,
            subject: row.get("subject")?,
            lineage: row.get::<_, Option<[u8; 16]>>("lineage")?.map(Lineage::from),
            tier: tier.map(|name| (name, version)),
            issued_at: range("issued_from", "issued_to")?.map(|(from, to)| (from.into(), to.into())),
            index: range("index_from", "index_to")?,
            exempt: exempt.as_chunks::<16>().0.iter().copied().map(TokenId::from).collect(),
            terms: terms(row)?,
            ..RuleDraft::default()
        },
        spare_issued: row.get("spare_issued")?,
    })
}
