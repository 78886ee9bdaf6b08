//! Builds the gate from the configuration, and follows its keysets and bundles.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use licentia::{
    GateBuilder, Mode as GateMode,
    event::Sink,
    follow::{Follow, FollowError, Following},
    store,
};

use crate::config::{Config, Mode};

/// How long after a look for the first keyset the next one comes.
const PAUSE: Duration = Duration::from_millis(500);

/// Builds the gate and follows what it trusts. Blocks until every place was looked at once. If there is no keyset yet,
/// for instance because the server starts at the same time, it looks again until `wait` is over.
///
/// # Errors
/// What is wrong, with the setting.
pub(crate) fn start(
    config: &Config,
    sinks: Vec<Arc<dyn Sink>>,
    report: impl Fn(&str) + Send + Sync + 'static,
) -> Result<Following, String> {
    let store = store::open_lazily(&config.store).map_err(|error| format!("`store`: {error}"))?;
    let mode = match config.mode {
        Mode::Enforce => GateMode::Enforce,
        Mode::Advisory => GateMode::Advisory,
    };
    let trust = &config.trust;
    let mut builder = GateBuilder::with_store(store).mode(mode).share_rates(config.share_rates);
    for key in &trust.keys {
        builder = builder.key(key.clone());
    }
    if let Some(issuer) = &config.issuer {
        builder = builder.issuer(issuer.clone());
    }
    if let Some(audience) = &config.audience {
        builder = builder.audience(audience.clone());
    }
    let builder = sinks.into_iter().fold(builder, GateBuilder::sink);
    let report = Arc::new(report);
    let reports = Arc::clone(&report);
    let mut follow = Follow::new().poll(trust.poll).report(move |problem| reports(problem));
    if let (Some(root), Some(keyset)) = (&trust.root, &trust.keyset) {
        follow = follow.keyset(root.clone(), keyset.clone());
    }
    for bundle in &trust.bundles {
        follow = follow.bundle(bundle.clone());
    }
    if let Some(deltas) = &trust.delta {
        follow = follow.deltas(deltas.clone());
    }
    if let Some(events) = &trust.events {
        follow = follow.events(events.clone());
    }
    if let Some(cache) = &trust.cache {
        follow = follow.cache(cache.clone());
    }
    if let Some(ca) = &trust.ca {
        follow = follow.ca(ca.clone());
    }
    let deadline = Instant::now() + trust.wait;
    let mut is_reported = false;
    loop {
        match follow.clone().start(builder.clone()) {
            Err(error @ FollowError::NoKeyset(_)) if Instant::now() < deadline => {
                if !is_reported {
                    report(&format!("{error}; trying again for {} seconds", trust.wait.as_secs()));
                    is_reported = true;
                }
                thread::sleep(PAUSE);
            }
            started => return started.map_err(|error| error.to_string()),
        }
    }
}
