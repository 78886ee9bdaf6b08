//! Builds the next bundle when something was revoked, and tells everybody about it.
//!
//! What is to be published is marked in the transaction that revokes ([`mark`]), so that a service which is killed
//! forgets nothing: after its start, or another service on the same database, builds the bundle. Who builds holds the
//! ledger's lock from the draft to the publication; PostgreSQL releases it if that service dies.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

use licentia::{Gate, Now};
use licentia_core::{Timestamp, revocation::Bundle};
use licentia_issuer::{
    BundleError, Error, Ledger, LedgerAccess, LedgerError, LedgerLocation, PublishedBundle, Result,
    sign_delta, time::Span,
};

use super::{
    feed::Feed,
    keyset::KeysetFile,
    shelf::{HISTORY, Shelf},
};
use crate::{
    issuer_keys::IssuerKeys,
    store::{TABLES, values},
};

/// How often it looks for what other services have published.
const TICK: Duration = Duration::from_millis(200);
/// A bundle is built anew after so long, although nothing was revoked: gates want a fresh one.
const REFRESH: u64 = 3600;
/// At most one replay of the whole ledger in this time.
const REPLAY: Duration = Duration::from_mins(1);

/// Marks that an issuer has something to publish, in the transaction that is open.
pub(crate) fn mark(ledger: &Ledger, issuer: &str) -> Result<()> {
    let sql = "INSERT INTO pending (issuer, version) VALUES (?1, 1)
        ON CONFLICT (issuer) DO UPDATE SET version = pending.version + 1";
    ledger.database().execute(sql, values![issuer]).map(drop)
}

/// Wakes the thread that publishes, which ends with the last of these.
#[derive(Clone)]
pub(crate) struct Publisher(mpsc::Sender<()>);

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Publisher")
    }
}

impl Publisher {
    /// Something is to be published.
    pub(crate) fn wake(&self) {
        // The thread ends with the process alone.
        let _ = self.0.send(());
    }
}

/// The thread that publishes.
pub(crate) struct Press {
    location: LedgerLocation,
    ledger: Option<Ledger>,
    issuers: Arc<BTreeMap<String, IssuerKeys>>,
    gate: Arc<Gate>,
    shelf: Arc<Shelf>,
    feed: Feed,
    keyset: KeysetFile,
    /// What is wrong, to be told once.
    problems: BTreeMap<String, String>,
    replaying: Arc<Mutex<Option<Instant>>>,
}

impl Press {
    /// Publishes what is to be published, and goes on in a thread of its own.
    pub(crate) fn start(
        location: LedgerLocation,
        issuers: Arc<BTreeMap<String, IssuerKeys>>,
        gate: Arc<Gate>,
        shelf: Arc<Shelf>,
        feed: Feed,
        keyset: KeysetFile,
    ) -> Result<Publisher> {
        let mut press = Self {
            ledger: Some(open(&location)?),
            location,
            issuers,
            gate,
            shelf,
            feed,
            keyset,
            problems: BTreeMap::new(),
            replaying: Arc::default(),
        };
        press.keyset.look(now());
        press.remember()?;
        press.look();
        let (sender, woken) = mpsc::channel();
        thread::spawn(move || press.run(&woken));
        Ok(Publisher(sender))
    }

    fn run(mut self, woken: &mpsc::Receiver<()>) {
        let mut looked = Instant::now();
        loop {
            match woken.recv_timeout(TICK) {
                // Many may have revoked at once.
                Ok(()) => while woken.try_recv().is_ok() {},
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
            }
            if looked.elapsed() >= KeysetFile::EVERY {
                looked = Instant::now();
                self.keyset.look(now());
            }
            self.look();
        }
    }

    /// Loads the bundles that earlier services have published.
    fn remember(&mut self) -> Result<()> {
        let Some(ledger) = &self.ledger else { return Ok(()) };
        for name in self.issuers.keys() {
            let sql = "SELECT sequence, bundle FROM publication WHERE issuer = ?1 ORDER BY sequence";
            ledger.database().each(sql, values![name], |row| {
                self.shelf.put(name, row.unsigned(0)?, row.bytes(1)?.to_vec());
                Ok(())
            })?;
            if let Some(sheet) = self.shelf.bundle(name)
                && let Err(error) = self.gate.load_revocation(&sheet.bytes)
            {
                eprintln!("licentia-server: the bundle of {name:?}: {error}");
            }
        }
        Ok(())
    }

    /// Publishes for each issuer what is to be published, and tells what is new.
    fn look(&mut self) {
        let issuers = Arc::clone(&self.issuers);
        for (name, keys) in &*issuers {
            if self.ledger.is_none() {
                self.ledger = open(&self.location).ok();
            }
            let problem = match self.press(name, keys) {
                // The next look comes soon.
                Err(Error::Ledger(LedgerError::Busy)) => continue,
                // An issuer without licences has nothing to revoke yet.
                Ok(()) | Err(Error::Bundle(BundleError::UnknownIssuer { .. })) => None,
                Err(error) => {
                    // The connection may be lost, and with it the lock.
                    self.ledger = None;
                    Some(error.to_string())
                }
            };
            match problem {
                Some(problem) if self.problems.get(name) != Some(&problem) => {
                    eprintln!("licentia-server: no bundle of {name:?}: {problem}");
                    self.problems.insert(name.clone(), problem);
                }
                Some(_) => {}
                None => drop(self.problems.remove(name)),
            }
        }
    }

