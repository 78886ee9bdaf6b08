//! Licences that are signed and recorded in one step, one or many.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZero,
    thread,
};

use licentia_core::{
    Lineage, TokenId, limits,
    revocation::{Reason, RevocationTerms},
};

use super::{
    counts::Changes,
    database::Ledger,
    index::{next_indices, take_turn},
    licenses::IssuedLicense,
    revocations::revoke,
    sql::{Database, Transaction, values},
    terms,
};
use crate::{
    error::{BundleError, Error, LedgerError, Result},
    grant::Grant,
    license::{Draft, Issuer, Token},
};

/// A licence to be issued.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Order {
    /// What it says. The ledger sets its index and stream.
    pub draft: Draft,
    /// The vendor's own name of the order. The same reference returns the same token.
    pub reference: Option<String>,
    /// Whether it gets an index. Without one a revocation takes more space in bundles.
    pub with_index: bool,
    /// A licence that is revoked at the same time, as superseded.
    pub replaces: Option<TokenId>,
}

impl Order {
    /// An order without a reference, for a licence with an index.
    pub fn new(draft: Draft) -> Self {
        Self { draft, reference: None, with_index: true, replaces: None }
    }

    /// With the vendor's own name of the order.
    #[must_use]
    pub fn reference(mut self, reference: impl Into<String>) -> Self {
        self.reference = Some(reference.into());
        self
    }

    /// With a licence that is revoked at the same time, as superseded.
    #[must_use]
    pub fn replacing(mut self, id: TokenId) -> Self {
        self.replaces = Some(id);
        self
    }
}

/// A licence that is in the ledger, and can be handed out.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Issued {
    /// The licence.
    pub token: Token,
    /// Whether it was issued now. Otherwise it is the one that was issued for this reference before.
    pub is_new: bool,
}

impl Ledger {
    /// Signs a licence and records it, with the next index of the ledger's stream.
    ///
    /// # Errors
    /// As [`Ledger::issue_all`].
    pub fn issue(&mut self, issuer: &Issuer, order: Order) -> Result<Issued> {
        let answer = self.issue_all(issuer, [order])?.pop();
        answer.ok_or_else(|| LedgerError::Empty.into())
    }

    /// Signs licences and records them in one transaction, all or none, on all processors. A thousand at once is a good
    /// size: it takes a tenth of a second, for which other writers wait.
    ///
    /// An order whose reference is in the ledger is not issued again: it is answered with the token that was issued
    /// before, in the same bytes. So a batch that was cut off can be repeated.
    ///
    /// # Errors
    /// [`LedgerError::ReferenceUsed`] if an order with the same reference differs in more than its times,
    /// [`LedgerError::UnknownLineage`] or [`LedgerError::ForeignLineage`] for a lineage that is not the subject's,
    /// [`crate::BundleError::UnknownLicense`] for a licence to replace that is not there, the errors of
    /// [`Issuer::issue`], [`Error::Ledger`].
    pub fn issue_all(
        &mut self,
        issuer: &Issuer,
        orders: impl IntoIterator<Item = Order>,
    ) -> Result<Vec<Issued>> {
        let stream = self.stream()?;
        let mut orders: Vec<Order> = orders.into_iter().collect();
        let transaction = self.database.begin()?;
        // Two orders of one reference come one after the other.
        take_turn(&transaction)?;
        let before = answered(&transaction, issuer, &orders)?;
        for order in &orders {
            if let Some(lineage) = &order.draft.lineage {
                check_lineage(&transaction, issuer.name(), &order.draft.subject, lineage)?;
            }
        }
        let is_new = |(order, answer): (&Order, &Option<Token>)| order.with_index && answer.is_none();
        let wanted = orders.iter().zip(&before).filter(|pair| is_new(*pair)).count() as u64;
        let mut indices = next_indices(&transaction, wanted)?;
        for (order, answer) in orders.iter_mut().zip(&before) {
            let index = if is_new((order, answer)) { indices.next() } else { None };
            (order.draft.index, order.draft.stream) = (index, stream);
        }
        let signed = sign_all(issuer, &orders, &before)?;
        let mut answers = Vec::with_capacity(orders.len());
        let mut changes = Changes::default();
        for (order, (answer, signed)) in orders.iter().zip(before.into_iter().zip(signed)) {
            let is_new = answer.is_none();
            let Some(token) = answer.or(signed) else { return Err(LedgerError::Empty.into()) };
            if is_new {
                insert(&transaction, &token, stream, &mut changes)?;
                record(&transaction, issuer, order, &token, &mut changes)?;
            }
            answers.push(Issued { token, is_new });
        }
        changes.write(&transaction)?;
        transaction.commit()?;
        Ok(answers)
    }

