//! The revocation bundles of a gate, one for each issuer and stream, replaceable while checks run.

use std::sync::{Arc, Mutex, PoisonError};

use crate::{
    platform::{ArcSwap, Guard, fork::Inside},
    store::Store,
};

use super::{
    error::{LoadError, Loadable},
    trust::Trusted,
};
use licentia_core::{
    Code, Keyring, Kid, Timestamp,
    inner::build,
    revocation::{self, Bundle, BundleMark, merge},
};

/// Prefix of the marks in the store: the newest bundle's sequence, digest and signer. The issuer follows.
const SEEN: &str = "revocation.seen.";
/// The same for streams other than 0. The stream's number, a dot and the issuer follow.
const SEEN_STREAM: &str = "revocation.stream.";

/// A bundle in use: its whole state, with its pre-filter.
pub(crate) struct LoadedBundle {
    issuer: Box<str>,
    kept: revocation::OwnedBundle<Box<[u8]>>,
    bloom: Box<[u8]>,
    /// What is remembered of it.
    mark: BundleMark,
}

impl LoadedBundle {
    fn new(kept: revocation::OwnedBundle<Box<[u8]>>, bloom: Box<[u8]>, mark: BundleMark) -> Self {
        let issuer = kept.bundle(&bloom).issuer().into();
        Self { issuer, kept, bloom, mark }
    }

    pub(crate) fn bundle(&self) -> Bundle<'_> {
        self.kept.bundle(&self.bloom)
    }

    /// The bundle's description, for the host.
    pub(crate) fn in_use(&self) -> BundleInUse {
        let bundle = self.bundle();
        BundleInUse {
            issuer: bundle.issuer().to_owned(),
            stream: bundle.stream(),
            sequence: bundle.sequence(),
            issued_at: bundle.issued_at(),
            next_update: bundle.next_update(),
            expires: bundle.expires(),
        }
    }
}

/// Describes a revocation bundle in use.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BundleInUse {
    /// The issuer whose licences it covers.
    pub issuer: String,
    /// The stream whose indices it covers. Its rules cover all streams of the issuer.
    pub stream: u64,
    /// Its sequence number.
    pub sequence: u64,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When the next one is due at the latest.
    pub next_update: Timestamp,
    /// When it stops being valid.
    pub expires: Timestamp,
}

/// The bundles in use. The set never changes; it is replaced.
#[derive(Default)]
pub(crate) struct Bundles(Vec<Arc<LoadedBundle>>);

impl Bundles {
    /// The bundle that covers the indices of an issuer's stream.
    pub(crate) fn of(&self, issuer: &str, stream: u64) -> Option<&Arc<LoadedBundle>> {
        self.of_issuer(issuer).find(|loaded| loaded.bundle().stream() == stream)
    }

    /// The bundles of an issuer, one for each stream.
    pub(crate) fn of_issuer(&self, issuer: &str) -> impl Iterator<Item = &Arc<LoadedBundle>> {
        self.0.iter().filter(move |loaded| *loaded.issuer == *issuer)
    }

    /// The bundle, if there is exactly one.
    pub(crate) fn only(&self) -> Option<&Arc<LoadedBundle>> {
        if let [only] = &self.0[..] { Some(only) } else { None }
    }

    /// A copy of the set, in which `loaded` replaces the bundle of its issuer and stream.
    fn with(&self, loaded: Arc<LoadedBundle>) -> Self {
        let mut all = self.0.clone();
        let stream = loaded.bundle().stream();
        all.retain(|other| other.issuer != loaded.issuer || other.bundle().stream() != stream);
        all.push(loaded);
        Self(all)
    }
}

/// The revocations that a gate has loaded.
pub(crate) struct Revocations {
    store: Arc<dyn Store>,
    current: ArcSwap<Bundles>,
    replacing: Mutex<()>,
}

