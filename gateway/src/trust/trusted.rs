//! Keeps a gate's keyset and bundles up to date.

use std::{sync::Arc, time::Duration};

use licentia::{Gate, LoadError, event::Sink, limits};
use tokio::sync::watch;

use crate::config::{Config, Place};

use super::{cache::Cache, fetch::Fetcher, gate::build, source::Source};

/// The keyset's name in the cache.
const KEYSET: &str = "keyset";
/// Failures in a row double the time to the next try, up to this many polls.
const MOST_BACK_OFF: u32 = 16;

/// A gate whose keyset and bundles are looked for again and again. Clones share it.
#[derive(Clone, Debug)]
pub struct Trusted {
    gate: Arc<Gate>,
    /// Counts what was loaded.
    loaded: watch::Sender<u64>,
    /// Counts how often every place was looked at.
    polled: watch::Sender<u64>,
}

/// What is followed.
#[derive(Debug)]
pub(crate) struct Follower {
    trusted: Trusted,
    fetcher: Fetcher,
    cache: Cache,
    keyset: Option<Source>,
    bundles: Vec<Source>,
    poll: Duration,
}

impl Trusted {
    /// The gate.
    pub fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// Loads a keyset, as [`Gate::load_keyset`] does, and lets open streams be checked again.
    ///
    /// # Errors
    /// Those of [`Gate::load_keyset`].
    pub fn load_keyset(&self, keyset: &[u8]) -> Result<bool, LoadError> {
        self.noting(self.gate.load_keyset(keyset))
    }

    /// Loads a revocation bundle or a delta, as [`Gate::load_revocation`] does, and lets open streams be checked again.
    ///
    /// # Errors
    /// Those of [`Gate::load_revocation`].
    pub fn load_revocation(&self, bundle: &[u8]) -> Result<bool, LoadError> {
        self.noting(self.gate.load_revocation(bundle))
    }

    /// Changes whenever something new was loaded.
    pub fn loaded(&self) -> watch::Receiver<u64> {
        self.loaded.subscribe()
    }

    /// Changes whenever every place was looked at.
    pub fn polled(&self) -> watch::Receiver<u64> {
        self.polled.subscribe()
    }

    fn noting(&self, result: Result<bool, LoadError>) -> Result<bool, LoadError> {
        if let Ok(true) = result {
            self.loaded.send_modify(|loaded| *loaded = loaded.wrapping_add(1));
        }
        result
    }
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
        let https =
            places.clone().any(|place| matches!(place, Place::Url(url) if url.scheme_str() == Some("https")));
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
        let trusted =
            Trusted { gate: Arc::new(gate), loaded: watch::channel(0).0, polled: watch::channel(0).0 };
        let bundles = trust.bundles.iter();
        let bundles: Vec<Source> =
            bundles.map(|place| Source::new(place.clone(), limits::BUNDLE_BYTES)).collect();
        let mut follower = Self { trusted, fetcher, cache, keyset, bundles, poll: trust.poll };
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
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>, report: impl Fn(&str) + Send) {
        if self.keyset.is_none() && self.bundles.is_empty() {
            return;
        }
        let (mut failures, mut known) = (0_u32, Vec::new());
        loop {
            let wait = self.wait(failures);
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
            let problems = self.poll_once().await;
            problems.iter().filter(|problem| !known.contains(*problem)).for_each(|problem| report(problem));
            failures = if problems.is_empty() { 0 } else { failures.saturating_add(1) };
            known = problems;
            self.trusted.polled.send_modify(|polled| *polled = polled.wrapping_add(1));
        }
    }

    /// The time to the next look, with jitter, so that many gateways don't ask at once.
    fn wait(&self, failures: u32) -> Duration {
        let times = 1_u32.checked_shl(failures).unwrap_or(MOST_BACK_OFF).clamp(1, MOST_BACK_OFF);
        let mut random = [0; 4];
        // Without randomness there is no jitter.
        let _ = getrandom::fill(&mut random);
        let jitter = u32::from_be_bytes(random) % 1000;
        // From 0.8 to 1.2 of it.
        self.poll.saturating_mul(times).saturating_mul(800 + jitter * 2 / 5) / 1000
    }
}

fn bundle_name(at: usize) -> String {
    format!("bundle.{at}")
}
