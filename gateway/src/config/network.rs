//! Whose forwarded fields count.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, de::Error};

/// A range of addresses, one address, or every peer on a Unix socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// `10.0.0.0/8`, or one address.
    Addresses(IpNet),
    /// `unix`.
    Unix,
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "unix" {
            return Ok(Self::Unix);
        }
        let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        network.map(Self::Addresses).map_err(|_| {
            D::Error::custom(format!("`{text}` is no network: write `10.0.0.0/8`, `::1` or `unix`"))
        })
    }
}

/// The proxies in front of the gateway.
#[derive(Clone, Debug)]
pub struct TrustedProxies(Vec<Network>);

impl TrustedProxies {
    /// These networks.
    pub fn new(networks: Vec<Network>) -> Self {
        Self(networks)
    }

    /// Whether a peer is one of them. A peer without an address came over a Unix socket.
    pub fn contains(&self, peer: Option<IpAddr>) -> bool {
        self.0.iter().any(|network| match (network, peer) {
            (Network::Unix, None) => true,
            // A dual-stack socket shows an IPv4 peer as an IPv6 address.
            (Network::Addresses(network), Some(peer)) => network.contains(&peer.to_canonical()),
            _ => false,
        })
    }

    /// The client: the rightmost address of `X-Forwarded-For` that is no trusted proxy, if the peer is one.
    pub fn client(&self, peer: Option<IpAddr>, forwarded_for: Option<&str>) -> Option<IpAddr> {
        if !self.contains(peer) {
            return peer;
        }
        let mut client = peer;
        for hop in forwarded_for.unwrap_or_default().rsplit(',') {
            let hop = hop.trim();
            let bracketed = hop.strip_prefix('[').and_then(|hop| hop.split(']').next());
            let Ok(address) = bracketed.unwrap_or(hop).parse() else { break };
            client = Some(address);
            if !self.contains(client) {
                break;
            }
        }
        client
    }
}

impl Default for TrustedProxies {
    /// This machine.
    fn default() -> Self {
        let loopback = ["127.0.0.0/8", "::1/128"].into_iter().filter_map(|network| network.parse().ok());
        Self(loopback.map(Network::Addresses).chain([Network::Unix]).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_is_the_rightmost_address_that_no_trusted_proxy_has() {
        let trusted =
            TrustedProxies::new(vec![Network::Addresses("10.0.0.0/8".parse().unwrap()), Network::Unix]);
        let ip = |text: &str| Some(text.parse::<IpAddr>().unwrap());
        for (peer, forwarded, client) in [
            ("10.0.0.1", Some("1.2.3.4"), "1.2.3.4"),
            ("10.0.0.1", Some("6.6.6.6, 1.2.3.4, 10.0.0.9"), "1.2.3.4"),
            ("10.0.0.1", Some("nonsense"), "10.0.0.1"),
            ("10.0.0.1", None, "10.0.0.1"),
            ("::ffff:10.0.0.1", Some("[2001:db8::1]:443"), "2001:db8::1"),
            ("8.8.8.8", Some("1.2.3.4"), "8.8.8.8"),
        ] {
            assert_eq!(trusted.client(ip(peer), forwarded), ip(client), "{peer} {forwarded:?}");
        }
        assert_eq!(trusted.client(None, Some("1.2.3.4")), ip("1.2.3.4"));
        assert!(!TrustedProxies::new(vec![]).contains(None));
    }
}
