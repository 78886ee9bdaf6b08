//! The tables, and how an older ledger gets them.

use super::sql::Database;
use crate::error::{Error, LedgerError, Result};

/// The steps of a ledger in SQLite. The one at index N leads from version N to version N + 1.
const SQLITE: &[&str] = &[
    "
    CREATE TABLE license (
        id           BLOB PRIMARY KEY CHECK (length(id) = 16),
        lineage      BLOB NOT NULL CHECK (length(lineage) = 16),
        issuer       TEXT NOT NULL,
        subject      TEXT NOT NULL,
        tier         TEXT NOT NULL,
        tier_version INTEGER NOT NULL,
        kind         INTEGER NOT NULL,
        kid          BLOB NOT NULL,
        issued_at    INTEGER NOT NULL,
        not_before   INTEGER,
        term_end     INTEGER,
        expires      INTEGER NOT NULL,
        stream_index INTEGER UNIQUE,
        digest       BLOB NOT NULL CHECK (length(digest) = 32)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX license_lineage ON license (lineage);
    CREATE INDEX license_subject ON license (subject);
",
    "
    CREATE TABLE stream (
        key  BLOB NOT NULL CHECK (length(key) = 16),
        salt BLOB NOT NULL CHECK (length(salt) = 16),
        next INTEGER NOT NULL,
        sequence INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE revocation (
        id        BLOB PRIMARY KEY REFERENCES license (id),
        reason    INTEGER NOT NULL,
        effective INTEGER NOT NULL,
        effect    INTEGER NOT NULL,
        until     INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
",
    // `drafted` is the first bundle that was drafted with the row.
    "
    ALTER TABLE stream DROP COLUMN salt;
    ALTER TABLE revocation ADD COLUMN drafted INTEGER;
    ALTER TABLE revocation ADD COLUMN published INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE rule (
        number       INTEGER PRIMARY KEY AUTOINCREMENT,
        issuer       TEXT NOT NULL,
        kid          BLOB,
        subject      TEXT,
        lineage      BLOB,
        tier         TEXT,
        tier_version INTEGER,
        issued_from  INTEGER,
        issued_to    INTEGER,
        index_from   INTEGER,
        index_to     INTEGER,
        exempt       BLOB NOT NULL,
        spare_issued INTEGER NOT NULL,
        reason       INTEGER NOT NULL,
        effective    INTEGER NOT NULL,
        effect       INTEGER NOT NULL,
        until        INTEGER NOT NULL,
        drafted      INTEGER,
        published    INTEGER NOT NULL DEFAULT 0
    ) STRICT;
",
    // What was published is compared with the last bundle itself. `reinstated` are the licences that were reinstated
    // since.
    "
    ALTER TABLE revocation DROP COLUMN published;
    ALTER TABLE rule DROP COLUMN published;
    CREATE TABLE published (
        issuer   TEXT PRIMARY KEY,
        sequence INTEGER NOT NULL,
        bundle   BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE reinstated (
        id BLOB PRIMARY KEY REFERENCES license (id)
    ) STRICT, WITHOUT ROWID;
",
    // `number`: which of the issuer's streams the ledger's indices are in.
    "
    ALTER TABLE stream ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
",
    // `terms` is what was signed, without the signature: enough to sign again, and not a token. Its number is the order
    // of issuing. `reference` are the vendor's own names of orders.
    "
    CREATE TABLE terms (
        number  INTEGER PRIMARY KEY,
        id      BLOB NOT NULL UNIQUE REFERENCES license (id),
        payload BLOB NOT NULL
    ) STRICT;
    CREATE TABLE reference (
        issuer    TEXT NOT NULL,
        reference TEXT NOT NULL,
        id        BLOB NOT NULL REFERENCES license (id),
        PRIMARY KEY (issuer, reference)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX reference_id ON reference (id);
    CREATE INDEX license_issued ON license (issued_at);
    CREATE INDEX license_expires ON license (expires);
    CREATE INDEX license_tier ON license (tier, tier_version, issued_at);
    CREATE INDEX license_kid ON license (kid, issued_at);
",
    // Counts, so that no question reads every licence. `boundary`: how many licences without a revocation of their own
    // begin, pass the end of their term, or end in the `seconds` from `at` on, which are a day or one second.
    // Each order has an index with what licences are searched by, so that a page is found without a look at licences.
    "
    CREATE TABLE total (
        issuer       TEXT NOT NULL,
        tier         TEXT NOT NULL,
        tier_version INTEGER NOT NULL,
        kind         INTEGER NOT NULL,
        kid          BLOB NOT NULL,
        issued       INTEGER NOT NULL,
        revoked      INTEGER NOT NULL,
        PRIMARY KEY (issuer, tier, tier_version, kind, kid)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE boundary (
        seconds      INTEGER NOT NULL,
        at           INTEGER NOT NULL,
        issuer       TEXT NOT NULL,
        tier         TEXT NOT NULL,
        tier_version INTEGER NOT NULL,
        begun        INTEGER NOT NULL,
        lapsed       INTEGER NOT NULL,
        ended        INTEGER NOT NULL,
        PRIMARY KEY (seconds, at, issuer, tier, tier_version)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE population (
        subjects INTEGER NOT NULL,
        lineages INTEGER NOT NULL
    ) STRICT;
    DROP INDEX license_subject;
    DROP INDEX license_issued;
    DROP INDEX license_expires;
    DROP INDEX license_tier;
    DROP INDEX license_kid;
    CREATE INDEX license_subject ON license
        (subject, issued_at, id, expires, term_end, not_before, kid, tier, tier_version);
    CREATE INDEX license_issued ON license
        (issued_at, id, expires, term_end, not_before, subject, kid, tier, tier_version);
    CREATE INDEX license_expires ON license
        (expires, id, issued_at, term_end, not_before, subject, kid, tier, tier_version);
    CREATE INDEX license_begins ON license (not_before) WHERE not_before IS NOT NULL;
    CREATE INDEX license_lapses ON license (term_end) WHERE term_end IS NOT NULL;
    CREATE INDEX license_tier ON license
        (tier, tier_version, issued_at, id, expires, term_end, not_before, subject, kid);
    CREATE INDEX license_kid ON license (kid, issued_at, id, expires, term_end, not_before);
    CREATE INDEX license_kind ON license (kind, issued_at, id);
    CREATE INDEX license_issuer ON license (issuer, issued_at, id);
",
    COUNTED,
];

/// Counts the licences that are there. `counts.rs` counts the later ones by the same rules.
const COUNTED: &str = "
    INSERT INTO total (issuer, tier, tier_version, kind, kid, issued, revoked)
    SELECT issuer, tier, tier_version, kind, kid, count(*), count(revocation.id)
    FROM license LEFT JOIN revocation ON revocation.id = license.id
    GROUP BY issuer, tier, tier_version, kind, kid;

    INSERT INTO boundary (seconds, at, issuer, tier, tier_version, begun, lapsed, ended)
    WITH standing AS (
        SELECT issuer, tier, tier_version, expires AS ends,
            CASE WHEN not_before IS NULL THEN 0 WHEN not_before < expires THEN not_before ELSE expires END AS begins,
            CASE WHEN term_end IS NULL OR term_end > expires THEN expires ELSE term_end END AS paid
        FROM license WHERE NOT EXISTS (SELECT 1 FROM revocation WHERE revocation.id = license.id)
    ), passed AS (
        SELECT issuer, tier, tier_version, begins AS at, 1 AS begun, 0 AS lapsed, 0 AS ended FROM standing
        UNION ALL SELECT issuer, tier, tier_version, CASE WHEN paid > begins THEN paid ELSE begins END, 0, 1, 0 FROM standing
        UNION ALL SELECT issuer, tier, tier_version, ends, 0, 0, 1 FROM standing
    )
    SELECT seconds, at - at % seconds, issuer, tier, tier_version, sum(begun), sum(lapsed), sum(ended)
    FROM passed CROSS JOIN (SELECT 1 AS seconds UNION ALL SELECT 86400) AS span
    GROUP BY seconds, at - at % seconds, issuer, tier, tier_version;

    INSERT INTO population (subjects, lineages)
    SELECT count(DISTINCT subject), count(DISTINCT lineage) FROM license;
";

/// The same tables in PostgreSQL, which begins at the last of the steps above. Each later step has its twin here.
/// Texts are compared by their bytes, as in SQLite.
const POSTGRES: &[&str] = &[
    "
    CREATE TABLE license (
        id           BYTEA PRIMARY KEY CHECK (length(id) = 16),
        lineage      BYTEA NOT NULL CHECK (length(lineage) = 16),
        issuer       TEXT COLLATE \"C\" NOT NULL,
        subject      TEXT COLLATE \"C\" NOT NULL,
        tier         TEXT COLLATE \"C\" NOT NULL,
        tier_version BIGINT NOT NULL,
        kind         BIGINT NOT NULL,
        kid          BYTEA NOT NULL,
        issued_at    BIGINT NOT NULL,
        not_before   BIGINT,
        term_end     BIGINT,
        expires      BIGINT NOT NULL,
        stream_index BIGINT UNIQUE,
        digest       BYTEA NOT NULL CHECK (length(digest) = 32)
    );
    CREATE INDEX license_lineage ON license (lineage);
    CREATE INDEX license_subject ON license (subject);
    CREATE INDEX license_issued ON license (issued_at);
    CREATE INDEX license_expires ON license (expires);
    CREATE INDEX license_tier ON license (tier, tier_version, issued_at);
    CREATE INDEX license_kid ON license (kid, issued_at);
    CREATE TABLE terms (
        number  BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
        id      BYTEA NOT NULL UNIQUE REFERENCES license (id),
        payload BYTEA NOT NULL
    );
    CREATE TABLE reference (
        issuer    TEXT COLLATE \"C\" NOT NULL,
        reference TEXT COLLATE \"C\" NOT NULL,
        id        BYTEA NOT NULL REFERENCES license (id),
        PRIMARY KEY (issuer, reference)
    );
    CREATE INDEX reference_id ON reference (id);
    CREATE TABLE stream (
        key      BYTEA NOT NULL CHECK (length(key) = 16),
        next     BIGINT NOT NULL,
        sequence BIGINT NOT NULL,
        number   BIGINT NOT NULL DEFAULT 0
    );
    CREATE UNIQUE INDEX stream_only ON stream ((1));
    CREATE TABLE revocation (
        id        BYTEA PRIMARY KEY REFERENCES license (id),
        reason    BIGINT NOT NULL,
        effective BIGINT NOT NULL,
        effect    BIGINT NOT NULL,
        until     BIGINT NOT NULL,
        drafted   BIGINT
    );
    CREATE TABLE rule (
        number       BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
        issuer       TEXT COLLATE \"C\" NOT NULL,
        kid          BYTEA,
        subject      TEXT COLLATE \"C\",
        lineage      BYTEA,
        tier         TEXT COLLATE \"C\",
        tier_version BIGINT,
        issued_from  BIGINT,
        issued_to    BIGINT,
        index_from   BIGINT,
        index_to     BIGINT,
        exempt       BYTEA NOT NULL,
        spare_issued BIGINT NOT NULL,
        reason       BIGINT NOT NULL,
        effective    BIGINT NOT NULL,
        effect       BIGINT NOT NULL,
        until        BIGINT NOT NULL,
        drafted      BIGINT
    );
    CREATE TABLE published (
        issuer   TEXT COLLATE \"C\" PRIMARY KEY,
        sequence BIGINT NOT NULL,
        bundle   BYTEA NOT NULL
    );
    CREATE TABLE reinstated (
        id BYTEA PRIMARY KEY REFERENCES license (id)
    );
",
    // The same counts.
    "
    CREATE TABLE total (
        issuer       TEXT COLLATE \"C\" NOT NULL,
        tier         TEXT COLLATE \"C\" NOT NULL,
        tier_version BIGINT NOT NULL,
        kind         BIGINT NOT NULL,
        kid          BYTEA NOT NULL,
        issued       BIGINT NOT NULL,
        revoked      BIGINT NOT NULL,
        PRIMARY KEY (issuer, tier, tier_version, kind, kid)
    );
    CREATE TABLE boundary (
        seconds      BIGINT NOT NULL,
        at           BIGINT NOT NULL,
        issuer       TEXT COLLATE \"C\" NOT NULL,
        tier         TEXT COLLATE \"C\" NOT NULL,
        tier_version BIGINT NOT NULL,
        begun        BIGINT NOT NULL,
        lapsed       BIGINT NOT NULL,
        ended        BIGINT NOT NULL,
        PRIMARY KEY (seconds, at, issuer, tier, tier_version)
    );
    CREATE TABLE population (
        subjects BIGINT NOT NULL,
        lineages BIGINT NOT NULL
    );
    DROP INDEX license_subject;
    DROP INDEX license_issued;
    DROP INDEX license_expires;
    DROP INDEX license_tier;
    DROP INDEX license_kid;
    CREATE INDEX license_subject ON license
        (subject, issued_at, id, expires, term_end, not_before, kid, tier, tier_version);
    CREATE INDEX license_issued ON license
        (issued_at, id, expires, term_end, not_before, subject, kid, tier, tier_version);
    CREATE INDEX license_expires ON license
        (expires, id, issued_at, term_end, not_before, subject, kid, tier, tier_version);
    CREATE INDEX license_begins ON license (not_before) WHERE not_before IS NOT NULL;
    CREATE INDEX license_lapses ON license (term_end) WHERE term_end IS NOT NULL;
    CREATE INDEX license_tier ON license
        (tier, tier_version, issued_at, id, expires, term_end, not_before, subject, kid);
    CREATE INDEX license_kid ON license (kid, issued_at, id, expires, term_end, not_before);
    CREATE INDEX license_kind ON license (kind, issued_at, id);
    CREATE INDEX license_issuer ON license (issuer, issued_at, id);
",
    COUNTED,
];

/// The version that this program writes.
#[allow(clippy::cast_possible_wrap, reason = "a small number")]
pub(super) const CURRENT: i64 = SQLITE.len() as i64;

/// The steps that are due from a version on.
fn due(database: &Database, version: i64) -> Result<&'static [&'static str]> {
    let done = usize::try_from(version).ok().filter(|done| *done <= SQLITE.len());
    let done = done.ok_or(Error::LedgerVersion(version))?;
    let steps = if database.sqlite().is_some() { SQLITE } else { POSTGRES };
    // The first step of PostgreSQL leads from version 0 to the version at which it begins.
    let from = if done == 0 { 0 } else { done.saturating_sub(SQLITE.len() - steps.len()) };
    Ok(steps.get(from..).unwrap_or_default())
}

/// Brings a ledger to the current version.
pub(super) fn migrate(database: &Database) -> Result<()> {
    if database.version()? == CURRENT {
        return Ok(());
    }
    let migration = database.begin()?;
    migration.lock_schema()?;
    for step in due(database, migration.version()?)? {
        migration.run(step)?;
    }
    migration.set_version(CURRENT)?;
    migration.commit()
}

/// Checks that a ledger which is only read is of the current version.
pub(super) fn check(database: &Database) -> Result<()> {
    match database.version()? {
        CURRENT => Ok(()),
        older @ ..CURRENT => Err(LedgerError::Outdated(older).into()),
        newer => Err(Error::LedgerVersion(newer)),
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::Ledger;

    #[test]
    fn a_ledger_of_a_newer_version_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
        assert!(matches!(Ledger::open(&path), Err(Error::LedgerVersion(99))));
    }
}
