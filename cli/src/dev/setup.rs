//! The gateway's configuration.

use std::{
    net::{SocketAddr, TcpListener},
    path::PathBuf,
};

use serde_json::Value;

use super::{keys, place::Place};
use crate::terminal::output::Result;

/// What the gateway's configuration says.
pub(super) struct Setup {
    pub(super) upstream: String,
    pub(super) openapi: Option<PathBuf>,
    pub(super) is_toy: bool,
    pub(super) listen: SocketAddr,
    pub(super) admin: SocketAddr,
    pub(super) health: SocketAddr,
}

/// The routes of the toy API.
const TOY: &str = r#"
[[route]]
match = "GET /v1/status"
access = "open"

[[route]]
match = "GET /v1/forecast"
meters = { calls = 1 }
rates = { api = 1 }

[[route]]
match = "GET /v1/exports/{id}"
features = ["export"]
meters = { calls = 1, exports = 1 }
rates = { api = 1 }
"#;

/// The routes of an API that says nothing about licences: every path counts one call.
const EVERY_PATH: &str = r#"
[[route]]
match = "* /"
meters = { calls = 1 }
rates = { api = 1 }

[[route]]
match = "* /{*path}"
meters = { calls = 1 }
rates = { api = 1 }
"#;

impl Setup {
    /// The text of `gateway.toml`, which `licentia gateway` reads too.
    pub(super) fn text(&self, place: &Place) -> Result<String> {
        // A JSON string is a TOML string.
        let quoted = |text: &str| Value::from(text).to_string();
        let Self { upstream, openapi, listen, admin, health, .. } = self;
        if !is_origin(upstream) {
            return Err(format!(
                "--upstream {upstream}: write scheme, host and port only, such as http://127.0.0.1:3000"
            )
            .into());
        }
        let store = match place {
            Place::Temporary(_) => "memory:",
            Place::Kept(_) => "sqlite:counters.db",
        };
        let mut text = format!("issuer = \"{}\"\nstore = \"{store}\"\n", keys::ISSUER);
        if let Some(path) = openapi {
            let path =
                path.canonicalize().map_err(|error| format!("--openapi {}: {error}", path.display()))?;
            text += &format!("openapi = {}\n", quoted(&path.to_string_lossy()));
        }
        text += &format!("\n[listen]\nproxy = \"{listen}\"\nadmin = \"{admin}\"\nhealth = \"{health}\"\n");
        text += "\n[admin]\ntoken_file = \"admin.token\"\n";
        text += &format!("\n[proxy]\nupstream = {}\n", quoted(upstream));
        text += "\n[trust]\nroot = \"root.pub\"\nkeyset = \"keyset\"\nbundle = \"bundle\"\n";
        if openapi.is_none() {
            text += if self.is_toy { TOY } else { EVERY_PATH };
        }
        Ok(text)
    }
}

/// Whether a URL has a scheme that the gateway speaks, a host, and no path.
fn is_origin(url: &str) -> bool {
    let host = ["http://", "https://"].iter().find_map(|scheme| url.strip_prefix(scheme));
    host.is_some_and(|host| {
        let host = host.strip_suffix('/').unwrap_or(host);
        !host.is_empty() && !host.contains(['/', '?', '#', '@'])
    })
}

/// The address that was asked for; else this port, or a free one if it is taken.
pub(super) fn free(asked: Option<SocketAddr>, port: u16) -> SocketAddr {
    let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let is_free = || TcpListener::bind(at(port)).is_ok();
    asked.unwrap_or_else(|| if is_free() { at(port) } else { at(0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_is_an_origin() {
        for good in ["http://127.0.0.1:3000", "https://api.example", "http://[::1]:80/"] {
            assert!(is_origin(good), "{good}");
        }
        for bad in
            ["", "nonsense", "http://", "http:///", "ftp://a", "http://a/b", "http://u:p@a", "http://a?b"]
        {
            assert!(!is_origin(bad), "{bad}");
        }
    }
}
