//! What is known of a request.

use std::net::IpAddr;

use http::HeaderMap;

use crate::routes::Route;

/// How a request came to the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Envoy's `ext_authz` over gRPC.
    EnvoyGrpc,
    /// Envoy's `ext_authz` over HTTP.
    EnvoyHttp,
    /// Traefik, Caddy, HAProxy, APISIX: a request about a request.
    Forward,
    /// nginx: `auth_request`.
    Nginx,
    /// The request itself, which the gateway forwards.
    Proxy,
}

impl Protocol {
    /// Its stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EnvoyGrpc => "envoy-grpc",
            Self::EnvoyHttp => "envoy-http",
            Self::Forward => "forward",
            Self::Nginx => "nginx",
            Self::Proxy => "proxy",
        }
    }

    /// Whether the gateway sees the response.
    pub const fn sees_response(self) -> bool {
        matches!(self, Self::Proxy)
    }
}

/// A request, as the protocol tells it.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'r> {
    /// How it came.
    pub protocol: Protocol,
    /// Its method.
    pub method: &'r str,
    /// Its path and query, as the client sent them.
    pub target: &'r str,
    /// Its fields.
    pub headers: &'r HeaderMap,
    /// The client's address.
    pub client: Option<IpAddr>,
    /// The route that the proxy's operator named, instead of one from the table.
    pub route: Option<&'r Route>,
}
