//! The bundles that are drafted from the ledger.

use std::collections::BTreeSet;

use licentia_core::limits;
use rusqlite::{OptionalExtension, params};

use super::{
    database::{Ledger, number},
    revocations::terms,
};
use crate::{
    error::{BundleError, Error, Result},
    revocation::BundleDraft,
};

/// The tables of revocations, and the condition for a row about the issuer `?2`.
const OF_ISSUER: [(&str, &str); 2] = [
    ("revocation", "EXISTS (SELECT 1 FROM license WHERE license.id = revocation.id AND issuer = ?2)"),
    ("rule", "issuer = ?2"),
];

/// The bundle that gates have, from which the next one continues. The default is for a first bundle.
#[derive(Clone, Copy, Debug, Default)]
pub struct PublishedBundle {
    /// The greatest sequence number that was published. A ledger that was restored from a backup may not know it.
    pub sequence: u64,
    /// The salt of the bundle that a delta will start from. Without one, the next bundle gets a new salt.
    pub salt: Option<[u8; 16]>,
}

impl Ledger {
    /// Drafts the next bundle of an issuer, and uses up its sequence number. `progress` is called with the number of
    /// revocations that were read.
    ///
    /// # Errors
    /// [`Error::Ledger`], [`Error::Random`], or [`BundleError::TooManySpared`].
    pub fn draft_bundle(
        &mut self,
        issuer: &str,
        issued_at: u64,
        since: PublishedBundle,
        mut progress: impl FnMut(u64),
    ) -> Result<BundleDraft> {
        self.stream_key()?;
        let mut fresh = [0; 16];
        getrandom::fill(&mut fresh).map_err(|_| Error::Random)?;
        // What another process revokes from now on belongs to the bundle after this one.
        let transaction =
            self.database.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let sql = "UPDATE stream SET sequence = max(sequence, ?1) + 1 RETURNING sequence";
        let sequence: i64 = transaction.query_row(sql, [number(since.sequence)], |row| row.get(0))?;
        for (table, of_issuer) in OF_ISSUER {
            let sql = format!("UPDATE {table} SET drafted = ?1 WHERE drafted IS NULL AND {of_issuer}");
            transaction.execute(&sql, params![sequence, issuer])?;
        }
        transaction.commit()?;
        let mut draft = BundleDraft {
            issuer: issuer.to_owned(),
            sequence: sequence.unsigned_abs(),
            issued_at,
            salt: since.salt.unwrap_or(fresh),
            ..BundleDraft::default()
        };
        let sql = "SELECT license.id, stream_index, reason, effective, effect, until
            FROM revocation JOIN license USING (id) WHERE issuer = ?1 AND drafted <= ?2";
        let mut statement = self.database.prepare(sql)?;
        let mut rows = statement.query(params![issuer, sequence])?;
        let mut done = 0;
        while let Some(row) = rows.next()? {
            match row.get::<_, Option<i64>>("stream_index")? {
                Some(index) => {
                    draft.indices.insert(index.unsigned_abs(), terms(row)?);
                }
                None => {
                    draft.ids.insert(row.get("id")?, terms(row)?);
                }
            }
            done += 1;
            progress(done);
        }
        for mut standing in self.rules()?.into_iter().filter(|standing| standing.issuer == issuer) {
            if standing.spare_issued {
                standing.rule.allowed = self.issued_digests(issuer, standing.rule.kid.as_deref())?;
            }
            draft.rules.push(standing.rule);
        }
        Ok(draft)
    }

    /// The digests of an issuer's tokens; with `kid`, only of those that this key signed.
    fn issued_digests(&self, issuer: &str, kid: Option<&[u8]>) -> Result<BTreeSet<[u8; 32]>> {
        let sql = "SELECT digest FROM license WHERE issuer = ?1 AND (?2 IS NULL OR kid = ?2) LIMIT ?3";
        let mut statement = self.database.prepare(sql)?;
        let most = i64::try_from(limits::RULE_LIST).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![issuer, kid, most.saturating_add(1)], |row| row.get(0))?;
        let digests = rows.collect::<rusqlite::Result<BTreeSet<_>>>()?;
        if digests.len() > limits::RULE_LIST {
            return Err(BundleError::TooManySpared.into());
        }
        Ok(digests)
    }

    /// Remembers that a bundle of an issuer was published, so that its revocations are not new in the next one.
    ///
    /// # Errors
    /// [`Error::Ledger`].
    pub fn published(&mut self, issuer: &str, sequence: u64) -> Result<()> {
        for (table, of_issuer) in OF_ISSUER {
            let sql = format!(
                "UPDATE {table} SET published = 1 WHERE published = 0 AND drafted <= ?1 AND {of_issuer}"
            );
            self.database.execute(&sql, params![number(sequence), issuer])?;
        }
        Ok(())
    }

    /// The greatest sequence number of a bundle so far.
    ///
    /// # Errors
    /// [`Error::Ledger`].
    pub fn sequence(&self) -> Result<u64> {
        let found = self.database.query_row("SELECT sequence FROM stream", [], |row| row.get::<_, i64>(0));
        Ok(found.optional()?.unwrap_or(0).unsigned_abs())
    }
}
