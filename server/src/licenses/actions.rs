//! `/v1/licenses/{lineage}` and what is done with it.

use axum::{extract::State, response::Response};
use http::StatusCode;
use licentia_core::{
    Lineage, Timestamp, TokenId,
    revocation::{Effect, Reason, RevocationTerms},
};
use licentia_issuer::{LicenseFilter, time::Span};
use serde::{Deserialize, Serialize};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    change,
    issue::{IssuedView, may_issue, view},
    list::LicensePage,
    view::LicenseView,
    wanted::{Overrides, tier},
};
use crate::{
    access::{Caller, Issue, Read, Revoke},
    http::{Acting, Answer, IdempotencyKey, Nothing, Post, Problem, ProblemBody, Segment},
    server::Server,
};

pub(super) fn routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new()
        .routes(routes!(show))
        .routes(routes!(renew))
        .routes(routes!(upgrade))
        .routes(routes!(rotate))
        .routes(routes!(suspend))
        .routes(routes!(resume))
        .routes(routes!(revoke))
        .routes(routes!(reinstate))
        .routes(routes!(revoke_subject))
}

/// For another term.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Renewing {
    /// How long, instead of the tier's term: `1 year`.
    term: Option<String>,
    /// Your own name of the order. The same reference again gives the same licence again.
    reference: Option<String>,
    /// Whether the licence that it follows is revoked at once. Otherwise that one works until it ends.
    #[serde(default)]
    replace: bool,
}

/// To another tier.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Upgrading {
    /// The tier of the active catalogue: `team` for its newest version, or `team@3`.
    tier: String,
    /// Your own name of the order. The same reference again gives the same licence again.
    reference: Option<String>,
    /// Whether the licence that it follows is revoked at once. Otherwise that one works until it ends.
    #[serde(default)]
    replace: bool,
    #[serde(flatten)]
    overrides: Overrides,
}

/// With another token.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Rotating {
    /// How long the old token works beside the new one: `7 days`. Without it, the old one is revoked at once.
    overlap: Option<String>,
}

/// Not for now.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Suspending {
    /// Why: see `Revoking`.
    reason: Option<String>,
}

/// Not any more.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Revoking {
    /// `unspecified`, `key_compromise`, `unpaid`, `fraud`, `requested` or `breach`.
    reason: Option<String>,
    /// From when on, in seconds since 1970. At once by default.
    effective: Option<u64>,
    /// Until then it is allowed and flagged.
    warn_until: Option<u64>,
    /// Until then it is in grace.
    grace_until: Option<u64>,
    /// How many licences you expect to be hit. Needed if they are many.
    confirm: Option<u64>,
}

/// All licences of a customer.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct RevokingSubject {
    /// The customer.
    subject: String,
    #[serde(flatten)]
    how: Revoking,
}

/// Which licences were changed. Gateways that follow the stream know it within a second.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Changed {
    /// Their identifiers.
    licenses: Vec<String>,
}

fn reason(name: Option<&str>, default: Reason) -> Result<Reason, Problem> {
    let Some(name) = name else { return Ok(default) };
    let known = [
        Reason::Unspecified,
        Reason::KeyCompromise,
        Reason::Unpaid,
        Reason::Fraud,
        Reason::Requested,
        Reason::Breach,
    ];
    let expected = "unspecified, key_compromise, unpaid, fraud, requested or breach";
    known.into_iter().find(|one| one.name() == name).ok_or_else(|| Problem::value("reason", expected))
}

impl Revoking {
    fn terms(&self) -> Result<RevocationTerms, Problem> {
        let effect = match (self.warn_until, self.grace_until) {
            (Some(_), Some(_)) => {
                return Err(Problem::value("grace_until", "write `warn_until` or `grace_until`, not both"));
            }
            (Some(until), None) => Effect::WarnUntil(until.into()),
            (None, Some(until)) => Effect::GraceUntil(until.into()),
            (None, None) => Effect::Deny,
        };
        Ok(RevocationTerms {
            reason: reason(self.reason.as_deref(), Reason::Unspecified)?,
            effective: self.effective.map_or(Timestamp::EPOCH, Timestamp::from_seconds),
            effect,
        })
    }
}

fn span(field: &str, text: Option<&str>) -> Result<Option<Span>, Problem> {
    let wrong = |_| Problem::value(field, "write a duration: `1 year`, `7 days`");
    text.map(|text| text.parse().map_err(wrong)).transpose()
}

fn changed(ids: &[TokenId], target: &str) -> Result<Answer, Problem> {
    let licenses = ids.iter().map(ToString::to_string).collect();
    Answer::new(StatusCode::OK, &Changed { licenses }, target)
}

/// Publishes what an action has changed.
fn published(server: &Server, response: Response) -> Response {
    server.publish();
    response
}

