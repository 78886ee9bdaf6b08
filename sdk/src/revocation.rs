//! The revocation bundle that a gate asks, and its replacement while checks run.

use std::{
    fs,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwapOption;
use licentia_core::{
    Code, Keyring, Kid,
    revocation::{self, Bundle, Seen, build, merge},
};

use crate::{gate::Gate, store::Store, worker::Worker};

pub use licentia_core::revocation::{Effect, Reason, Terms};

/// Name of the newest bundle's sequence, digest and signer in the store.
const SEEN: &str = "revocation.seen";

/// A bundle in use: its state, whole, with the pre-filter that was derived from it.
pub(crate) struct Loaded {
    kept: revocation::Kept<Box<[u8]>>,
    /// The sections that a delta made, in place of the bundle's own.
    bloom: Box<[u8]>,
}

impl Loaded {
    pub(crate) fn bundle(&self) -> Bundle<'_> {
        self.kept.bundle(&self.bloom)
    }
}

/// What is known of revocations.
pub(crate) struct Revocations {
    store: Arc<dyn Store>,
    current: ArcSwapOption<Loaded>,
    replacing: Mutex<()>,
}

impl Revocations {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, current: ArcSwapOption::empty(), replacing: Mutex::new(()) }
    }

    pub(crate) fn current(&self) -> arc_swap::Guard<Option<Arc<Loaded>>> {
        self.current.load()
    }

    /// Loads a bundle, or a delta on the one in use; `false` where it is the one in use.
    pub(crate) fn load(&self, bytes: &[u8], keyring: Keyring<'_>) -> Result<bool, Code> {
        let (bundle, kid) = Bundle::read(bytes, keyring)?;
        let _one_at_a_time = self.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = Seen { sequence: bundle.sequence(), digest: bundle.digest(), kid };
        let current = self.current.load();
        let same = current.as_ref().is_some_and(|current| current.bundle().sequence() == bundle.sequence());
        if !self.newer(&seen, keyring)? && same {
            return Ok(false);
        }
        let loaded = match bundle.base() {
            None => {
                bundle.check_root()?;
                Loaded { kept: bundle.keep(), bloom: derive(&bundle) }
            }
            Some(base) => {
                let current = current.as_ref().filter(|current| current.bundle().sequence() == base);
                let kept = merge(&current.ok_or(Code::BundleWrongBase)?.bundle(), &bundle)?;
                let bloom = derive(&kept.bundle(&[]));
                Loaded { kept, bloom }
            }
        };
        // Remembered before it is used: after a crash the older one must not come back.
        self.store.save(SEEN, &encode(&seen)).map_err(|_| Code::StoreUnreachable)?;
        self.current.store(Some(Arc::new(loaded)));
        Ok(true)
    }

    /// Whether a bundle is newer than the one that was seen last.
    ///
    /// Who signed that one may have been replaced by the root since: then its numbers bind no more, so that a
    /// thief who had signed a very high one has not locked the issuer out.
    fn newer(&self, new: &Seen, keyring: Keyring<'_>) -> Result<bool, Code> {
        let saved = self.store.load(SEEN).map_err(|_| Code::StoreUnreachable)?;
        match saved.and_then(|saved| decode(&saved)) {
            Some(seen) if seen.kid != new.kid && !keyring.has_revocation(&seen.kid) => Ok(true),
            Some(seen) if new.sequence < seen.sequence => Err(Code::BundleRollback),
            Some(seen) if new.sequence == seen.sequence && new.digest != seen.digest => {
                Err(Code::BundleEquivocation)
            }
            Some(seen) => Ok(new.sequence > seen.sequence),
            None => Ok(true),
        }
    }
}

/// The pre-filter of a bundle.
fn derive(bundle: &Bundle<'_>) -> Box<[u8]> {
    if !bundle.bloom().is_empty() {
        return bundle.bloom().into();
    }
    let exact = bundle.exact();
    build::bloom(exact.iter(), exact.count(), bundle.salt()).into()
}

