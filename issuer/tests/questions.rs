//! A large ledger answers every question at once, on SQLite and on PostgreSQL.
//!
//! `LICENTIA_ISSUED` sets how many licences there are; times are held in release and from a million on. The ledger is as
//! one becomes: three years of licences for a year each, which an old key, a new one and a reseller's have signed.

#[path = "common/postgres.rs"]
mod postgres;

use std::{
    fs,
    time::{Duration, Instant},
};

use licentia_issuer::{
    Kind, Ledger, LedgerAccess, LedgerLocation, LicenseFilter, LicenseSort, LicenseState, Timestamp,
};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const DAY: u64 = 86_400;
/// As long as an answer may take.
const AT_ONCE: Duration = Duration::from_millis(100);

/// The licences, in the SQL of both databases. `{n}` counts from 0, `{hash}` is 16 bytes that are random for `{n}`, and
/// `{digest}` has 32. Older licences have smaller numbers, in their subjects too.
const LICENSES: &str = "
    SELECT {hash}, {hash}, CASE WHEN {n} % 1000 = 7 THEN 'reseller' ELSE 'acme' END, 'cus_' || {n},
        CASE WHEN {n} % 1000 = 0 THEN 'team' WHEN {n} % 3 = 0 THEN 'pro' ELSE 'free' END, 1 + {n} % 2,
        CASE WHEN {n} % 5000 = 3 THEN 1 ELSE 0 END,
        CASE WHEN {n} < {all} / 2 THEN {old} ELSE {new} END,
        {now} - 94608000 + {age}, CASE WHEN {n} % 500000 = 499999 THEN {now} + 86400 END,
        {now} - 94608000 + {age} + 31536000, {now} - 94608000 + {age} + 31536000 + 1209600, {n}, {digest}
    FROM numbers";

fn licenses(count: u64, hash: &str, digest: &str, bytes: fn(&str) -> String) -> String {
    LICENSES
        .replace("{hash}", hash)
        .replace("{digest}", digest)
        .replace("{age}", &format!("(94608000 * {{n}} / {count})"))
        .replace("{all}", &count.to_string())
        .replace("{now}", "1800000000")
        .replace("{old}", &bytes("01020304"))
        .replace("{new}", &bytes("05060708"))
        .replace("{n}", "n")
}

const COLUMNS: &str =
    "id, lineage, issuer, subject, tier, tier_version, kind, kid, issued_at, not_before, term_end,
    expires, stream_index, digest";
/// One in a hundred is revoked, and as many of the newest as of the oldest.
const REVOKE: &str = "INSERT INTO revocation (id, reason, effective, effect, until)
    SELECT id, 4, 0, 0, 0 FROM license WHERE stream_index % 100 = 11;";

/// Fills a ledger in bulk. It is then counted as one of the version before counts had been.
fn fill(place: &LedgerLocation, count: u64) {
    drop(Ledger::connect(place, LedgerAccess::Create).unwrap());
    let uncounted = "DELETE FROM total; DELETE FROM boundary; DELETE FROM population;";
    match place {
        LedgerLocation::Sqlite(path) => {
            let bytes = |hex: &str| format!("x'{hex}'");
            // Multiplied by an odd number, 32 bits are mixed and none is lost.
            let hash = "unhex(printf('%08x%08x%016x', {n} * 2654435761 % 4294967296, {n} * 2246822519 % 4294967296, {n}))";
            let digest = "unhex(printf('%064x', {n}))";
            let sql = format!(
                "PRAGMA synchronous = OFF; PRAGMA cache_size = -400000; BEGIN;
                 WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < {count})
                 INSERT INTO license ({COLUMNS}) {};
                 {REVOKE} {uncounted} PRAGMA user_version = 7; COMMIT;",
                licenses(count, hash, digest, bytes)
            );
            rusqlite::Connection::open(path).unwrap().execute_batch(&sql).unwrap();
        }
        LedgerLocation::Postgres(url) => {
            let bytes = |hex: &str| format!("'\\x{hex}'::bytea");
            let sql = format!(
                "SET search_path TO licentia; BEGIN;
                 INSERT INTO license ({COLUMNS})
                 WITH numbers AS (SELECT n FROM generate_series(0::bigint, {count} - 1) AS n) {};
                 {REVOKE} {uncounted} UPDATE version SET version = 7; COMMIT; VACUUM ANALYZE license, revocation",
                licenses(count, "decode(md5({n}::text), 'hex')", "sha256({n}::text::bytea)", bytes)
            );
            let mut client = ::postgres::Client::connect(url, ::postgres::NoTls).unwrap();
            sql.split(';').for_each(|one| client.batch_execute(one).unwrap());
        }
        other => panic!("{other:?}"),
    }
    drop(Ledger::connect(place, LedgerAccess::Write).unwrap());
}

