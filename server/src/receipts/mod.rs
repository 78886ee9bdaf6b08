//! Receipts of usage, from gateways and services that are enrolled with a licence of the vendor's own.
//!
//! The first receipt of an instance enrols it under its credential's lineage; another lineage cannot report for it. A
//! receipt that counts for other issuers than the credential's is kept apart. A receipt is stored before it is
//! acknowledged, and acknowledged only if none before it is missing.

use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use licentia::receipt::{Receipt, ReceiptLink};
use licentia_core::Code;
use licentia_issuer::{Ledger, acknowledge};
use serde::{Deserialize, Serialize};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    access::{Caller, Identity, Read, Report, authenticate},
    http::{Problem, ProblemBody, Query, needs_type, page_limit, read_body},
    server::Server,
    store::values,
};

/// The media type of a receipt and of its acknowledgement.
const COSE: &str = "application/cose";
/// The longest receipt.
const LONGEST: usize = 1 << 20;

pub(crate) fn routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new().routes(routes!(take)).routes(routes!(instances))
}

/// Takes a receipt, and answers with an acknowledgement of the newest one before which none is missing. Sending it again
/// changes nothing.
#[utoipa::path(post, path = "/v1/receipts", tag = "receipts", security(("license" = [])),
    request_body(content = Vec<u8>, content_type = "application/cose", description = "One receipt."),
    responses((status = 200, content_type = "application/cose", body = Vec<u8>), (status = 202, description = "Stored; one before it is missing."),
        (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
async fn take(State(server): State<Server>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let caller = authenticate::<Report>(&server, &parts, None).await?;
    needs_type(&parts.headers, COSE)?;
    let bytes = read_body(body, LONGEST).await?;
    let (instance, link, apart) = {
        let receipt = Receipt::read(&bytes).map_err(refused)?;
        let foreign =
            receipt.entries().any(|entry| !entry.issuer.is_empty() && entry.issuer != caller.issuer);
        (receipt.instance(), receipt.link(), foreign)
    };
    let shared = server.clone();
    let whole = server.clerk().write(move |ledger| {
        let known = enrol(ledger, &caller.0, &instance)?;
        let sql = "INSERT INTO receipt (instance, sequence, digest, at, apart, receipt)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (instance, sequence, digest) DO NOTHING";
        let row = values![&instance, link.sequence, &link.digest, caller.now, apart, &bytes[..]];
        ledger.database().execute(sql, row)?;
        let whole = if link.sequence > known.sequence { advance(ledger, &instance, known)? } else { known };
        let sql = "UPDATE instance SET seen_at = ?2, sequence = ?3, digest = ?4 WHERE instance = ?1";
        let row = values![&instance, caller.now, whole.sequence, &whole.digest];
        ledger.database().execute(sql, row)?;
        let key = shared.keys(&caller.issuer)?.issuer.key();
        if whole.sequence == 0 {
            return Ok(None);
        }
        Ok(Some(acknowledge(key, &instance, whole, caller.now)?))
    });
    let Some(acknowledgement) = whole.await? else { return Ok(StatusCode::ACCEPTED.into_response()) };
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static(COSE))], acknowledgement).into_response())
}

fn refused(code: Code) -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        code.name(),
        "The receipt is refused.",
        format!("{} {}", code.message(), code.advice()),
    )
}

/// The newest receipt of an instance before which none is missing. A new instance belongs to the caller.
fn enrol(ledger: &Ledger, caller: &Identity, instance: &[u8; 32]) -> Result<ReceiptLink, Problem> {
    let database = ledger.database();
    let sql =
        "INSERT INTO instance (instance, issuer, lineage, subject, enrolled_at, seen_at, sequence, digest)
        VALUES (?1, ?2, ?3, ?4, ?5, ?5, 0, ?6) ON CONFLICT (instance) DO NOTHING";
    let none = [0_u8; 32];
    let (issuer, lineage) = (&caller.issuer, &caller.lineage);
    database.execute(sql, values![instance, issuer, lineage, &caller.subject, caller.now, &none])?;
    let sql = "SELECT issuer, lineage, sequence, digest FROM instance WHERE instance = ?1";
    let (owner, link) = database.only(sql, values![instance], |row| {
        let link = ReceiptLink { sequence: row.unsigned(2)?, digest: row.array(3)? };
        Ok(((row.text(0)?.to_owned(), row.array::<16>(1)?), link))
    })?;
    if owner != (issuer.clone(), *lineage.as_bytes()) {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "instance_foreign",
            "The instance reports with another licence.",
            "Give each instance a key and a log of its own, or report with the licence that enrolled it.",
        ));
    }
    Ok(link)
}

