//! A store in an SQLite file, which many processes on one machine may share.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use rusqlite::{
    Connection, OpenFlags, OptionalExtension, ToSql, Transaction, TransactionBehavior, ffi, params,
};

use licentia_core::{AccountId, metering::rate::Tat};

use super::{
    Cell, Finish, Job, Once, OpenError, RateAsk, RateTaken, SeatAsk, Seats, Store, Taken, Unreachable,
    breaker::Breaker,
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
            self.breaker.tell(done.is_ok());
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

    /// The connection, where it is of the file that has the name now.
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
    Unreachable(Box::new(error))
}

/// SQLite's integers are signed; a limit above theirs is none.
fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Start and end of a cell's period.
fn period(cell: &Cell<'_>) -> (i64, i64) {
    (number(cell.window.start.as_seconds()), cell.window.end.map_or(i64::MAX, |end| number(end.as_seconds())))
}

/// Issuer and lineage of an account.
fn account(account: &AccountId) -> ([u8; AccountId::ISSUER_BYTES], [u8; 16]) {
    (account.issuer(), account.lineage().into())
}

/// Units of a cell that were taken. A cell that is new starts from what was counted before cells had issuers.
fn total(transaction: &Transaction<'_>, cell: &Cell<'_>) -> rusqlite::Result<Option<u64>> {
    let (start, end) = period(cell);
    let (issuer, lineage) = account(&cell.account);
    let sql = "SELECT total FROM cell
        WHERE lineage = ?1 AND issuer = ?2 AND meter = ?3 AND start = ?4 AND end = ?5";
    let mut statement = transaction.prepare_cached(sql)?;
    let key = params![lineage, issuer, cell.meter, start, end];
    let mut find = || statement.query_row(key, |row| row.get::<_, i64>(0)).optional();
    let mut found = find()?;
    if found.is_none() {
        let sql = "INSERT INTO cell SELECT ?2, lineage, meter, start, end, total FROM cell
            WHERE lineage = ?1 AND issuer = X'' AND meter = ?3 AND start = ?4 AND end = ?5";
        if transaction.prepare_cached(sql)?.execute(key)? > 0 {
            let sql = "INSERT INTO job SELECT ?2, lineage, meter, start, end, job, units, held FROM job
                WHERE lineage = ?1 AND issuer = X'' AND meter = ?3 AND start = ?4 AND end = ?5";
            transaction.prepare_cached(sql)?.execute(key)?;
            found = find()?;
        }
    }
    Ok(found.map(i64::unsigned_abs))
}

/// Sets the units of a cell.
fn set_total(transaction: &Transaction<'_>, cell: &Cell<'_>, total: u64) -> rusqlite::Result<()> {
    let (start, end) = period(cell);
    let (issuer, lineage) = account(&cell.account);
    let sql = "INSERT OR REPLACE INTO cell (lineage, issuer, meter, start, end, total)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let mut statement = transaction.prepare_cached(sql)?;
    statement.execute(params![lineage, issuer, cell.meter, start, end, number(total)])?;
    Ok(())
}

/// What a job was charged, and whether it is held.
fn charged(
    transaction: &Transaction<'_>,
    cell: &Cell<'_>,
    job: &str,
) -> rusqlite::Result<Option<(u64, bool)>> {
    let (start, end) = period(cell);
    let (issuer, lineage) = account(&cell.account);
    let sql = "SELECT units, held FROM job
        WHERE lineage = ?1 AND issuer = ?2 AND meter = ?3 AND start = ?4 AND end = ?5 AND job = ?6";
    let mut statement = transaction.prepare_cached(sql)?;
    let found = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get(1)?));
    statement.query_row(params![lineage, issuer, cell.meter, start, end, job], found).optional()
}

fn set_job(
    transaction: &Transaction<'_>,
    cell: &Cell<'_>,
    job: &str,
    units: u64,
    held: bool,
) -> rusqlite::Result<()> {
    let (start, end) = period(cell);
    let (issuer, lineage) = account(&cell.account);
    let sql = "INSERT OR REPLACE INTO job (lineage, issuer, meter, start, end, job, units, held)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let row = params![lineage, issuer, cell.meter, start, end, job, number(units), held];
    transaction.prepare_cached(sql)?.execute(row).map(|_| ())
}

impl Store for Sqlite {
    fn take(&self, cell: &Cell<'_>, need: u64, want: u64, limit: u64) -> Result<Taken, Unreachable> {
        self.write(|transaction| {
            let taken = total(transaction, cell)?.unwrap_or(0);
            let left = limit.saturating_sub(taken);
            let units = if left < need { 0 } else { want.max(need).min(left) };
            let total = taken.saturating_add(units);
            if units > 0 {
                set_total(transaction, cell, total)?;
            }
            Ok(Taken { units, total })
        })
    }

