//! `/v1/overview`

use std::collections::BTreeMap;

use axum::extract::State;
use licentia_issuer::Ledger;
use serde::Serialize;

use crate::{
    access::{Caller, Identity, Read},
    http::{Problem, ProblemBody},
    server::Server,
    store::values,
    stripe,
    usage::findings,
    webhooks::outbox::{self, DeliveryState},
};

/// What there is, and what needs somebody.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Overview {
    /// The issuer of the credential, whose licences these are.
    issuer: String,
    /// The subject of the credential.
    subject: String,
    /// Whether the credential has `server.admin`.
    is_admin: bool,
    /// Licences that were issued.
    licenses: u64,
    /// Customers.
    customers: u64,
    /// Contracts: licences through their renewals.
    lineages: u64,
    /// The licences of each tier by their state.
    tiers: Vec<TierStates>,
    /// The tiers of the active catalogue that are sold.
    catalogue: Vec<SoldTier>,
    /// The deliveries of webhooks.
    deliveries: Deliveries,
    /// What needs somebody.
    problems: Vec<Trouble>,
}

/// The licences of a tier.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct TierStates {
    /// Its name.
    tier: String,
    /// Its version.
    tier_version: u64,
    /// How many are in each state.
    states: BTreeMap<&'static str, u64>,
}

/// A tier that is sold.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct SoldTier {
    /// Its name.
    name: String,
    /// Its version.
    version: u64,
}

/// The deliveries of webhooks.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
#[schema(as = DeliveryCounts)]
struct Deliveries {
    /// Those that wait for an attempt.
    waiting: u64,
    /// Those that failed for good.
    dead: u64,
}

/// Something that needs somebody.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Trouble {
    /// How bad it is: `bad` or `limit`.
    kind: &'static str,
    /// It in words.
    text: String,
    /// Where the page shows it.
    place: &'static str,
}

/// What there is, and what needs somebody.
#[utoipa::path(get, path = "/v1/overview", tag = "page", security(("license" = [])),
    responses((status = 200, body = Overview), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn overview(
    State(server): State<Server>,
    caller: Caller<Read>,
) -> Result<axum::Json<Overview>, Problem> {
    let (who, this) = (caller.0, server.clone());
    Ok(axum::Json(server.readers().read(move |ledger| gather(&this, ledger, who)).await?))
}

fn gather(server: &Server, ledger: &Ledger, who: Identity) -> Result<Overview, Problem> {
    let counts = ledger.tier_counts(who.now)?;
    let own = counts.into_iter().filter(|count| count.issuer == who.issuer);
    let tiers: Vec<TierStates> = own
        .map(|count| TierStates {
            tier: count.tier,
            tier_version: count.tier_version,
            states: count.states.into_iter().map(|(state, count)| (state.name(), count)).collect(),
        })
        .collect();
    let sql = "SELECT count(DISTINCT subject), count(DISTINCT lineage) FROM license WHERE issuer = ?1";
    let (customers, lineages) =
        ledger.database().only(sql, values![&who.issuer], |row| Ok((row.unsigned(0)?, row.unsigned(1)?)))?;
    let mut catalogue = Vec::new();
    if let Ok(active) = server.catalogue(ledger, &who.issuer) {
        let sold = active.sold().map(|tier| SoldTier { name: tier.name.clone(), version: tier.version });
        catalogue.extend(sold);
    }
    let mut deliveries = Deliveries::default();
    let hooks: Vec<_> =
        outbox::webhooks(ledger, &who.issuer)?.into_iter().map(|webhook| webhook.id).collect();
    for (_, state, count) in outbox::counts(ledger)?.into_iter().filter(|(id, ..)| hooks.contains(id)) {
        match state {
            DeliveryState::Waiting => deliveries.waiting += count,
            DeliveryState::Dead => deliveries.dead += count,
            DeliveryState::Delivered => {}
        }
    }
    let mut problems = Vec::new();
    let mut trouble = |kind, place, count: usize, one: &str, many: &str| {
        if count > 0 {
            let text = if count == 1 { format!("1 {one}.") } else { format!("{count} {many}.") };
            problems.push(Trouble { kind, text, place });
        }
    };
    let dead = usize::try_from(deliveries.dead).unwrap_or(usize::MAX);
    let webhook = ["delivery of a webhook failed for good", "deliveries of webhooks failed for good"];
    trouble("bad", "webhooks?state=dead", dead, webhook[0], webhook[1]);
    let found = findings(&*server.reports().of(ledger, &who.issuer)?);
    let alarms = found.iter().filter(|finding| finding.alarm).count();
    let receipts =
        ["finding in the receipts must be looked into", "findings in the receipts must be looked into"];
    trouble("bad", "gateways", alarms, receipts[0], receipts[1]);
    let paid = stripe::tables::all(ledger)?;
    let unsold = paid.iter().filter(|paid| paid.issuer == who.issuer && !paid.problem.is_empty()).count();
    let payment = ["payment changed nothing", "payments changed nothing"];
    trouble("limit", "payments", unsold, payment[0], payment[1]);
    Ok(Overview {
        issuer: who.issuer,
        subject: who.subject,
        is_admin: who.is_admin,
        licenses: tiers.iter().flat_map(|tier| tier.states.values()).sum(),
        customers,
        lineages,
        tiers,
        catalogue,
        deliveries,
        problems,
    })
}
