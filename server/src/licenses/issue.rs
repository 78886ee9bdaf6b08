//! `POST /v1/licenses`

use axum::{extract::State, response::Response};
use http::StatusCode;
use licentia_core::TokenId;
use licentia_issuer::{Draft, Issued, Ledger, LicenseFilter, ListedLicense, Order};
use serde::Serialize;

use super::{view::LicenseView, wanted::Wanted};
use crate::{
    access::Issue,
    http::{Acting, Answer, IdempotencyKey, Post, Problem, ProblemBody},
    server::Server,
};

/// A licence that was issued, with its token.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct IssuedView {
    /// The token. Keep it out of logs.
    token: Option<String>,
    /// Whether it was issued now. Otherwise it is the one that was issued for this reference before.
    is_new: bool,
    /// What the ledger knows of it.
    license: LicenseView,
}

/// Issues a licence of a tier.
#[utoipa::path(post, path = "/v1/licenses", tag = "licenses", request_body = Wanted, security(("license" = [])),
    params(IdempotencyKey),
    responses((status = 201, body = IssuedView), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn issue(
    State(server): State<Server>,
    post: Post<Wanted, Issue>,
) -> Result<Response, Problem> {
    let server = &server;
    post.act(server, "issue", |ledger, acting, wanted: Wanted| {
        let catalogue = acting.server.catalogue(ledger, &acting.caller.issuer)?;
        let draft = wanted.draft(&catalogue, acting.now)?;
        let mut order = Order::new(draft);
        order.reference = wanted.reference;
        issue_one(ledger, acting, order)
    })
    .await
}

/// Issues an order, if the caller may hand out what it grants.
pub(super) fn issue_one(ledger: &mut Ledger, acting: &Acting, order: Order) -> Result<Answer, Problem> {
    may_issue(acting, &order.draft)?;
    let issued = ledger.issue(&acting.server.keys(&acting.caller.issuer)?.issuer, order)?;
    let (id, view) = view(ledger, acting, issued.is_new, &issued)?;
    Answer::new(StatusCode::CREATED, &view, id)?.with_token("/token", issued)
}

/// Refuses a draft that grants more than the caller may hand out.
pub(super) fn may_issue(acting: &Acting, draft: &Draft) -> Result<(), Problem> {
    acting.caller.may_grant(draft.grant.features.keys())
}

/// What is shown of a licence that was issued, without its token, and its identifier.
pub(super) fn view(
    ledger: &Ledger,
    acting: &Acting,
    is_new: bool,
    issued: &Issued,
) -> Result<(String, IssuedView), Problem> {
    let id = issued.token.claims().map_err(|malformed| Problem::internal(malformed.code.name()))?.id();
    let license = LicenseView::of(&find(ledger, &id, acting)?, acting.now);
    Ok((id.to_string(), IssuedView { token: None, is_new, license }))
}

fn find(ledger: &Ledger, id: &TokenId, acting: &Acting) -> Result<ListedLicense, Problem> {
    let filter = LicenseFilter { prefix: Some(id.to_string()), ..LicenseFilter::default() };
    let found = ledger.list(&filter, acting.now)?.into_iter().find(|listed| listed.license.id == *id);
    found.ok_or_else(|| Problem::internal("a licence that was issued is not in the ledger"))
}
