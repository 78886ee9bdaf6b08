//! Services that are killed at random moments: every licence that was returned is in the ledger, no request acts twice,
//! no receipt is acknowledged and lost. On PostgreSQL two services share the database, and the database is killed too.
//!
//! `LICENTIA_KILLS` is the number of rounds on each, `LICENTIA_SEED` chooses the moments.

mod common;
#[path = "../../issuer/tests/common/postgres.rs"]
mod postgres;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use common::{ISSUER, make, now};
use licentia_core::{
    Keyring,
    receipt::{Receipt, ReceiptEntry, UnsignedReceipt},
    revocation::Bundle,
};
use licentia_issuer::{Ledger, LedgerAccess, LedgerLocation, SigningKey};
use licentia_server::{Config, Running, Server};
use serde_json::{Value, json};

/// The service of a process of its own, which is killed.
#[test]
fn child() {
    let Ok(config) = std::env::var("LICENTIA_TEST_SERVER") else { return };
    let config = Config::load(Path::new(&config)).unwrap();
    let load = |path: &Path| SigningKey::load(path, None).map_err(|error| error.to_string());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let server = Server::open(&config, load).unwrap();
    let running = runtime.block_on(Running::start(server, config.listen)).unwrap();
    let place = std::env::var("LICENTIA_TEST_ADDRESS").unwrap();
    fs::write(format!("{place}.new"), running.address.to_string()).unwrap();
    fs::rename(format!("{place}.new"), place).unwrap();
    thread::sleep(Duration::from_mins(10));
}

struct Process {
    child: Child,
    address: String,
}

impl Process {
    fn start(config: &Path, place: &Path) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let place = place.join(format!("address{}", COUNT.fetch_add(1, Ordering::Relaxed)));
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["child", "--exact", "--nocapture"])
            .env("LICENTIA_TEST_SERVER", config)
            .env("LICENTIA_TEST_ADDRESS", &place)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_mins(1);
        let address = loop {
            if let Ok(address) = fs::read_to_string(&place) {
                break address;
            }
            assert!(Instant::now() < deadline, "the service starts");
            thread::sleep(Duration::from_millis(5));
        };
        Self { child, address }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What clients know for certain.
#[derive(Default)]
struct Known {
    /// The token of each request that was answered.
    issued: BTreeMap<String, String>,
    /// The subjects whose licences were revoked, as it was answered.
    revoked: BTreeSet<String>,
    /// The receipts that were acknowledged or taken.
    receipts: BTreeSet<[u8; 32]>,
}

fn send(
    address: &str,
    admin: &str,
    path: &str,
    name: &str,
    kind: &str,
    body: &[u8],
) -> Option<(u16, Vec<u8>)> {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(10)));
    let agent = config.build().new_agent();
    let request =
        agent.post(format!("http://{address}{path}")).header("authorization", format!("Bearer {admin}"));
    let mut answer = request.header("idempotency-key", name).header("content-type", kind).send(body).ok()?;
    Some((answer.status().as_u16(), answer.body_mut().read_to_vec().ok()?))
}

/// Issues the licence of a name, and revokes every fifth.
fn issue(address: &str, admin: &str, name: &str, known: &Mutex<Known>) -> bool {
    let body = json!({ "subject": name, "tier": "pro" }).to_string();
    let Some((201, answer)) = send(address, admin, "/v1/licenses", name, "application/json", body.as_bytes())
    else {
        return false;
    };
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    let token = answer["token"].as_str().unwrap().to_owned();
    let lineage = answer["license"]["lineage"].as_str().unwrap().to_owned();
    if let Some(before) = known.lock().unwrap().issued.insert(name.to_owned(), token.clone()) {
        assert_eq!(before, token, "the same request has the same answer");
    }
    if name.ends_with('5') {
        let path = format!("/v1/licenses/{lineage}/revoke");
        if let Some((200, _)) = send(address, admin, &path, &format!("{name}-r"), "application/json", b"{}") {
            known.lock().unwrap().revoked.insert(name.to_owned());
        }
    }
    true
}

