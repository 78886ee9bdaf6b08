//! The states of the algebra as rows of tables.

use licentia_core::metering::{
    job::{Entry, Part, Stage},
    quota::Count,
    taker::Last,
};
use rusqlite::{OptionalExtension, Row, Transaction, params};

use licentia_core::AccountId;

use crate::store::{Cell, Taker};

/// SQLite's integers are signed; a limit above theirs is none.
pub(super) fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Start and end of a cell's period.
pub(super) fn period(cell: &Cell<'_>) -> (i64, i64) {
    (number(cell.window.start.as_seconds()), cell.window.end.map_or(i64::MAX, |end| number(end.as_seconds())))
}

/// Issuer and lineage of an account.
pub(super) fn account(account: &AccountId) -> ([u8; AccountId::ISSUER_BYTES], [u8; 16]) {
    (account.issuer(), account.lineage().into())
}

/// A number that is never negative.
fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::unsigned_abs)
}

/// What was taken of a cell. One that is new starts from what was counted before cells had issuers.
pub(super) fn count(transaction: &Transaction<'_>, cell: &Cell<'_>) -> rusqlite::Result<Count> {
    let (start, end) = period(cell);
    let (issuer, lineage) = account(&cell.account);
    let sql = "SELECT total, refunded FROM cell
        WHERE lineage = ?1 AND issuer = ?2 AND meter = ?3 AND start = ?4 AND end = ?5";
    let mut statement = transaction.prepare_cached(sql)?;
    let key = params![lineage, issuer, cell.meter, start, end];
    let found = |row: &Row<'_>| Ok(Count { taken: unsigned(row, 0)?, refunded: unsigned(row, 1)? });
    let mut find = || statement.query_row(key, found).optional();
    if let Some(count) = find()? {
        return Ok(count);
    }
    let sql = "INSERT INTO cell (issuer, lineage, meter, start, end, total, refunded)
        SELECT ?2, lineage, meter, start, end, total, refunded FROM cell
        WHERE lineage = ?1 AND issuer = X'' AND meter = ?3 AND start = ?4 AND end = ?5";
    if transaction.prepare_cached(sql)?.execute(key)? > 0 {
        let sql = "INSERT INTO job
            (issuer, lineage, meter, start, end, job, attempt, cost, units, refunded, tries, held)
            SELECT ?2, lineage, meter, start, end, job, attempt, cost, units, refunded, tries, held FROM job
            WHERE lineage = ?1 AND issuer = X'' AND meter = ?3 AND start = ?4 AND end = ?5";
        transaction.prepare_cached(sql)?.execute(key)?;
    }
    find().map(Option::unwrap_or_default)
}

/// Keeps what was taken of a cell, if it has changed.
pub(super) fn set_count(
    transaction: &Transaction<'_>,
    cell: &Cell<'_>,
    before: Count,
    count: Count,
) -> rusqlite::Result<()> {
    if count == before {
        return Ok(());
    }
    let (start, end) = period(cell);
    let (issuer, lineage) = account(&cell.account);
    let sql = "INSERT OR REPLACE INTO cell (lineage, issuer, meter, start, end, total, refunded)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let row = params![lineage, issuer, cell.meter, start, end, number(count.taken), number(count.refunded)];
    transaction.prepare_cached(sql)?.execute(row).map(|_| ())
}

/// The last operation of a taker.
pub(super) fn last(
    transaction: &Transaction<'_>,
    cell: &Cell<'_>,
    taker: Taker,
) -> rusqlite::Result<Option<Last>> {
    let (start, end) = period(cell);
    let (issuer, lineage) = account(&cell.account);
    let sql = "SELECT sequence, units FROM turn
        WHERE lineage = ?1 AND issuer = ?2 AND meter = ?3 AND start = ?4 AND end = ?5 AND taker = ?6";
    let mut statement = transaction.prepare_cached(sql)?;
    let found = |row: &Row<'_>| Ok(Last { sequence: unsigned(row, 0)?, units: unsigned(row, 1)? });
    statement.query_row(params![lineage, issuer, cell.meter, start, end, taker.as_bytes()], found).optional()
}

