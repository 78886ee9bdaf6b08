//! `/v1/flow`: receipts as they arrive, and what each one adds.

use std::collections::{BTreeMap, btree_map::Entry};

use axum::extract::State;
use data_encoding::HEXLOWER;
use licentia::receipt::Receipt;
use licentia_core::{Lineage, Timestamp};
use licentia_issuer::Ledger;
use serde::{Deserialize, Serialize};

use super::instances::names;
use crate::{
    access::{Caller, Read},
    http::{Problem, ProblemBody, Query, page_limit},
    server::Server,
    store::values,
};

/// How many earlier receipts of an instance are looked into for what a meter had before.
const EARLIER: u64 = 50;

/// Which receipts.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Since {
    /// Only receipts that arrived after the one with this number: the `next` of the call before.
    after: Option<u64>,
    /// How many at most, the newest ones: 1 to 1000.
    limit: Option<u64>,
}

/// A page of arrivals.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Flow {
    /// The newest first.
    items: Vec<Arrival>,
    /// The value of `after` for the next call.
    next: u64,
}

/// A receipt that arrived.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Arrival {
    /// Its place among all receipts.
    number: u64,
    /// When it arrived, in seconds since 1970.
    at: u64,
    /// The instance that wrote it.
    instance: String,
    /// Whom the instance was enrolled for.
    name: Option<String>,
    /// The number that the instance gave it.
    sequence: u64,
    /// Whether it was kept apart: it counts for issuers that the instance may not report for.
    apart: bool,
    /// What was used since the instance's receipt before.
    used: Vec<Used>,
}

/// What was used.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Used {
    /// The customer, or the lineage if the ledger does not know it.
    customer: String,
    /// The licence through its renewals.
    lineage: String,
    /// The meter.
    meter: String,
    /// The units.
    units: u64,
}

/// A row of the table.
struct Stored {
    number: u64,
    at: Timestamp,
    instance: [u8; 32],
    sequence: u64,
    apart: bool,
    receipt: Vec<u8>,
}

/// Receipts as they arrive, and what each one adds.
#[utoipa::path(get, path = "/v1/flow", tag = "usage", params(Since), security(("license" = [])),
    responses((status = 200, body = Flow), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn flow(
    State(server): State<Server>,
    caller: Caller<Read>,
    Query(since): Query<Since>,
) -> Result<axum::Json<Flow>, Problem> {
    let (issuer, limit, after) = (caller.0.issuer, page_limit(since.limit)?, since.after.unwrap_or(0));
    let flow = server.readers().read(move |ledger| {
        let sql = "SELECT number, at, receipt.instance, receipt.sequence, apart, receipt FROM receipt
             JOIN instance ON instance.instance = receipt.instance
             WHERE issuer = ?1 AND number > ?2 ORDER BY number DESC LIMIT ?3";
        let stored: Vec<Stored> = ledger.database().all(sql, values![&issuer, after, limit], |row| {
            Ok(Stored {
                number: row.unsigned(0)?,
                at: row.time(1)?,
                instance: row.array(2)?,
                sequence: row.unsigned(3)?,
                apart: row.unsigned(4)? > 0,
                receipt: row.bytes(5)?.to_vec(),
            })
        })?;
        let names = names(ledger, &issuer)?;
        let mut customers = BTreeMap::new();
        let next = stored.first().map_or(after, |newest| newest.number);
        let mut items = Vec::with_capacity(stored.len());
        for one in stored {
            items.push(Arrival {
                number: one.number,
                at: one.at.as_seconds(),
                instance: HEXLOWER.encode(&one.instance),
                name: names.get(&one.instance).cloned(),
                sequence: one.sequence,
                apart: one.apart,
                used: used(ledger, &issuer, &one, &mut customers)?,
            });
        }
        Ok(Flow { items, next })
    });
    Ok(axum::Json(flow.await?))
}

/// A meter of a lineage in a window, and its units.
type Cells = BTreeMap<(Lineage, String, Timestamp), u64>;

/// What a receipt adds to the earlier ones of its instance. Its counts are cumulative.
fn used(
    ledger: &Ledger,
    issuer: &str,
    stored: &Stored,
    customers: &mut BTreeMap<Lineage, String>,
) -> Result<Vec<Used>, Problem> {
    let cells = cells(&stored.receipt, issuer);
    let sql =
        "SELECT receipt FROM receipt WHERE instance = ?1 AND sequence < ?2 ORDER BY sequence DESC LIMIT ?3";
    let earlier: Vec<Vec<u8>> =
        ledger.database().all(sql, values![&stored.instance, stored.sequence, EARLIER], |row| {
            Ok(row.bytes(0)?.to_vec())
        })?;
    let mut before = Cells::new();
    for receipt in &earlier {
        for (cell, units) in self::cells(receipt, issuer) {
            let known = before.entry(cell).or_default();
            *known = units.max(*known);
        }
    }
    let mut used: BTreeMap<(Lineage, String), u64> = BTreeMap::new();
    for (cell, units) in cells {
        let more = units.saturating_sub(before.get(&cell).copied().unwrap_or(0));
        let (lineage, meter, _) = cell;
        *used.entry((lineage, meter)).or_default() += more;
    }
    let mut found = Vec::with_capacity(used.len());
    for ((lineage, meter), units) in used.into_iter().filter(|(_, units)| *units > 0) {
        let customer = match customers.entry(lineage) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(place) => {
                let newest =
                    ledger.of_lineage(&lineage)?.into_iter().rfind(|license| license.issuer == issuer);
                place.insert(newest.map_or_else(|| lineage.to_string(), |license| license.subject)).clone()
            }
        };
        found.push(Used { customer, lineage: lineage.to_string(), meter, units });
    }
    Ok(found)
}

/// The units of each cell of a receipt, as far as they are of an issuer.
fn cells(receipt: &[u8], issuer: &str) -> Cells {
    let Ok(receipt) = Receipt::read(receipt) else { return Cells::new() };
    let own = receipt.entries().filter(|entry| entry.issuer.is_empty() || entry.issuer == issuer);
    own.map(|entry| {
        let cell = (entry.lineage, entry.meter.to_owned(), entry.window.start);
        (cell, entry.count.saturating_sub(entry.refunded))
    })
    .collect()
}
