-- What the second version of the SQLite store made: the first, with rates whose TAT is an integer.
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
INSERT INTO cell VALUES (x'07070707070707070707070707070707', 'calls', 1800000000, 1800086400, 42);
INSERT INTO job VALUES (x'07070707070707070707070707070707', 'calls', 1800000000, 1800086400, 'old', 7);
INSERT INTO mark VALUES ('keyset.seen', x'7365656e');


ALTER TABLE job ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
CREATE INDEX cell_end ON cell (end);
CREATE INDEX job_end ON job (end);
CREATE TABLE rate (
    lineage BLOB NOT NULL CHECK (length(lineage) = 16),
    name    TEXT NOT NULL,
    tat     INTEGER NOT NULL,
    PRIMARY KEY (lineage, name)
) STRICT, WITHOUT ROWID;
PRAGMA user_version = 2;
