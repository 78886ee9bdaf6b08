//! The revocation bundles that a gate asks, one for each issuer, and their replacement while checks run.

use std::{
    fs::{File, Metadata},
    io::Read,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::swap::ArcSwap;
use licentia_core::{
    Code, Keyring, Kid,
    inner::build,
    limits,
    revocation::{self, Bundle, BundleMark, merge},
};

use crate::{gate::Gate, store::Store, trust::Trusted, worker::Worker};

pub use licentia_core::revocation::{Effect, Reason, RevocationTerms};

/// Begin of the names, in the store, of the newest bundles' sequences, digests and signers; an issuer follows.
const SEEN: &str = "revocation.seen.";

/// A bundle in use: its state, whole, with its pre-filter.
pub(crate) struct Loaded {
    issuer: Box<str>,
    kept: revocation::OwnedBundle<Box<[u8]>>,
    bloom: Box<[u8]>,
}

impl Loaded {
    fn new(kept: revocation::OwnedBundle<Box<[u8]>>, bloom: Box<[u8]>) -> Self {
        let issuer = kept.bundle(&bloom).issuer().into();
        Self { issuer, kept, bloom }
    }

    pub(crate) fn bundle(&self) -> Bundle<'_> {
        self.kept.bundle(&self.bloom)
    }

    /// Its number and its times.
    pub(crate) fn in_use(&self) -> InUse {
        let bundle = self.bundle();
        InUse {
            issuer: bundle.issuer().to_owned(),
            sequence: bundle.sequence(),
            issued_at: bundle.issued_at(),
            next_update: bundle.next_update(),
            expires: bundle.expires(),
        }
    }
}

/// A revocation bundle that a gate uses. Times are seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InUse {
    /// Whose licences it is about.
    pub issuer: String,
    /// Its number.
    pub sequence: u64,
    /// When it was issued.
    pub issued_at: u64,
    /// When the next one comes at the latest.
    pub next_update: u64,
    /// From when on it says nothing any more.
    pub expires: u64,
}

/// The bundles in use. They never change; others take their place.
#[derive(Default)]
pub(crate) struct Bundles(Vec<Arc<Loaded>>);

impl Bundles {
    /// The bundle about an issuer's licences.
    pub(crate) fn of(&self, issuer: &str) -> Option<&Loaded> {
        self.0.iter().find(|loaded| *loaded.issuer == *issuer).map(|loaded| &**loaded)
    }

    /// The bundle where there is only one.
    pub(crate) fn only(&self) -> Option<&Loaded> {
        if let [only] = &self.0[..] { Some(only) } else { None }
    }

    /// These, with another one for its issuer.
    fn with(&self, loaded: Loaded) -> Self {
        let mut all = self.0.clone();
        all.retain(|other| other.issuer != loaded.issuer);
        all.push(Arc::new(loaded));
        Self(all)
    }
}

/// What is known of revocations.
pub(crate) struct Revocations {
    store: Arc<dyn Store>,
    current: ArcSwap<Bundles>,
    replacing: Mutex<()>,
}

impl Revocations {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, current: ArcSwap::default(), replacing: Mutex::new(()) }
    }

    pub(crate) fn current(&self) -> crate::swap::Guard<Arc<Bundles>> {
        self.current.load()
    }

    /// Loads a bundle, or a delta on the one in use; `false` where it is the one in use.
    pub(crate) fn load(&self, bytes: &[u8], trusted: &Trusted) -> Result<bool, Code> {
        let _one_at_a_time = self.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        // Not before: a bundle that waited here is held against the keys that there are now.
        let trust = trusted.current();
        let (bundle, kid) = Bundle::read(bytes, trust.keyring())?;
        let seen = BundleMark { sequence: bundle.sequence(), digest: bundle.digest(), kid };
        let bundles = self.current.load();
        let current = bundles.of(bundle.issuer());
        let same = current.is_some_and(|current| current.bundle().sequence() == bundle.sequence());
        let (name, value) = (name(bundle.issuer()), encode(&seen));
        loop {
            let saved = self.store.load(&name).map_err(|_| Code::StoreUnreachable)?;
            let before = saved.as_deref().and_then(decode);
            let newer = newer(before, &seen, bundle.issuer(), trust.keyring()).map_err(|code| match code {
                // Another process went on meanwhile: the next step from here leads nowhere, and the newest state is
                // needed.
                Code::BundleRollback if bundle.base().is_some() => Code::BundleWrongBase,
                code => code,
            });
            if !newer? && same {
                return Ok(false);
            }
            let loaded = if bundle.base().is_none() {
                Loaded::new(bundle.keep(), derive(&bundle))
            } else {
                let kept = merge(&current.ok_or(Code::BundleWrongBase)?.bundle(), &bundle)?;
                let bloom = derive(&kept.bundle(&[]));
                Loaded::new(kept, bloom)
            };
            // Remembered before it is used: after a crash the older one must not come back. Where another process has
            // remembered something meanwhile, it is held against that.
            let replaced = self.store.replace(&name, saved.as_deref(), &value);
            if replaced.map_err(|_| Code::StoreUnreachable)? {
                self.current.store(Arc::new(bundles.with(loaded)));
                return Ok(true);
            }
        }
    }
}

