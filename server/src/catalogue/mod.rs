//! The catalogue: read, proposed and activated. A tier that was sold never changes.

mod active;

use axum::{Json as Reply, extract::State, response::Response};
use http::StatusCode;
use licentia_issuer::{Catalogue, Ledger, Tier};
use serde::{Deserialize, Serialize};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    access::{Admin, Caller, Read},
    http::{Answer, IdempotencyKey, Nothing, Post, Problem, ProblemBody, Segment},
    server::Server,
    store::values,
};

pub(crate) use active::active;

pub(crate) fn routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new().routes(routes!(list, propose)).routes(routes!(activate))
}

/// A version of the catalogue.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = CatalogueVersion)]
pub(crate) struct Version {
    /// Its number; 0 is the one of the configuration.
    number: u64,
    /// Whether licences are issued by it.
    is_active: bool,
    /// The tiers on sale, as `NAME@VERSION`.
    sold: Vec<String>,
    /// The catalogue, as TOML; of the configuration's only the tiers.
    text: Option<String>,
    /// Who proposed it.
    proposed_by: Option<String>,
    /// When.
    proposed_at: Option<u64>,
}

/// A catalogue to be proposed.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Proposal {
    /// The catalogue, as TOML.
    text: String,
}

/// A catalogue that was proposed or activated.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Number {
    /// Its number.
    number: u64,
}

fn sold(catalogue: &Catalogue) -> Vec<String> {
    catalogue.sold().map(Tier::label).collect()
}

/// All versions of the catalogue, the newest first.
#[utoipa::path(get, path = "/v1/catalogues", tag = "catalogue", security(("license" = [])),
    responses((status = 200, body = Vec<Version>), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
async fn list(State(server): State<Server>, caller: Caller<Read>) -> Result<Reply<Vec<Version>>, Problem> {
    let (shared, issuer) = (server.clone(), caller.0.issuer);
    let versions = server.readers().read(move |ledger| {
        let active = active(ledger, &issuer)?.map_or(0, |(number, _)| number);
        let sql = "SELECT number, text, proposed_by, proposed_at FROM catalogue WHERE issuer = ?1
            ORDER BY number DESC LIMIT 100";
        let mut versions: Vec<Version> = ledger.database().all(sql, values![&issuer], |row| {
            let text = row.text(1)?;
            Ok(Version {
                number: row.unsigned(0)?,
                is_active: row.unsigned(0)? == active,
                sold: text.parse::<Catalogue>().map(|catalogue| sold(&catalogue)).unwrap_or_default(),
                text: Some(text.to_owned()),
                proposed_by: Some(row.text(2)?.to_owned()),
                proposed_at: row.optional(3)?,
            })
        })?;
        if let Some(catalogue) = &shared.keys(&issuer)?.catalogue {
            versions.push(Version {
                number: 0,
                is_active: active == 0,
                sold: sold(catalogue),
                text: None,
                proposed_by: None,
                proposed_at: None,
            });
        }
        Ok(versions)
    });
    Ok(Reply(versions.await?))
}

/// Proposes a catalogue. Nothing is sold by it until it is activated.
#[utoipa::path(post, path = "/v1/catalogues", tag = "catalogue", request_body = Proposal, security(("license" = [])),
    params(IdempotencyKey),
    responses((status = 201, body = Number), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
async fn propose(State(server): State<Server>, post: Post<Proposal, Admin>) -> Result<Response, Problem> {
    post.act(&server, "propose a catalogue", |ledger, acting, Proposal { text }| {
        let proposed: Catalogue = text.parse()?;
        unchanged(ledger, &acting.server, &acting.caller.issuer, &proposed)?;
        let sql = "INSERT INTO catalogue (issuer, text, proposed_at, proposed_by)
            VALUES (?1, ?2, ?3, ?4) RETURNING number";
        let caller = &acting.caller;
        let row = values![&caller.issuer, &text, acting.now, &caller.subject];
        let number = ledger.database().only(sql, row, |row| row.unsigned(0))?;
        Answer::new(StatusCode::CREATED, &Number { number }, number.to_string())
    })
    .await
}

/// Activates a catalogue: from now on licences are issued by it.
#[utoipa::path(post, path = "/v1/catalogues/{number}/activate", tag = "catalogue", request_body = Nothing, security(("license" = [])),
    params(("number" = u64, Path), IdempotencyKey),
    responses((status = 200, body = Number), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
async fn activate(
    State(server): State<Server>,
    number: Segment,
    post: Post<Nothing, Admin>,
) -> Result<Response, Problem> {
    let number = number.number()?;
    post.act(&server, "activate a catalogue", move |ledger, acting, Nothing {}| {
        let caller = &acting.caller;
        let sql = "SELECT text FROM catalogue WHERE issuer = ?1 AND number = ?2";
        let row = values![&caller.issuer, number];
        let text = ledger.database().first(sql, row, |row| row.text(0).map(str::to_owned))?;
        let text = text.ok_or_else(|| Problem::unknown("no such catalogue"))?;
        unchanged(ledger, &acting.server, &caller.issuer, &text.parse()?)?;
        let sql = "UPDATE catalogue SET activated_at = ?3, activated_by = ?4,
            activation = (SELECT coalesce(max(activation), 0) + 1 FROM catalogue WHERE issuer = ?1)
            WHERE issuer = ?1 AND number = ?2";
        let row = values![&caller.issuer, number, acting.now, &caller.subject];
        ledger.database().execute(sql, row)?;
        Answer::new(StatusCode::OK, &Number { number }, number.to_string())
    })
    .await
}

/// Refuses a catalogue that changes or lacks a tier of the active one.
fn unchanged(ledger: &Ledger, server: &Server, issuer: &str, proposed: &Catalogue) -> Result<(), Problem> {
    let Ok(active) = server.catalogue(ledger, issuer) else { return Ok(()) };
    for tier in active.tiers() {
        let label = tier.label();
        let Ok(next) = proposed.tier(&tier.name, Some(tier.version)) else {
            let detail = format!(
                "It lacks {label}, which was on sale: renewals need it. Keep it with `retired = true`."
            );
            return Err(Problem::conflict("tier_missing", detail));
        };
        // Any plausible time will do.
        let drafts = [tier, next].map(|tier| tier.draft("x", 1_800_000_000).ok());
        if drafts.first() != drafts.last() || tier.anchors != next.anchors {
            let detail = format!("{label} was on sale and would change. Add a new version of it.");
            return Err(Problem::conflict("tier_changed", detail));
        }
    }
    Ok(())
}
