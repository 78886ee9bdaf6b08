//! The bundles that are drafted from the ledger.

use std::collections::BTreeSet;

use licentia_core::{Salt, Timestamp, limits, revocation::Bundle};

use super::{database::Ledger, index::stream_key, revocations::terms, sql::values};
use crate::{
    error::{BundleError, Error, Result},
    key::SigningKey,
    revocation::BundleDraft,
};

/// The tables of revocations, and the condition for a row about the issuer `?2`.
const OF_ISSUER: [(&str, &str); 2] = [
    ("revocation", "EXISTS (SELECT 1 FROM license WHERE license.id = revocation.id AND issuer = ?2)"),
    ("rule", "issuer = ?2"),
];

/// The most sequence numbers that are skipped at once. A typo must not use up all that there are.
const SKIPPED: u64 = 1_000_000_000;

/// The number after both `last`, the ledger's, and `published`, which gates have.
fn next_sequence(last: u64, published: u64) -> Result<u64> {
    let next = last.max(published).saturating_add(1);
    if next > limits::INTEGER || next > last.saturating_add(SKIPPED) {
        return Err(BundleError::SequenceJump { last, wanted: next }.into());
    }
    Ok(next)
}

/// The bundle that gates have, from which the next one continues. The default is for a first bundle.
#[derive(Clone, Copy, Debug, Default)]
pub struct PublishedBundle {
    /// The greatest sequence number that was published. A ledger that was restored from a backup may not know it.
    pub sequence: u64,
    /// The salt of the bundle that a delta will start from. Without one, the next bundle gets a new salt.
    pub salt: Option<Salt>,
}

impl Ledger {
    /// Checks that a key may sign bundles: it has signed no licence of the ledger.
    ///
    /// # Errors
    /// [`BundleError::LicenseKey`], [`Error::Ledger`].
    pub fn check_bundle_key(&self, key: &SigningKey) -> Result<()> {
        let sql = "SELECT EXISTS (SELECT 1 FROM license WHERE kid = ?1)";
        let signs = self.database.only(sql, values![key.kid().as_bytes()], |row| row.flag(0))?;
        if signs { Err(BundleError::LicenseKey(key.kid().to_string()).into()) } else { Ok(()) }
    }

    /// Drafts the next bundle of an issuer, and uses up its sequence number. `progress` is called with the number of
    /// revocations that were read.
    ///
    /// One process at a time builds bundles of a ledger: from here until [`Ledger::published`] or
    /// [`Ledger::withdraw`], or until it ends.
    ///
    /// # Errors
    /// [`LedgerError::Busy`](crate::LedgerError::Busy) if another process builds one, [`Error::Ledger`],
    /// [`Error::Random`], [`BundleError::UnknownIssuer`], [`BundleError::SequenceJump`], or [`BundleError::TooManySpared`]. No error uses up the number, except the last one.
    pub fn draft_bundle(
        &mut self,
        issuer: &str,
        issued_at: impl Into<Timestamp>,
        since: PublishedBundle,
        progress: impl FnMut(u64),
    ) -> Result<BundleDraft> {
        if self.bundle_lock.is_none() {
            self.bundle_lock = self.database.lock()?;
        }
        let drafted = self.draft(issuer, issued_at.into(), since, progress);
        if drafted.is_err() {
            self.unlock_bundle()?;
        }
        drafted
    }

    fn draft(
        &self,
        issuer: &str,
        issued_at: Timestamp,
        since: PublishedBundle,
        mut progress: impl FnMut(u64),
    ) -> Result<BundleDraft> {
        let known = self.issuers()?;
        if !known.iter().any(|name| name == issuer) {
            return Err(BundleError::UnknownIssuer { issuer: issuer.to_owned(), known }.into());
        }
        stream_key(&self.database)?;
        let mut fresh = [0; 16];
        getrandom::fill(&mut fresh).map_err(|_| Error::Random)?;
        // What another process revokes from now on belongs to the bundle after this one.
        let transaction = self.database.begin()?;
        let last = transaction.only("SELECT sequence FROM stream", &[], |row| row.unsigned(0))?;
        let sequence = next_sequence(last, since.sequence)?;
        transaction.execute("UPDATE stream SET sequence = ?1", values![sequence])?;
        for (table, of_issuer) in OF_ISSUER {
            let sql = format!("UPDATE {table} SET drafted = ?1 WHERE drafted IS NULL AND {of_issuer}");
            transaction.execute(&sql, values![sequence, issuer])?;
        }
        transaction.commit()?;
        let mut draft = BundleDraft {
            issuer: issuer.to_owned(),
            stream: self.stream()?,
            sequence,
            issued_at,
            salt: since.salt.unwrap_or(fresh.into()),
            ..BundleDraft::default()
        };
        let sql = "SELECT license.id, stream_index, reason, effective, effect, until
            FROM revocation JOIN license ON license.id = revocation.id WHERE issuer = ?1 AND drafted <= ?2";
        let mut done = 0;
        self.database.each(sql, values![issuer, sequence], |row| {
            match row.optional(1)? {
                Some(index) => drop(draft.indices.insert(index, terms(row, 2)?)),
                None => drop(draft.ids.insert(row.id(0)?, terms(row, 2)?)),
            }
            done += 1;
            progress(done);
            Ok(())
        })?;
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
        let sql = "SELECT digest FROM license WHERE issuer = ?1 AND kid = coalesce(?2, kid) LIMIT ?3";
        let most = (limits::RULE_LIST as u64).saturating_add(1);
        let digests: BTreeSet<_> = self.database.all(sql, values![issuer, kid, most], |row| row.array(0))?;
        if digests.len() > limits::RULE_LIST {
            return Err(BundleError::TooManySpared.into());
        }
        Ok(digests)
    }

