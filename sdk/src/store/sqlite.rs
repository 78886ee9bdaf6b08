//! A store in an SQLite file, which many processes on one machine may share.

mod rows;

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use licentia_core::{
    AccountId,
    metering::{
        job::{self, Part},
        rate::Tat,
        taker::{self, LIFETIME_KEPT},
    },
};
use rusqlite::{
    Connection, ErrorCode, OpenFlags, OptionalExtension, ToSql, Transaction, TransactionBehavior, ffi, params,
};

use self::rows::{account, count, last, number, part, set_count, set_last, set_part};
use super::{
    Answer, Became, Cell, Fault, JobAsk, JobCharged, JobFinish, Op, OpenError, PartCharged, PartDone,
    RateAsk, RateTaken, SeatAsk, Seats, Store, Taken, Turn, Unreachable, breaker::Breaker,
};
use crate::platform::{PerProcess, fork::Inside};

/// Each step takes the schema from the version of its place to the next. Lifetimes end at the greatest integer.
const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE cell (
        lineage BLOB NOT NULL CHECK (length(lineage) = 16),
        meter   TEXT NOT NULL,
        start   INTEGER NOT NULL,
        end     INTEGER NOT NULL,
        total   INTEGER NOT NULL,
        PRIMARY KEY (lineage, meter, start, end)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE job (
        lineage BLOB NOT NULL CHECK (length(lineage) = 16),
        meter   TEXT NOT NULL,
        start   INTEGER NOT NULL,
        end     INTEGER NOT NULL,
        job     TEXT NOT NULL,
        units   INTEGER NOT NULL,
        PRIMARY KEY (lineage, meter, start, end, job)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE seat (
        lineage  BLOB NOT NULL CHECK (length(lineage) = 16),
        holder   TEXT NOT NULL,
        taken_at INTEGER NOT NULL,
        ttl      INTEGER NOT NULL,
        PRIMARY KEY (lineage, holder)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE mark (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
    ",
    "
    ALTER TABLE job ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX cell_end ON cell (end);
    CREATE INDEX job_end ON job (end);
    CREATE TABLE rate (
        lineage BLOB NOT NULL CHECK (length(lineage) = 16),
        name    TEXT NOT NULL,
        tat     INTEGER NOT NULL,
        PRIMARY KEY (lineage, name)
    ) STRICT, WITHOUT ROWID;
    ",
    // A TAT may need more than 63 bits: 16 bytes, which sort as times do.
    "
    ALTER TABLE rate RENAME TO narrow;
    CREATE TABLE rate (
        lineage BLOB NOT NULL CHECK (length(lineage) = 16),
        name    TEXT NOT NULL,
        tat     BLOB NOT NULL CHECK (length(tat) = 16),
        PRIMARY KEY (lineage, name)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO rate SELECT lineage, name, unhex(printf('%032x', tat)) FROM narrow;
    DROP TABLE narrow;
    CREATE INDEX rate_tat ON rate (tat);
    ",
    // Who is counted is an issuer's lineage. Rows from before have no issuer, and every issuer starts from them.
    "
    ALTER TABLE cell RENAME TO old_cell;
    CREATE TABLE cell (
        issuer  BLOB NOT NULL CHECK (length(issuer) IN (0, 8)),
        lineage BLOB NOT NULL CHECK (length(lineage) = 16),
        meter   TEXT NOT NULL,
        start   INTEGER NOT NULL,
        end     INTEGER NOT NULL,
        total   INTEGER NOT NULL,
        PRIMARY KEY (lineage, issuer, meter, start, end)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO cell SELECT X'', lineage, meter, start, end, total FROM old_cell;
    DROP TABLE old_cell;
    CREATE INDEX cell_end ON cell (end);
    ALTER TABLE job RENAME TO old_job;
    CREATE TABLE job (
        issuer  BLOB NOT NULL CHECK (length(issuer) IN (0, 8)),
        lineage BLOB NOT NULL CHECK (length(lineage) = 16),
        meter   TEXT NOT NULL,
        start   INTEGER NOT NULL,
        end     INTEGER NOT NULL,
        job     TEXT NOT NULL,
        units   INTEGER NOT NULL,
        held    INTEGER NOT NULL,
        PRIMARY KEY (lineage, issuer, meter, start, end, job)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO job SELECT X'', lineage, meter, start, end, job, units, held FROM old_job;
    DROP TABLE old_job;
    CREATE INDEX job_end ON job (end);
    ALTER TABLE seat RENAME TO old_seat;
    CREATE TABLE seat (
        issuer   BLOB NOT NULL CHECK (length(issuer) IN (0, 8)),
        lineage  BLOB NOT NULL CHECK (length(lineage) = 16),
        holder   TEXT NOT NULL,
        taken_at INTEGER NOT NULL,
        ttl      INTEGER NOT NULL,
        PRIMARY KEY (lineage, issuer, holder)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO seat SELECT X'', lineage, holder, taken_at, ttl FROM old_seat;
    DROP TABLE old_seat;
    ALTER TABLE rate RENAME TO old_rate;
    CREATE TABLE rate (
        issuer  BLOB NOT NULL CHECK (length(issuer) IN (0, 8)),
        lineage BLOB NOT NULL CHECK (length(lineage) = 16),
        name    TEXT NOT NULL,
        tat     BLOB NOT NULL CHECK (length(tat) = 16),
        PRIMARY KEY (lineage, issuer, name)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO rate SELECT X'', lineage, name, tat FROM old_rate;
    DROP TABLE old_rate;
    CREATE INDEX rate_tat ON rate (tat);
    ",
    // Jobs by the algebra of the core (`held` is 0 for final, 1 for held, 2 for open), and who took last.
    "
    ALTER TABLE cell ADD COLUMN refunded INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE job ADD COLUMN attempt INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE job ADD COLUMN cost INTEGER;
    ALTER TABLE job ADD COLUMN refunded INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE job ADD COLUMN tries INTEGER NOT NULL DEFAULT 1;
    CREATE TABLE turn (
        issuer   BLOB NOT NULL CHECK (length(issuer) IN (0, 8)),
        lineage  BLOB NOT NULL CHECK (length(lineage) = 16),
        meter    TEXT NOT NULL,
        start    INTEGER NOT NULL,
        end      INTEGER NOT NULL,
        taker    BLOB NOT NULL CHECK (length(taker) = 16),
        sequence INTEGER NOT NULL,
        units    INTEGER NOT NULL,
        used_at  INTEGER NOT NULL,
        PRIMARY KEY (lineage, issuer, meter, start, end, taker)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX turn_end ON turn (end, used_at);
    ",
    // Jobs of a lifetime end some time after their last use, and seats are found by their end.
    "
    ALTER TABLE job ADD COLUMN used_at INTEGER NOT NULL DEFAULT 0;
    UPDATE job SET used_at = unixepoch();
    CREATE INDEX job_used ON job (end, used_at);
    DROP INDEX job_end;
    CREATE INDEX seat_end ON seat (taken_at + ttl);
    ",
];

/// How long another process may hold the file.
const BUSY: Duration = Duration::from_secs(5);

/// A store in an SQLite file (WAL, synchronous): what it gave is durable, and survives a loss of power.
///
/// After an error the file is opened anew by a later operation, so that it recovers by itself from a disk that was
/// full or a file that was replaced. Only where the system could not say that a write is on the disk (`fsync` failed)
/// this process writes no more to it: nobody knows what the disk holds then. A child after `fork` opens its own
/// connection.
pub struct Sqlite {
    path: PathBuf,
    opened: PerProcess<Option<Opened>>,
    breaker: Breaker,
    /// Whether `fsync` has failed.
    unsafe_disk: AtomicBool,
}

struct Opened {
    database: Connection,
    /// What tells this file from another of the same name.
    file: Option<(u64, u64)>,
}

/// Whether a write waits until it is on the disk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Write {
    Durable,
    Lazy,
}

impl Sqlite {
    /// Opens a file, and creates it if it does not exist.
    ///
    /// # Errors
    /// [`OpenError::Unreachable`] with the path and the reason: the folder does not exist, the file is read-only, no
    /// database, damaged, or of a newer version.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let _inside = Inside::enter();
        let sqlite = Self::lazy(path);
        let place = || sqlite.path.display().to_string();
        let opened =
            Opened::new(&sqlite.path).map_err(|error| OpenError::Unreachable { place: place(), error })?;
        sqlite.opened.with(|place| *place = Some(opened));
        Ok(sqlite)
    }

    /// As [`Sqlite::open`], but opens the file when it is first needed.
    pub fn lazy(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref().to_owned();
        let (breaker, unsafe_disk) = (Breaker::default(), AtomicBool::new(false));
        Self { path, opened: PerProcess::new(None, || None), breaker, unsafe_disk }
    }

    /// Does one operation.
    fn one(&self, op: Op<'_>) -> Result<Answer, Unreachable> {
        let answer = self.batch(&[op]).pop();
        answer.unwrap_or_else(|| Err(Unreachable::because("the file was not asked")))
    }

    /// Does something in one transaction, which is durable when this returns, or did not happen.
    fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T, Unreachable> {
        self.transact(Write::Durable, work)
    }

    fn transact<T>(
        &self,
        write: Write,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, Unreachable> {
        // A child of a fork in the middle of it would find locks of SQLite's own taken for ever.
        let _inside = Inside::enter();
        self.opened.with(|place| {
            // Who has waited here while another one failed waits no longer.
            self.breaker.pass()?;
            let done = if self.unsafe_disk.load(Ordering::Relaxed) {
                Err(Unreachable::because("an fsync has failed: restart, and check the disk"))
            } else {
                let usable = place.take().and_then(|opened| opened.usable(&self.path));
                usable.map_or_else(|| Opened::new(&self.path), Ok).and_then(|mut opened| {
                    let value = opened.transact(write, work).map_err(|error| {
                        self.unsafe_disk.fetch_or(is_of_fsync(&error), Ordering::Relaxed);
                        unreachable(error)
                    })?;
                    // A connection that failed is dropped, and what it was about is not tried again.
                    *place = Some(opened);
                    Ok(value)
                })
            };
            self.breaker.tell(&done);
            done
        })
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        let _inside = Inside::enter();
        // In a child, the connection of the parent is left alone.
        self.opened.with(|place| drop(place.take()));
    }
}

impl Opened {
    fn new(path: &Path) -> Result<Self, Unreachable> {
        Self::connect(path).map_err(unreachable)
    }

    fn connect(path: &Path) -> rusqlite::Result<Self> {
        // These names stand for a database that nobody shares, and that ends with its connection.
        if path.as_os_str().is_empty() || path.as_os_str() == ":memory:" {
            return Err(refused("a store in SQLite needs the path of a file"));
        }
        // A name is a name: without `SQLITE_OPEN_URI` nothing in it is read as an option.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut database = Connection::open_with_flags(path, flags)?;
        database.busy_timeout(BUSY)?;
        let mode =
            database.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0))?;
        if mode != "wal" {
            return Err(refused("the file's system cannot do what WAL needs"));
        }
        database.pragma_update(None, "synchronous", "FULL")?;
        let migration = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version: i64 = migration.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        let due = usize::try_from(version).ok().and_then(|done| MIGRATIONS.get(done..));
        let due = due.ok_or_else(|| refused("the file was made by a newer version"))?;
        for step in due {
            migration.execute_batch(step)?;
        }
        if !due.is_empty() {
            migration.pragma_update(
                None,
                "user_version",
                i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX),
            )?;
        }
        migration.commit()?;
        Ok(Self { database, file: identity(path).ok().flatten() })
    }

    /// The connection, if it is to the file that has the name now.
    fn usable(self, path: &Path) -> Option<Self> {
        let same = identity(path).is_ok_and(|file| file == self.file);
        same.then_some(self)
    }

    fn transact<T>(
        &mut self,
        write: Write,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        // Only for this transaction: the next durable one brings all of the log to the disk.
        let lazy = write == Write::Lazy;
        if lazy {
            self.database.pragma_update(None, "synchronous", "NORMAL")?;
        }
        let transaction = self.database.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let value = work(&transaction)?;
        transaction.commit()?;
        if lazy {
            self.database.pragma_update(None, "synchronous", "FULL")?;
        }
        Ok(value)
    }
}

fn refused(why: &'static str) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(why.into())
}

/// Whether what failed is `fsync`: then what was written is on the disk or not, and asking again does not tell.
fn is_of_fsync(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|error| error.extended_code);
    matches!(code, Some(ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC))
}

/// Device and number of a file, where the system has them.
#[cfg(unix)]
fn identity(path: &Path) -> io::Result<Option<(u64, u64)>> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).map(|metadata| Some((metadata.dev(), metadata.ino())))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> io::Result<Option<(u64, u64)>> {
    std::fs::metadata(path).map(|_| None)
}

fn unreachable(error: rusqlite::Error) -> Unreachable {
    let fault = match error.sqlite_error_code() {
        _ if is_of_fsync(&error) => Fault::Unknown,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::CannotOpen) => Fault::NotSent,
        Some(
            ErrorCode::DiskFull
            | ErrorCode::ReadOnly
            | ErrorCode::SystemIoFailure
            | ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase
            | ErrorCode::OutOfMemory
            | ErrorCode::PermissionDenied,
        ) => Fault::Refused,
        None if matches!(error, rusqlite::Error::ToSqlConversionFailure(_)) => Fault::NotSent,
        _ => Fault::OneKey,
    };
    Unreachable::new(fault, error)
}

/// Does one operation.
fn run(transaction: &Transaction<'_>, op: &Op<'_>) -> rusqlite::Result<Answer> {
    Ok(match op {
        Op::Take { cell, by, need, want, limit } => {
            Answer::Taken(take(transaction, cell, *by, (*need, *want, *limit))?)
        }
        Op::GiveBack { cell, by, units } => {
            give_back(transaction, cell, *by, *units)?;
            Answer::GaveBack
        }
        Op::Resolve { cell, by } => {
            let (last, became) = taker::resolve(last(transaction, cell, by.taker)?, by.sequence);
            set_last(transaction, cell, by.taker, last, seconds())?;
            Answer::Became(became)
        }
        Op::ChargeJob(ask) => Answer::Charged(charge_job(transaction, ask)?),
        Op::FinishJob(ask) => Answer::Finished(finish_job(transaction, ask)?),
        Op::Rate(ask) => Answer::Rate(take_rate(transaction, ask)?),
        Op::Seat(ask) => Answer::Seats(take_seat(transaction, ask)?),
    })
}

/// The machine's time, in seconds since 1970.
fn seconds() -> u64 {
    super::wall_clock::wall_nanos() / 1_000_000_000
}

fn take(
    transaction: &Transaction<'_>,
    cell: &Cell<'_>,
    by: Option<Turn>,
    (need, want, limit): (u64, u64, u64),
) -> rusqlite::Result<Taken> {
    let before = count(transaction, cell)?;
    let (after, taken) = if let Some(by) = by {
        let found = last(transaction, cell, by.taker)?;
        let (after, kept, taken, _) = taker::take(before, found, by.sequence, (need, want, limit));
        if kept != found {
            set_last(transaction, cell, by.taker, kept, seconds())?;
        }
        (after, taken)
    } else {
        before.take(need, want, limit)
    };
    set_count(transaction, cell, before, after)?;
    Ok(Taken { units: taken.units, total: taken.total })
}

fn give_back(
    transaction: &Transaction<'_>,
    cell: &Cell<'_>,
    by: Option<Turn>,
    units: u64,
) -> rusqlite::Result<()> {
    let before = count(transaction, cell)?;
    let after = if let Some(by) = by {
        let found = last(transaction, cell, by.taker)?;
        let (after, kept, _) = taker::give_back(before, found, by.sequence, units);
        set_last(transaction, cell, by.taker, kept, seconds())?;
        after
    } else {
        before.give_back(units)
    };
    set_count(transaction, cell, before, after)
}

fn charge_job(transaction: &Transaction<'_>, ask: &JobAsk<'_>) -> rusqlite::Result<JobCharged> {
    let state = |asked: &super::JobPart<'_>| {
        let part = part(transaction, &asked.cell, ask.job, asked.cost)?;
        Ok(Part { cost: asked.cost, limit: asked.limit, ..part })
    };
    let before: Vec<Part> = ask.parts.iter().map(state).collect::<rusqlite::Result<_>>()?;
    let mut parts = before.clone();
    let outcome = job::charge(&mut parts, ask.held);
    for (asked, (before, part)) in ask.parts.iter().zip(before.iter().zip(&parts)) {
        set_part(transaction, &asked.cell, ask.job, before, part)?;
    }
    Ok(JobCharged { outcome, parts: parts.iter().map(PartCharged::from).collect() })
}

fn finish_job(transaction: &Transaction<'_>, ask: &JobFinish<'_>) -> rusqlite::Result<Vec<PartDone>> {
    let finish = |asked: &super::FinishPart<'_>| {
        let before = part(transaction, &asked.cell, ask.job, 0)?;
        let mut after = before;
        let done = ask.how.apply(&mut after, asked.attempt, asked.units);
        set_part(transaction, &asked.cell, ask.job, &before, &after)?;
        let (total, refunded) = (after.count.taken, after.count.refunded);
        Ok(PartDone { done, total, refunded, units: refunded.saturating_sub(before.count.refunded) })
    };
    ask.parts.iter().map(finish).collect()
}