    fn press(&mut self, name: &str, keys: &IssuerKeys) -> Result<()> {
        let Some(ledger) = &mut self.ledger else { return Err(LedgerError::Empty.into()) };
        let sql = "SELECT version FROM pending WHERE issuer = ?1";
        let version: Option<u64> = ledger.database().first(sql, values![name], |row| row.unsigned(0))?;
        let newest = self.shelf.bundle(name);
        let issued =
            newest.as_ref().and_then(|sheet| Some(Bundle::inspect(&sheet.bytes).ok()?.0.issued_at()));
        let is_old = issued.is_none_or(|issued| now().seconds_since(issued) >= REFRESH);
        let is_first = ledger.last_published(name)?.is_none();
        if version.is_some() || is_first || is_old && newest.is_some() {
            build(ledger, name, keys, version)?;
        }
        self.take(name, keys)
    }

    /// Tells what is new, whoever has published it.
    fn take(&mut self, name: &str, keys: &IssuerKeys) -> Result<()> {
        let Some(ledger) = &self.ledger else { return Ok(()) };
        let sql = "SELECT sequence FROM published WHERE issuer = ?1";
        let sequence: Option<u64> = ledger.database().first(sql, values![name], |row| row.unsigned(0))?;
        let known = self.shelf.newest(name);
        if sequence <= known {
            return Ok(());
        }
        let Some(bytes) = ledger.last_published(name)? else { return Ok(()) };
        let Ok((bundle, _)) = Bundle::inspect(&bytes) else { return Ok(()) };
        if let Err(error) = self.gate.load_revocation(&bytes) {
            eprintln!(
                "licentia-server: the service's own gate refuses bundle {}: {error}",
                bundle.sequence()
            );
        }
        self.shelf.put(name, bundle.sequence(), bytes.clone());
        let delta = known.map(|known| self.shelf.delta(name, known, &keys.revocation)).transpose()?.flatten();
        self.feed.announce(&bundle, delta.as_ref().map(|sheet| &*sheet.bytes));
        self.replay(name, bytes);
        Ok(())
    }

    /// Checks a bundle against the whole ledger, while it is in use already.
    fn replay(&self, name: &str, bytes: Vec<u8>) {
        let mut last = self.replaying.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|last| last.elapsed() < REPLAY) {
            return;
        }
        *last = Some(Instant::now());
        let (location, name) = (self.location.clone(), name.to_owned());
        thread::spawn(move || {
            let replayed = || -> Result<()> {
                let ledger = Ledger::connect(&location, LedgerAccess::Read)?;
                let (bundle, _) = Bundle::inspect(&bytes).map_err(BundleError::Refused)?;
                // Later revocations may be on other terms than this bundle's.
                if ledger.last_published(&name)?.as_ref() == Some(&bytes) {
                    ledger.replay(&name, &bundle, None, |_| ())?;
                }
                Ok(())
            };
            if let Err(error) = replayed() {
                eprintln!(
                    "licentia-server: ALARM: the published bundle of {name:?} is not the ledger's: {error}"
                );
            }
        });
    }
}

fn now() -> Timestamp {
    Now::system().time
}

fn open(location: &LedgerLocation) -> Result<Ledger> {
    let mut ledger = Ledger::connect(location, LedgerAccess::Write)?;
    ledger.host(&TABLES)?;
    Ok(ledger)
}

/// Builds, checks and publishes the next bundle of an issuer.
fn build(ledger: &mut Ledger, name: &str, keys: &IssuerKeys, version: Option<u64>) -> Result<()> {
    ledger.check_bundle_key(&keys.revocation)?;
    let (last, before) = (ledger.sequence()?, ledger.last_published(name)?);
    let salt = before.as_deref().and_then(|bytes| Some(*Bundle::inspect(bytes).ok()?.0.salt()));
    let now = now();
    let mut draft = ledger.draft_bundle(name, now, PublishedBundle { sequence: last, salt }, |_| ())?;
    let signed = (|| {
        let (day, month): (Span, Span) = ("1 day".parse()?, "30 days".parse()?);
        (draft.next_update, draft.expires) = (day.after(now)?, month.after(now)?);
        let bytes = draft.sign(&keys.revocation)?;
        let (bundle, _) = Bundle::inspect(&bytes).map_err(BundleError::Refused)?;
        ledger.check_changes(name, &bundle)?;
        // A delta that cannot be made would be found by gates.
        if let Some((before, _)) = before.as_deref().and_then(|bytes| Bundle::inspect(bytes).ok()) {
            sign_delta(&before, &bundle, &keys.revocation)?;
        }
        Ok(bytes)
    })();
    let bytes = match signed {
        Ok(bytes) => bytes,
        Err(error) => {
            ledger.withdraw(&draft, last)?;
            return Err(error);
        }
    };
    let sequence = draft.sequence;
    ledger.together(|ledger| {
        let database = ledger.database();
        let sql = "INSERT INTO publication (issuer, sequence, at, bundle) VALUES (?1, ?2, ?3, ?4)";
        database.execute(sql, values![name, sequence, now, &bytes])?;
        let sql = "DELETE FROM publication WHERE issuer = ?1 AND sequence NOT IN
            (SELECT sequence FROM publication WHERE issuer = ?1 ORDER BY sequence DESC LIMIT ?2)";
        database.execute(sql, values![name, HISTORY as u64])?;
        let sql = "DELETE FROM pending WHERE issuer = ?1 AND version = ?2";
        database.execute(sql, values![name, version.unwrap_or(0)])?;
        ledger.published(&bytes)
    })
}
