//! `/v1/me`: what a customer has, with the licence itself as credential. No portal is needed.

use std::collections::BTreeMap;

use axum::{Json as Reply, extract::State};
use http::StatusCode;
use licentia_core::{Timestamp, TokenId};
use licentia_issuer::{Draft, FeatureValue, LedgerError, LicenseFilter};
use serde::Serialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    access::{Anyone, Caller},
    http::{Problem, ProblemBody},
    licenses::view::LicenseView,
    server::Server,
};

pub(crate) fn routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new().routes(routes!(me)).routes(routes!(license))
}

/// What a customer has.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Me {
    /// The licence that the lineage uses now.
    license: LicenseView,
    /// Its features, with their values.
    #[schema(value_type = Object)]
    features: BTreeMap<String, serde_json::Value>,
    /// Its quotas: how much of each meter in each period.
    quotas: BTreeMap<String, QuotaView>,
    /// Its rates: how many in how many milliseconds.
    rates: BTreeMap<String, RateView>,
    /// How many may use it at once.
    seats: Option<u64>,
    /// When the paid term ends.
    paid_until: u64,
    /// Whether the request's licence is the current one. If not, a newer one waits: it is at `/v1/me/license` for a licence
    /// that is bound to a key.
    is_current: bool,
}

/// A quota.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = MyQuota)]
struct QuotaView {
    limit: u64,
    /// `day`, `month` and so on.
    period: String,
}

/// A rate.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = MyRate)]
struct RateView {
    count: u64,
    per_ms: u64,
}

/// A newer licence.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Current {
    /// The token.
    token: String,
}

/// Says what the licence of the request grants, and when it ends.
#[utoipa::path(get, path = "/v1/me", tag = "me", security(("license" = [])),
    responses((status = 200, body = Me), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
async fn me(State(server): State<Server>, caller: Caller<Anyone>) -> Result<Reply<Me>, Problem> {
    let caller = caller.0;
    let me = server.readers().read(move |ledger| {
        let id = current(ledger, &caller)?;
        let filter = LicenseFilter { prefix: Some(id.to_string()), ..LicenseFilter::default() };
        let listed = ledger.list(&filter, caller.now)?;
        let listed = listed.iter().find(|listed| listed.license.id == id);
        let listed = listed.ok_or_else(|| Problem::unknown("the ledger does not know this licence"))?;
        let draft = ledger.draft_of(&id)?;
        Ok(Me::of(LicenseView::of(listed, caller.now), &draft, id == caller.id, caller.now))
    });
    Ok(Reply(me.await?))
}

/// The licence that the caller's lineage uses now.
fn current(ledger: &licentia_issuer::Ledger, caller: &crate::access::Identity) -> Result<TokenId, Problem> {
    match ledger.current(&caller.lineage) {
        Ok(current) => Ok(current.id),
        Err(licentia_issuer::Error::Ledger(LedgerError::LineageRevoked(_))) => Ok(caller.id),
        Err(error) => Err(error.into()),
    }
}

impl Me {
    fn of(license: LicenseView, draft: &Draft, is_current: bool, now: Timestamp) -> Self {
        let value = |value: &FeatureValue| match value {
            FeatureValue::Int(number) => (*number).into(),
            FeatureValue::Text(text) => text.clone().into(),
            _ => serde_json::Value::Bool(true),
        };
        let features = draft.grant.features.iter();
        let features = features.filter(|(_, feature)| feature.expires.is_none_or(|end| end > now));
        let quotas = draft.grant.quotas.iter().map(|(meter, quota)| {
            (meter.clone(), QuotaView { limit: quota.limit, period: quota.period.to_string() })
        });
        let rates = draft.grant.rates.iter();
        let rates =
            rates.map(|(name, rate)| (name.clone(), RateView { count: rate.count, per_ms: rate.per_ms }));
        Self {
            license,
            features: features.map(|(name, feature)| (name.clone(), value(&feature.value))).collect(),
            quotas: quotas.collect(),
            rates: rates.collect(),
            seats: draft.grant.seats,
            paid_until: draft.paid_until().as_seconds(),
            is_current,
        }
    }
}

/// The current token of the lineage, for a licence that is bound to a key, with a proof: a stolen token must not renew
/// itself.
#[utoipa::path(get, path = "/v1/me/license", tag = "me", security(("license" = [])),
    params(("Licentia-Proof" = String, Header, description = "A proof of possession of this request.")),
    responses((status = 200, body = Current), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
async fn license(State(server): State<Server>, caller: Caller<Anyone>) -> Result<Reply<Current>, Problem> {
    let caller = caller.0;
    if !caller.is_bound {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "not_bound",
            "The licence is not bound to a key.",
            "Whoever has its token could renew it. Ask the vendor for the new licence.",
        ));
    }
    let shared = server.clone();
    let token = server.readers().read(move |ledger| {
        let id = current(ledger, &caller)?;
        let held = ledger.draft_of(&caller.id)?.holder;
        let terms = ledger.terms(&id)?;
        // A newer licence for another key is not this caller's.
        if terms.draft()?.holder != held {
            return Err(Problem::conflict("holder_changed", "The newer licence is bound to another key."));
        }
        Ok(terms.sign(&shared.keys(&caller.issuer)?.issuer)?.text())
    });
    Ok(Reply(Current { token: token.await? }))
}