fn take_rate(transaction: &Transaction<'_>, ask: &RateAsk<'_>) -> rusqlite::Result<RateTaken> {
    let (issuer, lineage) = account(&ask.account);
    let sql = "SELECT tat FROM rate WHERE lineage = ?1 AND issuer IN (?2, X'') AND name = ?3
        ORDER BY length(issuer) DESC LIMIT 1";
    let mut statement = transaction.prepare_cached(sql)?;
    let key = params![lineage, issuer, ask.name];
    let tat = statement.query_row(key, |row| row.get(0)).optional()?;
    let tat = tat.map(Tat::from_bytes).unwrap_or_default();
    let (after, taken) = ask.take(tat, super::wall_clock::wall_nanos());
    // Also after a refusal: what lay too far ahead is lowered.
    if after != tat {
        let sql = "INSERT OR REPLACE INTO rate (lineage, issuer, name, tat) VALUES (?1, ?2, ?3, ?4)";
        let row = params![lineage, issuer, ask.name, after.to_bytes()];
        transaction.prepare_cached(sql)?.execute(row)?;
    }
    Ok(taken)
}

fn take_seat(transaction: &Transaction<'_>, ask: &SeatAsk<'_>) -> rusqlite::Result<Seats> {
    let (now, ttl) = (number(ask.now), number(ask.ttl));
    let (issuer, lineage) = account(&ask.account);
    let run = |sql: &str, value: &dyn ToSql| {
        transaction.prepare_cached(sql)?.execute(params![lineage, issuer, value])
    };
    // Seats from before seats had issuers are everybody's of the lineage, until they end.
    run("UPDATE seat SET taken_at = ?3 WHERE lineage = ?1 AND issuer IN (?2, X'') AND taken_at > ?3", &now)?;
    run("DELETE FROM seat WHERE lineage = ?1 AND issuer IN (?2, X'') AND taken_at + ttl <= ?3", &now)?;
    // The holder's own seat does not stand in its way, unless the limit has sunk below those that are left.
    run("DELETE FROM seat WHERE lineage = ?1 AND issuer IN (?2, X'') AND holder = ?3", &ask.holder)?;
    let sql = "SELECT count(*), min(taken_at + ttl) FROM seat WHERE lineage = ?1 AND issuer IN (?2, X'')";
    let mut statement = transaction.prepare_cached(sql)?;
    let found = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?));
    let (others, free) = statement.query_row(params![lineage, issuer], found)?;
    let (others, free) = (others.unsigned_abs(), free.map(i64::unsigned_abs));
    let granted = others < ask.limit;
    if !granted {
        return Ok(Seats { granted, taken: others, next_free: free });
    }
    let sql = "INSERT INTO seat (lineage, issuer, holder, taken_at, ttl) VALUES (?1, ?2, ?3, ?4, ?5)";
    transaction.prepare_cached(sql)?.execute(params![lineage, issuer, ask.holder, now, ttl])?;
    let own = ask.now.saturating_add(ask.ttl);
    let next_free = Some(free.map_or(own, |free| free.min(own)));
    Ok(Seats { granted, taken: others.saturating_add(1), next_free })
}

