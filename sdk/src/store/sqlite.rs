//! A store in an SQLite file, which many processes on one machine may share.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, OptionalExtension, ToSql, Transaction, TransactionBehavior, params};

use super::{Cell, Once, SeatAsk, Seats, Store, Taken, Unreachable};

/// Each step takes the schema from the version of its place to the next. Lifetimes end at the greatest integer.
const MIGRATIONS: &[&str] = &["
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
"];

/// How long another process may hold the file.
const BUSY: Duration = Duration::from_secs(5);

/// A store in an SQLite file (WAL, synchronous): what it gave is durable, and survives a loss of power.
///
/// After an error the file is opened anew by the next operation, so that it recovers by itself from a disk that
/// was full or a file that was replaced. A child after `fork` opens its own connection.
pub struct Sqlite {
    path: PathBuf,
    opened: Mutex<Option<Opened>>,
}

struct Opened {
    database: Connection,
    /// The process that opened it; SQLite forbids that a child uses it.
    process: u32,
    /// What tells this file from another of the same name.
    file: Option<(u64, u64)>,
}

impl Sqlite {
    /// Opens a file, or makes a new one where there is none.
    ///
    /// # Errors
    /// [`Unreachable`], which says why: a folder that is not there, a file that is read-only, not a database,
    /// damaged, or of a newer version.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Unreachable> {
        let path = path.as_ref().to_owned();
        let opened = Opened::new(&path)?;
        Ok(Self { path, opened: Mutex::new(Some(opened)) })
    }

    /// Does something in one transaction, which is durable when this returns, or did not happen.
    fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T, Unreachable> {
        let mut place = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let usable = place.take().and_then(|opened| opened.usable(&self.path));
        let mut opened = match usable {
            Some(opened) => opened,
            None => Opened::new(&self.path)?,
        };
        let done = (|| {
            let transaction = opened.database.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        })();
        if done.is_ok() {
            *place = Some(opened);
        }
        // A connection that failed is dropped, and what it was about is not tried again: after an error of fsync
        // nobody knows what is on the disk.
        done.map_err(unreachable)
    }
}

impl Opened {
    fn new(path: &Path) -> Result<Self, Unreachable> {
        Self::connect(path).map_err(unreachable)
    }

    fn connect(path: &Path) -> rusqlite::Result<Self> {
        let mut database = Connection::open(path)?;
        database.busy_timeout(BUSY)?;
        database.pragma_update(None, "journal_mode", "WAL")?;
        database.pragma_update(None, "synchronous", "FULL")?;
        let migration = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version: i64 = migration.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        let due = usize::try_from(version).ok().and_then(|done| MIGRATIONS.get(done..));
        let due = due.ok_or_else(|| {
            rusqlite::Error::ToSqlConversionFailure("the file was made by a newer version".into())
        })?;
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
        Ok(Self { database, process: std::process::id(), file: identity(path).ok().flatten() })
    }

    /// The connection, where it is of this process and of the file that has the name now.
    fn usable(self, path: &Path) -> Option<Self> {
        if self.process != std::process::id() {
            // Closing it would let go of the parent's locks.
            std::mem::forget(self.database);
            return None;
        }
        let same = identity(path).is_ok_and(|file| file == self.file);
        same.then_some(self)
    }
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
    (number(cell.window.start), cell.window.end.map_or(i64::MAX, number))
}

/// Units of a cell that were taken.
fn total(transaction: &Transaction<'_>, cell: &Cell<'_>) -> rusqlite::Result<Option<u64>> {
    let (start, end) = period(cell);
    let sql = "SELECT total FROM cell WHERE lineage = ?1 AND meter = ?2 AND start = ?3 AND end = ?4";
    let mut statement = transaction.prepare_cached(sql)?;
    let total =
        statement.query_row(params![cell.lineage, cell.meter, start, end], |row| row.get::<_, i64>(0));
    Ok(total.optional()?.map(i64::unsigned_abs))
}

/// Sets the units of a cell. When a period begins, those that ended before it are forgotten.
fn set_total(
    transaction: &Transaction<'_>,
    cell: &Cell<'_>,
    before: Option<u64>,
    total: u64,
) -> rusqlite::Result<()> {
    let (start, end) = period(cell);
    if before.is_none() {
        for table in ["cell", "job"] {
            let sql = format!("DELETE FROM {table} WHERE lineage = ?1 AND meter = ?2 AND end <= ?3");
            transaction.prepare_cached(&sql)?.execute(params![cell.lineage, cell.meter, start])?;
        }
    }
    let sql = "INSERT OR REPLACE INTO cell (lineage, meter, start, end, total) VALUES (?1, ?2, ?3, ?4, ?5)";
    let mut statement = transaction.prepare_cached(sql)?;
    statement.execute(params![cell.lineage, cell.meter, start, end, number(total)])?;
    Ok(())
}

impl Store for Sqlite {
    fn take(&self, cell: &Cell<'_>, need: u64, want: u64, limit: u64) -> Result<Taken, Unreachable> {
        self.write(|transaction| {
            let before = total(transaction, cell)?;
            let taken = before.unwrap_or(0);
            let left = limit.saturating_sub(taken);
            let units = if left < need { 0 } else { want.max(need).min(left) };
            let total = taken.saturating_add(units);
            if units > 0 {
                set_total(transaction, cell, before, total)?;
            }
            Ok(Taken { units, total })
        })
    }