/// An instance that reports.
struct Instance {
    key: SigningKey,
    sequence: u64,
    previous: [u8; 32],
}

impl Instance {
    fn report(&mut self, address: &str, admin: &str, known: &Mutex<Known>) {
        let public = self.key.public();
        let window = licentia::Window { start: now().into(), end: None };
        let (lineage, count) = ([1; 16].into(), self.sequence);
        let entry = ReceiptEntry { issuer: ISSUER, lineage, meter: "calls", window, count, refunded: 0 };
        let receipt = UnsignedReceipt {
            key: public.public().as_bytes(),
            sequence: self.sequence,
            previous: &self.previous,
            issued_at: now().into(),
            entries: &[entry],
            acknowledged: None,
            since: 0,
        };
        let bytes = receipt.seal(|parts| self.key.sign(&parts.concat())).unwrap();
        let digest = Receipt::read(&bytes).unwrap().link().digest;
        if let Some((200, _)) = send(address, admin, "/v1/receipts", "-", "application/cose", &bytes) {
            known.lock().unwrap().receipts.insert(digest);
            (self.sequence, self.previous) = (self.sequence + 1, digest);
        }
    }
}

fn rounds() -> u64 {
    std::env::var("LICENTIA_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(3)
}

/// Numbers that a seed chooses (splitmix64).
struct Moments(u64);

impl Moments {
    fn new() -> Self {
        Self(std::env::var("LICENTIA_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1))
    }

    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below
    }
}

/// The services of a test.
struct Place {
    folder: tempfile::TempDir,
    config: PathBuf,
    admin: String,
    location: LedgerLocation,
}

impl Place {
    fn new(ledger: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = make(folder.path(), ledger);
        let admin = fs::read_to_string(folder.path().join("admin.lic")).unwrap().trim().to_owned();
        let location = Config::load(&config).unwrap().ledger();
        Self { folder, config, admin, location }
    }

    fn start(&self) -> Process {
        Process::start(&self.config, self.folder.path())
    }

    /// Works on the services until one is killed: `kill` does that at some moment.
    fn work(
        &self,
        round: u64,
        processes: &[String],
        known: &Mutex<Known>,
        kill: impl FnOnce(),
    ) -> Vec<String> {
        let (stop, tried) = (AtomicBool::new(false), Mutex::new(Vec::new()));
        thread::scope(|scope| {
            for worker in 0..4_u64 {
                let (stop, tried) = (&stop, &tried);
                scope.spawn(move || {
                    let address = &processes[usize::try_from(worker).unwrap() % processes.len()];
                    let key = SigningKey::generate().unwrap();
                    let mut instance = Instance { key, sequence: 1, previous: [0; 32] };
                    for count in 0.. {
                        if stop.load(Ordering::Relaxed) {
                            return;
                        }
                        let name = format!("r{round}w{worker}n{count}");
                        tried.lock().unwrap().push(name.clone());
                        if !issue(address, &self.admin, &name, known) {
                            // It is dead, and what was asked last is in doubt.
                            return;
                        }
                        instance.report(address, &self.admin, known);
                    }
                });
            }
            kill();
            stop.store(true, Ordering::Relaxed);
        });
        tried.into_inner().unwrap()
    }

    /// Tries everything again, and compares what clients know with the ledger.
    fn check(&self, address: &str, tried: &[String], known: &Mutex<Known>) {
        for name in tried {
            let deadline = Instant::now() + Duration::from_mins(1);
            while !issue(address, &self.admin, name, known) {
                assert!(Instant::now() < deadline, "{name} is done in the end");
                thread::sleep(Duration::from_millis(50));
            }
        }
        let ledger = Ledger::connect(&self.location, LedgerAccess::Read).unwrap();
        let known = known.lock().unwrap();
        for name in tried {
            let found = ledger.of_subject(name).unwrap();
            assert_eq!(found.len(), 1, "{name} was issued once");
            let token = data_encoding::BASE64URL_NOPAD.decode(&known.issued[name].as_bytes()[5..]).unwrap();
            assert_eq!(found[0].digest, hmac_sha256::Hash::hash(&token), "{name} is what was returned");
        }
        let sql = "SELECT digest FROM receipt";
        let stored: Vec<[u8; 32]> = ledger.database().all(sql, &[], |row| row.array(0)).unwrap();
        let stored: BTreeSet<[u8; 32]> = stored.into_iter().collect();
        assert!(known.receipts.is_subset(&stored), "every receipt that was acknowledged is there");
        self.check_revocations(&ledger, &known);
    }

    /// No revocation is lost: within a while all are in the published bundle.
    fn check_revocations(&self, ledger: &Ledger, known: &Known) {
        let key = SigningKey::load(&self.folder.path().join("revocation.pem"), None).unwrap();
        let keys = [key.public().for_revocation()];
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let bytes = ledger.last_published(ISSUER).unwrap().unwrap();
            let (bundle, _) = Bundle::read(&bytes, Keyring::new(&keys)).unwrap();
            let is_in = |subject: &String| {
                let license = &ledger.of_subject(subject).unwrap()[0];
                bundle.contains(license.index.unwrap())
            };
            if known.revoked.iter().all(is_in) {
                break;
            }
            assert!(Instant::now() < deadline, "every revocation is published");
            thread::sleep(Duration::from_millis(50));
        }
        let sql = "SELECT count(*), count(DISTINCT sequence) FROM publication";
        let counts =
            ledger.database().only(sql, &[], |row| Ok((row.unsigned(0)?, row.unsigned(1)?))).unwrap();
        assert_eq!(counts.0, counts.1, "no bundle has another's number");
    }
}

#[test]
fn a_service_that_is_killed_keeps_its_word() {
    let (place, known, mut moments) = (Place::new("ledger.db"), Mutex::new(Known::default()), Moments::new());
    for round in 0..rounds() {
        let mut process = place.start();
        let addresses = [process.address.clone()];
        let tried = place.work(round, &addresses, &known, || {
            thread::sleep(Duration::from_millis(50 + moments.next(500)));
            process.kill();
        });
        let again = place.start();
        place.check(&again.address, &tried, &known);
    }
    let known = known.into_inner().unwrap();
    assert!(!known.issued.is_empty() && !known.receipts.is_empty());
}

#[test]
fn services_that_share_a_database_keep_their_word_while_one_is_killed() {
    let Some(database) = postgres::Postgres::start() else { return };
    let place = Place::new(&database.database());
    let (known, mut moments) = (Mutex::new(Known::default()), Moments::new());
    let mut processes = [place.start(), place.start()];
    for round in 0..rounds() {
        let addresses = [processes[0].address.clone(), processes[1].address.clone()];
        let victim = usize::try_from(moments.next(2)).unwrap();
        let tried = place.work(round, &addresses, &known, || {
            thread::sleep(Duration::from_millis(50 + moments.next(500)));
            processes[victim].kill();
            // The other one goes on.
            thread::sleep(Duration::from_millis(200));
        });
        place.check(&addresses[1 - victim], &tried, &known);
        processes[victim] = place.start();
    }
}

#[test]
fn a_database_that_is_killed_loses_nothing_that_was_told() {
    let Some(mut database) = postgres::Postgres::start() else { return };
    let place = Place::new(&database.database());
    let (known, mut moments) = (Mutex::new(Known::default()), Moments::new());
    let process = place.start();
    for round in 0..rounds() {
        let addresses = [process.address.clone()];
        let tried = place.work(round, &addresses, &known, || {
            thread::sleep(Duration::from_millis(50 + moments.next(500)));
            database.crash();
        });
        database.restart();
        place.check(&addresses[0], &tried, &known);
    }
}