/// The answer to the question that was asked.
macro_rules! expect {
    ($answer:expr, $kind:path) => {
        match $answer? {
            $kind(value) => Ok(value),
            _ => Err(Unreachable::because("the file answered another question")),
        }
    };
}

impl Store for Sqlite {
    fn take(&self, cell: &Cell<'_>, need: u64, want: u64, limit: u64) -> Result<Taken, Unreachable> {
        expect!(self.one(Op::Take { cell: *cell, by: None, need, want, limit }), Answer::Taken)
    }

    fn give_back(&self, cell: &Cell<'_>, units: u64) -> Result<(), Unreachable> {
        self.one(Op::GiveBack { cell: *cell, by: None, units }).map(|_| ())
    }

    fn take_in_turn(
        &self,
        cell: &Cell<'_>,
        by: Turn,
        need: u64,
        want: u64,
        limit: u64,
    ) -> Result<Taken, Unreachable> {
        expect!(self.one(Op::Take { cell: *cell, by: Some(by), need, want, limit }), Answer::Taken)
    }

    fn give_back_in_turn(&self, cell: &Cell<'_>, by: Turn, units: u64) -> Result<(), Unreachable> {
        self.one(Op::GiveBack { cell: *cell, by: Some(by), units }).map(|_| ())
    }

