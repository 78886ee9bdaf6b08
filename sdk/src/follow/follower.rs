//! Keeps a gate's keyset and bundles up to date.

use std::{
    fmt,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use http::Uri;
use licentia_core::limits;
use tokio::{
    runtime,
    sync::{Notify, watch},
};

use crate::{
    gate::{Gate, GateBuilder},
    license::head,
};

use super::{
    cache::Cache,
    error::FollowError,
    events,
    fetch::Fetcher,
    place::Place,
    settings::{Follow, Report},
    source::{Source, jittered},
    trusted::Trusted,
};

/// Failures in a row double the time to the next try, up to this many polls.
const MOST_BACK_OFF: u32 = 16;
/// Most deltas that are fetched in one poll.
const MOST_DELTAS: usize = 16;

/// A gate whose keysets and bundles are followed in a thread, which ends when this is dropped.
pub struct Following {
    trusted: Trusted,
    stop: watch::Sender<bool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Follow {
    /// Builds the gate with the best keyset that can be had, from its place or the last good one, and follows from now on
    /// in a thread. Bundles that cannot be had now come later; until then licences that need one are refused.
    ///
    /// Blocks until every place was looked at once.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn start(self, builder: GateBuilder) -> Result<Following, FollowError> {
        let (stop, stopped) = watch::channel(false);
        let (send, started) = mpsc::sync_channel(1);
        let run = move || {
            let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => return drop(send.send(Err(FollowError::Thread(error)))),
            };
            runtime.block_on(async {
                match Follower::start(self, builder).await {
                    Ok(follower) => {
                        // Who has started this may be gone.
                        let _ = send.send(Ok(follower.trusted.clone()));
                        follower.run(stopped).await;
                    }
                    Err(error) => drop(send.send(Err(error))),
                }
            });
        };
        let thread =
            thread::Builder::new().name("licentia-follow".into()).spawn(run).map_err(FollowError::Thread)?;
        let ended = |_| FollowError::Settings("the thread that follows has ended".into());
        let trusted = started.recv().map_err(ended)??;
        Ok(Following { trusted, stop, thread: Some(thread) })
    }
}

impl Following {
    /// The gate.
    pub fn gate(&self) -> &Arc<Gate> {
        self.trusted.gate()
    }

    /// The gate, with what is loaded into it by hand and by this.
    pub fn trusted(&self) -> &Trusted {
        &self.trusted
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        // The thread may have ended.
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Following {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Following").finish_non_exhaustive()
    }
}

/// What is followed.
struct Follower {
    trusted: Trusted,
    fetcher: Fetcher,
    cache: Cache,
    keyset: Option<Source>,
    bundles: Vec<Bundle>,
    poll: Duration,
    events: Option<Uri>,
    report: Report,
    known: Vec<String>,
}

/// A bundle that is followed.
struct Bundle {
    at: usize,
    source: Source,
    deltas: Option<String>,
    /// Its issuer and stream, once one was loaded.
    of: Option<(String, u64)>,
}

impl Follower {
    async fn start(settings: Follow, builder: GateBuilder) -> Result<Self, FollowError> {
        let Follow { keyset, bundles, events, poll, cache, ca, report } = settings;
        let fetcher = Fetcher::new(
            uses_tls(keyset.as_ref().map(|(_, place)| place), &bundles, events.as_ref()),
            ca.as_deref(),
        );
        let fetcher = fetcher.map_err(FollowError::Settings)?;
        let cache = Cache::new(cache);
        let mut problems = Vec::new();
        let mut builder = builder;
        if !bundles.is_empty() {
            builder = builder.require_revocation();
        }
        let (root, mut keyset) =
            keyset.map(|(root, place)| (root, Source::new(place, limits::BUNDLE_BYTES))).unzip();
        let mut offered = None;
        if let Some(source) = &mut keyset {
            offered = source.poll(&fetcher).await.unwrap_or_else(|problem| {
                problems.push(format!("`keyset`: {problem}"));
                None
            });
        }
        let cached = keyset.as_ref().and_then(|_| cache.keyset());
        // The cached one goes first: an older one that is offered now must not replace it.
        let (first, second) = if cached.is_some() { (cached, offered) } else { (offered, None) };
        if keyset.is_some() && first.is_none() {
            return Err(FollowError::NoKeyset(problems.join("; ")));
        }
        let build = |keyset: Option<&[u8]>| {
            let builder = builder.clone();
            match (&root, keyset) {
                (Some(root), Some(keyset)) => builder.keyset(root.clone(), keyset).build(),
                _ => builder.build(),
            }
        };
        let gate = match build(first.as_deref()) {
            Ok(gate) => gate,
            // A cache that is damaged must not stand in the way of a good keyset.
            Err(problem) => match &second {
                Some(second) => {
                    problems.push(format!("`cache`: {problem}"));
                    build(Some(second)).map_err(FollowError::Gate)?
                }
                None => return Err(FollowError::Gate(problem)),
            },
        };
        let trusted = Trusted::new(gate);
        let places = bundles.into_iter().enumerate().map(|(at, bundle)| Bundle {
            at,
            source: Source::new(bundle.place, limits::BUNDLE_BYTES),
            deltas: bundle.deltas,
            of: None,
        });
        let bundles = places.collect();
        let known = Vec::new();
        let mut follower = Self { trusted, fetcher, cache, keyset, bundles, poll, events, report, known };
        if let Some(keyset) = second.or(first)
            && follower.keyset.is_some()
        {
            problems.extend(follower.take_keyset(&keyset).err());
        }
        for bundle in &mut follower.bundles {
            problems.extend(bundle.load_cached(&follower.cache, &follower.trusted).err());
        }
        problems.extend(follower.poll_bundles().await);
        follower.report(problems);
        Ok(follower)
    }

