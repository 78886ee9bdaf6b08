//! Bodies of responses.

use std::error::Error;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};

use crate::decide::Refused;

/// A body of any kind.
pub type AnyBody = UnsyncBoxBody<Bytes, Box<dyn Error + Send + Sync>>;

/// A body that is there.
pub(super) fn full(bytes: impl Into<Bytes>) -> AnyBody {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// A response with these fields.
pub(super) fn response(
    status: u16,
    headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
    body: impl Into<Bytes>,
) -> Response<AnyBody> {
    let mut response = Response::new(full(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().extend(headers);
    response
}

/// What a client is told when it gets the refusal itself.
pub(super) fn refusal(refused: Refused) -> Response<AnyBody> {
    response(refused.status, refused.headers, refused.body)
}