    /// Records a licence and its terms. Do this before handing it out. [`Ledger::issue`] does it in one step.
    ///
    /// # Errors
    /// [`Error::Ledger`], also if the identifier is already there; [`BundleError::WrongStream`] for a licence of another
    /// stream than the ledger's, which no bundle of the ledger would revoke.
    pub fn record(&mut self, token: &Token) -> Result<()> {
        let stream = self.stream()?;
        let transaction = self.database.begin()?;
        take_turn(&transaction)?;
        let mut changes = Changes::default();
        insert(&transaction, token, stream, &mut changes)?;
        changes.write(&transaction)?;
        transaction.commit()
    }

    /// The licence that was issued for a reference.
    ///
    /// # Errors
    /// [`Error::Ledger`].
    pub fn of_reference(&self, issuer: &str, reference: &str) -> Result<Option<TokenId>> {
        let sql = "SELECT id FROM reference WHERE issuer = ?1 AND reference = ?2";
        self.database.first(sql, values![issuer, reference], |row| row.id(0))
    }

    /// The reference that a licence was issued for.
    ///
    /// # Errors
    /// [`Error::Ledger`].
    pub fn reference(&self, id: &TokenId) -> Result<Option<String>> {
        let sql = "SELECT reference FROM reference WHERE id = ?1";
        self.database.first(sql, values![id], |row| row.text(0).map(str::to_owned))
    }

    /// Checks that a lineage is of this issuer and subject. Two customers of one lineage would share its quotas.
    ///
    /// # Errors
    /// [`LedgerError::UnknownLineage`], [`LedgerError::ForeignLineage`], [`Error::Ledger`].
    pub fn check_lineage(&self, issuer: &str, subject: &str, lineage: &Lineage) -> Result<()> {
        check_lineage(&self.database, issuer, subject, lineage)
    }
}

fn check_lineage(database: &Database, issuer: &str, subject: &str, lineage: &Lineage) -> Result<()> {
    let sql = "SELECT subject FROM license WHERE lineage = ?1 AND issuer = ?2 ORDER BY issued_at LIMIT 1";
    let owner = database.first(sql, values![lineage, issuer], |row| row.text(0).map(str::to_owned))?;
    let owner = owner.ok_or_else(|| LedgerError::UnknownLineage(lineage.to_string()))?;
    if owner == subject {
        return Ok(());
    }
    let (lineage, given) = (lineage.to_string(), subject.to_owned());
    Err(LedgerError::ForeignLineage { lineage, owner, given }.into())
}

/// The tokens of the orders that were issued before.
fn answered(database: &Transaction<'_>, issuer: &Issuer, orders: &[Order]) -> Result<Vec<Option<Token>>> {
    let mut seen = BTreeSet::new();
    let mut answers = Vec::with_capacity(orders.len());
    for order in orders {
        let Some(reference) = &order.reference else {
            answers.push(None);
            continue;
        };
        if reference.is_empty() || reference.len() > limits::TEXT_BYTES {
            return Err(Error::value("reference", reference, "a reference has 1 to 256 bytes"));
        }
        if !seen.insert(reference) {
            return Err(LedgerError::ReferenceTwice(reference.clone()).into());
        }
        let sql = "SELECT id FROM reference WHERE issuer = ?1 AND reference = ?2";
        let id: Option<TokenId> = database.first(sql, values![issuer.name(), reference], |row| row.id(0))?;
        let Some(id) = id else {
            answers.push(None);
            continue;
        };
        let terms = terms::find(database, &id)?;
        if let Some(differs) = difference(&terms.draft()?, &order.draft) {
            let (reference, id) = (reference.clone(), id.to_string());
            return Err(LedgerError::ReferenceUsed { reference, id, differs }.into());
        }
        answers.push(Some(terms.sign(issuer)?));
    }
    Ok(answers)
}

