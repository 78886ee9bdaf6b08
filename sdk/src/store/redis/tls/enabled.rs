//! TLS by rustls.

use std::fs;

use redis::{Client, ClientTlsConfig, TlsCertificates};

use super::Files;
use crate::store::{Fault, OpenError, Unreachable};

/// A client that trusts the authorities of the URL's file, or the system's.
///
/// # Errors
/// [`OpenError`] if the URL is invalid or a file cannot be used.
pub(in crate::store::redis) fn client(url: &str, files: &Files) -> Result<Client, OpenError> {
    // The client of Redis takes the default of the process. An application that has chosen one keeps it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let root_cert = files.ca.as_deref().map(|path| read(path, "CERTIFICATE")).transpose()?;
    let client_tls = match (&files.cert, &files.key) {
        (Some(cert), Some(key)) => Some(ClientTlsConfig {
            client_cert: read(cert, "CERTIFICATE")?,
            client_key: read(key, "PRIVATE KEY")?,
        }),
        _ => None,
    };
    let place = [&files.ca, &files.cert, &files.key].into_iter().flatten().cloned().collect::<Vec<_>>();
    let client = if place.is_empty() {
        Client::open(url)
    } else {
        Client::build_with_tls(url, TlsCertificates { client_tls, root_cert })
    };
    client.map_err(|error| OpenError::Unreachable {
        place: std::iter::once("the URL".to_owned()).chain(place).collect::<Vec<_>>().join(", "),
        error: Unreachable::new(Fault::NotSent, error),
    })
}

/// Reads a file that has a block of a kind in PEM.
fn read(path: &str, kind: &'static str) -> Result<Vec<u8>, OpenError> {
    let invalid = |why: String| OpenError::InvalidFile { path: path.to_owned(), why };
    let pem = fs::read(path).map_err(|error| invalid(error.to_string()))?;
    // `BEGIN PRIVATE KEY`, `BEGIN EC PRIVATE KEY`.
    let end = format!("{kind}-----");
    let has = String::from_utf8_lossy(&pem)
        .lines()
        .any(|line| line.starts_with("-----BEGIN ") && line.trim_end().ends_with(&end));
    if has { Ok(pem) } else { Err(invalid(format!("it has no {kind} in PEM"))) }
}
