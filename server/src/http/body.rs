//! Bodies of requests: within bounds of size, time and depth.

use std::time::Duration;

use axum::{
    body::Body,
    extract::{FromRequest, Request},
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use serde::{Deserialize, de::DeserializeOwned};

use super::problem::Problem;

/// The longest body that is read.
pub(crate) const LONGEST: usize = 1 << 20;
/// The longest time that a client may take to send it.
const TIME: Duration = Duration::from_secs(20);

/// A body in JSON. Members that are not known are refused.
#[derive(Clone, Debug)]
pub struct Json<T>(pub T);

/// No members.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        needs_type(&parts.headers, "application/json")?;
        parse(&read(body, LONGEST).await?).map(Self)
    }
}

/// Refuses another media type.
pub(crate) fn needs_type(fields: &HeaderMap, wanted: &str) -> Result<(), Problem> {
    let given = fields.get(header::CONTENT_TYPE).and_then(|given| given.to_str().ok()).unwrap_or_default();
    let given = given.split(';').next().unwrap_or_default().trim();
    if given.eq_ignore_ascii_case(wanted) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "media_type_unsupported",
        "The body has another media type.",
        format!("Send it with `Content-Type: {wanted}`."),
    ))
}

/// Reads a whole body.
pub(crate) async fn read(body: Body, longest: usize) -> Result<Bytes, Problem> {
    match tokio::time::timeout(TIME, Limited::new(body, longest).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            "The body is too large.",
            format!("Send at most {longest} bytes."),
        )),
        Ok(Err(_)) => Err(Problem::body("It was cut off.")),
        Err(_) => Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "body_too_slow",
            "The body came too slowly.",
            format!("Send it within {} seconds.", TIME.as_secs()),
        )),
    }
}

/// Parses JSON. Nothing of a value is in the error: it may be secret.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| {
        let (line, column, text) = (error.line(), error.column(), error.to_string());
        let what = match text.split_once(", expected ") {
            Some((start, expected)) if start.starts_with("invalid") => format!("expected {expected}"),
            _ if text.starts_with("invalid") => format!("a value is wrong at line {line} column {column}"),
            _ => text,
        };
        Problem::body(what)
    })
}