    /// Reports what was not wrong before.
    fn report(&mut self, problems: Vec<String>) {
        let new = problems.iter().filter(|problem| !self.known.contains(*problem));
        new.for_each(|problem| (self.report)(problem));
        self.known = problems;
    }

    /// Looks at every place once, and returns what is wrong.
    async fn poll_once(&mut self) -> Vec<String> {
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
        self.cache.keep_keyset(keyset)
    }

    async fn poll_bundles(&mut self) -> Vec<String> {
        let mut problems = Vec::new();
        for bundle in &mut self.bundles {
            if bundle.poll_deltas(&self.fetcher, &self.trusted, &self.cache).await {
                continue;
            }
            let result = bundle.poll(&self.fetcher, &self.trusted, &self.cache).await;
            problems.extend(result.err().map(|problem| format!("`bundle`: {problem}")));
        }
        self.trusted.note_missing(self.bundles.iter().filter(|bundle| bundle.of.is_none()).count());
        problems
    }

    /// Looks again and again until `stop`.
    async fn run(mut self, mut stop: watch::Receiver<bool>) {
        if self.keyset.is_none() && self.bundles.is_empty() {
            let _ = stop.wait_for(|stop| *stop).await;
            return;
        }
        let look = Arc::new(Notify::new());
        if let Some(url) = self.events.take() {
            let (fetcher, trusted) = (self.fetcher.clone(), self.trusted.clone());
            let (cache, report) = (self.cache.clone(), Arc::clone(&self.report));
            let look = Arc::clone(&look);
            tokio::spawn(events::follow(url, fetcher, (trusted, cache), look, stop.clone(), report));
        }
        let mut failures = 0_u32;
        loop {
            let wait = self.wait(failures);
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = look.notified() => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
            let problems = tokio::select! {
                problems = self.poll_once() => problems,
                _ = stop.wait_for(|stop| *stop) => return,
            };
            failures = if problems.is_empty() { 0 } else { failures.saturating_add(1) };
            self.report(problems);
            self.trusted.note_polled();
        }
    }

    /// The time to the next look.
    fn wait(&self, failures: u32) -> Duration {
        let times = 1_u32.checked_shl(failures).unwrap_or(MOST_BACK_OFF).clamp(1, MOST_BACK_OFF);
        jittered(self.poll.saturating_mul(times))
    }
}

impl Bundle {
    /// Loads what the cache has: the bundle with its deltas, or without them if they don't fit.
    fn load_cached(&mut self, cache: &Cache, trusted: &Trusted) -> Result<(), String> {
        let Some(chain) = cache.bundle(self.at) else { return Ok(()) };
        let Some((whole, deltas)) = chain.split_first() else { return Ok(()) };
        let loaded = trusted.load_chain(&chain).map(|_| deltas.len());
        let loaded = loaded.or_else(|error| {
            if deltas.is_empty() { Err(error) } else { trusted.load_revocation(whole).map(|_| 0) }
        });
        let deltas = loaded.map_err(|error| format!("`cache` bundle.{}: {error}", self.at))?;
        self.of = head(whole);
        cache.note(self.at, whole, deltas);
        Ok(())
    }

    /// Fetches the bundle if it has changed.
    async fn poll(&mut self, fetcher: &Fetcher, trusted: &Trusted, cache: &Cache) -> Result<(), String> {
        let Some(bundle) = self.source.poll(fetcher).await? else { return Ok(()) };
        match trusted.load_revocation(&bundle) {
            Ok(_) => {
                self.of = head(&bundle);
                cache.keep_bundle(self.at, &bundle)
            }
            Err(code) => {
                // Its key may come with the next keyset.
                self.source.forget();
                Err(format!("the bundle was refused: {code}"))
            }
        }
    }

    /// Fetches the deltas that lead from the bundle in use to the newest; `false` if the whole bundle must be asked for.
    async fn poll_deltas(&mut self, fetcher: &Fetcher, trusted: &Trusted, cache: &Cache) -> bool {
        let (Some(template), Some((issuer, stream))) = (&self.deltas, &self.of) else { return false };
        for _ in 0..MOST_DELTAS {
            let in_use = trusted.gate().stream_revocation(issuer, *stream);
            let Some(in_use) = in_use.filter(|_| !cache.wants_whole(self.at)) else { return false };
            let Ok(url) = template.replace("{from}", &in_use.sequence.to_string()).parse() else {
                return false;
            };
            match fetcher.get(&url, None, limits::BUNDLE_BYTES).await {
                Ok(None) => return true,
                Ok(Some(delta)) => {
                    if !matches!(trusted.load_revocation(&delta.bytes), Ok(true))
                        || cache.keep_delta(&delta.bytes).is_err()
                    {
                        return false;
                    }
                }
                Err(_) => return false,
            }
        }
        false
    }
}

/// Whether some URL is `https`.
fn uses_tls(keyset: Option<&Place>, bundles: &[super::settings::BundlePlace], events: Option<&Uri>) -> bool {
    let is_https = |text: &str| text.starts_with("https:");
    let of_place = |place: &Place| matches!(place, Place::Url(url) if url.scheme_str() == Some("https"));
    keyset.is_some_and(of_place)
        || events.is_some_and(|url| url.scheme_str() == Some("https"))
        || bundles
            .iter()
            .any(|bundle| of_place(&bundle.place) || bundle.deltas.as_deref().is_some_and(is_https))
}
