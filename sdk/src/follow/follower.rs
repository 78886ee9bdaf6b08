//! Keeps a gate's keyset and bundles up to date.

use std::{sync::Arc, time::Duration};

use http::Uri;
use licentia::{event::Sink, limits};
use tokio::sync::{Notify, watch};

use crate::config::{Config, Place};

use super::{
    cache::Cache,
    events,
    fetch::Fetcher,
    gate::build,
    source::{Source, jittered},
    trusted::Trusted,
};

/// The keyset's name in the cache.
const KEYSET: &str = "keyset";
/// Failures in a row double the time to the next try, up to this many polls.
const MOST_BACK_OFF: u32 = 16;

/// What is followed.
#[derive(Debug)]
pub(crate) struct Follower {
    trusted: Trusted,
    fetcher: Fetcher,
    cache: Cache,
    keyset: Option<Source>,
    bundles: Vec<Source>,
    poll: Duration,
    events: Option<Uri>,
}

impl Follower {
    /// Builds the gate with the best keyset that can be had: from its place, or the last good one. Bundles that cannot
    /// be had now come later; until then licences that need one are refused.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub(crate) async fn start(
        config: &Config,
        sinks: Vec<Arc<dyn Sink>>,
    ) -> Result<(Self, Vec<String>), String> {
        let trust = &config.trust;
        let places = trust.keyset.iter().chain(&trust.bundles);
        let urls = places.filter_map(|place| match place {
            Place::Url(url) => Some(url),
            Place::File(_) => None,
        });
        let https = urls.chain(&trust.events).any(|url| url.scheme_str() == Some("https"));
        let fetcher = Fetcher::new(https, trust.ca.as_deref())?;
        let cache = Cache(trust.cache.clone());
        let mut problems = Vec::new();
        let mut keyset = trust.keyset.clone().map(|place| Source::new(place, limits::BUNDLE_BYTES));
        let mut offered = None;
        if let Some(source) = &mut keyset {
            offered = source.poll(&fetcher).await.unwrap_or_else(|problem| {
                problems.push(format!("`keyset`: {problem}"));
                None
            });
        }
        let cached = keyset.as_ref().and_then(|_| cache.read(KEYSET));
        // The cached one goes first: an older one that is offered now must not replace it.
        let (first, second) = if cached.is_some() { (cached, offered) } else { (offered, None) };
        if keyset.is_some() && first.is_none() {
            let tried = problems.join("; ");
            return Err(format!("{tried}; and `cache` has no earlier one"));
        }
        let gate = match build(config, first.as_deref(), sinks.clone()) {
            Ok(gate) => gate,
            // A cache that is damaged must not stand in the way of a good keyset.
            Err(problem) => match &second {
                Some(second) => {
                    problems.push(format!("`cache`: {problem}"));
                    build(config, Some(second), sinks)?
                }
                None => return Err(problem),
            },
        };
        let trusted = Trusted::new(gate);
        let bundles = trust.bundles.iter();
        let bundles: Vec<Source> =
            bundles.map(|place| Source::new(place.clone(), limits::BUNDLE_BYTES)).collect();
        let mut follower =
            Self { trusted, fetcher, cache, keyset, bundles, poll: trust.poll, events: trust.events.clone() };
        if let Some(keyset) = second.or(first)
            && follower.keyset.is_some()
        {
            problems.extend(follower.take_keyset(&keyset).err());
        }
        for at in 0..follower.bundles.len() {
            if let Some(cached) = follower.cache.read(&bundle_name(at))
                && let Err(code) = follower.trusted.load_revocation(&cached)
            {
                problems.push(format!("`cache` {}: {code}", bundle_name(at)));
            }
        }
        problems.extend(follower.poll_bundles().await);
        Ok((follower, problems))
    }

    pub(crate) fn trusted(&self) -> &Trusted {
        &self.trusted
    }

    /// Looks at every place once, and returns what is wrong.
    pub(crate) async fn poll_once(&mut self) -> Vec<String> {
        let mut problems = Vec::new();
        if let Some(source) = &mut self.keyset {
            match source.poll(&self.fetcher).await {
                Ok(Some(keyset)) => {
                    if let Err(problem) = self.take_keyset(&keyset) {
                        self.keyset.iter_mut().for_each(Source::forget);
                        problems.push(problem);
                    }
                }
                Ok(None) => {}
                Err(problem) => problems.push(format!("`keyset`: {problem}")),
            }
        }
        problems.extend(self.poll_bundles().await);
        problems
    }

    fn take_keyset(&self, keyset: &[u8]) -> Result<(), String> {
        self.trusted.load_keyset(keyset).map_err(|code| format!("`keyset` was refused: {code}"))?;
        self.cache.write(KEYSET, keyset)
    }

    async fn poll_bundles(&mut self) -> Vec<String> {
        let mut problems = Vec::new();
        for (at, source) in self.bundles.iter_mut().enumerate() {
            let result = match source.poll(&self.fetcher).await {
                Ok(None) => Ok(()),
                Ok(Some(bundle)) => match self.trusted.load_revocation(&bundle) {
                    Ok(_) => self.cache.write(&bundle_name(at), &bundle),
                    Err(code) => {
                        // Its key may come with the next keyset.
                        source.forget();
                        Err(format!("the bundle was refused: {code}"))
                    }
                },
                Err(problem) => Err(problem),
            };
            problems.extend(result.err().map(|problem| format!("`bundle`: {problem}")));
        }
        problems
    }

    /// Looks again and again until `stop`; each problem goes to `report`, once while it lasts.
    pub(crate) async fn run(
        mut self,
        mut stop: watch::Receiver<bool>,
        report: impl Fn(&str) + Copy + Send + 'static,
    ) {
        if self.keyset.is_none() && self.bundles.is_empty() {
            return;
        }
        let look = Arc::new(Notify::new());
        if let Some(url) = self.events.take() {
            let (fetcher, trusted) = (self.fetcher.clone(), self.trusted.clone());
            tokio::spawn(events::follow(url, fetcher, trusted, Arc::clone(&look), stop.clone(), report));
        }
        let (mut failures, mut known) = (0_u32, Vec::new());
        loop {
            let wait = self.wait(failures);
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = look.notified() => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
            let problems = self.poll_once().await;
            problems.iter().filter(|problem| !known.contains(*problem)).for_each(|problem| report(problem));
            failures = if problems.is_empty() { 0 } else { failures.saturating_add(1) };
            known = problems;
            self.trusted.note_polled();
        }
    }

    /// The time to the next look.
    fn wait(&self, failures: u32) -> Duration {
        let times = 1_u32.checked_shl(failures).unwrap_or(MOST_BACK_OFF).clamp(1, MOST_BACK_OFF);
        jittered(self.poll.saturating_mul(times))
    }
}

fn bundle_name(at: usize) -> String {
    format!("bundle.{at}")
}
