//! `/v1/audit`

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    access::{Admin, Caller},
    http::{Problem, Query},
    server::Server,
    store::values,
};

pub(crate) fn routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Which lines.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Lines {
    /// Only lines after this number; with `newest`, only those before it.
    after: Option<u64>,
    /// Whether the newest come first.
    #[serde(default)]
    newest: bool,
    /// How many at most: 1 to 1000.
    limit: Option<u64>,
}

/// A line.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct AuditLine {
    /// Its number.
    number: u64,
    /// When, in seconds since 1970.
    at: u64,
    /// The subject of the credential.
    subject: String,
    /// The lineage of the credential.
    lineage: String,
    /// What was done.
    action: String,
    /// To what.
    target: String,
}

/// A page of lines.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct AuditPage {
    items: Vec<AuditLine>,
    /// The value of `after` for the next page, if there may be one.
    next: Option<u64>,
}

/// Who did what, the oldest first.
#[utoipa::path(get, path = "/v1/audit", tag = "audit", params(Lines), security(("license" = [])),
    responses((status = 200, body = AuditPage), (status = "4XX", body = crate::http::ProblemBody, content_type = "application/problem+json")))]
async fn list(
    State(server): State<Server>,
    caller: Caller<Admin>,
    Query(lines): Query<Lines>,
) -> Result<axum::Json<AuditPage>, Problem> {
    let limit = crate::http::page_limit(lines.limit)?;
    let issuer = caller.0.issuer;
    let (order, after) = match (lines.newest, lines.after) {
        (false, after) => ("number > ?2 ORDER BY number", after.unwrap_or(0)),
        (true, after) => ("number < ?2 ORDER BY number DESC", after.unwrap_or(u64::MAX)),
    };
    let items = server.readers().read(move |ledger| {
        let sql = format!(
            "SELECT number, at, subject, lineage, action, target FROM audit
             WHERE issuer = ?1 AND {order} LIMIT ?3"
        );
        let items: Vec<AuditLine> = ledger.database().all(&sql, values![&issuer, after, limit], |row| {
            Ok(AuditLine {
                number: row.unsigned(0)?,
                at: row.unsigned(1)?,
                subject: row.text(2)?.to_owned(),
                lineage: row
                    .optional_bytes(3)?
                    .map_or_else(String::new, |bytes| data_encoding::HEXLOWER.encode(&bytes)),
                action: row.text(4)?.to_owned(),
                target: row.text(5)?.to_owned(),
            })
        })?;
        Ok(items)
    });
    let items = items.await?;
    let is_full = items.len() as u64 == limit;
    let next = items.last().filter(|_| is_full).map(|line| line.number);
    Ok(axum::Json(AuditPage { items, next }))
}