    fn give_back(&self, cell: &Cell<'_>, units: u64) -> Result<(), Unreachable> {
        self.write(|transaction| match total(transaction, cell)? {
            Some(total) => set_total(transaction, cell, Some(total), total.saturating_sub(units)),
            None => Ok(()),
        })
    }

    fn take_once(&self, cell: &Cell<'_>, job: &str, units: u64, limit: u64) -> Result<Once, Unreachable> {
        let (start, end) = period(cell);
        self.write(|transaction| {
            let before = total(transaction, cell)?;
            let taken = before.unwrap_or(0);
            let sql = "SELECT 1 FROM job WHERE lineage = ?1 AND meter = ?2 AND start = ?3 AND end = ?4 AND job = ?5";
            let mut known = transaction.prepare_cached(sql)?;
            if known.exists(params![cell.lineage, cell.meter, start, end, job])? {
                return Ok(Once::Before(taken));
            }
            if limit.saturating_sub(taken) < units {
                return Ok(Once::Refused(taken));
            }
            let total = taken.saturating_add(units);
            set_total(transaction, cell, before, total)?;
            let sql = "INSERT INTO job (lineage, meter, start, end, job, units) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
            let mut statement = transaction.prepare_cached(sql)?;
            statement.execute(params![cell.lineage, cell.meter, start, end, job, number(units)])?;
            Ok(Once::Charged(total))
        })
    }

    fn lower_once(&self, cell: &Cell<'_>, job: &str, units: u64) -> Result<(), Unreachable> {
        let (start, end) = period(cell);
        self.write(|transaction| {
            let sql = "SELECT units FROM job WHERE lineage = ?1 AND meter = ?2 AND start = ?3 AND end = ?4 AND job = ?5";
            let mut statement = transaction.prepare_cached(sql)?;
            let key = params![cell.lineage, cell.meter, start, end, job];
            let charged: Option<i64> = statement.query_row(key, |row| row.get(0)).optional()?;
            let charged = charged.map_or(0, i64::unsigned_abs);
            if units >= charged {
                return Ok(());
            }
            if let Some(total) = total(transaction, cell)? {
                let total = total.saturating_sub(charged.saturating_sub(units));
                set_total(transaction, cell, Some(total), total)?;
            }
            let sql = if units == 0 {
                "DELETE FROM job WHERE lineage = ?1 AND meter = ?2 AND start = ?3 AND end = ?4 AND job = ?5 AND ?6 = 0"
            } else {
                "UPDATE job SET units = ?6
                    WHERE lineage = ?1 AND meter = ?2 AND start = ?3 AND end = ?4 AND job = ?5"
            };
            let key = params![cell.lineage, cell.meter, start, end, job, number(units)];
            transaction.prepare_cached(sql)?.execute(key)?;
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

    fn take_seat(&self, ask: &SeatAsk<'_>) -> Result<Seats, Unreachable> {
        let (now, ttl) = (number(ask.now), number(ask.ttl));
        self.write(|transaction| {
            let run = |sql: &str, values: &[&dyn ToSql]| transaction.prepare_cached(sql)?.execute(values);
            run("UPDATE seat SET taken_at = ?2 WHERE lineage = ?1 AND taken_at > ?2", &[&ask.lineage, &now])?;
            run("DELETE FROM seat WHERE lineage = ?1 AND taken_at + ttl <= ?2", &[&ask.lineage, &now])?;
            // The holder's own seat does not stand in its way, unless the limit has sunk below those that are left.
            run("DELETE FROM seat WHERE lineage = ?1 AND holder = ?2", &[&ask.lineage, &ask.holder])?;
            let sql = "SELECT count(*), min(taken_at + ttl) FROM seat WHERE lineage = ?1";
            let mut statement = transaction.prepare_cached(sql)?;
            let found = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?));
            let (others, free) = statement.query_row([ask.lineage], found)?;
            let (others, free) = (others.unsigned_abs(), free.map(i64::unsigned_abs));
            let granted = others < ask.limit;
            if !granted {
                return Ok(Seats { granted, taken: others, next_free: free });
            }
            let sql = "INSERT INTO seat (lineage, holder, taken_at, ttl) VALUES (?1, ?2, ?3, ?4)";
            run(sql, &[&ask.lineage, &ask.holder, &now, &ttl])?;
            let own = ask.now.saturating_add(ask.ttl);
            let next_free = Some(free.map_or(own, |free| free.min(own)));
            Ok(Seats { granted, taken: others.saturating_add(1), next_free })
        })
    }

    fn release_seat(&self, lineage: &[u8; 16], holder: &str) -> Result<(), Unreachable> {
        self.write(|transaction| {
            let sql = "DELETE FROM seat WHERE lineage = ?1 AND holder = ?2";
            transaction.prepare_cached(sql)?.execute(params![lineage, holder])?;
            Ok(())
        })
    }
}
