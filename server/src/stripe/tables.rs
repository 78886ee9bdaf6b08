//! What a payment provider has told: events, each taken once, and which licence a subscription pays for.

use licentia_core::{Lineage, Timestamp};
use licentia_issuer::{GuestTables, Ledger, Result, sql::Row};

use crate::store::values;

/// The tables.
pub(crate) static TABLES: GuestTables = GuestTables {
    name: "payments",
    sqlite: &["
    CREATE TABLE payment_event (
        id TEXT PRIMARY KEY,
        at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE subscription (
        id           TEXT PRIMARY KEY,
        customer     TEXT NOT NULL,
        issuer       TEXT NOT NULL,
        lineage      BLOB NOT NULL CHECK (length(lineage) = 16),
        status       TEXT NOT NULL,
        period_start INTEGER NOT NULL,
        period_end   INTEGER NOT NULL,
        seen_at      INTEGER NOT NULL,
        problem      TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX subscription_lineage ON subscription (lineage);
    CREATE TABLE usage_sent (
        sink         TEXT NOT NULL,
        name         TEXT NOT NULL,
        meter        TEXT NOT NULL,
        period_start INTEGER NOT NULL,
        period_end   INTEGER NOT NULL,
        value        INTEGER NOT NULL,
        PRIMARY KEY (sink, name, meter, period_start)
    ) STRICT, WITHOUT ROWID;
"],
    postgres: &["
    CREATE TABLE payment_event (
        id TEXT COLLATE \"C\" PRIMARY KEY,
        at BIGINT NOT NULL
    );
    CREATE TABLE subscription (
        id           TEXT COLLATE \"C\" PRIMARY KEY,
        customer     TEXT COLLATE \"C\" NOT NULL,
        issuer       TEXT COLLATE \"C\" NOT NULL,
        lineage      BYTEA NOT NULL CHECK (length(lineage) = 16),
        status       TEXT COLLATE \"C\" NOT NULL,
        period_start BIGINT NOT NULL,
        period_end   BIGINT NOT NULL,
        seen_at      BIGINT NOT NULL,
        problem      TEXT COLLATE \"C\" NOT NULL
    );
    CREATE INDEX subscription_lineage ON subscription (lineage);
    CREATE TABLE usage_sent (
        sink         TEXT COLLATE \"C\" NOT NULL,
        name         TEXT COLLATE \"C\" NOT NULL,
        meter        TEXT COLLATE \"C\" NOT NULL,
        period_start BIGINT NOT NULL,
        period_end   BIGINT NOT NULL,
        value        BIGINT NOT NULL,
        PRIMARY KEY (sink, name, meter, period_start)
    );
"],
    copied: &[
        ("payment_event", &["id", "at"]),
        (
            "subscription",
            &[
                "id",
                "customer",
                "issuer",
                "lineage",
                "status",
                "period_start",
                "period_end",
                "seen_at",
                "problem",
            ],
        ),
        ("usage_sent", &["sink", "name", "meter", "period_start", "period_end", "value"]),
    ],
};

/// A subscription, and the licence that it pays for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Paid {
    /// Stripe's identifier of it.
    pub(crate) id: String,
    /// Stripe's identifier of the customer.
    pub(crate) customer: String,
    /// The licence's issuer.
    pub(crate) issuer: String,
    /// The licence, through its renewals.
    pub(crate) lineage: Lineage,
    /// What Stripe last said about it.
    pub(crate) status: String,
    /// The billing period.
    pub(crate) period: (Timestamp, Timestamp),
    /// When Stripe was asked last.
    pub(crate) seen_at: Timestamp,
    /// Why its last payment changed nothing; empty if it did.
    pub(crate) problem: String,
}

const COLUMNS: &str = "id, customer, issuer, lineage, status, period_start, period_end, seen_at, problem";

/// Whether an event was taken before.
pub(crate) fn has_event(ledger: &Ledger, id: &str) -> Result<bool> {
    let sql = "SELECT 1 FROM payment_event WHERE id = ?1";
    Ok(ledger.database().first(sql, values![id], |_| Ok(()))?.is_some())
}

/// Records that an event was taken. Returns `false` if it was before.
pub(crate) fn take_event(ledger: &Ledger, id: &str, now: Timestamp) -> Result<bool> {
    let sql = "INSERT INTO payment_event (id, at) VALUES (?1, ?2) ON CONFLICT (id) DO NOTHING";
    Ok(ledger.database().execute(sql, values![id, now])? > 0)
}

/// Drops the events that were taken before a time. Stripe repeats them for days, not for months.
pub(crate) fn forget_events(ledger: &Ledger, before: Timestamp) -> Result<u64> {
    ledger.database().execute("DELETE FROM payment_event WHERE at < ?1", values![before])
}

/// Records what is known of a subscription. Its licence stays the one that it was first recorded with.
pub(crate) fn save(ledger: &Ledger, it: &Paid) -> Result<()> {
    let sql = "INSERT INTO subscription (id, customer, issuer, lineage, status, period_start, period_end, seen_at, problem)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (id) DO UPDATE SET customer = excluded.customer, status = excluded.status,
             period_start = excluded.period_start, period_end = excluded.period_end, seen_at = excluded.seen_at,
             problem = excluded.problem";
    let values = values![
        &it.id,
        &it.customer,
        &it.issuer,
        &it.lineage,
        &it.status,
        it.period.0,
        it.period.1,
        it.seen_at,
        &it.problem
    ];
    ledger.database().execute(sql, values).map(drop)
}

/// A subscription.
pub(crate) fn find(ledger: &Ledger, id: &str) -> Result<Option<Paid>> {
    ledger.database().first(&format!("SELECT {COLUMNS} FROM subscription WHERE id = ?1"), values![id], paid)
}

/// All subscriptions, by their identifiers.
pub(crate) fn all(ledger: &Ledger) -> Result<Vec<Paid>> {
    ledger.database().all(&format!("SELECT {COLUMNS} FROM subscription ORDER BY id"), &[], paid)
}

/// A sum that was sent to a collector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    /// Whose usage it is.
    pub(crate) name: String,
    /// The meter.
    pub(crate) meter: String,
    /// The period that it is summed over.
    pub(crate) period: (Timestamp, Timestamp),
    /// The sum.
    pub(crate) value: u64,
}

/// What was sent to a collector about periods that end after a time.
pub(crate) fn sent(ledger: &Ledger, sink: &str, ends_after: Timestamp) -> Result<Vec<Sent>> {
    let sql = "SELECT name, meter, period_start, period_end, value FROM usage_sent WHERE sink = ?1 AND period_end > ?2";
    ledger.database().all(sql, values![sink, ends_after], |row| {
        Ok(Sent {
            name: row.text(0)?.to_owned(),
            meter: row.text(1)?.to_owned(),
            period: (row.time(2)?, row.time(3)?),
            value: row.unsigned(4)?,
        })
    })
}

/// Records what a collector has taken. It is asked for the greatest sum only.
pub(crate) fn save_sent(ledger: &Ledger, sink: &str, it: &Sent) -> Result<()> {
    let sql = "INSERT INTO usage_sent (sink, name, meter, period_start, period_end, value)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (sink, name, meter, period_start) DO UPDATE SET value = excluded.value, period_end = excluded.period_end";
    let values = values![sink, &it.name, &it.meter, it.period.0, it.period.1, it.value];
    ledger.database().execute(sql, values).map(drop)
}

fn paid(row: &Row<'_>) -> Result<Paid> {
    Ok(Paid {
        id: row.text(0)?.to_owned(),
        customer: row.text(1)?.to_owned(),
        issuer: row.text(2)?.to_owned(),
        lineage: row.array::<16>(3)?.into(),
        status: row.text(4)?.to_owned(),
        period: (row.time(5)?, row.time(6)?),
        seen_at: row.time(7)?,
        problem: row.text(8)?.to_owned(),
    })
}