    fn resolve(&self, cell: &Cell<'_>, by: Turn) -> Result<Became, Unreachable> {
        expect!(self.one(Op::Resolve { cell: *cell, by }), Answer::Became)
    }

    fn charge_job(&self, ask: &JobAsk<'_>) -> Result<JobCharged, Unreachable> {
        expect!(self.one(Op::ChargeJob(ask.clone())), Answer::Charged)
    }

    fn finish_job(&self, ask: &JobFinish<'_>) -> Result<Vec<PartDone>, Unreachable> {
        expect!(self.one(Op::FinishJob(ask.clone())), Answer::Finished)
    }

    fn take_rate(&self, ask: &RateAsk<'_>) -> Result<RateTaken, Unreachable> {
        expect!(self.one(Op::Rate(*ask)), Answer::Rate)
    }

    fn take_seat(&self, ask: &SeatAsk<'_>) -> Result<Seats, Unreachable> {
        expect!(self.one(Op::Seat(*ask)), Answer::Seats)
    }

    fn batch(&self, ops: &[Op<'_>]) -> Vec<Result<Answer, Unreachable>> {
        // What a loss of power may forget of a rate is a slice or two.
        let lazy = ops.iter().all(|op| matches!(op, Op::Rate(_)));
        let write = if lazy { Write::Lazy } else { Write::Durable };
        let all = self.transact(write, |transaction| {
            ops.iter().map(|op| run(transaction, op)).collect::<rusqlite::Result<Vec<_>>>()
        });
        match all {
            Ok(answers) => answers.into_iter().map(Ok).collect(),
            // One row that cannot be read keeps nobody else from being served.
            Err(error) if error.fault() == Fault::OneKey && ops.len() > 1 => {
                ops.iter().map(|op| self.one(op.clone())).collect()
            }
            Err(error) => ops.iter().map(|_| Err(error.clone())).collect(),
        }
    }

    fn patience(&self) -> Duration {
        BUSY
    }

    fn remember(&self, name: &str, until: u64, now: u64) -> Result<bool, Unreachable> {
        // A time sorts as its bytes do.
        let [until, now] = [until, now].map(|time| number(time).to_be_bytes());
        self.write(|transaction| {
            let sql = "INSERT INTO mark (name, value) VALUES (?1, ?2)
                ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE value <= ?3";
            Ok(transaction.prepare_cached(sql)?.execute(params![name, until, now])? > 0)
        })
    }

    fn forget(&self, before: u64) -> Result<(), Unreachable> {
        self.write(|transaction| {
            for table in ["cell", "job", "turn"] {
                // A lifetime's end is the greatest number.
                let sql = format!("DELETE FROM {table} WHERE end <= ?1 AND end < {}", i64::MAX);
                transaction.execute(&sql, [number(before)])?;
            }
            let kept = seconds().saturating_sub(LIFETIME_KEPT).min(before);
            for table in ["turn", "job"] {
                let sql = format!("DELETE FROM {table} WHERE end = {} AND used_at < ?1", i64::MAX);
                transaction.execute(&sql, [number(kept)])?;
            }
            // By the guard's mark, which may be behind this machine's clock or ahead of it.
            let ended = number(before.min(seconds()));
            transaction.execute("DELETE FROM seat WHERE taken_at + ttl <= ?1", [ended])?;
            let names = "DELETE FROM mark WHERE name >= 'proof:' AND name < 'proof;' AND value <= ?1";
            transaction.execute(names, [ended.to_be_bytes()])?;
            // A rate whose TAT has passed is as one that was never used.
            let now = super::wall_clock::nanos(before).min(super::wall_clock::wall_nanos().into());
            transaction.execute("DELETE FROM rate WHERE tat <= ?1", [Tat::from_nanos(now).to_bytes()])?;
            Ok(())
        })
    }

    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, Unreachable> {
        self.write(|transaction| {
            let mut statement = transaction.prepare_cached("SELECT value FROM mark WHERE name = ?1")?;
            statement.query_row([name], |row| row.get(0)).optional()
        })
    }

    fn save(&self, name: &str, value: &[u8]) -> Result<(), Unreachable> {
        self.write(|transaction| {
            let sql = "INSERT OR REPLACE INTO mark (name, value) VALUES (?1, ?2)";
            transaction.prepare_cached(sql)?.execute(params![name, value])?;
            Ok(())
        })
    }

    fn replace(&self, name: &str, before: Option<&[u8]>, value: &[u8]) -> Result<bool, Unreachable> {
        self.write(|transaction| {
            let sql = match before {
                Some(_) => "UPDATE mark SET value = ?3 WHERE name = ?1 AND value = ?2",
                None => "INSERT OR IGNORE INTO mark (name, value) SELECT ?1, ?3 WHERE ?2 IS NULL",
            };
            Ok(transaction.prepare_cached(sql)?.execute(params![name, before, value])? > 0)
        })
    }

    fn release_seat(&self, of: &AccountId, holder: &str) -> Result<(), Unreachable> {
        let (issuer, lineage) = account(of);
        self.write(|transaction| {
            let sql = "DELETE FROM seat WHERE lineage = ?1 AND issuer IN (?2, X'') AND holder = ?3";
            transaction.prepare_cached(sql)?.execute(params![lineage, issuer, holder])?;
            Ok(())
        })
    }
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_fsync_is_told_from_a_full_disk() {
        let error = |code| rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
        for code in [ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_DIR_FSYNC] {
            assert!(is_of_fsync(&error(code)));
        }
        for code in [ffi::SQLITE_FULL, ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_BUSY] {
            assert!(!is_of_fsync(&error(code)));
        }
    }

    #[test]
    fn after_a_failed_fsync_nothing_is_taken_from_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(folder.path().join("usage.db")).unwrap();
        let failed = store.write(|_| {
            Err::<(), _>(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_IOERR_FSYNC), None))
        });
        assert!(failed.is_err());
        std::thread::sleep(Duration::from_millis(120)); // past the breaker
        let error = store.load("mark").unwrap_err().to_string();
        assert!(error.contains("fsync"), "{error}");
    }
}
