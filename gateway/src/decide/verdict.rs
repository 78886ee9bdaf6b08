//! The answer to a request.

use std::{fmt, sync::Arc};

use ::http::{HeaderName, HeaderValue, header};
use licentia::{
    Decision, Reservation, Timestamp,
    http::{self, Needs, PROBLEM_TYPE},
};

use crate::routes::{Statuses, path::Anomalies};

/// Whether a request may go on.
#[derive(Debug)]
pub enum Verdict {
    /// It may.
    Allowed(Box<Allowed>),
    /// It may not.
    Refused(Box<Refused>),
}

/// How a request goes on.
#[derive(Debug, Default)]
pub struct Allowed {
    /// The path and query to forward: what was matched.
    pub target: String,
    /// Fields of the request to set, in place of any that the client sent.
    pub set: Vec<(HeaderName, HeaderValue)>,
    /// Fields of the request to remove.
    pub remove: Vec<HeaderName>,
    /// Fields to add to the response.
    pub answer: Vec<(HeaderName, HeaderValue)>,
    /// The meters of a route that is charged when the response is there.
    pub reservation: Option<Reservation>,
    /// How it is charged.
    pub charging: Charging,
    /// Who must stay licensed while a stream is open.
    pub held: Option<Held>,
}

/// How a reservation is charged when the response is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Charging {
    /// Responses that cost nothing.
    pub uncharged: Vec<Statuses>,
    /// Whether the upstream says what it did cost.
    pub by_response: bool,
    /// The meters, and the most that the request may cost.
    pub meters: Arc<[(Box<str>, u64)]>,
}

/// What an open stream was allowed by.
#[derive(Clone, Debug)]
pub struct Held {
    /// The token.
    pub(crate) token: String,
    /// When its licence ends.
    pub expires: Timestamp,
    /// What it needs.
    pub(crate) needs: Needs,
}

/// What a client is told.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The status code.
    pub status: u16,
    /// The name of the code.
    pub name: &'static str,
    /// The response's fields, `Cache-Control` and `Content-Type` among them.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Problem details (RFC 9457).
    pub body: String,
}

/// Why the gateway refuses a request before it looks at its licence.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The path is not well-formed.
    PathMalformed,
    /// The path has a form that servers read in different ways.
    PathRefused(Anomalies),
    /// A lenient upstream would take the path for another route's.
    PathAmbiguous(String),
    /// No route covers the request.
    RouteNotListed,
    /// A field that clients may not send.
    FieldRefused(String),
    /// The proxy does not say what the request is.
    ForwardedMissing(String),
    /// The peer is no trusted proxy.
    ForwardedUntrusted(String),
    /// What the proxy's operator wrote about the route is wrong.
    TermsMalformed(String),
    /// The method is none that is forwarded.
    MethodRefused,
    /// The upstream does not answer.
    UpstreamUnreachable,
    /// The upstream does not answer in time.
    UpstreamTimeout,
}

impl Reason {
    /// Its stable name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::PathMalformed => "path_malformed",
            Self::PathRefused(_) => "path_refused",
            Self::PathAmbiguous(_) => "path_ambiguous",
            Self::RouteNotListed => "route_not_listed",
            Self::FieldRefused(_) => "field_refused",
            Self::ForwardedMissing(_) => "forwarded_missing",
            Self::ForwardedUntrusted(_) => "forwarded_untrusted",
            Self::TermsMalformed(_) => "terms_malformed",
            Self::MethodRefused => "method_refused",
            Self::UpstreamUnreachable => "upstream_unreachable",
            Self::UpstreamTimeout => "upstream_timeout",
        }
    }

    /// The status code.
    pub const fn status(&self) -> u16 {
        match self {
            Self::PathMalformed | Self::PathRefused(_) | Self::PathAmbiguous(_) | Self::FieldRefused(_) => {
                400
            }
            Self::RouteNotListed
            | Self::ForwardedMissing(_)
            | Self::ForwardedUntrusted(_)
            | Self::TermsMalformed(_) => 403,
            Self::MethodRefused => 405,
            Self::UpstreamUnreachable => 502,
            Self::UpstreamTimeout => 504,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PathMalformed => f.write_str("The path is not well-formed."),
            Self::PathRefused(forms) => {
                write!(
                    f,
                    "Servers read the path in different ways ({forms}), and the route does not allow that."
                )
            }
            Self::PathAmbiguous(route) => {
                write!(
                    f,
                    "The path differs from the route {route} only in case, a slash at its end or parameters."
                )
            }
            Self::RouteNotListed => f.write_str("No route of the gateway covers this method and path."),
            Self::FieldRefused(why) | Self::ForwardedMissing(why) | Self::ForwardedUntrusted(why) => {
                write!(f, "The request was refused: {why}.")
            }
            Self::TermsMalformed(why) => {
                write!(f, "The route's terms in the proxy's configuration are wrong: {why}.")
            }
            Self::MethodRefused => f.write_str("The gateway does not forward this method."),
            Self::UpstreamUnreachable => f.write_str("The service behind the gateway cannot be reached."),
            Self::UpstreamTimeout => f.write_str("The service behind the gateway does not answer in time."),
        }
    }
}

impl From<&Reason> for Refused {
    fn from(reason: &Reason) -> Self {
        let (name, status) = (reason.name(), reason.status());
        let title = serde_json::Value::from(reason.to_string());
        let body = format!(
            r#"{{"type":"urn:licentia:gateway:{name}","title":{title},"status":{status},"name":"{name}"}}"#
        );
        let headers = vec![
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_TYPE)),
        ];
        Self { status, name, headers, body }
    }
}

impl From<&Decision<'_>> for Refused {
    fn from(decision: &Decision<'_>) -> Self {
        Self {
            status: decision.http_status(),
            name: decision.code().name(),
            headers: http::fields(decision),
            body: decision.problem(),
        }
    }
}

impl From<Refused> for Verdict {
    fn from(refused: Refused) -> Self {
        Self::Refused(Box::new(refused))
    }
}