impl Revocations {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, current: ArcSwap::default(), replacing: Mutex::new(()) }
    }

    pub(crate) fn current(&self) -> Guard<Arc<Bundles>> {
        self.current.load()
    }

    /// Loads a whole bundle and the deltas that came after it, as one: only the last is compared with the mark, which may
    /// be its own. Otherwise as [`Revocations::load`].
    #[cfg(feature = "follow")]
    pub(crate) fn load_chain(&self, chain: &[Vec<u8>], trusted: &Trusted) -> Result<bool, LoadError> {
        let refused = LoadError::refused(Loadable::Bundle);
        let Some((whole, deltas)) = chain.split_first() else { return Ok(false) };
        let Some((last, before)) = deltas.split_last() else { return self.load(whole, trusted) };
        let trust = trusted.current();
        let (bundle, _) = Bundle::read(whole, trust.keyring()).map_err(&refused)?;
        if bundle.base().is_some() {
            return Err(refused(Code::BundleWrongBase));
        }
        let mut merged: revocation::OwnedBundle<Box<[u8]>> = bundle.keep();
        for delta in before {
            let (delta, _) = Bundle::read(delta, trust.keyring()).map_err(&refused)?;
            merged = merge(&merged.bundle(&[]), &delta).map_err(&refused)?;
        }
        self.load_onto(Some(&merged), last, trusted)
    }

    /// Loads a bundle, or a delta on the one in use; `false` if it is the one in use.
    pub(crate) fn load(&self, bytes: &[u8], trusted: &Trusted) -> Result<bool, LoadError> {
        self.load_onto(None, bytes, trusted)
    }

    /// Loads a bundle, or a delta on `base`, or else on the one in use.
    fn load_onto(
        &self,
        base: Option<&revocation::OwnedBundle<Box<[u8]>>>,
        bytes: &[u8],
        trusted: &Trusted,
    ) -> Result<bool, LoadError> {
        let _inside = Inside::enter();
        let _one_at_a_time = self.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        // Read after the lock: a bundle that waited for it is verified with the keys in use now.
        let trust = trusted.current();
        let refused = LoadError::refused(Loadable::Bundle);
        let (bundle, kid) = Bundle::read(bytes, trust.keyring()).map_err(&refused)?;
        let seen = BundleMark { sequence: bundle.sequence(), digest: bundle.digest(), kid };
        let bundles = self.current.load();
        let current = bundles.of(bundle.issuer(), bundle.stream());
        // Also compared with the one in use: a store may have lost its mark.
        let other = newer(current.map(|current| current.mark), &seen, &bundle, trust.keyring())?;
        let (name, value) = (name(&bundle), encode(&seen));
        loop {
            let saved = self.store.load(&name).map_err(LoadError::store(Loadable::Bundle))?;
            let before = saved.as_deref().and_then(decode);
            if !newer(before, &seen, &bundle, trust.keyring())? && !other {
                return Ok(false);
            }
            let loaded = match current {
                Some(current) if !other => Arc::clone(current),
                _ if bundle.base().is_none() => {
                    Arc::new(LoadedBundle::new(bundle.keep(), derive(&bundle), seen))
                }
                current => {
                    let base = base.map(|base| base.bundle(&[])).or_else(|| Some(current?.bundle()));
                    let base = base.ok_or_else(|| refused(Code::BundleWrongBase))?;
                    let kept = merge(&base, &bundle).map_err(&refused)?;
                    let bloom = derive(&kept.bundle(&[]));
                    Arc::new(LoadedBundle::new(kept, bloom, seen))
                }
            };
            // Saved before it is used: after a crash the older one must not come back. If another process saved a mark
            // meanwhile, the bundle is compared with that one.
            let replaced = self.store.replace(&name, saved.as_deref(), &value);
            if replaced.map_err(LoadError::store(Loadable::Bundle))? {
                self.current.store(Arc::new(bundles.with(loaded)));
                return Ok(other);
            }
        }
    }
}

/// Whether a bundle is newer than the last one of its issuer and stream.
///
/// If the root has since replaced the key that signed the last one, its sequence number no longer counts: a thief who
/// signed a very high number must not lock the issuer out.
fn newer(
    before: Option<BundleMark>,
    new: &BundleMark,
    bundle: &Bundle<'_>,
    keyring: Keyring<'_>,
) -> Result<bool, LoadError> {
    let (what, given) = (Loadable::Bundle, new.sequence);
    let may_sign = |kid: &Kid| keyring.has_revocation(kid, bundle.issuer(), bundle.stream());
    match before {
        Some(seen) if seen.kid != new.kid && !may_sign(&seen.kid) => Ok(true),
        Some(seen) if new.sequence < seen.sequence => {
            // A delta that is older than what another process has loaded no longer fits: a whole bundle is needed.
            let is_delta = bundle.base().is_some();
            let code = if is_delta { Code::BundleWrongBase } else { Code::BundleRollback };
            Err(LoadError::Older { what, code, given, newest: seen.sequence })
        }
        Some(seen) if new.sequence == seen.sequence && new.digest != seen.digest => {
            Err(LoadError::Different { what, code: Code::BundleEquivocation, sequence: given })
        }
        Some(seen) => Ok(new.sequence > seen.sequence),
        None => Ok(true),
    }
}

/// The pre-filter of a bundle: its own, which was checked, or a derived one.
fn derive(bundle: &Bundle<'_>) -> Box<[u8]> {
    if !bundle.bloom().is_empty() {
        return bundle.bloom().into();
    }
    build::bloom(bundle.indices(), bundle.counts().0, bundle.salt()).into()
}

/// The name of a bundle's mark in the store, one for each issuer and stream, for a host that loads the marks itself. Returns `None`
/// if the bytes are no bundle; verifies nothing else.
pub fn mark(bundle: &[u8]) -> Option<String> {
    Bundle::inspect(bundle).ok().map(|(bundle, _)| name(&bundle))
}

/// The issuer and the stream of a bundle; verifies nothing.
#[cfg(feature = "follow")]
pub(crate) fn head(bundle: &[u8]) -> Option<(String, u64)> {
    let (bundle, _) = Bundle::inspect(bundle).ok()?;
    Some((bundle.issuer().to_owned(), bundle.stream()))
}

fn name(bundle: &Bundle<'_>) -> String {
    match (bundle.stream(), bundle.issuer()) {
        (0, issuer) => format!("{SEEN}{issuer}"),
        (stream, issuer) => format!("{SEEN_STREAM}{stream}.{issuer}"),
    }
}

fn encode(seen: &BundleMark) -> Vec<u8> {
    [&seen.sequence.to_be_bytes()[..], &seen.digest, seen.kid.as_bytes()].concat()
}

fn decode(saved: &[u8]) -> Option<BundleMark> {
    let (sequence, rest) = saved.split_first_chunk::<8>()?;
    let (digest, kid) = rest.split_first_chunk::<32>()?;
    Some(BundleMark { sequence: u64::from_be_bytes(*sequence), digest: *digest, kid: Kid::new(kid).ok()? })
}