/// Whether a bundle is newer than the one of its issuer that was seen last.
///
/// Who signed that one may have been replaced by the root since: then its numbers bind no more, so that a thief who had
/// signed a very high one has not locked the issuer out.
fn newer(
    before: Option<BundleMark>,
    new: &BundleMark,
    issuer: &str,
    keyring: Keyring<'_>,
) -> Result<bool, Code> {
    match before {
        Some(seen) if seen.kid != new.kid && !keyring.has_revocation(&seen.kid, issuer) => Ok(true),
        Some(seen) if new.sequence < seen.sequence => Err(Code::BundleRollback),
        Some(seen) if new.sequence == seen.sequence && new.digest != seen.digest => {
            Err(Code::BundleEquivocation)
        }
        Some(seen) => Ok(new.sequence > seen.sequence),
        None => Ok(true),
    }
}

/// The pre-filter of a bundle: its own, which was checked, or one that is derived.
fn derive(bundle: &Bundle<'_>) -> Box<[u8]> {
    if !bundle.bloom().is_empty() {
        return bundle.bloom().into();
    }
    build::bloom(bundle.indices(), bundle.counts().0, bundle.salt()).into()
}

/// The name in a store of the mark of a bundle, which is one for each issuer: for a host that brings its marks to the
/// store. Nothing is verified; none for what is no bundle.
pub fn mark(bundle: &[u8]) -> Option<String> {
    Bundle::inspect(bundle).ok().map(|(bundle, _)| name(bundle.issuer()))
}

fn name(issuer: &str) -> String {
    format!("{SEEN}{issuer}")
}

fn encode(seen: &BundleMark) -> Vec<u8> {
    [&seen.sequence.to_be_bytes()[..], &seen.digest, seen.kid.as_bytes()].concat()
}

fn decode(saved: &[u8]) -> Option<BundleMark> {
    let (sequence, rest) = saved.split_first_chunk::<8>()?;
    let (digest, kid) = rest.split_first_chunk::<32>()?;
    Some(BundleMark { sequence: u64::from_be_bytes(*sequence), digest: *digest, kid: Kid::new(kid).ok()? })
}

/// Gives what is new, where something is.
type Source = Box<dyn FnMut() -> Result<Option<Vec<u8>>, Code> + Send>;

/// Where bundles and deltas come from: a file, or anywhere else. [`Watch`] asks it again and again; a host that has
/// threads of its own does so itself.
///
/// What a gate refuses is kept until something else comes, and tried again with every keyset that the gate loads:
/// a bundle may arrive before the keyset with its key. What the store could not remember is tried again each time.
pub struct Feed {
    source: Source,
    refused: Option<Refused>,
}

/// What came last and was refused.
struct Refused {
    bytes: Vec<u8>,
    code: Code,
    /// The generation of the keys that it was held against.
    keys: u64,
}

impl Feed {
    /// What `source` gives; nothing where there is nothing new.
    pub fn new(source: impl FnMut() -> Result<Option<Vec<u8>>, Code> + Send + 'static) -> Self {
        Self { source: Box::new(source), refused: None }
    }

    /// What a file holds, whenever it has changed.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::new(Watch::file(path))
    }

    /// Asks once, and loads what comes into a gate; `false` where nothing new did.
    ///
    /// # Errors
    /// What the source or [`Gate::load_revocation`] says. The bundle in use then stays.
    pub fn load(&mut self, gate: &Gate) -> Result<bool, Code> {
        let fetched = (self.source)();
        // Before loading: keys that are replaced meanwhile are a reason to try again.
        let keys = gate.keys_generation();
        if let Ok(Some(bytes)) = fetched {
            self.refused = None;
            return self.offer(gate, bytes, keys);
        }
        let due = |refused: &mut Refused| refused.code == Code::StoreUnreachable || refused.keys != keys;
        let again = self.refused.take_if(due).map(|refused| self.offer(gate, refused.bytes, keys));
        fetched.and_then(|_| again.unwrap_or(Ok(false)))
    }

    fn offer(&mut self, gate: &Gate, bytes: Vec<u8>, keys: u64) -> Result<bool, Code> {
        let result = gate.load_revocation(&bytes);
        if let Err(code) = result {
            self.refused = Some(Refused { bytes, code, keys });
        }
        result
    }
}

