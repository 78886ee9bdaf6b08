//! What is done with the licences of a lineage. Each function runs in the transaction that is open, so that payments and
//! people do the same.

use licentia_core::{
    Lineage, Timestamp, TokenId,
    revocation::{Reason, RevocationTerms},
};
use licentia_issuer::{Draft, Issued, IssuedLicense, Ledger, LedgerError, Order, time::Span};

use crate::{access::Identity, http::Problem, server::Server, store::values, trust};

/// Without a confirmation at most so many licences become worse off, or a share of all that were issued.
const CAP: (u64, u64) = (10, 200);

/// The licences of a lineage of an issuer, the oldest first.
///
/// # Errors
/// 404 if there is none: another issuer's are none.
pub(crate) fn of_lineage(
    ledger: &Ledger,
    issuer: &str,
    lineage: &Lineage,
) -> Result<Vec<IssuedLicense>, Problem> {
    let mut found = ledger.of_lineage(lineage)?;
    found.retain(|license| license.issuer == issuer);
    if found.is_empty() {
        return Err(Problem::unknown("no licence has this lineage"));
    }
    Ok(found)
}

/// Refuses to change a credential of this service, unless an administrator does.
pub(crate) fn may_change(
    ledger: &Ledger,
    caller: &Identity,
    licenses: &[IssuedLicense],
) -> Result<(), Problem> {
    for license in licenses {
        match ledger.draft_of(&license.id) {
            Ok(draft) => caller.may_grant(draft.grant.features.keys())?,
            // An older version issued it, before there were credentials.
            Err(licentia_issuer::Error::Ledger(LedgerError::NoTerms(_))) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Issues what follows the current licence of a lineage. `replace` revokes that one, as superseded.
pub(crate) fn follow(
    ledger: &mut Ledger,
    server: &Server,
    issuer: &str,
    lineage: &Lineage,
    (reference, replace): (Option<String>, bool),
    next: impl FnOnce(&Ledger, &Draft) -> Result<Draft, Problem>,
) -> Result<Issued, Problem> {
    of_lineage(ledger, issuer, lineage)?;
    let current = ledger.current(lineage)?;
    let old = ledger.draft_of(&current.id)?;
    let mut order = Order::new(next(ledger, &old)?);
    order.with_index = old.index.is_some();
    order.reference = reference;
    order.replaces = replace.then_some(current.id);
    let made = ledger.issue(&server.keys(issuer)?.issuer, order)?;
    if replace {
        trust::mark(ledger, issuer)?;
    }
    Ok(made)
}

/// Drafts a licence for another term, of the tier's length or of `term`.
pub(crate) fn renewal(
    ledger: &Ledger,
    server: &Server,
    issuer: &str,
    old: &Draft,
    term: Option<Span>,
    now: Timestamp,
) -> Result<Draft, Problem> {
    let catalogue = server.catalogue(ledger, issuer)?;
    Ok(catalogue.tier(&old.tier, Some(old.version))?.renew(old, now, term)?)
}

/// Signs the current licence of a lineage anew. The old one works for `overlap`, and is revoked then.
pub(crate) fn rotate(
    ledger: &mut Ledger,
    server: &Server,
    issuer: &str,
    lineage: &Lineage,
    overlap: Option<Span>,
    now: Timestamp,
) -> Result<Issued, Problem> {
    of_lineage(ledger, issuer, lineage)?;
    let current = ledger.current(lineage)?;
    let made = ledger.resend(&server.keys(issuer)?.issuer, &current.id, now, false)?;
    let effective = overlap.map_or(Ok(Timestamp::EPOCH), |overlap| overlap.after(now))?;
    let terms = RevocationTerms { reason: Reason::Superseded, effective, ..RevocationTerms::default() };
    ledger.revoke(&current.id, terms)?;
    trust::mark(ledger, issuer)?;
    Ok(made)
}

/// Revokes licences, and returns those that are worse off for it. More than the cap need a confirmation that names how
/// many they are.
pub(crate) fn revoke(
    ledger: &mut Ledger,
    issuer: &str,
    licenses: &[IssuedLicense],
    terms: RevocationTerms,
    confirm: Option<u64>,
) -> Result<Vec<TokenId>, Problem> {
    let mut hit = Vec::new();
    for license in licenses {
        let is_over = ledger.revocation(&license.id)?.is_some_and(|known| known.reason == Reason::Superseded);
        // What another licence took the place of stays what it is.
        if !is_over {
            hit.push(license.id);
        }
    }
    confirmed(ledger, &hit, confirm)?;
    ledger.revoke_all(&hit, terms, |_| ())?;
    for id in &hit {
        // What is revoked is no longer only suspended: nothing resumes it.
        ledger.database().execute("DELETE FROM suspension WHERE id = ?1", values![id])?;
    }
    trust::mark(ledger, issuer)?;
    Ok(hit)
}

/// Refuses more than the cap without a confirmation.
fn confirmed(ledger: &Ledger, hit: &[TokenId], confirm: Option<u64>) -> Result<(), Problem> {
    let count = hit.len() as u64;
    let sql = "SELECT coalesce(max(number), 0) FROM terms";
    let issued: u64 = ledger.database().only(sql, &[], |row| row.unsigned(0))?;
    let cap = (issued / CAP.1).max(CAP.0);
    match confirm {
        Some(confirmed) if confirmed == count => Ok(()),
        None if count <= cap => Ok(()),
        _ => Err(needs_confirmation(count, issued, hit)),
    }
}

/// Says what would be hit.
pub(crate) fn needs_confirmation(count: u64, issued: u64, hit: &[TokenId]) -> Problem {
    let detail =
        format!("{count} of {issued} licences would be revoked. To do it, send `\"confirm\": {count}`.");
    let some: Vec<String> = hit.iter().take(100).map(ToString::to_string).collect();
    Problem::conflict("confirmation_needed", detail)
        .with("hits", count)
        .with("issued", issued)
        .with("licenses", some)
}

/// Suspends the licences of a lineage that are not revoked: what [`resume`] undoes.
pub(crate) fn suspend(
    ledger: &mut Ledger,
    issuer: &str,
    licenses: &[IssuedLicense],
    reason: Reason,
) -> Result<Vec<TokenId>, Problem> {
    let mut hit = Vec::new();
    for license in licenses {
        if ledger.revocation(&license.id)?.is_none() {
            hit.push(license.id);
        }
    }
    ledger.revoke_all(&hit, RevocationTerms { reason, ..RevocationTerms::default() }, |_| ())?;
    for id in &hit {
        let sql = "INSERT INTO suspension (id) VALUES (?1) ON CONFLICT (id) DO NOTHING";
        ledger.database().execute(sql, values![id])?;
    }
    trust::mark(ledger, issuer)?;
    Ok(hit)
}

/// Ends a suspension. What was revoked stays revoked.
pub(crate) fn resume(
    ledger: &mut Ledger,
    issuer: &str,
    licenses: &[IssuedLicense],
) -> Result<Vec<TokenId>, Problem> {
    let mut resumed = Vec::new();
    for license in licenses {
        let sql = "DELETE FROM suspension WHERE id = ?1";
        if ledger.database().execute(sql, values![&license.id])? > 0 && ledger.reinstate(&license.id)? {
            resumed.push(license.id);
        }
    }
    trust::mark(ledger, issuer)?;
    Ok(resumed)
}

/// Removes the revocations of licences, but of those that another licence took the place of.
pub(crate) fn reinstate(
    ledger: &mut Ledger,
    issuer: &str,
    licenses: &[IssuedLicense],
) -> Result<Vec<TokenId>, Problem> {
    let mut reinstated = Vec::new();
    for license in licenses {
        let known = ledger.revocation(&license.id)?;
        if known.is_some_and(|known| known.reason != Reason::Superseded) && ledger.reinstate(&license.id)? {
            ledger.database().execute("DELETE FROM suspension WHERE id = ?1", values![&license.id])?;
            reinstated.push(license.id);
        }
    }
    trust::mark(ledger, issuer)?;
    Ok(reinstated)
}
