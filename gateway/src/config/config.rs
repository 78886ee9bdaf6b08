//! A configuration that was read.

use std::{path::PathBuf, time::Duration};

use http::Uri;
use licentia::follow::Place;

use crate::{listen::Tls, routes::Table};

use super::{
    address::Address,
    file::{HostField, Mode, Unlisted},
    network::TrustedProxies,
};

/// A configuration that was read and found good.
#[derive(Debug)]
pub struct Config {
    /// Where the gateway listens.
    pub listen: Listen,
    /// The issuer that licences must be from.
    pub issuer: Option<String>,
    /// The service that licences must be for.
    pub audience: Option<String>,
    /// The public origin, which precedes path and query in proofs.
    pub origin: Option<String>,
    /// The store of the counters.
    pub store: String,
    /// Whether gateways on one store share rates.
    pub share_rates: bool,
    /// Whether refusals hold.
    pub mode: Mode,
    /// SHA-256 of this machine's fingerprint.
    pub node: Option<[u8; 32]>,
    /// The date of the running release, in seconds since 1970.
    pub release: Option<u64>,
    /// The live page.
    pub admin: Admin,
    /// Whose licences are accepted, and what is revoked.
    pub trust: Trust,
    /// Where the reverse proxy sends what is allowed.
    pub proxy: Option<Proxy>,
    /// The certificate of `listen.proxy`.
    pub tls: Option<Tls>,
    /// Signed receipts.
    pub receipts: Option<Receipts>,
    /// The OpenAPI document that has routes too.
    pub openapi: Option<PathBuf>,
    /// What may change while the gateway runs.
    pub rules: Rules,
}

/// The rules by which requests are decided. They may change while the gateway runs.
#[derive(Debug)]
pub struct Rules {
    /// The routes.
    pub table: Table,
    /// What happens to requests without a route.
    pub unlisted: Unlisted,
    /// Whose forwarded fields count.
    pub trusted_proxies: TrustedProxies,
}

/// Where the gateway listens, for each protocol that is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listen {
    /// The reverse proxy.
    pub proxy: Option<Address>,
    /// `/envoy`, `/forward` and `/nginx`.
    pub check: Option<Address>,
    /// Envoy's `Authorization` service over gRPC.
    pub grpc: Option<Address>,
    /// The live page and metrics.
    pub admin: Option<Address>,
    /// `/healthz`, `/readyz` and `/metrics`, without a token.
    pub health: Option<Address>,
}

/// The live page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admin {
    /// The file with the page's token; it is made if it is not there. Without it, each start has a new token.
    pub token_file: Option<PathBuf>,
    /// Names under which the page is reached, besides addresses and `localhost`.
    pub hosts: Vec<String>,
}

/// Whose licences are accepted, and what is revoked.
#[derive(Debug)]
pub struct Trust {
    /// Keys that sign licences.
    pub keys: Vec<licentia::Key>,
    /// The key that signs keysets.
    pub root: Option<licentia::Key>,
    /// Where the keyset is.
    pub keyset: Option<Place>,
    /// Where the bundles are, one for each issuer and stream.
    pub bundles: Vec<Place>,
    /// Where the deltas of the one bundle are: a URL with `{from}`.
    pub delta: Option<String>,
    /// The server's event stream.
    pub events: Option<Uri>,
    /// How often they are polled.
    pub poll: Duration,
    /// How long a start waits for the first keyset, if none is there and none is on disk.
    pub wait: Duration,
    /// The folder with the last good ones.
    pub cache: Option<PathBuf>,
    /// Certificates of authorities, in PEM, instead of the system's.
    pub ca: Option<PathBuf>,
}

/// The reverse proxy.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// Scheme, host and port of the service behind it.
    pub upstream: Uri,
    /// Which `Host` it gets.
    pub host: HostField,
    /// The longest time to connect.
    pub connect_timeout: Duration,
    /// The longest time until the response begins.
    pub response_timeout: Option<Duration>,
}

/// Signed receipts of what was used.
#[derive(Debug)]
pub struct Receipts {
    /// The log.
    pub log: PathBuf,
    /// The instance's private key, in PEM, as `licentia keygen` writes it. Each gateway has its own.
    pub key: PathBuf,
    /// How often what was counted is written.
    pub interval: Duration,
    /// The server that gets them.
    pub server: Option<Uri>,
    /// A file with the licence that the gateway presents there.
    pub credential: Option<PathBuf>,
    /// The vendor's keys that sign acknowledgements.
    pub vendor: Vec<licentia::Key>,
}

impl Default for Rules {
    fn default() -> Self {
        Self { table: Table::default(), unlisted: Unlisted::Deny, trusted_proxies: TrustedProxies::default() }
    }
}