/// Loads bundles and deltas into a gate as they come, from a file or from anywhere, in a thread of its own. It
/// ends when this is dropped, or with the gate. A [`Feed`] in a thread.
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
    /// be read; [`Code::InvalidArgument`] for an interval of nothing.
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
    /// the source should then give a whole bundle. A source that panics counts as one that cannot be reached.
    ///
    /// # Errors
    /// What the source or [`Gate::load_revocation`] says the first time; [`Code::InvalidArgument`] for an
    /// interval of nothing.
    pub fn source(
        gate: &Arc<Gate>,
        interval: Duration,
        source: impl FnMut() -> Result<Option<Vec<u8>>, Code> + Send + 'static,
        report: impl FnMut(Code) + Send + 'static,
    ) -> Result<Self, Code> {
        let mut feed = Feed::new(source);
        feed.load(gate)?;
        Self::run(gate, interval, feed, report)
    }

    /// As [`Watch::source`], for a service that must start while its source is down: what goes wrong the first
    /// time is given to `report` too. Until a bundle comes, the gate has none; build it with
    /// [`Builder::require_revocation`](crate::Builder::require_revocation), so that this is not mistaken for
    /// nothing being revoked.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] for an interval of nothing.
    pub fn eventually(
        gate: &Arc<Gate>,
        interval: Duration,
        source: impl FnMut() -> Result<Option<Vec<u8>>, Code> + Send + 'static,
        mut report: impl FnMut(Code) + Send + 'static,
    ) -> Result<Self, Code> {
        let mut feed = Feed::new(source);
        if let Err(code) = feed.load(gate) {
            report(code);
        }
        Self::run(gate, interval, feed, report)
    }

    /// A source that gives a file when it has changed.
    pub fn file(path: impl Into<PathBuf>) -> impl FnMut() -> Result<Option<Vec<u8>>, Code> + Send + 'static {
        let path = path.into();
        let mut last = None;
        move || {
            let unreachable = |_| Code::StoreUnreachable;
            let file = File::open(&path).map_err(unreachable)?;
            let now = file.metadata().ok().map(|metadata| version(&metadata));
            if now.is_some() && now == last {
                return Ok(None);
            }
            let (mut bytes, most) = (Vec::new(), limits::BUNDLE_BYTES as u64);
            file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(unreachable)?;
            // A file that cannot be read is tried again; one that is wrong is told once.
            last = now;
            if bytes.len() as u64 > most { Err(Code::BundleMalformed) } else { Ok(Some(bytes)) }
        }
    }

    fn run(
        gate: &Arc<Gate>,
        interval: Duration,
        mut feed: Feed,
        mut report: impl FnMut(Code) + Send + 'static,
    ) -> Result<Self, Code> {
        if interval.is_zero() {
            return Err(Code::InvalidArgument);
        }
        // What the caller gave may panic, and revocations must go on being loaded.
        let work = move |gate: &Gate| {
            let result = catch_unwind(AssertUnwindSafe(|| feed.load(gate)));
            if let Err(code) = result.unwrap_or(Err(Code::StoreUnreachable)) {
                let _ = catch_unwind(AssertUnwindSafe(|| report(code)));
            }
        };
        Ok(Self { _worker: Worker::start("licentia-revocation", gate, interval, work)? })
    }
}

/// What tells one version of a file from another: also one of the same length and date that took its place.
#[cfg(unix)]
fn version(metadata: &Metadata) -> impl PartialEq + Send + use<> {
    use std::os::unix::fs::MetadataExt;
    let (changed, written) =
        ((metadata.ctime(), metadata.ctime_nsec()), (metadata.mtime(), metadata.mtime_nsec()));
    (metadata.dev(), metadata.ino(), changed, written, metadata.len())
}

/// What tells one version of a file from another: when it was written, and its length.
#[cfg(not(unix))]
fn version(metadata: &Metadata) -> impl PartialEq + Send + use<> {
    (metadata.modified().ok(), metadata.len())
}