    /// Withdraws a draft that is not published: its number is free again, after `last`, unless another process has
    /// drafted a bundle since.
    ///
    /// # Errors
    /// [`Error::Ledger`].
    pub fn withdraw(&mut self, draft: &BundleDraft, last: u64) -> Result<()> {
        let transaction = self.database.begin()?;
        let sql = "UPDATE stream SET sequence = ?2 WHERE sequence = ?1";
        if transaction.execute(sql, values![draft.sequence, last])? > 0 {
            for table in ["revocation", "rule"] {
                let sql = format!("UPDATE {table} SET drafted = NULL WHERE drafted = ?1");
                transaction.execute(&sql, values![draft.sequence])?;
            }
        }
        transaction.commit()?;
        self.unlock_bundle()
    }

    fn unlock_bundle(&mut self) -> Result<()> {
        self.bundle_lock.take().map_or(Ok(()), |lock| self.database.unlock(lock))
    }

    /// Remembers the bundle that was published last for its issuer. The next one is compared with it.
    ///
    /// # Errors
    /// [`BundleError::Refused`] for bytes that are no bundle, [`Error::Ledger`].
    pub fn published(&mut self, bundle: &[u8]) -> Result<()> {
        let (read, _) = Bundle::inspect(bundle).map_err(BundleError::Refused)?;
        let transaction = self.database.begin()?;
        transaction.execute(
            "INSERT INTO published (issuer, sequence, bundle) VALUES (?1, ?2, ?3)
             ON CONFLICT (issuer) DO UPDATE SET sequence = excluded.sequence, bundle = excluded.bundle
                WHERE excluded.sequence > published.sequence",
            values![read.issuer(), read.sequence(), bundle],
        )?;
        let sql = "DELETE FROM reinstated WHERE id IN (SELECT id FROM license WHERE issuer = ?1)";
        transaction.execute(sql, values![read.issuer()])?;
        transaction.commit()?;
        self.unlock_bundle()
    }

    /// The bundle of an issuer that was published last, as far as this ledger knows.
    ///
    /// # Errors
    /// [`Error::Ledger`].
    pub fn last_published(&self, issuer: &str) -> Result<Option<Vec<u8>>> {
        let sql = "SELECT bundle FROM published WHERE issuer = ?1";
        self.database.first(sql, values![issuer], |row| row.bytes(0).map(<[u8]>::to_vec))
    }

    /// The greatest sequence number of a bundle so far.
    ///
    /// # Errors
    /// [`Error::Ledger`].
    pub fn sequence(&self) -> Result<u64> {
        let found = self.database.first("SELECT sequence FROM stream", &[], |row| row.unsigned(0))?;
        Ok(found.unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_does_not_use_up_all_sequence_numbers() {
        assert_eq!(next_sequence(0, 0).unwrap(), 1);
        assert_eq!(next_sequence(2, 8).unwrap(), 9);
        assert_eq!(next_sequence(9, 2).unwrap(), 10);
        for published in
            [limits::INTEGER, limits::INTEGER - 1, limits::INTEGER - 2, u64::MAX, 1 << 52, 2 << 40]
        {
            assert!(next_sequence(2, published).is_err(), "{published}");
        }
        assert!(next_sequence(limits::INTEGER, 0).is_err(), "none is left");
    }

    #[test]
    fn a_number_that_was_not_published_is_free_again() {
        let issuer = crate::Issuer::new("acme", SigningKey::from_seed(&[1; 32]).unwrap());
        let mut ledger = Ledger::in_memory().unwrap();
        let token = issuer.issue(&crate::Draft::new("c", "pro", 1, 1_800_000_000, 1_900_000_000)).unwrap();
        ledger.record(&token).unwrap();
        let draft = |ledger: &mut Ledger, sequence| {
            let continued = PublishedBundle { sequence, ..PublishedBundle::default() };
            ledger.draft_bundle("acme", 1_800_000_000, continued, |_| ()).unwrap()
        };
        let first = draft(&mut ledger, 8);
        ledger.withdraw(&first, 0).unwrap();
        assert_eq!(ledger.sequence().unwrap(), 0);
        let (first, second) = (draft(&mut ledger, 0), draft(&mut ledger, 0));
        ledger.withdraw(&first, 0).unwrap();
        assert_eq!((ledger.sequence().unwrap(), second.sequence), (2, 2), "somebody has drafted since");
    }
}
