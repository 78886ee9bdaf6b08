//! Builds the gate from the configuration.

use std::sync::Arc;

use licentia::{Gate, GateBuilder, Mode as GateMode, event::Sink, store};

use crate::config::{Config, Mode};

/// Builds the gate, with its keys and keyset.
///
/// # Errors
/// What is wrong, with the setting.
pub(crate) fn build(
    config: &Config,
    keyset: Option<&[u8]>,
    sinks: Vec<Arc<dyn Sink>>,
) -> Result<Gate, String> {
    let store = store::open_lazily(&config.store).map_err(|error| format!("`store`: {error}"))?;
    let mode = match config.mode {
        Mode::Enforce => GateMode::Enforce,
        Mode::Advisory => GateMode::Advisory,
    };
    let mut builder = GateBuilder::with_store(store).mode(mode).share_rates(config.share_rates);
    for key in &config.trust.keys {
        builder = builder.key(key.clone());
    }
    if let Some(issuer) = &config.issuer {
        builder = builder.issuer(issuer.clone());
    }
    if let Some(audience) = &config.audience {
        builder = builder.audience(audience.clone());
    }
    if !config.trust.bundles.is_empty() {
        builder = builder.require_revocation();
    }
    if let (Some(root), Some(keyset)) = (&config.trust.root, keyset) {
        builder = builder.keyset(root.clone(), keyset);
    }
    sinks.into_iter().fold(builder, GateBuilder::sink).build().map_err(|error| error.to_string())
}