/// A stopwatch. SQLite works in the thread that asks, whose own time does not depend on what else the machine does; a
/// server's time is what passes.
struct Stopwatch(Instant, Option<Duration>);

impl Stopwatch {
    fn start(place: &LedgerLocation) -> Self {
        let own = matches!(place, LedgerLocation::Sqlite(_)).then(Self::own).flatten();
        Self(Instant::now(), own)
    }

    /// How long this thread has run, where the system says so.
    fn own() -> Option<Duration> {
        let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
    }

    fn elapsed(&self) -> Duration {
        self.1.zip(Self::own()).map_or_else(|| self.0.elapsed(), |(before, now)| now.saturating_sub(before))
    }
}

/// Filters, and whether they find anything.
fn filters(id: &str) -> Vec<(String, LicenseFilter, bool)> {
    let state = |state| LicenseFilter { state: Some(state), ..LicenseFilter::default() };
    let subject = |text: &str| LicenseFilter { subject: Some(text.into()), ..LicenseFilter::default() };
    let tier = |name: &str, version| LicenseFilter {
        tier: Some((name.into(), version)),
        ..LicenseFilter::default()
    };
    let key = |kid: [u8; 4]| LicenseFilter { kid: Some(kid.to_vec()), ..LicenseFilter::default() };
    let kind = |kind| LicenseFilter { kind: Some(kind), ..LicenseFilter::default() };
    let issuer = |name: &str| LicenseFilter { issuer: Some(name.into()), ..LicenseFilter::default() };
    let prefix =
        |digits: usize| LicenseFilter { prefix: Some(id[..digits].into()), ..LicenseFilter::default() };
    let expiring = |days| LicenseFilter {
        expires_from: Some(NOW),
        expires_to: Some(NOW + days * DAY),
        ..LicenseFilter::default()
    };
    let between = |from, to| LicenseFilter {
        issued_from: Some(NOW - from * DAY),
        issued_to: Some(NOW - to * DAY),
        ..LicenseFilter::default()
    };
    let with = |one: LicenseFilter, change: &dyn Fn(&mut LicenseFilter)| {
        let mut one = one;
        change(&mut one);
        one
    };
    let cases = vec![
        ("all", LicenseFilter::default(), true),
        ("pending", state(LicenseState::Pending), true),
        ("active", state(LicenseState::Active), true),
        ("grace", state(LicenseState::Grace), true),
        ("expired", state(LicenseState::Expired), true),
        ("revoked", state(LicenseState::Revoked), true),
        ("one customer", subject("cus_77"), true),
        ("no customer", subject("ann"), false),
        ("old customers", subject("cus_1*"), true),
        ("few customers", subject("cus_77*"), true),
        ("all customers", subject("cus_*"), true),
        ("rare tier", tier("team", None), true),
        ("tier", tier("free", None), true),
        ("tier and version", tier("pro", Some(2)), true),
        ("no tier", tier("gold", None), false),
        ("old key", key([1, 2, 3, 4]), true),
        ("new key", key([5, 6, 7, 8]), true),
        ("no key", key([9; 4]), false),
        ("rare kind", kind(Kind::Trial), true),
        ("kind", kind(Kind::Paid), true),
        ("no kind", kind(Kind::Internal), false),
        ("reseller", issuer("reseller"), true),
        ("issuer", issuer("acme"), true),
        ("1 digit", prefix(1), true),
        ("2 digits", prefix(2), true),
        ("4 digits", prefix(4), true),
        ("an identifier", prefix(32), true),
        ("ends in a month", expiring(30), true),
        ("ends in two years", expiring(730), true),
        ("issued in a month", between(400, 370), true),
        ("issued in a year", between(1000, 600), true),
        ("active and old key", with(key([1, 2, 3, 4]), &|one| one.state = Some(LicenseState::Active)), false),
        ("active trials", with(kind(Kind::Trial), &|one| one.state = Some(LicenseState::Active)), true),
        ("revoked team", with(tier("team", None), &|one| one.revoked = Some(true)), false),
        ("active of a tier", with(tier("pro", None), &|one| one.state = Some(LicenseState::Active)), true),
    ];
    let sorts = [LicenseSort::Issued, LicenseSort::Expires, LicenseSort::Subject, LicenseSort::Tier];
    let mut all = Vec::new();
    for (name, filter, finds) in cases {
        for sort in sorts {
            for descending in [true, false] {
                let way = if descending { "down" } else { "up" };
                let filter = LicenseFilter { sort, descending, limit: Some(100), ..filter.clone() };
                all.push((format!("{name}, by {sort:?} {way}"), filter, finds));
            }
        }
    }
    all
}

