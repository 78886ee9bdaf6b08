//! The reverse proxy over TLS, and a certificate that is replaced while it runs.

mod common;

use std::{path::Path, sync::Arc, time::Duration};

use common::{Upstream, World, tcp, write};
use licentia_gateway::{Config, Gateway};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

/// Writes a new certificate and its key, and returns the certificate.
fn certify(folder: &Path) -> Vec<u8> {
    let made = rcgen::generate_simple_self_signed(["api.acme.example".to_owned()]).unwrap();
    write(folder, "cert.pem", made.cert.pem());
    write(folder, "key.pem", made.signing_key.serialize_pem());
    made.cert.pem().into_bytes()
}

/// The protocol that was agreed on and the answer, for a client that trusts a certificate.
async fn ask(gateway: &Gateway, trusted: &[u8], offered: &[&[u8]], token: &str) -> Option<(Vec<u8>, String)> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(trusted).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = offered.iter().map(|name| name.to_vec()).collect();
    let stream = TcpStream::connect(tcp(&gateway.listening.proxy)).await.unwrap();
    let name = ServerName::try_from("api.acme.example").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.ok()?;
    let protocol = stream.get_ref().1.alpn_protocol().unwrap_or_default().to_vec();
    let request = format!(
        "GET /search HTTP/1.1\r\nHost: api.acme.example\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    let mut answer = String::new();
    if protocol != b"h2" {
        stream.write_all(request.as_bytes()).await.unwrap();
        // The end of the connection may come without the end of TLS.
        let _ = stream.read_to_string(&mut answer).await;
    }
    Some((protocol, answer))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_replaced_while_the_gateway_runs() {
    let (world, upstream) = (World::new(), Upstream::start().await);
    let folder = world.folder.path();
    let first = certify(folder);
    let text = format!(
        "[listen]\nproxy = \"127.0.0.1:0\"\n[tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n[proxy]\nupstream = \"http://{}\"\n[[route]]\nmatch = \"GET /search\"\n",
        upstream.address
    );
    let gateway = world.start(&text).await;
    let token = world.license("pro", "bob");
    let (protocol, answer) = ask(&gateway, &first, &[b"http/1.1"], &token).await.unwrap();
    assert_eq!((&protocol[..], answer.starts_with("HTTP/1.1 200 ")), (&b"http/1.1"[..], true), "{answer}");
    let seen = upstream.take();
    assert_eq!(seen[0].header("x-forwarded-proto"), Some("https"));
    assert_eq!(ask(&gateway, &first, &[b"h2", b"http/1.1"], &token).await.unwrap().0, b"h2");

    // A key of another certificate: the one in use stays.
    let other = rcgen::generate_simple_self_signed(["api.acme.example".to_owned()]).unwrap();
    write(folder, "key.pem", other.signing_key.serialize_pem());
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(ask(&gateway, &first, &[], &token).await.is_some());
    let faults = Config::parse(&format!("{text}{}", world.trust()), "gateway.toml", folder).unwrap_err();
    assert!(faults.to_string().contains("line 4") || faults.to_string().contains(":4"), "{faults}");
    assert!(faults.to_string().contains("`tls.key`"), "{faults}");

    let second = certify(folder);
    for _ in 0..100 {
        if ask(&gateway, &second, &[], &token).await.is_some() {
            assert!(ask(&gateway, &first, &[], &token).await.is_none());
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the new certificate is not in use");
}
