//! `server.toml`: what a service is started with.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use licentia_issuer::LedgerLocation;
use serde::Deserialize;

use crate::{stripe::StripeConfig, usage::OpenMeterConfig, webhooks::WebhooksConfig};

/// What a service is started with. Paths are relative to the file's folder.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Config {
    /// Where it listens.
    #[serde(default = "default_listen")]
    pub listen: SocketAddr,
    /// The ledger: `sqlite:PATH`, a path, or `postgres://…`.
    pub ledger: String,
    /// The public origin, `https://licences.acme.example`, which precedes path and query in proofs. Without it no proof
    /// is accepted, so that credentials which are bound to a key are refused.
    pub origin: Option<String>,
    /// The public half of the root key.
    pub root: PathBuf,
    /// The signed keyset.
    pub keyset: PathBuf,
    /// How webhooks are called.
    #[serde(default)]
    pub webhooks: WebhooksConfig,
    /// Payments by Stripe.
    pub stripe: Option<StripeConfig>,
    /// Where usage is sent.
    pub openmeter: Option<OpenMeterConfig>,
    /// The issuers.
    pub issuer: Vec<IssuerConfig>,
    /// The folder of the file.
    #[serde(skip)]
    folder: PathBuf,
}

/// An issuer. Test and live are two issuers, with keys of their own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct IssuerConfig {
    /// Its name (`iss`).
    pub name: String,
    /// The private key that signs licences, in PEM.
    pub license_key: PathBuf,
    /// The private key that signs bundles, in PEM.
    pub revocation_key: PathBuf,
    /// The catalogue that is active until another one is activated.
    pub catalogue: Option<PathBuf>,
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8090))
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// What is wrong, with the file.
    pub fn load(path: &Path) -> Result<Self, String> {
        let text = licentia_issuer::file::read_text(path).map_err(|error| error.to_string())?;
        let folder = path.parent().unwrap_or(Path::new("."));
        Self::parse(&text, folder).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Reads a text, whose paths are relative to `folder`.
    ///
    /// # Errors
    /// What is wrong, with the line.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, String> {
        let mut config: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        if config.issuer.is_empty() {
            return Err("it has no `[[issuer]]`".into());
        }
        let mut names: Vec<&str> = config.issuer.iter().map(|issuer| &*issuer.name).collect();
        names.sort_unstable();
        if let Some([name, _]) = names.windows(2).find(|pair| pair.first() == pair.last()) {
            return Err(format!("`[[issuer]]` {name:?} is there twice"));
        }
        folder.clone_into(&mut config.folder);
        Ok(config)
    }

    /// A path of the file, from its folder on.
    pub fn path(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }

    /// Where the ledger is.
    pub fn ledger(&self) -> LedgerLocation {
        let Ok(location) = self.ledger.parse();
        match location {
            LedgerLocation::Sqlite(path) => LedgerLocation::Sqlite(self.path(&path)),
            other => other,
        }
    }
}