/// Shows the licences of a lineage, the newest first.
#[utoipa::path(get, path = "/v1/licenses/{lineage}", tag = "licenses", security(("license" = [])),
    params(("lineage" = String, Path, pattern = "^[0-9a-f]{32}$")),
    responses((status = 200, body = LicensePage), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
async fn show(
    State(server): State<Server>,
    caller: Caller<Read>,
    lineage: Segment,
) -> Result<axum::Json<LicensePage>, Problem> {
    let (lineage, issuer, now) = (lineage.lineage()?, caller.issuer.clone(), caller.now);
    let items = server.readers().read(move |ledger| {
        let filter = LicenseFilter {
            issuer: Some(issuer),
            prefix: Some(lineage.to_string()),
            descending: true,
            limit: Some(1000),
            ..LicenseFilter::default()
        };
        let mut found = ledger.list(&filter, now)?;
        found.retain(|listed| listed.license.lineage == lineage);
        if found.is_empty() {
            return Err(Problem::unknown("no licence has this lineage"));
        }
        Ok(found.iter().map(|listed| LicenseView::of(listed, now)).collect())
    });
    Ok(axum::Json(LicensePage { items: items.await?, next: None }))
}

/// Answers with a licence that followed another one.
fn followed(
    ledger: &licentia_issuer::Ledger,
    acting: &Acting,
    issued: licentia_issuer::Issued,
) -> Result<Answer, Problem> {
    let (id, view): (String, IssuedView) = view(ledger, acting, issued.is_new, &issued)?;
    Answer::new(StatusCode::CREATED, &view, id)?.with_token("/token", issued)
}

/// Renews a licence: the same terms for another term, which begins when the paid one ends. The new token works at once.
#[utoipa::path(post, path = "/v1/licenses/{lineage}/renew", tag = "licenses", request_body = Renewing, security(("license" = [])),
    params(("lineage" = String, Path, pattern = "^[0-9a-f]{32}$"), IdempotencyKey),
    responses((status = 201, body = IssuedView), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
async fn renew(
    State(server): State<Server>,
    lineage: Segment,
    post: Post<Renewing, Issue>,
) -> Result<Response, Problem> {
    let lineage = lineage.lineage()?;
    let done = post.act(&server, "renew", move |ledger, acting, wanted| {
        let (term, issuer) = (span("term", wanted.term.as_deref())?, &acting.caller.issuer);
        let how = (wanted.reference, wanted.replace);
        let made = change::follow(ledger, &acting.server, issuer, &lineage, how, |ledger, old| {
            let draft = change::renewal(ledger, &acting.server, issuer, old, term, acting.now)?;
            may_issue(acting, &draft).map(|()| draft)
        })?;
        followed(ledger, acting, made)
    });
    Ok(published(&server, done.await?))
}

/// Moves a licence to another tier, for the time that is paid. Usage counts continue.
#[utoipa::path(post, path = "/v1/licenses/{lineage}/upgrade", tag = "licenses", request_body = Upgrading, security(("license" = [])),
    params(("lineage" = String, Path, pattern = "^[0-9a-f]{32}$"), IdempotencyKey),
    responses((status = 201, body = IssuedView), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
async fn upgrade(
    State(server): State<Server>,
    lineage: Segment,
    post: Post<Upgrading, Issue>,
) -> Result<Response, Problem> {
    let lineage = lineage.lineage()?;
    let done = post.act(&server, "upgrade", move |ledger, acting, wanted| {
        let issuer = &acting.caller.issuer;
        let how = (wanted.reference, wanted.replace);
        let made = change::follow(ledger, &acting.server, issuer, &lineage, how, |ledger, old| {
            let (name, version) = tier(&wanted.tier)?;
            let catalogue = acting.server.catalogue(ledger, issuer)?;
            let mut draft = catalogue.tier(name, version)?.upgrade(old, acting.now)?;
            let start = old.quota_anchor().unwrap_or(acting.now);
            wanted.overrides.apply(&mut draft, start)?;
            // A credential that is downgraded is an administrator's matter too.
            may_issue(acting, old)?;
            may_issue(acting, &draft).map(|()| draft)
        })?;
        followed(ledger, acting, made)
    });
    Ok(published(&server, done.await?))
}

/// Signs a licence anew, for a customer whose token was lost or seen. The old token may work on for a while.
#[utoipa::path(post, path = "/v1/licenses/{lineage}/rotate", tag = "licenses", request_body = Rotating, security(("license" = [])),
    params(("lineage" = String, Path, pattern = "^[0-9a-f]{32}$"), IdempotencyKey),
    responses((status = 201, body = IssuedView), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
async fn rotate(
    State(server): State<Server>,
    lineage: Segment,
    post: Post<Rotating, Issue>,
) -> Result<Response, Problem> {
    let lineage = lineage.lineage()?;
    let done = post.act(&server, "rotate", move |ledger, acting, wanted| {
        let (overlap, issuer) = (span("overlap", wanted.overlap.as_deref())?, &acting.caller.issuer);
        let licenses = change::of_lineage(ledger, issuer, &lineage)?;
        change::may_change(ledger, &acting.caller, &licenses)?;
        let made = change::rotate(ledger, &acting.server, issuer, &lineage, overlap, acting.now)?;
        followed(ledger, acting, made)
    });
    Ok(published(&server, done.await?))
}

/// The licences of a lineage, if the caller may change them.
fn changeable(
    ledger: &licentia_issuer::Ledger,
    acting: &Acting,
    lineage: &Lineage,
) -> Result<Vec<licentia_issuer::IssuedLicense>, Problem> {
    let licenses = change::of_lineage(ledger, &acting.caller.issuer, lineage)?;
    change::may_change(ledger, &acting.caller, &licenses)?;
    Ok(licenses)
}

/// Suspends a licence until it is resumed.
#[utoipa::path(post, path = "/v1/licenses/{lineage}/suspend", tag = "licenses", request_body = Suspending, security(("license" = [])),
    params(("lineage" = String, Path, pattern = "^[0-9a-f]{32}$"), IdempotencyKey),
    responses((status = 200, body = Changed), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
async fn suspend(
    State(server): State<Server>,
    lineage: Segment,
    post: Post<Suspending, Revoke>,
) -> Result<Response, Problem> {
    let lineage = lineage.lineage()?;
    let done = post.act(&server, "suspend", move |ledger, acting, wanted| {
        let reason = reason(wanted.reason.as_deref(), Reason::Unpaid)?;
        let licenses = changeable(ledger, acting, &lineage)?;
        let hit = change::suspend(ledger, &acting.caller.issuer, &licenses, reason)?;
        changed(&hit, &lineage.to_string())
    });
    Ok(published(&server, done.await?))
}

/// Ends a suspension. What was revoked stays revoked.
#[utoipa::path(post, path = "/v1/licenses/{lineage}/resume", tag = "licenses", request_body = Nothing, security(("license" = [])),
    params(("lineage" = String, Path, pattern = "^[0-9a-f]{32}$"), IdempotencyKey),
    responses((status = 200, body = Changed), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
async fn resume(
    State(server): State<Server>,
    lineage: Segment,
    post: Post<Nothing, Revoke>,
) -> Result<Response, Problem> {
    let lineage = lineage.lineage()?;
    let done = post.act(&server, "resume", move |ledger, acting, Nothing {}| {
        let licenses = changeable(ledger, acting, &lineage)?;
        let resumed = change::resume(ledger, &acting.caller.issuer, &licenses)?;
        changed(&resumed, &lineage.to_string())
    });
    Ok(published(&server, done.await?))
}

/// Revokes a licence through all its renewals.
#[utoipa::path(post, path = "/v1/licenses/{lineage}/revoke", tag = "licenses", request_body = Revoking, security(("license" = [])),
    params(("lineage" = String, Path, pattern = "^[0-9a-f]{32}$"), IdempotencyKey),
    responses((status = 200, body = Changed), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
async fn revoke(
    State(server): State<Server>,
    lineage: Segment,
    post: Post<Revoking, Revoke>,
) -> Result<Response, Problem> {
    let lineage = lineage.lineage()?;
    let done = post.act(&server, "revoke", move |ledger, acting, wanted| {
        let licenses = changeable(ledger, acting, &lineage)?;
        let issuer = &acting.caller.issuer;
        let hit = change::revoke(ledger, issuer, &licenses, wanted.terms()?, wanted.confirm)?;
        changed(&hit, &lineage.to_string())
    });
    Ok(published(&server, done.await?))
}

/// Removes the revocations of a licence.
#[utoipa::path(post, path = "/v1/licenses/{lineage}/reinstate", tag = "licenses", request_body = Nothing, security(("license" = [])),
    params(("lineage" = String, Path, pattern = "^[0-9a-f]{32}$"), IdempotencyKey),
    responses((status = 200, body = Changed), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
async fn reinstate(
    State(server): State<Server>,
    lineage: Segment,
    post: Post<Nothing, Revoke>,
) -> Result<Response, Problem> {
    let lineage = lineage.lineage()?;
    let done = post.act(&server, "reinstate", move |ledger, acting, Nothing {}| {
        let licenses = changeable(ledger, acting, &lineage)?;
        let reinstated = change::reinstate(ledger, &acting.caller.issuer, &licenses)?;
        changed(&reinstated, &lineage.to_string())
    });
    Ok(published(&server, done.await?))
}

/// Revokes all licences of a customer. If they are many, it is refused with their number, which is then to be confirmed.
#[utoipa::path(post, path = "/v1/revocations", tag = "licenses", request_body = RevokingSubject, security(("license" = [])),
    params(IdempotencyKey),
    responses((status = 200, body = Changed), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
async fn revoke_subject(
    State(server): State<Server>,
    post: Post<RevokingSubject, Revoke>,
) -> Result<Response, Problem> {
    let done = post.act(&server, "revoke", |ledger, acting, wanted| {
        let issuer = &acting.caller.issuer;
        let mut licenses = ledger.of_subject(&wanted.subject)?;
        licenses.retain(|license| license.issuer == *issuer);
        if licenses.is_empty() {
            return Err(Problem::unknown("the customer has no licence"));
        }
        change::may_change(ledger, &acting.caller, &licenses)?;
        let hit = change::revoke(ledger, issuer, &licenses, wanted.how.terms()?, wanted.how.confirm)?;
        changed(&hit, &wanted.subject)
    });
    Ok(published(&server, done.await?))
}
