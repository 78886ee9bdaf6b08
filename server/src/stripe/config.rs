//! `[stripe]` of `server.toml`.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use zeroize::Zeroizing;

use super::{account::Payments, api::Stripe};
use crate::outgoing::{Client, Networks};

/// `[stripe]` of `server.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct StripeConfig {
    /// The issuer whose licences are paid.
    pub issuer: String,
    /// The file of the secret key, which may be a restricted one: it reads subscriptions, and writes meter events.
    pub key: PathBuf,
    /// The file of the endpoint's signing secrets (`whsec_…`), one a line: two while one is rotated.
    pub webhook_secrets: PathBuf,
    /// Where Stripe's API is.
    #[serde(default = "api")]
    pub base: String,
    /// The tier of each price: `NAME`, or `NAME@VERSION`. A price whose lookup key is a tier's name needs no line.
    #[serde(default)]
    pub prices: BTreeMap<String, String>,
    /// The event name of Stripe's meter for each meter that is billed by use. Its formula must be `last`.
    #[serde(default)]
    pub meters: BTreeMap<String, String>,
}

fn api() -> String {
    "https://api.stripe.com".into()
}

impl StripeConfig {
    /// Loads the keys from files in a folder.
    ///
    /// # Errors
    /// What is wrong, with the file or the setting.
    pub(crate) fn open(&self, folder: &Path) -> Result<Payments, String> {
        let read = |setting: &str, path: &Path| {
            let path = folder.join(path);
            let text = fs::read_to_string(&path);
            text.map(Zeroizing::new)
                .map_err(|error| format!("`stripe.{setting}` {}: {error}", path.display()))
        };
        let key = read("key", &self.key)?;
        let secrets = read("webhook_secrets", &self.webhook_secrets)?;
        let secrets = secrets.lines().map(str::trim).filter(|line| !line.is_empty());
        let secrets: Vec<Zeroizing<String>> = secrets.map(|line| Zeroizing::new(line.to_owned())).collect();
        if secrets.is_empty() || secrets.iter().any(|secret| !secret.starts_with("whsec_")) {
            return Err("`stripe.webhook_secrets`: each line must be a secret such as whsec_…".into());
        }
        // The operator writes this address, and nobody else can.
        let client = Client::new(Networks::all())?;
        client.check(&self.base, true).map_err(|error| format!("`stripe.base`: {error}"))?;
        let stripe = Stripe::new(client, &self.base, key.trim())?;
        Ok(Payments::new(stripe, secrets, self.issuer.clone(), self.prices.clone(), self.meters.clone()))
    }
}
