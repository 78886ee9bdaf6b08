//! HTTP clients: for the service behind the reverse proxy, and for the server that takes receipts.

use std::{sync::Arc, time::Duration};

use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::{ClientConfig, RootCertStore, crypto::ring};

/// Connects with TLS if the URL says `https`.
pub(crate) type Connector = HttpsConnector<HttpConnector>;

/// Makes a connector, which trusts the system's authorities; none if `https` is not needed.
///
/// # Errors
/// What is wrong with the certificates.
pub(crate) fn connector(https: bool, timeout: Duration, http2_only: bool) -> Result<Connector, String> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| format!("TLS cannot be used: {error}"))?;
    let config = if https {
        let builder = builder.with_native_roots();
        builder.map_err(|error| format!("the system's certificates cannot be read: {error}"))?
    } else {
        builder.with_root_certificates(RootCertStore::empty())
    };
    let config = config.with_no_client_auth();
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(timeout));
    let builder = HttpsConnectorBuilder::new().with_tls_config(config).https_or_http();
    Ok(if http2_only {
        builder.enable_http2().wrap_connector(http)
    } else {
        builder.enable_all_versions().wrap_connector(http)
    })
}
