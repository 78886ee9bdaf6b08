//! What is followed.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use http::Uri;
use licentia_core::Key;

use super::place::Place;

/// Gets each problem, once while it lasts.
pub(super) type Report = Arc<dyn Fn(&str) + Send + Sync>;

/// A bundle, and where the deltas are that lead to it.
#[derive(Clone, Debug)]
pub(super) struct BundlePlace {
    pub(super) place: Place,
    pub(super) deltas: Option<String>,
}

/// What is followed, and how. [`Follow::start`] builds the gate and follows.
#[derive(Clone)]
#[must_use]
pub struct Follow {
    pub(super) keyset: Option<(Key, Place)>,
    pub(super) bundles: Vec<BundlePlace>,
    pub(super) events: Option<Uri>,
    pub(super) poll: Duration,
    pub(super) cache: Option<PathBuf>,
    pub(super) ca: Option<PathBuf>,
    pub(super) report: Report,
}

impl Follow {
    /// Follows nothing yet; polls every 30 seconds.
    pub fn new() -> Self {
        Self {
            keyset: None,
            bundles: Vec::new(),
            events: None,
            poll: Duration::from_secs(30),
            cache: None,
            ca: None,
            report: Arc::new(|_| ()),
        }
    }

    /// A keyset, and the root key that signs it.
    pub fn keyset(self, root: Key, place: Place) -> Self {
        Self { keyset: Some((root, place)), ..self }
    }

    /// A bundle; several, if there are several issuers or streams. The gate then requires revocations:
    /// [`GateBuilder::require_revocation`](crate::GateBuilder::require_revocation).
    pub fn bundle(mut self, place: Place) -> Self {
        self.bundles.push(BundlePlace { place, deltas: None });
        self
    }

    /// Where the deltas of the bundle are that was named last: a URL with `{from}` for the sequence number in use, such
    /// as `https://acme.example/.well-known/licentia/delta/{from}`. A delta is asked for first, and the bundle if there is
    /// none. 204 says that there is nothing newer.
    pub fn deltas(mut self, url: impl Into<String>) -> Self {
        if let Some(last) = self.bundles.last_mut() {
            last.deltas = Some(url.into());
        }
        self
    }

    /// The vendor's event stream, by which a revocation is known at once. Each event (`text/event-stream`) has a JSON
    /// object: `issuer`, `stream` and `sequence` of a new bundle, and `delta`, the delta that leads to it, in unpadded
    /// base64url, if it is short.
    pub fn events(self, url: Uri) -> Self {
        Self { events: Some(url), ..self }
    }

    /// How often every place is looked at, with jitter of a fifth. Failures in a row double the time, up to 16 times.
    pub fn poll(self, interval: Duration) -> Self {
        Self { poll: interval, ..self }
    }

    /// A folder with the last good ones. With it, the service starts while the vendor is away: what is in the folder is
    /// verified anew.
    pub fn cache(self, folder: impl Into<PathBuf>) -> Self {
        Self { cache: Some(folder.into()), ..self }
    }

    /// A file with certificates of authorities, in PEM, in place of the system's.
    pub fn ca(self, file: impl Into<PathBuf>) -> Self {
        Self { ca: Some(file.into()), ..self }
    }

    /// Gets each problem, once while it lasts: what cannot be fetched, and what is refused.
    pub fn report(self, report: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { report: Arc::new(report), ..self }
    }
}

impl Default for Follow {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Follow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follow")
            .field("keyset", &self.keyset.as_ref().map(|(_, place)| place))
            .field("bundles", &self.bundles)
            .field("events", &self.events)
            .finish_non_exhaustive()
    }
}
