//! `/v1/stripe/webhook`, which Stripe calls, and `/v1/subscriptions`.

use std::time::Duration;

use axum::extract::{Request, State};
use http::StatusCode;
use licentia_core::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{apply::Applied, signature::Unsigned, subscription::of_event, tables};
use crate::{
    access::{Admin, Caller},
    http::{Problem, ProblemBody},
    outgoing::now,
    server::Server,
};

/// The longest event that is read.
const LONGEST: usize = 1 << 20;
/// The longest time that it may take to arrive.
const TIME: Duration = Duration::from_secs(20);

pub(crate) fn routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new().routes(routes!(event)).routes(routes!(list))
}

/// An event, as far as it matters: what it says is read again.
#[derive(Deserialize)]
struct Event {
    id: String,
    r#type: String,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Value,
}

/// What became of an event.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Taken {
    /// `issued`, `continued`, `unchanged`, `refused`, `repeated` or `ignored`.
    outcome: &'static str,
}

/// Takes an event of Stripe's. Its signature is checked, each event is taken once, and the subscription is read again:
/// what the event says of it is not trusted.
#[utoipa::path(post, path = "/v1/stripe/webhook", tag = "payments", request_body(content = String, content_type = "application/json"),
    params(("Stripe-Signature" = String, Header, description = "Stripe's signature.")),
    responses((status = 200, body = Taken), (status = "4XX", body = ProblemBody, content_type = "application/problem+json"), (status = "5XX", body = ProblemBody, content_type = "application/problem+json")))]
async fn event(State(server): State<Server>, request: Request) -> Result<axum::Json<Taken>, Problem> {
    let payments = server.payments().ok_or_else(|| Problem::unknown("Stripe is not configured"))?;
    let (parts, body) = request.into_parts();
    let mut fields = parts.headers.get_all("stripe-signature").iter();
    let field = match (fields.next().and_then(|field| field.to_str().ok()), fields.next()) {
        (Some(field), None) => field.to_owned(),
        _ => return Err(unsigned(Unsigned::Malformed)),
    };
    let body = tokio::time::timeout(TIME, axum::body::to_bytes(body, LONGEST)).await;
    let body = body.map_err(|_| Problem::body("It came too slowly."))?;
    let body =
        body.map_err(|_| Problem::body(format!("It was cut off, or has more than {LONGEST} bytes.")))?;
    payments.verify(&field, &body, now()).map_err(unsigned)?;
    let event: Event =
        serde_json::from_slice(&body).map_err(|_| Problem::body("It is no event of Stripe's."))?;
    if event.id.is_empty() || event.id.len() > 255 {
        return Err(Problem::body("The event has no identifier."));
    }
    let id = event.id.clone();
    if server.readers().read(move |ledger| Ok(tables::has_event(ledger, &id)?)).await? {
        return Ok(axum::Json(Taken { outcome: "repeated" }));
    }
    let Some(subscription) = of_event(&event.r#type, &event.data.object) else {
        return Ok(axum::Json(Taken { outcome: "ignored" }));
    };
    let outcome = match payments.see(&server, &subscription, &event.id).await? {
        Applied::Issued(_) => "issued",
        Applied::Continued(_) => "continued",
        Applied::Unchanged => "unchanged",
        Applied::Refused(_) => "refused",
    };
    Ok(axum::Json(Taken { outcome }))
}

fn unsigned(why: Unsigned) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "signature_refused", "The signature is refused.", why.message())
}

/// A subscription and the licence that it pays for.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Subscription)]
pub(crate) struct SubscriptionView {
    /// Stripe's identifier of it.
    id: String,
    /// Stripe's identifier of the customer.
    customer: String,
    /// The licence through its renewals.
    lineage: String,
    /// What Stripe last said about it.
    status: String,
    /// When the billing period began, in seconds since 1970.
    period_start: u64,
    /// When it ends.
    period_end: u64,
    /// When Stripe was asked last.
    seen_at: u64,
    /// Why its last payment changed nothing; empty if it did.
    pub(crate) problem: String,
}

impl From<tables::Paid> for SubscriptionView {
    fn from(paid: tables::Paid) -> Self {
        Self {
            id: paid.id,
            customer: paid.customer,
            lineage: paid.lineage.to_string(),
            status: paid.status,
            period_start: paid.period.0.as_seconds(),
            period_end: paid.period.1.as_seconds(),
            seen_at: paid.seen_at.as_seconds(),
            problem: paid.problem,
        }
    }
}

/// All subscriptions.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Subscriptions {
    items: Vec<SubscriptionView>,
    /// Whether Stripe is configured for this issuer.
    is_on: bool,
    /// When all were read last, in seconds since 1970.
    swept_at: Option<u64>,
    /// What went wrong then.
    problem: Option<String>,
}

/// The subscriptions that pay for licences.
#[utoipa::path(get, path = "/v1/subscriptions", tag = "payments", security(("license" = [])),
    responses((status = 200, body = Subscriptions), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
async fn list(
    State(server): State<Server>,
    caller: Caller<Admin>,
) -> Result<axum::Json<Subscriptions>, Problem> {
    let issuer = caller.0.issuer;
    let status =
        server.payments().filter(|payments| payments.issuer() == issuer).map(super::Payments::status);
    let items = server.readers().read(move |ledger| {
        let own = tables::all(ledger)?.into_iter().filter(|paid| paid.issuer == issuer);
        Ok(own.map(SubscriptionView::from).collect())
    });
    Ok(axum::Json(Subscriptions {
        items: items.await?,
        is_on: status.is_some(),
        swept_at: status.as_ref().and_then(|status| status.swept_at).map(Timestamp::as_seconds),
        problem: status.and_then(|status| status.problem),
    }))
}