/// What differs between two drafts beside their times, which depend on when the order came.
fn difference(issued: &Draft, wanted: &Draft) -> Option<&'static str> {
    let grant = |draft: &Draft| Grant { quotas: BTreeMap::new(), ..draft.grant.clone() };
    let limits = |draft: &Draft| {
        draft.grant.quotas.iter().map(|(meter, quota)| (meter.clone(), quota.limit)).collect::<Vec<_>>()
    };
    let differences = [
        ("the subject", issued.subject != wanted.subject),
        ("the tier", (&issued.tier, issued.version) != (&wanted.tier, wanted.version)),
        ("what is granted", grant(issued) != grant(wanted) || limits(issued) != limits(wanted)),
        ("the audience", issued.audiences != wanted.audiences),
        ("the holder's key", issued.holder != wanted.holder),
        ("the machines", issued.node_locks != wanted.node_locks),
        ("the metadata", sorted(&issued.meta) != sorted(&wanted.meta)),
        ("the lineage", wanted.lineage.is_some() && issued.lineage != wanted.lineage),
    ];
    differences.into_iter().find(|(_, differs)| *differs).map(|(what, _)| what)
}

fn sorted(meta: &[(String, String)]) -> BTreeSet<&(String, String)> {
    meta.iter().collect()
}

/// Signs the orders that were not answered, on all processors.
fn sign_all(issuer: &Issuer, orders: &[Order], before: &[Option<Token>]) -> Result<Vec<Option<Token>>> {
    let sign = |(order, answer): (&Order, &Option<Token>)| {
        if answer.is_some() { Ok(None) } else { issuer.issue(&order.draft).map(Some) }
    };
    // A thread costs as much as a few signatures.
    let most = orders.len().div_ceil(16);
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(most).max(1);
    if threads == 1 {
        return orders.iter().zip(before).map(sign).collect();
    }
    let share = orders.len().div_ceil(threads);
    let parts = thread::scope(|scope| {
        let parts = orders.chunks(share).zip(before.chunks(share)).map(|(orders, before)| {
            scope.spawn(move || orders.iter().zip(before).map(sign).collect::<Result<Vec<_>>>())
        });
        let parts: Vec<_> = parts.collect();
        parts.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    let mut signed = Vec::with_capacity(orders.len());
    for part in parts {
        signed.extend(part.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
    }
    Ok(signed)
}

/// Records a licence and its terms in a ledger of this stream, and counts it.
pub(super) fn insert(database: &Database, token: &Token, stream: u64, changes: &mut Changes) -> Result<()> {
    let claims = token.claims().map_err(|malformed| Error::Refused(malformed.code))?;
    if claims.stream() != stream {
        return Err(BundleError::WrongStream { stream, given: claims.stream() }.into());
    }
    let license = IssuedLicense::of(&claims, token);
    changes.insert(database, &license)?;
    database.execute(
        "INSERT INTO license (id, lineage, issuer, subject, tier, tier_version, kind, kid,
            issued_at, not_before, term_end, expires, stream_index, digest)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        values![
            &license.id,
            &license.lineage,
            &license.issuer,
            &license.subject,
            &license.tier,
            license.tier_version,
            license.kind.number(),
            &license.kid,
            license.issued_at,
            license.not_before,
            license.term_end,
            license.expires,
            license.index,
            &license.digest,
        ],
    )?;
    terms::insert(database, &license.id, token.payload())
}

/// Records what belongs to an order beside the licence.
fn record(
    database: &Transaction<'_>,
    issuer: &Issuer,
    order: &Order,
    token: &Token,
    changes: &mut Changes,
) -> Result<()> {
    if let Some(reference) = &order.reference {
        let claims = token.claims().map_err(|malformed| Error::Refused(malformed.code))?;
        let sql = "INSERT INTO reference (issuer, reference, id) VALUES (?1, ?2, ?3)";
        database.execute(sql, values![issuer.name(), reference, &claims.id()])?;
    }
    let superseded = RevocationTerms { reason: Reason::Superseded, ..RevocationTerms::default() };
    order.replaces.map_or(Ok(()), |id| revoke(database, &id, &superseded, changes))
}
