//! `/v1/lineages/{lineage}`: a licence through its renewals, and what happened to it.

use std::{cmp::Reverse, collections::BTreeMap};

use axum::extract::State;
use licentia_core::{Lineage, Timestamp, TokenId};
use licentia_issuer::{Ledger, LicenseFilter};
use serde::Serialize;

use crate::{
    access::{Caller, Identity, Read},
    http::{Problem, ProblemBody, Segment, hex},
    licenses::LicenseView,
    server::Server,
    store::values,
    stripe::{self, SubscriptionView},
};

/// Lines of the audit that are shown at most.
const LINES: u64 = 500;

/// A licence through its renewals.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Contract {
    /// The newest licence.
    current: LicenseView,
    /// Whether it is suspended, until it is resumed.
    suspended: bool,
    /// All licences, the newest first.
    licenses: Vec<LicenseView>,
    /// What happened and what will, the latest first.
    timeline: Vec<Moment>,
    /// The subscription that pays for it.
    subscription: Option<SubscriptionView>,
}

/// Something that happened, or will.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Moment {
    /// When, in seconds since 1970.
    at: u64,
    /// What it is, for programs: `issued`, `renewed`, `upgraded`, `revoked`, `term`, `end`, or an action of the audit.
    kind: String,
    /// What, in words.
    what: String,
    /// More about it.
    detail: String,
    /// Who did it, if the audit knows.
    who: Option<String>,
}

/// A line of the audit.
struct Line {
    at: u64,
    subject: String,
    action: String,
    target: String,
}

