//! TLS of a listener. The certificate is read again when its files change.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;
use licentia::follow::FileVersion;
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio_rustls::TlsAcceptor;

/// A certificate with its key, for a listener. Clones share it.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    in_use: Arc<InUse>,
}

/// The certificate in use.
#[derive(Debug)]
struct InUse {
    files: [PathBuf; 2],
    versions: Mutex<[Option<FileVersion>; 2]>,
    key: ArcSwap<CertifiedKey>,
}

impl Tls {
    /// Reads a chain of certificates and the private key of the first, in PEM.
    ///
    /// # Errors
    /// What is wrong with the files.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, String> {
        let files = [certificate.to_owned(), key.to_owned()];
        let versions = Mutex::new(versions(&files));
        let in_use = Arc::new(InUse { key: ArcSwap::from_pointee(read(&files)?), files, versions });
        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(|error| format!("TLS cannot be used: {error}"))?;
        let mut config = config.with_no_client_auth().with_cert_resolver(Arc::clone(&in_use) as _);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), in_use })
    }

    /// Reads the files again if they have changed; whether they had. A connection that is open keeps its certificate.
    ///
    /// # Errors
    /// What is wrong with the files. The certificate in use then stays.
    pub fn reload(&self) -> Result<bool, String> {
        let now = versions(&self.in_use.files);
        let mut known = self.in_use.versions.lock().unwrap_or_else(PoisonError::into_inner);
        if *known == now {
            return Ok(false);
        }
        *known = now;
        self.in_use.key.store(Arc::new(read(&self.in_use.files)?));
        Ok(true)
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        self.acceptor.clone()
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("files", &self.in_use.files).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for InUse {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.key.load_full())
    }
}

fn versions(files: &[PathBuf; 2]) -> [Option<FileVersion>; 2] {
    files.each_ref().map(|file| fs::metadata(file).ok().as_ref().map(Into::into))
}

fn read([certificate, key]: &[PathBuf; 2]) -> Result<CertifiedKey, String> {
    let failed = |field: &str, path: &Path, error: &dyn std::fmt::Display| {
        format!("`tls.{field}` {}: {error}", path.display())
    };
    let bytes = |field, path: &Path| fs::read(path).map_err(|error| failed(field, path, &error));
    let (chain, secret) = (bytes("certificate", certificate)?, zeroize::Zeroizing::new(bytes("key", key)?));
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&chain).collect();
    let chain = chain.map_err(|error| failed("certificate", certificate, &error))?;
    if chain.is_empty() {
        return Err(failed("certificate", certificate, &"it has no certificate in PEM"));
    }
    let secret = PrivateKeyDer::from_pem_slice(&secret);
    let secret = secret.map_err(|_| failed("key", key, &"it has no private key in PEM"))?;
    CertifiedKey::from_der(chain, secret, &ring::default_provider())
        .map_err(|error| failed("key", key, &format!("it does not belong to the certificate: {error}")))
}