    fn give_back(&self, cell: &Cell<'_>, units: u64) -> Result<(), Unreachable> {
        self.write(|transaction| match total(transaction, cell)? {
            Some(total) => set_total(transaction, cell, total.saturating_sub(units)),
            None => Ok(()),
        })
    }

    fn take_once(&self, cell: &Cell<'_>, job: Job<'_>, units: u64, limit: u64) -> Result<Once, Unreachable> {
        self.write(|transaction| {
            let taken = total(transaction, cell)?.unwrap_or(0);
            if let Some((charged, held)) = charged(transaction, cell, job.name)? {
                if job.held || !held {
                    return Ok(Once::Before(taken));
                }
                let total = taken.saturating_sub(charged.saturating_sub(units));
                set_total(transaction, cell, total)?;
                set_job(transaction, cell, job.name, units.min(charged), false)?;
                return Ok(Once::Charged(total));
            }
            if limit.saturating_sub(taken) < units {
                return Ok(Once::Refused(taken));
            }
            let total = taken.saturating_add(units);
            set_total(transaction, cell, total)?;
            set_job(transaction, cell, job.name, units, job.held)?;
            Ok(Once::Charged(total))
        })
    }

    fn finish_once(&self, cell: &Cell<'_>, job: &str, finish: Finish) -> Result<bool, Unreachable> {
        let (start, end) = period(cell);
        self.write(|transaction| {
            let total = total(transaction, cell)?;
            let charged = charged(transaction, cell, job)?;
            let Some((charged, _)) = charged.filter(|(_, held)| *held || finish == Finish::Undo) else {
                return Ok(false);
            };
            let units = finish.units().min(charged);
            if let Some(total) = total {
                set_total(transaction, cell, total.saturating_sub(charged.saturating_sub(units)))?;
            }
            if let Finish::Commit(_) = finish {
                set_job(transaction, cell, job, units, false)?;
            } else {
                let (issuer, lineage) = account(&cell.account);
                let sql = "DELETE FROM job
                    WHERE lineage = ?1 AND issuer = ?2 AND meter = ?3 AND start = ?4 AND end = ?5 AND job = ?6";
                let key = params![lineage, issuer, cell.meter, start, end, job];
                transaction.prepare_cached(sql)?.execute(key)?;
            }
            Ok(true)
        })
    }

    fn forget(&self, before: u64) -> Result<(), Unreachable> {
        self.write(|transaction| {
            for table in ["cell", "job"] {
                // A lifetime's end is the greatest number.
                let sql = format!("DELETE FROM {table} WHERE end <= ?1 AND end < {}", i64::MAX);
                transaction.execute(&sql, [number(before)])?;
            }
            // A rate whose TAT has passed is as one that was never used.
            let now = super::wall_clock::nanos(before).min(super::wall_clock::wall_nanos().into());
            transaction.execute("DELETE FROM rate WHERE tat <= ?1", [Tat::from_nanos(now).to_bytes()])?;
            Ok(())
        })
    }

    fn take_rate(&self, ask: &RateAsk<'_>) -> Result<RateTaken, Unreachable> {
        // What a loss of power may forget of it is a slice or two.
        self.transact(Write::Lazy, |transaction| {
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

    fn take_seat(&self, ask: &SeatAsk<'_>) -> Result<Seats, Unreachable> {
        let (now, ttl) = (number(ask.now), number(ask.ttl));
        self.write(|transaction| {
            let (issuer, lineage) = account(&ask.account);
            let run = |sql: &str, value: &dyn ToSql| {
                transaction.prepare_cached(sql)?.execute(params![lineage, issuer, value])
            };
            // Seats from before seats had issuers are everybody's of the lineage, until they end.
            run(
                "UPDATE seat SET taken_at = ?3 WHERE lineage = ?1 AND issuer IN (?2, X'') AND taken_at > ?3",
                &now,
            )?;
            run(
                "DELETE FROM seat WHERE lineage = ?1 AND issuer IN (?2, X'') AND taken_at + ttl <= ?3",
                &now,
            )?;
            // The holder's own seat does not stand in its way, unless the limit has sunk below those that are left.
            run("DELETE FROM seat WHERE lineage = ?1 AND issuer IN (?2, X'') AND holder = ?3", &ask.holder)?;
            let sql =
                "SELECT count(*), min(taken_at + ttl) FROM seat WHERE lineage = ?1 AND issuer IN (?2, X'')";
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