/// A licence through its renewals, and what happened to it.
#[utoipa::path(get, path = "/v1/lineages/{lineage}", tag = "page", security(("license" = [])),
    params(("lineage" = String, Path, description = "The lineage.")),
    responses((status = 200, body = Contract), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn lineage(
    State(server): State<Server>,
    caller: Caller<Read>,
    segment: Segment,
) -> Result<axum::Json<Contract>, Problem> {
    let (who, lineage) = (caller.0, segment.lineage()?);
    Ok(axum::Json(server.readers().read(move |ledger| gather(ledger, &who, &lineage)).await?))
}

fn gather(ledger: &Ledger, who: &Identity, lineage: &Lineage) -> Result<Contract, Problem> {
    let filter = LicenseFilter {
        issuer: Some(who.issuer.clone()),
        prefix: Some(lineage.to_string()),
        descending: true,
        ..LicenseFilter::default()
    };
    let listed = ledger.list(&filter, who.now)?;
    let mut licenses: Vec<LicenseView> = listed
        .iter()
        .filter(|listed| listed.license.lineage == *lineage)
        .map(|listed| LicenseView::of(listed, who.now))
        .collect();
    // Of those that were issued in one second, the one that its customer uses is the last.
    if let Ok(used) = ledger.current(lineage) {
        let used = used.id.to_string();
        licenses.sort_by_key(|license| (Reverse(license.issued_at), license.id != used));
    }
    let mut targets = vec![lineage.to_string()];
    // The first licence has the identifier of its lineage.
    targets.extend(licenses.iter().map(|license| license.id.clone()).filter(|id| *id != lineage.to_string()));
    let mut lines: Vec<Line> = Vec::new();
    for target in &targets {
        let sql = "SELECT at, subject, action, target FROM audit WHERE issuer = ?1 AND target = ?2
             ORDER BY number DESC LIMIT ?3";
        let found: Vec<Line> = ledger.database().all(sql, values![&who.issuer, target, LINES], |row| {
            Ok(Line {
                at: row.unsigned(0)?,
                subject: row.text(1)?.to_owned(),
                action: row.text(2)?.to_owned(),
                target: row.text(3)?.to_owned(),
            })
        })?;
        lines.extend(found);
    }
    let mut timeline = issued(&licenses, &mut lines);
    // What was revoked on the ledger itself is in no audit.
    let is_told = lines.iter().any(|line| matches!(&*line.action, "revoke" | "suspend"));
    let revoked = licenses.iter().filter(|license| {
        license.revocation.as_ref().is_some_and(|terms| terms.reason != "superseded") && !is_told
    });
    for (license, terms) in revoked.filter_map(|license| Some((license, license.revocation.as_ref()?))) {
        timeline.push(Moment {
            at: terms.effective.max(license.issued_at),
            kind: "revoked".into(),
            what: "Revoked".into(),
            detail: terms.reason.replace('_', " "),
            who: None,
        });
    }
    timeline.extend(lines.into_iter().map(told));
    let Some(current) =
        licenses.iter().find(|license| license.revocation.is_none()).or(licenses.first()).cloned()
    else {
        return Err(Problem::unknown("no licence has such a lineage"));
    };
    timeline.extend(ends(&current, who.now));
    timeline.sort_by_key(|moment| Reverse(moment.at));
    let paid = stripe::tables::all(ledger)?.into_iter().rfind(|paid| paid.lineage == *lineage);
    let mut suspended = false;
    for license in &licenses {
        let id = hex::<16>(&license.id).map(TokenId::from);
        let sql = "SELECT 1 FROM suspension WHERE id = ?1";
        let found = ledger.database().first(sql, values![id.as_ref()], |_| Ok(()))?;
        suspended |= found.is_some();
    }
    Ok(Contract { current, suspended, licenses, timeline, subscription: paid.map(SubscriptionView::from) })
}

/// When each licence was issued, and by whom: the audit's lines about that are taken out.
fn issued(licenses: &[LicenseView], lines: &mut Vec<Line>) -> Vec<Moment> {
    let mut by: BTreeMap<String, (String, String)> = BTreeMap::new();
    lines.retain(|line| {
        let makes = ["issue", "renew", "upgrade", "rotate", "activate", "payment.issue", "payment.renew"];
        let is_making =
            makes.contains(&&*line.action) && licenses.iter().any(|license| license.id == line.target);
        if is_making {
            by.insert(line.target.clone(), (line.action.clone(), line.subject.clone()));
        }
        !is_making
    });
    let mut moments = Vec::with_capacity(licenses.len());
    for (at, license) in licenses.iter().enumerate() {
        let before = licenses.get(at + 1);
        let (kind, what) = match before {
            None => ("issued", "Issued"),
            Some(before) if (&before.tier, before.tier_version) != (&license.tier, license.tier_version) => {
                ("upgraded", "Tier changed")
            }
            Some(_) => ("renewed", "Renewed"),
        };
        let until = Timestamp::from_seconds(license.term_end.unwrap_or(license.expires));
        let until = licentia_issuer::time::show(until);
        let is_replaced = |before: &&LicenseView| {
            before.revocation.as_ref().is_some_and(|terms| terms.reason == "superseded")
        };
        let replaced =
            if before.as_ref().is_some_and(is_replaced) { ", in place of the one before" } else { "" };
        moments.push(Moment {
            at: license.issued_at,
            kind: kind.into(),
            what: what.into(),
            detail: format!("{} v{}, until {until}{replaced}", license.tier, license.tier_version),
            who: by.get(&license.id).map(|(_, subject)| subject.clone()),
        });
    }
    moments
}

/// A line of the audit in words.
fn told(line: Line) -> Moment {
    let (kind, what) = match &*line.action {
        "revoke" => ("revoked", "Revoked".to_owned()),
        "suspend" => ("suspended", "Suspended".to_owned()),
        "resume" => ("resumed", "Resumed".to_owned()),
        "reinstate" => ("reinstated", "Reinstated".to_owned()),
        other => (other, other.replace(['.', '_'], " ")),
    };
    Moment { at: line.at, kind: kind.to_owned(), what, detail: String::new(), who: Some(line.subject) }
}

/// What will happen to a licence if nobody does anything.
fn ends(license: &LicenseView, now: Timestamp) -> Vec<Moment> {
    let moment = |at: u64, kind: &str, what: &str, detail: &str| Moment {
        at,
        kind: kind.to_owned(),
        what: what.to_owned(),
        detail: detail.to_owned(),
        who: None,
    };
    let mut moments = Vec::new();
    // A licence that never ends has no such moment.
    if license.revocation.is_some() || license.expires >= licentia_core::limits::TIME {
        return moments;
    }
    if let Some(end) = license.term_end {
        moments.push(moment(end, "term", "The contract ends", "then it goes on in grace, flagged"));
    }
    let what = if license.expires > now.as_seconds() { "It stops working" } else { "It stopped working" };
    moments.push(moment(license.expires, "end", what, "unless it is renewed"));
    moments
}
