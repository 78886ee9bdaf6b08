//! Licences that are signed anew.

use licentia_core::{Lineage, Timestamp, TokenId};

use super::{
    database::Ledger,
    issue::{Issued, Order},
    licenses::{COLUMNS, IssuedLicense, read},
    sql::values,
};
use crate::{
    error::{LedgerError, Result},
    license::{Draft, Issuer},
};

impl Ledger {
    /// The licence of a lineage that its customer uses: the newest that is not revoked.
    ///
    /// # Errors
    /// [`LedgerError::UnknownLineage`], [`LedgerError::LineageRevoked`], [`LedgerError::Database`].
    pub fn current(&self, lineage: &Lineage) -> Result<IssuedLicense> {
        let sql = format!(
            "SELECT {COLUMNS} FROM license LEFT JOIN terms ON terms.id = license.id
             WHERE lineage = ?1 AND NOT EXISTS (SELECT 1 FROM revocation WHERE revocation.id = license.id)
             ORDER BY issued_at DESC, terms.number DESC NULLS LAST LIMIT 1"
        );
        let found = self.database.first(&sql, values![lineage], read)?;
        found.map_or_else(
            || {
                let is_known = !self.of_lineage(lineage)?.is_empty();
                let lineage = lineage.to_string();
                Err(if is_known {
                    LedgerError::LineageRevoked(lineage)
                } else {
                    LedgerError::UnknownLineage(lineage)
                }
                .into())
            },
            Ok,
        )
    }

    /// Every licence that a key signed and that has not ended at `now`, the oldest first.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub fn signed_by(&self, kid: &[u8], now: Timestamp) -> Result<Vec<TokenId>> {
        let sql = "SELECT id FROM license WHERE kid = ?1 AND expires > ?2 ORDER BY issued_at, id";
        self.database.all(sql, values![kid, now], |row| row.id(0))
    }

    /// Signs licences anew with another key: same lineage, terms and times, and an index if they had one. It leaves out
    /// those that are revoked, and those that a newer licence of their lineage has replaced.
    ///
    /// It can be repeated: a licence that was reissued before is answered with the same token. With `replace`, the old
    /// ones are revoked at the same time, as superseded.
    ///
    /// # Errors
    /// [`LedgerError::NoTerms`] for a licence that an older version issued, the errors of [`Ledger::issue_all`]. Nothing
    /// is issued then.
    pub fn reissue(
        &mut self,
        issuer: &Issuer,
        ids: &[TokenId],
        now: Timestamp,
        replace: bool,
    ) -> Result<Vec<(TokenId, Issued)>> {
        let mut due = Vec::with_capacity(ids.len());
        let mut orders = Vec::with_capacity(ids.len());
        for id in ids {
            let Some(old) = self.find(id)? else { continue };
            if old.issuer != issuer.name() || !self.is_due(&old)? {
                continue;
            }
            due.push(*id);
            orders.push(self.anew(id, now, replace)?.reference(reissue_of(id)));
        }
        let answers = self.issue_all(issuer, orders)?;
        Ok(due.into_iter().zip(answers).collect())
    }

    /// How many of these licences [`Ledger::reissue`] would sign anew, or has signed anew.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub fn reissuable(&self, ids: &[TokenId]) -> Result<u64> {
        let mut count = 0;
        for id in ids {
            count += u64::from(match self.find(id)? {
                Some(old) => self.is_due(&old)?,
                None => false,
            });
        }
        Ok(count)
    }

    /// Signs a licence anew, for a customer who lost it: a new token with the same lineage, terms and times. With
    /// `replace`, the lost one is revoked at the same time, as superseded.
    ///
    /// # Errors
    /// [`LedgerError::NotGood`] for a licence that is revoked or has ended, [`LedgerError::NoTerms`], the errors of
    /// [`Ledger::issue`].
    pub fn resend(&mut self, issuer: &Issuer, id: &TokenId, now: Timestamp, replace: bool) -> Result<Issued> {
        let good = |why| LedgerError::NotGood { id: id.to_string(), why };
        let order = self.anew(id, now, replace)?;
        if self.revocation(id)?.is_some() {
            return Err(good("is revoked; reinstate it first, or issue a new one").into());
        }
        if order.draft.expires <= now {
            return Err(good("has ended; renew it").into());
        }
        self.issue(issuer, order)
    }

    /// The draft that a licence was signed from.
    ///
    /// # Errors
    /// [`LedgerError::NoTerms`], [`LedgerError::Database`].
    pub fn draft_of(&self, id: &TokenId) -> Result<Draft> {
        self.terms(id)?.draft()
    }

    fn anew(&self, id: &TokenId, now: Timestamp, replace: bool) -> Result<Order> {
        let draft = self.draft_of(id)?;
        let mut order = Order::new(draft.reissued(now));
        order.with_index = draft.index.is_some();
        order.replaces = replace.then_some(*id);
        Ok(order)
    }

    /// Whether a licence is the one that its customer uses, or was reissued before.
    fn is_due(&self, license: &IssuedLicense) -> Result<bool> {
        if self.of_reference(&license.issuer, &reissue_of(&license.id))?.is_some() {
            return Ok(true);
        }
        match self.current(&license.lineage) {
            Ok(current) => Ok(current.id == license.id),
            Err(crate::Error::Ledger(LedgerError::LineageRevoked(_))) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// The reference under which a licence is reissued, once.
fn reissue_of(id: &TokenId) -> String {
    format!("reissue of {id}")
}