fn ask(place: &LedgerLocation) {
    let count = std::env::var("LICENTIA_ISSUED").unwrap_or_else(|_| "10_000".into()).replace('_', "");
    let count: u64 = count.parse().unwrap();
    let started = Instant::now();
    fill(place, count);
    println!("{place}: {count} licences in {:.1} s", started.elapsed().as_secs_f64());
    let ledger = Ledger::connect(place, LedgerAccess::Read).unwrap();
    let whole = LicenseFilter { limit: Some(1), ..LicenseFilter::default() };
    let one = ledger.list(&whole, NOW).unwrap()[0].license.clone();
    let id = one.id.to_string();
    let mut times = Vec::new();
    let mut took = |name: String, started: Stopwatch| times.push((started.elapsed(), name));
    for (name, filter, finds) in filters(&id) {
        let started = Stopwatch::start(place);
        let found = ledger.list(&filter, NOW).unwrap();
        took(format!("list: {name}, {} found", found.len()), started);
        // Small ledgers lack what is rare.
        assert!(count < 1_000_000 || found.is_empty() != finds, "{name}");
    }
    let started = Stopwatch::start(place);
    let lineage = ledger.of_lineage(&one.lineage).unwrap();
    let found = (ledger.find(&one.id).unwrap().unwrap(), ledger.revocation(&one.id).unwrap(), lineage.len());
    assert_eq!((found.0, found.2), (one, 1));
    took("show".to_owned(), started);
    let started = Stopwatch::start(place);
    let (tiers, customers) = (ledger.tier_counts(NOW).unwrap(), ledger.customers().unwrap());
    let sum: u64 = tiers.iter().flat_map(|tier| &tier.states).map(|(_, count)| count).sum();
    assert_eq!((sum, customers, ledger.issuers().unwrap().len()), (count, (count, count), 2));
    took("stats".to_owned(), started);
    times.sort();
    let shown = times
        .iter()
        .rev()
        .take(25)
        .chain(times.iter().filter(|(_, name)| ["show", "stats"].contains(&&**name)));
    shown.for_each(|(took, name)| println!("{:>8.2} ms  {name}", took.as_secs_f64() * 1000.0));
    let slow: Vec<_> = times.iter().filter(|(took, _)| *took > AT_ONCE).collect();
    println!("{} questions, {} of them in more than {AT_ONCE:?}", times.len(), slow.len());
    assert!(cfg!(debug_assertions) || count < 1_000_000 || slow.is_empty(), "{slow:?}");
}

#[test]
fn a_large_ledger_answers_at_once_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    ask(&folder.path().join("ledger.db").display().to_string().parse().unwrap());
}

#[test]
fn a_large_ledger_answers_at_once_in_postgres() {
    if let Some(server) = postgres::Postgres::start() {
        ask(&server.database().parse().unwrap());
    }
}
