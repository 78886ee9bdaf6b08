//! The licence that a request came with.

use std::{borrow::Cow, marker::PhantomData};

use axum::extract::FromRequestParts;
use http::{HeaderMap, HeaderName, StatusCode, header, request::Parts};
use licentia::{Gate, Now, Proof, Request, Unverified};
use licentia_core::{
    Buffer, Lineage, Timestamp, TokenId,
    http::{PROOF_FIELD, bearer},
    text::decode_license,
};

use super::scope::{Admin, RESERVED, Scope};
use crate::{http::Problem, server::Server};

/// The rate and the meter that a request counts against, if the licence has them.
const COUNTED: &str = "server";

/// Whose licence a request came with.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// The issuer, whose licences the credential is about, and no others.
    pub issuer: String,
    /// Whom it was issued to.
    pub subject: String,
    /// The licence through its renewals.
    pub lineage: Lineage,
    /// The licence.
    pub id: TokenId,
    /// Whether it has `server.admin`.
    pub is_admin: bool,
    /// Whether it is bound to a key, of which the request then has a proof.
    pub is_bound: bool,
    /// When it was decided.
    pub now: Timestamp,
}

impl Identity {
    /// A customer, who has no credential but a code.
    pub(crate) fn of_customer(
        issuer: String,
        subject: String,
        lineage: Lineage,
        id: TokenId,
        now: Timestamp,
    ) -> Self {
        Self { issuer, subject, lineage, id, is_admin: false, is_bound: false, now }
    }

    /// Refuses what only an administrator may do.
    ///
    /// # Errors
    /// 403.
    pub fn needs_admin(&self, what: &str) -> Result<(), Problem> {
        if self.is_admin {
            return Ok(());
        }
        Err(Problem::new(
            StatusCode::FORBIDDEN,
            "admin_needed",
            "Only an administrator may do this.",
            format!("{what} needs a credential with `server.admin`."),
        ))
    }

    /// Refuses names of features that are credentials of this service, unless an administrator hands them out.
    ///
    /// # Errors
    /// 403.
    pub fn may_grant<'f>(&self, features: impl IntoIterator<Item = &'f String>) -> Result<(), Problem> {
        match features.into_iter().find(|name| name.starts_with(RESERVED)) {
            Some(name) => self.needs_admin(&format!("A licence with the feature `{name}`")),
            None => Ok(()),
        }
    }
}

/// A request's credential, which has the feature of `S`.
#[derive(Clone, Debug)]
pub struct Caller<S>(pub Identity, PhantomData<S>);

impl<S> std::ops::Deref for Caller<S> {
    type Target = Identity;

    fn deref(&self) -> &Identity {
        &self.0
    }
}

impl<S: Scope> FromRequestParts<Server> for Caller<S> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, server: &Server) -> Result<Self, Problem> {
        authenticate::<S>(server, parts, None).await
    }
}

/// Decides by the gate whether a request's credential has the feature of `S`. A proof must cover `body`, if there is one.
pub(crate) async fn authenticate<S: Scope>(
    server: &Server,
    parts: &Parts,
    body: Option<&[u8; 32]>,
) -> Result<Caller<S>, Problem> {
    let authorization = joined(&parts.headers, &header::AUTHORIZATION);
    let token = authorization.as_deref().and_then(bearer).unwrap_or("");
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    // Without an origin a proof would name no service: the empty URI matches none.
    let uri = server.origin().map_or_else(String::new, |origin| format!("{origin}{path}"));
    let action = format!("{} {}", parts.method, parts.uri.path());
    let proof = joined(&parts.headers, &HeaderName::from_static(PROOF_FIELD));
    let proof = proof.map(|text| data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()).unwrap_or_default());
    let feature = S::FEATURE.map(|name| [name]);
    let (has_rate, has_meter) = counted(token);
    let (rates, meters) = ([(COUNTED, 1)], [(COUNTED, 1)]);
    let mut request = Request::new().action(&action);
    if let Some(feature) = &feature {
        request = request.features(feature);
    }
    if has_rate {
        request = request.rates(&rates);
    }
    if has_meter {
        request = request.meters(&meters);
    }
    if let Some(bytes) = &proof {
        request = request.proof(Proof { bytes, method: parts.method.as_str(), uri: &uri, body });
    }
    let gate: &Gate = server.gate();
    let now = Now::system();
    let decision = gate.check_async(token, &request, now).await;
    let license = match decision.license() {
        Some(license) if decision.is_allowed() => license,
        _ => return Err(Problem::of_decision(&decision)),
    };
    if server.issuer(license.issuer()).is_none() {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "issuer_foreign",
            "The credential is from another issuer.",
            "Use a licence of an issuer that this service has.",
        ));
    }
    let admin = Admin::FEATURE.and_then(|name| license.feature(name));
    Ok(Caller(
        Identity {
            issuer: license.issuer().to_owned(),
            subject: license.subject().to_owned(),
            lineage: license.lineage(),
            id: license.id(),
            is_admin: admin.is_some_and(|feature| !feature.is_expired(now.time)),
            is_bound: license.confirmation().is_some(),
            now: now.time,
        },
        PhantomData,
    ))
}

/// Whether a licence limits how often the service is called. The gate verifies it afterwards.
fn counted(token: &str) -> (bool, bool) {
    let mut buffer = Buffer::new();
    let read = decode_license(token, &mut buffer).ok().and_then(|bytes| Unverified::read(bytes).ok());
    read.map_or((false, false), |claims| (claims.rate(COUNTED).is_some(), claims.quota(COUNTED).is_some()))
}

/// The value of a field that may stand several times. Joined like this, two licences are no licence.
fn joined<'a>(fields: &'a HeaderMap, name: &HeaderName) -> Option<Cow<'a, str>> {
    let mut values = fields.get_all(name).iter().map(|value| value.to_str().unwrap_or("!"));
    let first = values.next()?;
    Some(values.fold(Cow::Borrowed(first), |all, value| Cow::Owned(format!("{all}, {value}"))))
}
