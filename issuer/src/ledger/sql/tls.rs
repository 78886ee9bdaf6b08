//! TLS to PostgreSQL. The server's certificate is always verified.

use std::{fs, path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::{Error, LedgerError, Result};

/// Splits what only this program reads off a URL: the file `sslrootcert` of trusted certificates. The modes
/// `verify-ca` and `verify-full` of other clients are `require` here.
pub(super) fn split(url: &str) -> (String, Option<String>) {
    let Some((base, query)) = url.split_once('?') else { return (url.to_owned(), None) };
    let (mut kept, mut roots) = (Vec::new(), None);
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some(("sslrootcert", path)) => roots = Some(path.replace("%2F", "/").replace("%2f", "/")),
            Some(("sslmode", "verify-ca" | "verify-full")) => kept.push("sslmode=require"),
            _ => kept.push(pair),
        }
    }
    let query = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
    (format!("{base}{query}"), roots)
}

/// Connects with TLS. Without `roots`, the system's authorities are trusted.
pub(super) fn connector(roots: Option<&str>) -> Result<MakeRustlsConnect> {
    let failed = |error: rustls::Error| Error::from(LedgerError::Database(Box::new(error)));
    let store = match roots {
        Some(path) => read(Path::new(path))?,
        None => system(),
    };
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = builder.map_err(failed)?.with_root_certificates(store).with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// The authorities of the system. Without any, each certificate is refused.
fn system() -> RootCertStore {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    store
}

fn read(path: &Path) -> Result<RootCertStore> {
    let wrong = |error: &dyn std::fmt::Display| {
        Error::file(path)(std::io::Error::new(std::io::ErrorKind::InvalidData, error.to_string()))
    };
    let pem = fs::read(path).map_err(Error::file(path))?;
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        store.add(certificate.map_err(|error| wrong(&error))?).map_err(|error| wrong(&error))?;
    }
    if store.is_empty() { Err(wrong(&"it has no certificate in PEM")) } else { Ok(store) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_client_does_not_know_is_taken_off_the_url() {
        let url = |text: &str| split(text);
        assert_eq!(url("postgres://h/db"), ("postgres://h/db".into(), None));
        assert_eq!(
            url("postgres://h/db?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem&connect_timeout=5"),
            ("postgres://h/db?sslmode=require&connect_timeout=5".into(), Some("/etc/ca.pem".into()))
        );
        assert_eq!(
            url("postgres://h/db?sslrootcert=ca.pem"),
            ("postgres://h/db".into(), Some("ca.pem".into()))
        );
    }
}
