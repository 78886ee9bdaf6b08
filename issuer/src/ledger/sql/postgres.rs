//! PostgreSQL.

use std::{cell::RefCell, collections::HashMap, fmt, str::FromStr};

use postgres::{
    Client, Config, NoTls, Statement,
    config::{Host, SslMode},
    fallible_iterator::FallibleIterator,
    types::{IsNull, ToSql, Type, private::BytesMut, to_sql_checked},
};

use super::{
    access::LedgerAccess,
    lock::Lock,
    row::{Found, Row},
    tls,
    value::Value,
};
use crate::{
    error::{LedgerError, Result},
    ledger::location::LedgerLocation,
};

/// The advisory locks of the ledger: numbers that nobody else uses in its database.
const CREATION_LOCK: i64 = 0x6c69_6365_6e74_0001;
const BUNDLE_LOCK: i64 = 0x6c69_6365_6e74_0002;

/// A connection to a database in PostgreSQL. The tables are in a schema of their own, `licentia`.
pub(in crate::ledger) struct Postgres {
    client: RefCell<Client>,
    statements: RefCell<HashMap<String, Statement>>,
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Postgres")
    }
}

impl ToSql for Value<'_> {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> std::result::Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match *self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(number) => number.to_sql(kind, out),
            Self::Text(text) => text.to_sql(kind, out),
            Self::Bytes(bytes) => bytes.to_sql(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        [Type::INT8, Type::TEXT, Type::BYTEA].contains(kind)
    }

    to_sql_checked!();
}

impl Postgres {
    pub(super) fn open(url: &str, access: LedgerAccess) -> Result<Self> {
        let (known, roots) = tls::split(url);
        let mut config = Config::from_str(&known)?;
        config.application_name("licentia");
        let has_network = config.get_hosts().iter().any(|host| matches!(host, Host::Tcp(_)));
        let client = match config.get_ssl_mode() {
            SslMode::Disable => config.connect(NoTls)?,
            SslMode::Prefer if !has_network => config.connect(NoTls)?,
            _ => config.connect(tls::connector(roots.as_deref())?)?,
        };
        let client = RefCell::new(client);
        let it = Self { client, statements: RefCell::default() };
        // A process that hangs must not keep all others from writing.
        it.run("SET search_path TO licentia; SET idle_in_transaction_session_timeout TO '60s'")?;
        let sql = "SELECT to_regclass('licentia.version') IS NOT NULL";
        let is_there: bool = it.client.borrow_mut().query_one(sql, &[])?.try_get(0)?;
        let place = || LedgerLocation::Postgres(url.to_owned()).to_string();
        match access {
            LedgerAccess::Create if is_there => return Err(LedgerError::Exists(place()).into()),
            LedgerAccess::Create => it.create()?,
            _ if !is_there => return Err(LedgerError::Missing(place()).into()),
            LedgerAccess::Write => {}
            LedgerAccess::Read => it.run("SET default_transaction_read_only TO on")?,
        }
        Ok(it)
    }

    /// Creates the schema. If another process was first, its schema is used.
    fn create(&self) -> Result<()> {
        self.run(&format!(
            "BEGIN; SELECT pg_advisory_xact_lock({CREATION_LOCK}); CREATE SCHEMA IF NOT EXISTS licentia;
             CREATE TABLE IF NOT EXISTS version (version BIGINT NOT NULL);
             INSERT INTO version SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM version); COMMIT"
        ))
    }

    /// The prepared form of a statement.
    fn statement(&self, sql: &str) -> Result<Statement> {
        if let Some(statement) = self.statements.borrow().get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.borrow_mut().prepare(&sql.replace('?', "$"))?;
        let mut statements = self.statements.borrow_mut();
        // Filters make statements of their own.
        if statements.len() >= 256 {
            statements.clear();
        }
        statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    pub(super) fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<u64> {
        let statement = self.statement(sql)?;
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
        Ok(self.client.borrow_mut().execute(&statement, &values)?)
    }

    pub(super) fn run(&self, sql: &str) -> Result<()> {
        Ok(self.client.borrow_mut().batch_execute(sql)?)
    }

    pub(super) fn each(
        &self,
        sql: &str,
        values: &[Value<'_>],
        read: &mut dyn FnMut(&Row<'_>) -> Result<()>,
    ) -> Result<()> {
        let statement = self.statement(sql)?;
        let mut client = self.client.borrow_mut();
        let mut rows = client.query_raw(&statement, values)?;
        while let Some(row) = rows.next()? {
            read(&Row(Found::Postgres(&row)))?;
        }
        Ok(())
    }

    pub(super) fn begin(&self) -> Result<()> {
        self.run("BEGIN")
    }

    pub(super) fn snapshot(&self) -> Result<()> {
        self.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    }

    /// Prefers indices that have rows in the wanted order, or not any more. A failed transaction forgets it.
    pub(super) fn walk(&self, is_on: bool) -> Result<()> {
        let to = if is_on { "off" } else { "DEFAULT" };
        let ways = ["enable_hashjoin", "enable_mergejoin", "enable_seqscan", "enable_sort", "jit"];
        self.run(&ways.map(|way| format!("SET {way} TO {to}")).join("; "))
    }

    pub(super) fn renumber(&self) -> Result<()> {
        // The ledger's own tables and those of its guests.
        self.run(
            "DO $$ DECLARE found record; BEGIN
                FOR found IN SELECT table_name AS t, column_name AS c FROM information_schema.columns
                    WHERE table_schema = 'licentia' AND is_identity = 'YES'
                LOOP EXECUTE format(
                    'SELECT setval(pg_get_serial_sequence(%L, %L), (SELECT coalesce(max(%I), 0) + 1 FROM %I), false)',
                    found.t, found.c, found.c, found.t);
                END LOOP; END $$",
        )
    }

    pub(super) fn lock_schema(&self) -> Result<()> {
        self.run("LOCK TABLE version")
    }

    pub(super) fn has_table(&self, name: &str) -> Result<bool> {
        let sql = "SELECT to_regclass('licentia.' || $1) IS NOT NULL";
        Ok(self.client.borrow_mut().query_one(sql, &[&name])?.try_get(0)?)
    }

    pub(super) fn version(&self) -> Result<i64> {
        let mut client = self.client.borrow_mut();
        Ok(client.query_one("SELECT version FROM version", &[])?.try_get(0)?)
    }

    pub(super) fn set_version(&self, version: i64) -> Result<()> {
        self.client.borrow_mut().execute("UPDATE version SET version = $1", &[&version])?;
        Ok(())
    }

    pub(super) fn lock(&self) -> Result<Option<Lock>> {
        let sql = "SELECT pg_try_advisory_lock($1)";
        let is_ours: bool = self.client.borrow_mut().query_one(sql, &[&BUNDLE_LOCK])?.try_get(0)?;
        if is_ours { Ok(Some(Lock::Session)) } else { Err(LedgerError::Busy.into()) }
    }

    #[allow(clippy::needless_pass_by_value, reason = "the lock is gone afterwards")]
    pub(super) fn unlock(&self, _: Lock) -> Result<()> {
        self.client.borrow_mut().execute("SELECT pg_advisory_unlock($1)", &[&BUNDLE_LOCK])?;
        Ok(())
    }
}
