//! `/v1/webhooks` and `/v1/deliveries`

use std::collections::BTreeMap;

use axum::{extract::State, response::Response};
use data_encoding::HEXLOWER;
use http::StatusCode;
use licentia_issuer::Ledger;
use serde::{Deserialize, Serialize};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    message,
    outbox::{self, Delivery, DeliveryState, Webhook, WebhookId},
};
use crate::{
    access::{Admin, Caller},
    http::{
        Acting, Answer, IdempotencyKey, Nothing, Post, Problem, ProblemBody, Query, Segment, hex, page_limit,
    },
    server::Server,
};

/// Most webhooks of an issuer.
const MOST: usize = 100;
/// How long messages are signed with the old secret too after a rotation, in seconds.
const OVERLAP: u64 = 86_400;

pub(crate) fn routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(switch))
        .routes(routes!(rotate))
        .routes(routes!(remove))
        .routes(routes!(test))
        .routes(routes!(replay))
        .routes(routes!(deliveries))
}

/// A webhook.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Webhook)]
struct WebhookView {
    /// Its identifier.
    id: String,
    /// The address that is called.
    url: String,
    /// The kinds of events that it gets; all, if none is named.
    kinds: Vec<String>,
    /// Whether events are sent to it.
    is_on: bool,
    /// When it was added, in seconds since 1970.
    added_at: u64,
    /// Deliveries that were taken.
    delivered: u64,
    /// Deliveries that wait for an attempt.
    waiting: u64,
    /// Deliveries that failed for good.
    dead: u64,
    /// The secret, in the answer that makes it and in no other.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl WebhookView {
    fn of(webhook: &Webhook, counts: &[(WebhookId, DeliveryState, u64)]) -> Self {
        let count = |state| {
            let found = counts.iter().find(|(id, of, _)| *id == webhook.id && *of == state);
            found.map_or(0, |(.., count)| *count)
        };
        Self {
            id: HEXLOWER.encode(&webhook.id),
            url: webhook.url.clone(),
            kinds: webhook.kinds.clone(),
            is_on: webhook.is_on,
            added_at: webhook.added_at.as_seconds(),
            delivered: count(DeliveryState::Delivered),
            waiting: count(DeliveryState::Waiting),
            dead: count(DeliveryState::Dead),
            secret: None,
        }
    }
}

/// All webhooks.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Webhooks {
    items: Vec<WebhookView>,
}

/// A webhook to be added.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct NewWebhook {
    /// The address to call: public, and with `https`, unless the configuration allows others.
    #[schema(max_length = 2048)]
    url: String,
    /// The kinds of events that it gets, such as `license.revoked`; all, if none is named.
    #[serde(default)]
    #[schema(max_items = 64)]
    kinds: Vec<String>,
}

/// Whether a webhook is on.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Switch {
    /// Whether events are sent to it. While it is off, none is kept for it.
    on: bool,
}

/// What is sent again.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Replay {
    /// One event, by its number. Without it: every dead delivery.
    event: Option<u64>,
}

/// How much was done.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Done {
    /// The deliveries that are sent again.
    count: u64,
}

