//! SQLite.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::Read,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{
    Connection, OpenFlags, ToSql, params_from_iter,
    types::{ToSqlOutput, ValueRef},
};

use super::{
    access::LedgerAccess,
    lock::Lock,
    row::{Found, Row},
    value::Value,
};
use crate::error::{Error, LedgerError, Result};

/// How long a process waits for another one that writes.
const PATIENCE: Duration = Duration::from_secs(10);

/// The size of the cache, in KiB where it is negative. Identifiers are random: what is written in bulk is all over the
/// file.
const CACHE: i64 = -64_000;

/// A connection to a database in SQLite.
#[derive(Debug)]
pub(in crate::ledger) struct Sqlite {
    pub(in crate::ledger) connection: Connection,
    path: Option<PathBuf>,
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Self::Null => ValueRef::Null,
            Self::Int(number) => ValueRef::Integer(number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl Sqlite {
    pub(super) fn open(path: &Path, access: LedgerAccess) -> Result<Self> {
        let it = |connection| Self { connection, path: Some(path.to_owned()) };
        let name = || path.display().to_string();
        match access {
            LedgerAccess::Create => create_private(path)?,
            _ if !path.exists() => return Err(LedgerError::Missing(name()).into()),
            _ if !is_database(path) => return Err(LedgerError::NoLedger(name()).into()),
            _ => {}
        }
        if access == LedgerAccess::Read {
            return open_to_read(path).and_then(|connection| ours(connection, path)).map(it);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(PATIENCE)?;
        set_up(ours(connection, path)?).map(it)
    }

    pub(super) fn in_memory() -> Result<Self> {
        Ok(Self { connection: set_up(Connection::open_in_memory()?)?, path: None })
    }

    pub(super) fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<u64> {
        Ok(self.connection.prepare_cached(sql)?.execute(params_from_iter(values))? as u64)
    }

    pub(super) fn run(&self, sql: &str) -> Result<()> {
        Ok(self.connection.execute_batch(sql)?)
    }

    pub(super) fn each(
        &self,
        sql: &str,
        values: &[Value<'_>],
        read: &mut dyn FnMut(&Row<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params_from_iter(values))?;
        while let Some(row) = rows.next()? {
            read(&Row(Found::Sqlite(row)))?;
        }
        Ok(())
    }

    pub(super) fn begin(&self) -> Result<()> {
        self.run("BEGIN IMMEDIATE")
    }

    pub(super) fn snapshot(&self) -> Result<()> {
        self.run("BEGIN DEFERRED")
    }

    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "SQLite has no other way")]
    pub(super) fn walk(&self, _: bool) -> Result<()> {
        Ok(())
    }

    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "SQLite does it by itself")]
    pub(super) fn renumber(&self) -> Result<()> {
        Ok(())
    }

    #[allow(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "a transaction keeps all other writers out"
    )]
    pub(super) fn lock_schema(&self) -> Result<()> {
        Ok(())
    }

    pub(super) fn has_table(&self, name: &str) -> Result<bool> {
        Ok(self.connection.table_exists(None, name)?)
    }

    pub(super) fn version(&self) -> Result<i64> {
        Ok(self.connection.query_row("PRAGMA user_version", [], |row| row.get(0))?)
    }

    pub(super) fn set_version(&self, version: i64) -> Result<()> {
        Ok(self.connection.pragma_update(None, "user_version", version)?)
    }

    /// Locks a file beside the ledger. A ledger in memory has one process anyway.
    pub(super) fn lock(&self) -> Result<Option<Lock>> {
        let Some(path) = &self.path else { return Ok(None) };
        let mut name = path.clone().into_os_string();
        name.push("-bundle");
        let name = PathBuf::from(name);
        let file = private().truncate(false).create(true).open(&name).map_err(Error::file(&name))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock::File(file))),
            Err(TryLockError::WouldBlock) => Err(LedgerError::Busy.into()),
            Err(TryLockError::Error(source)) => Err(Error::file(&name)(source)),
        }
    }

    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "as PostgreSQL does it")]
    pub(super) fn unlock(&self, lock: Lock) -> Result<()> {
        drop(lock);
        Ok(())
    }
}

fn set_up(connection: Connection) -> Result<Connection> {
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // A licence that was handed out must be in the ledger, whatever happens to the machine.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "cache_size", CACHE)?;
    Ok(connection)
}

/// Opens a file that perhaps nobody can write. SQLite shares such a file by two others beside it. If they are not there
/// and cannot be made, nobody writes the ledger, and it is read as it is.
fn open_to_read(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let usable = |connection: Connection| {
        connection.busy_timeout(PATIENCE)?;
        connection.pragma_update(None, "cache_size", CACHE)?;
        // The first query that needs the other two files.
        connection.query_row("PRAGMA schema_version", [], |row| row.get::<_, i64>(0))?;
        Ok::<_, rusqlite::Error>(connection)
    };
    let error = match Connection::open_with_flags(path, flags).and_then(usable) {
        Ok(connection) => return Ok(connection),
        Err(error) => error,
    };
    let mut log = path.to_owned().into_os_string();
    log.push("-wal");
    // What is only in the log would be overlooked.
    if fs::metadata(log).is_ok_and(|log| log.len() > 0) {
        return Err(error.into());
    }
    let absolute = fs::canonicalize(path).map_err(Error::file(path))?;
    let escaped = absolute.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let uri = format!("file:{escaped}?immutable=1");
    Ok(Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI).and_then(usable)?)
}

/// Whether a file is a ledger. Nothing is changed.
pub(in crate::ledger) fn is_ledger(path: &Path) -> bool {
    if !is_database(path) {
        return false;
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let sql = "SELECT count(*) FROM sqlite_schema WHERE name IN ('license', 'stream')";
    let tables =
        Connection::open_with_flags(path, flags).and_then(|it| it.query_row(sql, [], |row| row.get(0)));
    tables.is_ok_and(|count: i64| count == 2)
}

/// Whether a file is a database of SQLite, or empty, which becomes one. A pipe is not waited for.
fn is_database(path: &Path) -> bool {
    const MAGIC: &[u8] = b"SQLite format 3\0";
    let mut head = Vec::new();
    let read = |file: File| file.take(MAGIC.len() as u64).read_to_end(&mut head);
    path.is_file() && File::open(path).and_then(read).is_ok() && (head.is_empty() || head == MAGIC)
}

/// Refuses another program's database, which must not get the tables of a ledger.
fn ours(connection: Connection, path: &Path) -> Result<Connection> {
    let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_schema)
        AND NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'license')";
    if connection.query_row(sql, [], |row| row.get(0))? {
        return Err(LedgerError::NoLedger(path.display().to_string()).into());
    }
    Ok(connection)
}

/// Creates an empty file that only its owner can read: customers' names are in it.
fn create_private(path: &Path) -> Result<()> {
    match private().create_new(true).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            Err(LedgerError::Exists(path.display().to_string()).into())
        }
        Err(error) => Err(Error::file(path)(error)),
    }
}

fn private() -> OpenOptions {
    let mut options = File::options();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
