//! Polls a feed in a thread.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use crate::gate::Gate;

use super::{
    error::{FeedError, StartError},
    feed::Feed,
    worker::Worker,
};

/// A thread that loads bundles and deltas into a gate as they come. It ends when this is dropped, or with the gate.
#[derive(Debug)]
pub struct Watch {
    _worker: Worker,
}

impl Watch {
    /// Loads a file now, and again whenever it has changed, checking every `interval`: see [`Feed::file`]. Later
    /// errors go to `report`, and the bundle in use stays.
    ///
    /// # Errors
    /// [`StartError::Feed`] if the file cannot be read or is refused as it is now; [`StartError::ZeroInterval`];
    /// [`StartError::Thread`].
    pub fn start(
        gate: &Arc<Gate>,
        path: impl Into<PathBuf>,
        interval: Duration,
        report: impl FnMut(FeedError) + Send + 'static,
    ) -> Result<Self, StartError> {
        Self::first_now(gate, interval, Feed::file(path), report)
    }

    /// Loads what `source` returns now, and polls it again every `interval`: a fetch over HTTP, a message queue.
    /// It returns `None` if there is nothing new. Later errors of the source or of loading go to `report`, and the
    /// bundle in use stays. A delta that does not fit is reported as [`licentia_core::Code::BundleWrongBase`]; the
    /// source should then return a whole bundle. A source that panics is reported as
    /// [`FeedError::SourcePanicked`], and polled again.
    ///
    /// # Errors
    /// [`StartError::Feed`] if the first poll fails; [`StartError::ZeroInterval`]; [`StartError::Thread`].
    pub fn source(
        gate: &Arc<Gate>,
        interval: Duration,
        source: impl FnMut() -> Result<Option<Vec<u8>>, FeedError> + Send + 'static,
        report: impl FnMut(FeedError) + Send + 'static,
    ) -> Result<Self, StartError> {
        Self::first_now(gate, interval, Feed::new(source), report)
    }

    /// As [`Watch::source`], for a service that must start while its source is down: an error of the first poll goes
    /// to `report` too. Until a bundle comes, the gate has none; build it with
    /// [`GateBuilder::require_revocation`](crate::GateBuilder::require_revocation), so that this is not mistaken for
    /// nothing being revoked.
    ///
    /// # Errors
    /// [`StartError::ZeroInterval`] or [`StartError::Thread`].
    pub fn eventually(
        gate: &Arc<Gate>,
        interval: Duration,
        source: impl FnMut() -> Result<Option<Vec<u8>>, FeedError> + Send + 'static,
        report: impl FnMut(FeedError) + Send + 'static,
    ) -> Result<Self, StartError> {
        Self::feed(gate, interval, Feed::new(source), report)
    }

    /// As [`Watch::eventually`], for a feed that exists already: [`Feed::file`] too.
    ///
    /// # Errors
    /// [`StartError::ZeroInterval`] or [`StartError::Thread`].
    pub fn feed(
        gate: &Arc<Gate>,
        interval: Duration,
        mut feed: Feed,
        mut report: impl FnMut(FeedError) + Send + 'static,
    ) -> Result<Self, StartError> {
        if let Err(error) = feed.load(gate) {
            report(error);
        }
        Self::run(gate, interval, feed, report)
    }

    fn first_now(
        gate: &Arc<Gate>,
        interval: Duration,
        mut feed: Feed,
        report: impl FnMut(FeedError) + Send + 'static,
    ) -> Result<Self, StartError> {
        feed.load(gate)?;
        Self::run(gate, interval, feed, report)
    }

    fn run(
        gate: &Arc<Gate>,
        interval: Duration,
        mut feed: Feed,
        mut report: impl FnMut(FeedError) + Send + 'static,
    ) -> Result<Self, StartError> {
        if interval.is_zero() {
            return Err(StartError::ZeroInterval);
        }
        // The caller's closures may panic, and revocations must go on being loaded.
        let work = move |gate: &Gate| {
            let result = catch_unwind(AssertUnwindSafe(|| feed.load(gate)));
            if let Err(error) = result.unwrap_or(Err(FeedError::SourcePanicked)) {
                let _ = catch_unwind(AssertUnwindSafe(|| report(error)));
            }
        };
        Ok(Self { _worker: Worker::start("licentia-revocation", gate, interval, work)? })
    }
}
