//! The ledger, in SQLite and in PostgreSQL: each test runs on both.

#[path = "../common/postgres.rs"]
mod postgres;

mod anew;
mod engine;
mod issuing;
mod listing;
mod migration;
mod places;
mod sharing;

use engine::Engine;
use licentia_issuer::{Ledger, LedgerAccess};

/// A test and its name.
type Test = (&'static str, fn(&Engine));

/// Runs tests on one engine, all of them also if one fails.
fn run(engine: &Engine) {
    let tests: &[Test] = &[
        ("terms sign again", issuing::what_was_issued_is_signed_again_from_its_terms),
        ("a batch", issuing::a_batch_is_all_or_none),
        ("references", issuing::an_order_is_issued_once),
        ("lineages", issuing::nobody_gets_into_the_lineage_of_another),
        ("replacing", issuing::what_is_replaced_is_revoked),
        ("places", places::a_ledger_is_created_once_and_never_by_mistake),
        ("reading", places::a_reader_changes_nothing),
        ("indices", sharing::indices_are_unique_whoever_issues),
        ("one reference", sharing::one_order_from_many_machines_is_issued_once),
        ("bundles", sharing::one_process_at_a_time_builds_bundles),
        ("revocations", sharing::what_one_revokes_another_publishes),
        ("filters", listing::each_filter_finds_what_fits_and_no_more),
        ("states", listing::states_are_the_same_in_sql_and_in_rust),
        ("filters together", listing::filters_together_find_what_rust_finds),
        ("an upgrade", listing::an_upgrade_counts_what_is_there),
        ("counts", listing::counts_follow_every_change),
        ("a lost key", anew::every_good_licence_of_a_lost_key_is_signed_anew),
        ("a lost licence", anew::a_lost_licence_is_signed_again),
        ("backups", anew::a_backup_is_the_ledger_and_does_not_go_back_without_a_word),
    ];
    let failed: Vec<&str> = tests
        .iter()
        .filter(|(name, test)| {
            println!("{engine:?}: {name}");
            std::panic::catch_unwind(|| test(engine)).is_err()
        })
        .map(|(name, _)| *name)
        .collect();
    assert!(failed.is_empty(), "{engine:?}: {failed:?}");
}

#[test]
fn on_sqlite() {
    run(&Engine::sqlite());
}

#[test]
fn on_postgres() {
    if let Some(engine) = Engine::postgres() {
        run(&engine);
    }
}

#[test]
fn the_certificate_of_a_server_is_verified() {
    let Some((server, port, authority)) = postgres::Postgres::start_with_tls() else { return };
    let database = server.database();
    let name = database.rsplit('/').next().unwrap();
    let trusted = authority.display().to_string().replace('/', "%2F");
    let open = |query: &str, access| {
        let url = format!("postgres://licentia@localhost:{port}/{name}?{query}");
        Ledger::connect(&url.parse().unwrap(), access)
    };
    assert!(open("sslmode=require", LedgerAccess::Create).is_err(), "an authority that nobody knows");
    let known = format!("sslmode=verify-full&sslrootcert={trusted}");
    open(&known, LedgerAccess::Create).unwrap();
    assert_eq!(open(&known, LedgerAccess::Write).unwrap().count().unwrap(), 0);
    assert!(
        open(
            &format!("sslmode=require&sslrootcert={}", trusted.replace("ca.pem", "none.pem")),
            LedgerAccess::Write
        )
        .is_err()
    );
}
