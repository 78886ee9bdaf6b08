//! `/.well-known/licentia/` and `/events`. Everybody may read them: everything in them is signed, and names no customer.

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::shelf::Sheet;
use crate::{
    http::{Problem, ProblemBody, Query, Segment},
    server::Server,
};

pub(crate) fn routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new()
        .routes(routes!(keyset))
        .routes(routes!(bundle))
        .routes(routes!(delta))
        .routes(routes!(events))
}

/// Of whom.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Of {
    /// The issuer, if the service has several. By default the first one.
    issuer: Option<String>,
}

impl Of {
    fn name(&self, server: &Server) -> Result<String, Problem> {
        let found = match &self.issuer {
            Some(name) => server.issuer(name).map(|_| name.clone()),
            None => Some(server.first_issuer().to_owned()),
        };
        found.ok_or_else(|| Problem::unknown("no such issuer"))
    }
}

/// Answers with what is published, or that it is what the client has.
fn sheet(fields: &HeaderMap, sheet: Sheet) -> Response {
    let known = fields.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut known = known.flat_map(|value| value.split(',')).map(|tag| tag.trim().trim_start_matches("W/"));
    let mut response = if known.any(|tag| tag == sheet.tag || tag == "*") {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("application/cose"))];
        (kind, sheet.bytes).into_response()
    };
    let answer = response.headers_mut();
    if let Ok(tag) = HeaderValue::try_from(sheet.tag) {
        answer.insert(header::ETAG, tag);
    }
    // A cache between may answer for a second, and while the service is away.
    let control = "public, max-age=1, stale-if-error=86400";
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static(control));
    response
}

/// The keyset that the root key signed.
#[utoipa::path(get, path = "/.well-known/licentia/keyset", tag = "trust", security(()),
    responses((status = 200, content_type = "application/cose", body = Vec<u8>), (status = 304),
        (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
async fn keyset(State(server): State<Server>, fields: HeaderMap) -> Result<Response, Problem> {
    let keyset = server.shelf().keyset().ok_or_else(|| Problem::unknown("no keyset yet"))?;
    Ok(sheet(&fields, keyset))
}

/// The newest bundle of revocations.
#[utoipa::path(get, path = "/.well-known/licentia/bundle", tag = "trust", params(Of), security(()),
    responses((status = 200, content_type = "application/cose", body = Vec<u8>), (status = 304),
        (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
async fn bundle(
    State(server): State<Server>,
    fields: HeaderMap,
    Query(of): Query<Of>,
) -> Result<Response, Problem> {
    let bundle = server.shelf().bundle(&of.name(&server)?);
    Ok(sheet(&fields, bundle.ok_or_else(|| Problem::unknown("no bundle yet"))?))
}

/// The delta that leads from a bundle to the newest one.
#[utoipa::path(get, path = "/.well-known/licentia/delta/{from}", tag = "trust", security(()),
    params(Of, ("from" = u64, Path, description = "The sequence number of the bundle that the gateway has.")),
    responses((status = 200, content_type = "application/cose", body = Vec<u8>), (status = 304),
        (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
async fn delta(
    State(server): State<Server>,
    from: Segment,
    fields: HeaderMap,
    Query(of): Query<Of>,
) -> Result<Response, Problem> {
    let (from, name) = (from.number()?, of.name(&server)?);
    let delta = tokio::task::spawn_blocking(move || {
        let keys = server.keys(&name)?;
        Ok::<_, Problem>(server.shelf().delta(&name, from, &keys.revocation)?)
    });
    let delta = delta.await.unwrap_or_else(|_| Err(Problem::internal("a delta panicked")))?;
    let none = || Problem::unknown("no delta leads on from this bundle; fetch the whole one");
    Ok(sheet(&fields, delta.ok_or_else(none)?))
}

/// New bundles as they are published: server-sent events with `issuer`, `stream`, `sequence`, and `delta` in unpadded
/// base64url, if it is at most 64 KiB.
#[utoipa::path(get, path = "/events", tag = "trust", security(()),
    responses((status = 200, content_type = "text/event-stream", body = String)))]
async fn events(State(server): State<Server>) -> Response {
    let fields = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (http::HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (fields, Body::new(server.feed().open())).into_response()
}
