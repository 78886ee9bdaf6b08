//! Refusals over gRPC: a response with `grpc-status` in its fields and no body.

use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use licentia_core::Code;

/// Whether a request is one of gRPC, by its media type.
pub(super) fn is_grpc(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

/// The code of gRPC for a status of HTTP.
const fn status(http: u16) -> u16 {
    match http {
        401 => 16,       // UNAUTHENTICATED
        403 => 7,        // PERMISSION_DENIED
        409 => 10,       // ABORTED
        429 => 8,        // RESOURCE_EXHAUSTED
        502..=504 => 14, // UNAVAILABLE
        _ => 13,         // INTERNAL
    }
}

/// A refusal as gRPC says it: its fields become metadata, beside the status and the code's message.
pub(super) fn refusal(code: Code, asked: &HeaderMap, refusal: Response<String>) -> Response<String> {
    let (mut parts, _) = refusal.into_parts();
    let kind = asked.get(header::CONTENT_TYPE).filter(|_| is_grpc(asked));
    let kind = kind.cloned().unwrap_or(HeaderValue::from_static("application/grpc"));
    parts.headers.insert(header::CONTENT_TYPE, kind);
    parts.headers.insert("grpc-status", HeaderValue::from(status(parts.status.as_u16())));
    // Names and messages are our own, and hold nothing that would have to be percent-encoded.
    if let Ok(message) = HeaderValue::try_from(format!("{}: {}", code.name(), code.message())) {
        parts.headers.insert("grpc-message", message);
    }
    parts.status = StatusCode::OK;
    Response::from_parts(parts, String::new())
}

/// Whether a response of gRPC says that the call has failed by a fault of the server. Calls whose status comes after a
/// body count as good.
pub(super) fn has_failed(headers: &HeaderMap) -> bool {
    let code = headers.get("grpc-status").and_then(|code| code.to_str().ok()?.parse::<u16>().ok());
    // UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS: what HTTP calls 5xx.
    matches!(code, Some(2 | 4 | 12 | 13 | 14 | 15))
}