/// The webhooks, with the counts of their deliveries.
#[utoipa::path(get, path = "/v1/webhooks", tag = "webhooks", security(("license" = [])),
    responses((status = 200, body = Webhooks), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
async fn list(State(server): State<Server>, caller: Caller<Admin>) -> Result<axum::Json<Webhooks>, Problem> {
    let issuer = caller.0.issuer;
    let items = server.readers().read(move |ledger| {
        let counts = outbox::counts(ledger)?;
        Ok(outbox::webhooks(ledger, &issuer)?
            .iter()
            .map(|webhook| WebhookView::of(webhook, &counts))
            .collect())
    });
    Ok(axum::Json(Webhooks { items: items.await? }))
}

/// Adds a webhook, which gets what happens from now on. The answer has its secret, which is shown once.
#[utoipa::path(post, path = "/v1/webhooks", tag = "webhooks", request_body = NewWebhook, security(("license" = [])),
    params(IdempotencyKey),
    responses((status = 201, body = WebhookView), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
async fn add(State(server): State<Server>, post: Post<NewWebhook, Admin>) -> Result<Response, Problem> {
    post.act(&server, "webhook.add", |ledger, acting, wanted: NewWebhook| {
        let caller = acting.server.webhooks();
        caller.client.check(&wanted.url, caller.plain).map_err(|error| Problem::value("url", error))?;
        if outbox::webhooks(ledger, &acting.caller.issuer)?.len() >= MOST {
            return Err(Problem::conflict(
                "webhooks_too_many",
                format!("There are {MOST} already. Remove one first."),
            ));
        }
        let added = outbox::add(ledger, &acting.caller.issuer, &wanted.url, &wanted.kinds, acting.now)?;
        told(&added, StatusCode::CREATED)
    })
    .await
}

/// Switches a webhook on or off.
#[utoipa::path(post, path = "/v1/webhooks/{id}/switch", tag = "webhooks", request_body = Switch, security(("license" = [])),
    params(("id" = String, Path, description = "The webhook."), IdempotencyKey),
    responses((status = 200, body = WebhookView), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
async fn switch(
    State(server): State<Server>,
    Segment(id): Segment,
    post: Post<Switch, Admin>,
) -> Result<Response, Problem> {
    post.act(&server, "webhook.switch", move |ledger, acting, wanted: Switch| {
        let mut webhook = find(ledger, acting, &id)?;
        outbox::switch(ledger, &webhook.id, wanted.on)?;
        webhook.is_on = wanted.on;
        let view = WebhookView::of(&webhook, &outbox::counts(ledger)?);
        Answer::new(StatusCode::OK, &view, view.id.clone())
    })
    .await
}

/// Gives a webhook a new secret, which is in the answer. For a day, messages are signed with the old one too.
#[utoipa::path(post, path = "/v1/webhooks/{id}/rotate", tag = "webhooks", request_body = Nothing, security(("license" = [])),
    params(("id" = String, Path, description = "The webhook."), IdempotencyKey),
    responses((status = 200, body = WebhookView), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
async fn rotate(
    State(server): State<Server>,
    Segment(id): Segment,
    post: Post<Nothing, Admin>,
) -> Result<Response, Problem> {
    post.act(&server, "webhook.rotate", move |ledger, acting, _: Nothing| {
        let mut webhook = find(ledger, acting, &id)?;
        outbox::rotate(ledger, &webhook.id, acting.now + OVERLAP)?;
        webhook.generation = webhook.generation.saturating_add(1);
        told(&webhook, StatusCode::OK)
    })
    .await
}

/// Removes a webhook and its deliveries.
#[utoipa::path(post, path = "/v1/webhooks/{id}/remove", tag = "webhooks", request_body = Nothing, security(("license" = [])),
    params(("id" = String, Path, description = "The webhook."), IdempotencyKey),
    responses((status = 200, body = Nothing), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
async fn remove(
    State(server): State<Server>,
    Segment(id): Segment,
    post: Post<Nothing, Admin>,
) -> Result<Response, Problem> {
    post.act(&server, "webhook.remove", move |ledger, acting, _: Nothing| {
        let webhook = find(ledger, acting, &id)?;
        outbox::remove(ledger, &webhook.id)?;
        Answer::new(StatusCode::OK, &serde_json::json!({}), id)
    })
    .await
}

/// Sends a webhook an event of the kind `webhook.test`, whatever kinds it gets.
#[utoipa::path(post, path = "/v1/webhooks/{id}/test", tag = "webhooks", request_body = Nothing, security(("license" = [])),
    params(("id" = String, Path, description = "The webhook."), IdempotencyKey),
    responses((status = 200, body = Done), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
async fn test(
    State(server): State<Server>,
    Segment(id): Segment,
    post: Post<Nothing, Admin>,
) -> Result<Response, Problem> {
    post.act(&server, "webhook.test", move |ledger, acting, _: Nothing| {
        let webhook = find(ledger, acting, &id)?;
        if !webhook.is_on {
            return Err(Problem::conflict("webhook_off", "The webhook is off. Switch it on first."));
        }
        outbox::note_for(ledger, &webhook, "webhook.test", acting.now)?;
        Answer::new(StatusCode::OK, &Done { count: 1 }, id)
    })
    .await
}

/// Sends deliveries again, with the same identifier and content: one, or every dead one.
#[utoipa::path(post, path = "/v1/webhooks/{id}/replay", tag = "webhooks", request_body = Replay, security(("license" = [])),
    params(("id" = String, Path, description = "The webhook."), IdempotencyKey),
    responses((status = 200, body = Done), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
async fn replay(
    State(server): State<Server>,
    Segment(id): Segment,
    post: Post<Replay, Admin>,
) -> Result<Response, Problem> {
    post.act(&server, "webhook.replay", move |ledger, acting, wanted: Replay| {
        let webhook = find(ledger, acting, &id)?;
        let count = outbox::replay(ledger, &webhook.id, wanted.event, acting.now)?;
        if wanted.event.is_some() && count == 0 {
            return Err(Problem::unknown("the webhook has no delivery of such an event"));
        }
        Answer::new(StatusCode::OK, &Done { count }, id)
    })
    .await
}

/// The answer that has a webhook's secret.
fn told(webhook: &Webhook, status: StatusCode) -> Result<Answer, Problem> {
    let view = WebhookView { secret: Some(String::new()), ..WebhookView::of(webhook, &[]) };
    let answer = Answer::new(status, &view, view.id.clone())?;
    Ok(answer.with_webhook_secret("/secret", webhook.id, webhook.generation))
}

fn find(ledger: &Ledger, acting: &Acting, id: &str) -> Result<Webhook, Problem> {
    let found = hex::<16>(id).map(|id| outbox::find(ledger, &id)).transpose()?.flatten();
    found
        .filter(|webhook| webhook.issuer == acting.caller.issuer)
        .ok_or_else(|| Problem::unknown("there is no such webhook"))
}

/// Which deliveries.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// Only of this webhook.
    webhook: Option<String>,
    /// `waiting`, `delivered` or `dead`.
    state: Option<String>,
    /// Only events before this number: the `next` of the page before.
    before: Option<u64>,
    /// How many at most: 1 to 1000.
    limit: Option<u64>,
}

/// A delivery.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Delivery)]
struct DeliveryView {
    /// The event's number.
    event: u64,
    /// The message's identifier, the same in each attempt.
    id: String,
    /// What happened.
    kind: String,
    /// When it happened, in seconds since 1970.
    at: u64,
    /// The licence that it happened to.
    license: Option<String>,
    /// The webhook.
    webhook: String,
    /// Its address.
    url: String,
    /// `waiting`, `delivered` or `dead`.
    state: &'static str,
    /// How often it was tried.
    attempts: u64,
    /// When it is tried next.
    due: u64,
    /// The status of the last answer.
    status: Option<u64>,
    /// Why the last attempt failed.
    reason: String,
}

/// A page of deliveries.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Deliveries {
    items: Vec<DeliveryView>,
    /// The value of `before` for the next page, if there may be one.
    next: Option<u64>,
}

/// What is and was sent, the newest event first.
#[utoipa::path(get, path = "/v1/deliveries", tag = "webhooks", params(Wanted), security(("license" = [])),
    responses((status = 200, body = Deliveries), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
async fn deliveries(
    State(server): State<Server>,
    caller: Caller<Admin>,
    Query(wanted): Query<Wanted>,
) -> Result<axum::Json<Deliveries>, Problem> {
    let (issuer, limit) = (caller.0.issuer, page_limit(wanted.limit)?);
    let state = wanted.state.as_deref().map(|name| {
        DeliveryState::from_name(name).ok_or_else(|| Problem::value("state", "waiting, delivered or dead"))
    });
    let state = state.transpose()?;
    let webhook = wanted.webhook.as_deref().map(|text| {
        hex::<16>(text).ok_or_else(|| Problem::value("webhook", "write the identifier of a webhook"))
    });
    let webhook = webhook.transpose()?;
    let page = server.readers().read(move |ledger| {
        let urls: BTreeMap<WebhookId, String> =
            outbox::webhooks(ledger, &issuer)?.into_iter().map(|webhook| (webhook.id, webhook.url)).collect();
        // One event may be for many webhooks: a page ends between two events.
        let mut found =
            outbox::deliveries(ledger, &issuer, webhook.as_ref(), state, wanted.before, limit + MOST as u64)?;
        let is_full = found.len() as u64 > limit;
        if is_full {
            let last = usize::try_from(limit.saturating_sub(1))
                .ok()
                .and_then(|at| found.get(at))
                .map(|last| last.event);
            found.retain(|delivery| last.is_none_or(|last| delivery.event >= last));
        }
        let next = found.last().filter(|_| is_full).map(|last| last.event);
        let items = found.into_iter().map(|delivery| view(&delivery, &urls)).collect();
        Ok(Deliveries { items, next })
    });
    Ok(axum::Json(page.await?))
}

fn view(delivery: &Delivery, urls: &BTreeMap<WebhookId, String>) -> DeliveryView {
    DeliveryView {
        event: delivery.event,
        id: message::id(delivery),
        kind: delivery.kind.clone(),
        at: delivery.at.as_seconds(),
        license: delivery.license.map(|id| id.to_string()),
        webhook: HEXLOWER.encode(&delivery.webhook),
        url: urls.get(&delivery.webhook).cloned().unwrap_or_default(),
        state: delivery.state.name(),
        attempts: delivery.attempts,
        due: delivery.due.as_seconds(),
        status: delivery.status,
        reason: delivery.reason.clone(),
    }
}