/// Keeps the last operation of a taker. `now` is in seconds since 1970.
pub(super) fn set_last(
    transaction: &Transaction<'_>,
    cell: &Cell<'_>,
    taker: Taker,
    last: Option<Last>,
    now: u64,
) -> rusqlite::Result<()> {
    let Some(last) = last else { return Ok(()) };
    let (start, end) = period(cell);
    let (issuer, lineage) = account(&cell.account);
    let sql =
        "INSERT OR REPLACE INTO turn (lineage, issuer, meter, start, end, taker, sequence, units, used_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let (sequence, units, now) = (number(last.sequence), number(last.units), number(now));
    let row = params![lineage, issuer, cell.meter, start, end, taker.as_bytes(), sequence, units, now];
    transaction.prepare_cached(sql)?.execute(row).map(|_| ())
}

/// What a job and its cell are at. An entry of an older version does not say what the job did cost: it counts as the
/// cost that is asked for.
pub(super) fn part(
    transaction: &Transaction<'_>,
    cell: &Cell<'_>,
    job: &str,
    cost: u64,
) -> rusqlite::Result<Part> {
    let (start, end) = period(cell);
    let (issuer, lineage) = account(&cell.account);
    // First, since it brings over what was counted before cells had issuers.
    let count = count(transaction, cell)?;
    let sql = "SELECT attempt, cost, units, refunded, tries, held FROM job
        WHERE lineage = ?1 AND issuer = ?2 AND meter = ?3 AND start = ?4 AND end = ?5 AND job = ?6";
    let mut statement = transaction.prepare_cached(sql)?;
    let found = |row: &Row<'_>| {
        Ok(Entry {
            attempt: unsigned(row, 0)?,
            cost: row.get::<_, Option<i64>>(1)?.map_or(cost, i64::unsigned_abs),
            charged: unsigned(row, 2)?,
            refunded: unsigned(row, 3)?,
            tries: unsigned(row, 4)?,
            stage: match row.get::<_, i64>(5)? {
                0 => Stage::Final,
                1 => Stage::Held,
                _ => Stage::Open,
            },
        })
    };
    let entry =
        statement.query_row(params![lineage, issuer, cell.meter, start, end, job], found).optional()?;
    Ok(Part::new(count, entry))
}

/// Keeps what a job and its cell are at, if it has changed.
pub(super) fn set_part(
    transaction: &Transaction<'_>,
    cell: &Cell<'_>,
    job: &str,
    before: &Part,
    part: &Part,
) -> rusqlite::Result<()> {
    set_count(transaction, cell, before.count, part.count)?;
    if part.entry == before.entry {
        return Ok(());
    }
    let (start, end) = period(cell);
    let (issuer, lineage) = account(&cell.account);
    let Some(entry) = part.entry else {
        let sql = "DELETE FROM job
            WHERE lineage = ?1 AND issuer = ?2 AND meter = ?3 AND start = ?4 AND end = ?5 AND job = ?6";
        let key = params![lineage, issuer, cell.meter, start, end, job];
        return transaction.prepare_cached(sql)?.execute(key).map(|_| ());
    };
    let sql = "INSERT OR REPLACE INTO job
        (lineage, issuer, meter, start, end, job, attempt, cost, units, refunded, tries, held, used_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, unixepoch())";
    let stage = match entry.stage {
        Stage::Final => 0,
        Stage::Held => 1,
        Stage::Open => 2,
    };
    let [attempt, cost, units, refunded, tries] =
        [entry.attempt, entry.cost, entry.charged, entry.refunded, entry.tries].map(number);
    let row =
        params![lineage, issuer, cell.meter, start, end, job, attempt, cost, units, refunded, tries, stage];
    transaction.prepare_cached(sql)?.execute(row).map(|_| ())
}
