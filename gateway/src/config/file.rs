//! The sections of `gateway.toml`, as they are written.

use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use super::{address::Address, duration::Period, network::Network};

/// `[listen]`: an address for each protocol that is wanted, `HOST:PORT` or `unix:PATH`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Listen {
    pub(super) proxy: Option<Address>,
    pub(super) check: Option<Address>,
    pub(super) grpc: Option<Address>,
    pub(super) admin: Option<Address>,
    pub(super) health: Option<Address>,
}

/// `[admin]`: the live page at `listen.admin`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Admin {
    pub(super) token_file: Option<PathBuf>,
    pub(super) hosts: Vec<String>,
}

/// `[trust]`: whose licences are accepted, and what is revoked.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Trust {
    pub(super) keys: Vec<Spanned<String>>,
    pub(super) root: Option<Spanned<String>>,
    pub(super) keyset: Option<Spanned<String>>,
    pub(super) bundle: Option<OneOrMore>,
    pub(super) delta: Option<Spanned<String>>,
    pub(super) events: Option<Spanned<String>>,
    pub(super) poll: Option<Period>,
    pub(super) wait: Option<Period>,
    pub(super) cache: Option<PathBuf>,
    pub(super) ca: Option<PathBuf>,
}

/// A text, or a list of texts.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl OneOrMore {
    pub(super) fn into_list(self) -> Vec<String> {
        match self {
            Self::One(one) => vec![one],
            Self::More(more) => more,
        }
    }
}

/// `[proxy]`: where the reverse proxy sends what is allowed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Proxy {
    pub(super) upstream: Spanned<String>,
    pub(super) host: Option<HostField>,
    pub(super) connect_timeout: Option<Period>,
    pub(super) response_timeout: Option<Period>,
}

/// `[tls]`: the certificate of the reverse proxy.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tls {
    pub(super) certificate: Spanned<PathBuf>,
    pub(super) key: PathBuf,
}

/// Which `Host` an upstream gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HostField {
    /// The one that the client sent.
    #[default]
    Client,
    /// The authority of the upstream's URL.
    Upstream,
}

/// `[receipts]`: signed receipts of what was used.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Receipts {
    pub(super) log: PathBuf,
    pub(super) key: PathBuf,
    pub(super) interval: Option<Period>,
    pub(super) server: Option<Spanned<String>>,
    pub(super) credential: Option<PathBuf>,
    pub(super) vendor: Option<Vec<Spanned<String>>>,
}

/// The settings that are not in a section.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct General {
    pub(super) issuer: Option<String>,
    pub(super) audience: Option<String>,
    pub(super) origin: Option<Spanned<String>>,
    pub(super) store: Option<Spanned<String>>,
    pub(super) share_rates: bool,
    pub(super) mode: Option<Mode>,
    pub(super) node: Option<Spanned<String>>,
    pub(super) release: Option<u64>,
    pub(super) unlisted: Option<Unlisted>,
    pub(super) trusted_proxies: Option<Vec<Network>>,
    pub(super) openapi: Option<Spanned<PathBuf>>,
}

/// Whether refusals hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// What is refused is refused.
    #[default]
    Enforce,
    /// Everything passes; events and logs say what would have been refused.
    Advisory,
}

/// What happens to a request that no route covers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unlisted {
    /// It is refused.
    #[default]
    Deny,
    /// It needs a valid licence, and is charged nothing.
    Licence,
    /// It passes without a licence.
    Open,
}
