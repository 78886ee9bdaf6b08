//! Problem details (RFC 9457): why a request was not done.
//!
//! A problem has a stable `name`. What the gate or the issuer's library says keeps its words. Nothing secret is in it:
//! neither a token nor a key, nor what a database says, which may name hosts and users.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use licentia_core::{Code, http::PROBLEM_TYPE};
use licentia_issuer::{BundleError, Error, LedgerError};
use serde_json::{Map, Value, json};

/// Why a request was not done.
#[derive(Clone, Debug)]
pub struct Problem(Box<Facts>);

#[derive(Clone, Debug)]
struct Facts {
    status: StatusCode,
    name: Cow<'static, str>,
    title: &'static str,
    detail: String,
    more: Map<String, Value>,
    fields: Vec<(HeaderName, HeaderValue)>,
    /// What the gate said, in place of all but the status and the fields.
    said: Option<String>,
}

impl Problem {
    /// A problem with a stable name, a title that is the same each time, and what is wrong with this request.
    pub fn new(
        status: StatusCode,
        name: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self(Box::new(Facts {
            status,
            name: name.into(),
            title,
            detail: detail.into(),
            more: Map::new(),
            fields: Vec::new(),
            said: None,
        }))
    }

    /// With another member, for programs.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.0.more.insert(member.to_owned(), value.into());
        self
    }

    /// With a header field.
    #[must_use]
    pub fn field(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.fields.push((name, value));
        self
    }

    /// What the gate decided against a credential.
    pub(crate) fn of_decision(decision: &licentia::Decision<'_>) -> Self {
        let status = StatusCode::from_u16(decision.http_status()).unwrap_or(StatusCode::FORBIDDEN);
        let fields = decision.http_headers().into_iter().filter_map(|(name, value)| {
            Some((HeaderName::from_static(name), HeaderValue::try_from(value).ok()?))
        });
        let mut problem = Self::new(status, "refused", "The credential was refused.", "");
        problem.0.fields = fields.collect();
        problem.0.said = Some(decision.problem());
        problem
    }

    /// A request that the service itself failed to serve. The cause is logged and not told.
    pub fn internal(cause: &str) -> Self {
        eprintln!("licentia-server: {cause}");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "The service failed.",
            "Nothing was changed. Try again, and tell whoever runs it.",
        )
    }

    /// The ledger is out of reach.
    pub fn ledger_unreachable() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "ledger_unreachable",
            "The ledger is out of reach.",
            "Try again with the same Idempotency-Key: what was done is not done twice.",
        )
        .field(header::RETRY_AFTER, HeaderValue::from_static("2"))
    }

    /// Too many requests wait.
    pub fn busy() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "Too many requests wait.", "Try again later.")
            .field(header::RETRY_AFTER, HeaderValue::from_static("2"))
    }

    /// The body cannot be read.
    pub fn body(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "body_malformed", "The body cannot be read.", detail)
    }

    /// A value is refused: which field, and what to write instead.
    pub fn value(field: &str, expected: impl Into<String>) -> Self {
        let detail = format!("`{field}`: {}", expected.into());
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "value_refused", "A value is refused.", detail)
            .with("field", field)
    }

    /// There is no such thing, or none that the credential may see.
    pub fn unknown(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "unknown", "There is no such thing here.", what)
    }

    /// What is wanted contradicts what is there.
    pub fn conflict(name: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, name, "It contradicts what is there.", detail)
    }

    /// Whether the ledger may be out of reach.
    pub(crate) fn is_outage(&self) -> bool {
        matches!(&*self.0.name, "ledger_unreachable" | "internal")
    }

    /// What is wrong with this request.
    pub(crate) fn detail(&self) -> &str {
        &self.0.detail
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        if error.code() == Code::StoreUnreachable {
            // It may name hosts and users.
            eprintln!("licentia-server: {error}");
            return Self::ledger_unreachable();
        }
        let text = error.to_string();
        match error {
            Error::Ledger(LedgerError::UnknownLineage(_)) | Error::Bundle(BundleError::UnknownLicense(_)) => {
                Self::unknown(&text)
            }
            Error::Ledger(LedgerError::ReferenceUsed { .. }) => Self::conflict("reference_used", text),
            Error::Ledger(LedgerError::OtherKey { .. }) => Self::conflict("key_replaced", text),
            Error::Ledger(_) => Self::conflict("state_refused", text),
            Error::Bundle(BundleError::UnknownIssuer { .. }) => Self::unknown("no licence of this issuer"),
            Error::Key(_) | Error::Keyset(_) => Self::internal(&text),
            Error::Value { field, .. } => Self::value(field, text),
            _ => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "value_refused", "A value is refused.", text),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Facts { status, name, title, detail, more, fields: extra, said } = *self.0;
        let body = said.unwrap_or_else(|| {
            let mut members = more;
            for (member, value) in [
                ("type", json!(format!("urn:licentia:problem:{name}"))),
                ("title", json!(title)),
                ("status", json!(status.as_u16())),
                ("detail", json!(detail)),
                ("name", json!(name)),
            ] {
                members.insert(member.to_owned(), value);
            }
            Value::Object(members).to_string()
        });
        let mut response = (status, body).into_response();
        let fields = response.headers_mut();
        fields.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_TYPE));
        for (name, value) in extra {
            fields.append(name, value);
        }
        response
    }
}

/// Problem details as the OpenAPI document says them.
#[derive(utoipa::ToSchema)]
#[schema(as = Problem)]
#[allow(dead_code, reason = "it says what is in a problem")]
pub(crate) struct ProblemBody {
    /// A URN of the name.
    r#type: String,
    /// What is wrong, the same for each problem of this name.
    title: String,
    /// The response's status.
    status: u16,
    /// What is wrong with this request, and what to do.
    detail: String,
    /// A stable name for programs.
    name: String,
}