fn encode(seen: &Seen) -> Vec<u8> {
    [&seen.sequence.to_be_bytes()[..], &seen.digest, seen.kid.as_bytes()].concat()
}

fn decode(saved: &[u8]) -> Option<Seen> {
    let (sequence, rest) = saved.split_first_chunk::<8>()?;
    let (digest, kid) = rest.split_first_chunk::<32>()?;
    Some(Seen { sequence: u64::from_be_bytes(*sequence), digest: *digest, kid: Kid::new(kid).ok()? })
}

/// Loads bundles and deltas into a gate as they come, from a file or from anywhere, in a thread of its own. It
/// ends when this is dropped, or with the gate.
pub struct Watch {
    _worker: Worker,
}

impl Watch {
    /// Loads a file now, and again whenever it has changed, looking every `interval`. Replace the file by
    /// renaming another one over it, so that nobody sees half of it. What later goes wrong is given to `report`,
    /// and the bundle in use stays.
    ///
    /// # Errors
    /// What [`Gate::load_revocation`] says to the file as it is now; [`Code::StoreUnreachable`] where it cannot
    /// be read.
    pub fn start(
        gate: &Arc<Gate>,
        path: impl Into<PathBuf>,
        interval: Duration,
        report: impl FnMut(Code) + Send + 'static,
    ) -> Result<Self, Code> {
        Self::source(gate, interval, Self::file(path), report)
    }

    /// Loads what `source` gives now, and asks it again every `interval`: a fetch over HTTP, a message queue.
    /// It gives nothing where there is nothing new. What later goes wrong, there or in loading, is given to
    /// `report`, and the bundle in use stays; a delta that does not fit is told as [`Code::BundleWrongBase`], and
    /// the source should then give a whole bundle.
    ///
    /// # Errors
    /// What the source or [`Gate::load_revocation`] says the first time.
    pub fn source(
        gate: &Arc<Gate>,
        interval: Duration,
        source: impl FnMut() -> Result<Option<Vec<u8>>, Code> + Send + 'static,
        mut report: impl FnMut(Code) + Send + 'static,
    ) -> Result<Self, Code> {
        let mut feed = Feed::new(source);
        feed.load(gate)?;
        let work = move |gate: &Gate| {
            if let Err(code) = feed.load(gate) {
                report(code);
            }
        };
        Ok(Self { _worker: Worker::start("licentia-revocation", gate, interval, work)? })
    }

    /// A source that gives a file when it has changed.
    pub fn file(path: impl Into<PathBuf>) -> impl FnMut() -> Result<Option<Vec<u8>>, Code> + Send + 'static {
        let path = path.into();
        let mut changed = None;
        move || {
            let now = modified(&path);
            if now.is_some() && now == changed {
                return Ok(None);
            }
            // A file that is not there is tried again; one that is wrong is told once.
            let bytes = fs::read(&path).map_err(|_| Code::StoreUnreachable)?;
            changed = now;
            Ok(Some(bytes))
        }
    }
}

/// What a [`Watch`] does, without its thread: for a host that has threads of its own.
pub struct Feed<S> {
    source: S,
    /// What came while the store could not remember it: it is tried again, and not fetched again.
    pending: Option<Vec<u8>>,
}

impl<S: FnMut() -> Result<Option<Vec<u8>>, Code>> Feed<S> {
    /// Takes what `source` gives; nothing where there is nothing new.
    pub fn new(source: S) -> Self {
        Self { source, pending: None }
    }

    /// Asks once, and loads what comes into a gate; `false` where nothing new did.
    ///
    /// # Errors
    /// What the source or [`Gate::load_revocation`] says. The bundle in use then stays.
    pub fn load(&mut self, gate: &Gate) -> Result<bool, Code> {
        let Some(bytes) = (self.source)()?.or_else(|| self.pending.take()) else { return Ok(false) };
        let result = gate.load_revocation(&bytes);
        self.pending = (result == Err(Code::StoreUnreachable)).then_some(bytes);
        result
    }
}

/// When a file was changed, and its length, which tell one version from another.
fn modified(path: &PathBuf) -> Option<(SystemTime, u64)> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}