/// Goes on from a receipt while the next one is there.
fn advance(ledger: &Ledger, instance: &[u8; 32], from: ReceiptLink) -> Result<ReceiptLink, Problem> {
    let mut whole = from;
    loop {
        let next = whole.sequence.saturating_add(1);
        let sql = "SELECT digest, receipt FROM receipt WHERE instance = ?1 AND sequence = ?2 ORDER BY number";
        let found: Vec<([u8; 32], Vec<u8>)> = ledger
            .database()
            .all(sql, values![instance, next], |row| Ok((row.array(0)?, row.bytes(1)?.to_vec())))?;
        // Of a fork, the one that follows what was acknowledged.
        let follows = |bytes: &[u8]| {
            Receipt::read(bytes).is_ok_and(|receipt| next == 1 || *receipt.previous() == whole.digest)
        };
        let Some((digest, _)) = found.into_iter().find(|(_, bytes)| follows(bytes)) else { return Ok(whole) };
        whole = ReceiptLink { sequence: next, digest };
    }
}

/// Which instances.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Instances {
    /// How many at most: 1 to 1000.
    limit: Option<u64>,
}

/// An instance that reports.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Instance)]
pub(crate) struct InstanceView {
    /// Its identifier.
    instance: String,
    /// The subject of its credential.
    subject: String,
    /// The lineage of its credential.
    lineage: String,
    /// When it first reported.
    enrolled_at: u64,
    /// When it last reported.
    seen_at: u64,
    /// The newest receipt before which none is missing.
    acknowledged: u64,
    /// The newest receipt. If it is greater, some are missing.
    newest: u64,
    /// How many receipts are kept apart, because they count for other issuers.
    apart: u64,
    /// Whether two receipts have one number: it was cloned, or set back.
    is_forked: bool,
}

/// The instances that report, those that were seen last first.
#[utoipa::path(get, path = "/v1/instances", tag = "receipts", params(Instances), security(("license" = [])),
    responses((status = 200, body = Vec<InstanceView>), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
async fn instances(
    State(server): State<Server>,
    caller: Caller<Read>,
    Query(wanted): Query<Instances>,
) -> Result<axum::Json<Vec<InstanceView>>, Problem> {
    let (limit, issuer) = (page_limit(wanted.limit)?, caller.0.issuer);
    let found = server.readers().read(move |ledger| {
        let sql = "SELECT instance.instance, subject, lineage, enrolled_at, seen_at, instance.sequence,
                coalesce(max(receipt.sequence), 0), CAST(coalesce(sum(apart), 0) AS BIGINT),
                count(receipt.number) > count(DISTINCT receipt.sequence)
            FROM instance LEFT JOIN receipt ON receipt.instance = instance.instance WHERE issuer = ?1
            GROUP BY instance.instance, subject, lineage, enrolled_at, seen_at, instance.sequence
            ORDER BY seen_at DESC, instance.instance LIMIT ?2";
        let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
        let found = ledger.database().all(sql, values![&issuer, limit], |row| {
            Ok(InstanceView {
                instance: hex(row.bytes(0)?),
                subject: row.text(1)?.to_owned(),
                lineage: hex(row.bytes(2)?),
                enrolled_at: row.unsigned(3)?,
                seen_at: row.unsigned(4)?,
                acknowledged: row.unsigned(5)?,
                newest: row.unsigned(6)?,
                apart: row.unsigned(7)?,
                is_forked: row.flag(8)?,
            })
        })?;
        Ok(found)
    });
    Ok(axum::Json(found.await?))
}
