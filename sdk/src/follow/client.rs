//! The HTTP client for keysets and bundles.

use std::{fs, path::Path, sync::Arc, time::Duration};

use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};

/// Connects with TLS if the URL says `https`.
pub(super) type Connector = HttpsConnector<HttpConnector>;

/// Makes a connector. Without `ca` the system's authorities are trusted; none if `https` is not needed.
pub(super) fn connector(https: bool, ca: Option<&Path>, timeout: Duration) -> Result<Connector, String> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| format!("TLS cannot be used: {error}"))?;
    let config = match ca {
        Some(path) => builder.with_root_certificates(roots(path)?).with_no_client_auth(),
        None if https => {
            let builder = builder.with_native_roots();
            let unreadable =
                |error| format!("the system's certificates cannot be read: {error}; give a file with `ca`");
            builder.map_err(unreadable)?.with_no_client_auth()
        }
        None => builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth(),
    };
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(timeout));
    let builder = HttpsConnectorBuilder::new().with_tls_config(config).https_or_http();
    Ok(builder.enable_all_versions().wrap_connector(http))
}

fn roots(path: &Path) -> Result<RootCertStore, String> {
    let failed = |error: &dyn std::fmt::Display| format!("the file {} of `ca`: {error}", path.display());
    let pem = fs::read(path).map_err(|error| failed(&error))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| failed(&error))?;
        roots.add(certificate).map_err(|error| failed(&error))?;
    }
    if roots.is_empty() {
        return Err(failed(&"it has no certificate"));
    }
    Ok(roots)
}
