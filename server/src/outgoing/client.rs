//! A client that calls nobody whom it should not.

use std::{
    error::Error,
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{
        Client as Legacy,
        connect::{HttpConnector, dns::Name},
    },
    rt::TokioExecutor,
};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tower_service::Service;

use super::guard::Networks;

/// The longest time that a request may take, with its answer.
const TIME: Duration = Duration::from_secs(20);
/// The longest time to connect.
const CONNECT_TIME: Duration = Duration::from_secs(5);

/// A client that calls public addresses, and those in some networks.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    inner: Legacy<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>>,
    networks: Arc<Networks>,
}

/// A request.
pub(crate) struct Outgoing<'a> {
    pub(crate) method: Method,
    pub(crate) url: &'a str,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Bytes,
    /// The longest answer that is read, in bytes. What is longer is an error if it is wanted, and otherwise left.
    pub(crate) longest: usize,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Client {
    /// A client that may call these networks beside public addresses.
    ///
    /// # Errors
    /// TLS cannot be used.
    pub(crate) fn new(networks: Networks) -> Result<Self, String> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| format!("TLS cannot be used: {error}"))?;
        // A machine without authorities can still call plain HTTP.
        let config = match builder.clone().with_native_roots() {
            Ok(rooted) => rooted.with_no_client_auth(),
            Err(_) => builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth(),
        };
        let networks = Arc::new(networks);
        let mut http = HttpConnector::new_with_resolver(Resolver(Arc::clone(&networks)));
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(CONNECT_TIME));
        let connector = HttpsConnectorBuilder::new().with_tls_config(config).https_or_http().enable_http1();
        // An idle connection is not used again: each request resolves and checks anew.
        let inner = Legacy::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .build(connector.wrap_connector(http));
        Ok(Self { inner, networks })
    }

    /// Checks a URL without calling it: `https`, or `http` where that is allowed, and no address that may not be called. A
    /// name is checked when it is resolved.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn check(&self, url: &str, plain: bool) -> Result<Uri, String> {
        let uri: Uri = url.parse().map_err(|_| "write a URL such as https://example.com/hook".to_owned())?;
        match uri.scheme_str() {
            Some("https") => {}
            Some("http") if plain => {}
            Some("http") => return Err("use https: plain http shows what is sent to everybody".into()),
            _ => return Err("write a URL such as https://example.com/hook".into()),
        }
        let host = uri.host().filter(|host| !host.is_empty()).ok_or("the URL has no host")?;
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err("leave out the user and password: messages are signed".into());
        }
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        match bare.parse::<IpAddr>() {
            Ok(address) if !self.networks.permit(address) => Err(refused(address)),
            _ => Ok(uri),
        }
    }

    /// Sends a request once.
    ///
    /// # Errors
    /// Why there is no answer, for a person.
    pub(crate) async fn send(&self, outgoing: Outgoing<'_>) -> Result<Answer, String> {
        // An address in the URL is never resolved, so it is checked here.
        let uri = self.check(outgoing.url, true)?;
        let mut request = Request::builder().method(outgoing.method).uri(uri);
        for (name, value) in outgoing.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(outgoing.body)).map_err(|error| error.to_string())?;
        let done = tokio::time::timeout(TIME, async {
            let response = self.inner.request(request).await.map_err(|error| why(&error))?;
            let (parts, body) = response.into_parts();
            let body = match Limited::new(body, outgoing.longest).collect().await {
                Ok(body) => body.to_bytes(),
                Err(_) if outgoing.longest == 0 => Bytes::new(),
                Err(error) => {
                    return Err(format!("the answer: {error}; at most {} bytes are read", outgoing.longest));
                }
            };
            Ok(Answer { status: parts.status, headers: parts.headers, body })
        });
        done.await.unwrap_or_else(|_| Err(format!("no answer within {} seconds", TIME.as_secs())))
    }
}

fn refused(address: IpAddr) -> String {
    format!("the address {address} is not public; allow its network in the configuration if you mean it")
}

/// An error with its cause, which is what people need.
fn why(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// Resolves names to addresses that may be called. One that may not be refuses them all: a name that leads inside and
/// outside is no mistake.
#[derive(Clone, Debug)]
struct Resolver(Arc<Networks>);

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let networks = Arc::clone(&self.0);
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            match found.iter().find(|address| !networks.permit(address.ip())) {
                Some(inside) => Err(io::Error::new(io::ErrorKind::PermissionDenied, refused(inside.ip()))),
                None => Ok(found.into_iter()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    fn client(networks: &[&str]) -> Client {
        let networks: Vec<String> = networks.iter().map(|text| (*text).to_owned()).collect();
        Client::new(Networks::parse(&networks).unwrap()).unwrap()
    }

    fn get(url: &str, longest: usize) -> Outgoing<'_> {
        Outgoing { method: Method::GET, url, headers: Vec::new(), body: Bytes::new(), longest }
    }

    /// A server that gives each connection the same answer, and its port.
    async fn serve(answer: String) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut buffer = [0; 4096];
                let _ = stream.read(&mut buffer).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        port
    }

    #[tokio::test]
    async fn what_is_not_public_is_not_called_in_whichever_form_it_is_written() {
        let port = serve("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi".into()).await;
        let strict = client(&[]);
        for host in [
            "127.0.0.1",
            "localhost",
            "0x7f.1",
            "0x7f000001",
            "2130706433",
            "127.1",
            "0177.0.0.1",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "0.0.0.0",
            "[::]",
        ] {
            let url = format!("http://{host}:{port}/");
            assert!(strict.send(get(&url, 100)).await.is_err(), "{host}");
        }
        let error = strict.send(get(&format!("http://localhost:{port}/"), 100)).await.unwrap_err();
        assert!(error.contains("is not public"), "{error}");
        let open = client(&["127.0.0.0/8", "::1"]);
        assert_eq!(open.send(get(&format!("http://127.0.0.1:{port}/"), 100)).await.unwrap().body, "hi");
    }

    #[tokio::test]
    async fn redirects_are_not_followed_and_answers_are_bounded() {
        let inside = serve("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecret".into()).await;
        let port = serve(format!(
            "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:{inside}/\r\ncontent-length: 0\r\n\r\n"
        ))
        .await;
        let client = client(&["127.0.0.1"]);
        let answer = client.send(get(&format!("http://127.0.0.1:{port}/"), 100)).await.unwrap();
        assert_eq!((answer.status, answer.body.len()), (StatusCode::TEMPORARY_REDIRECT, 0));
        let long =
            serve(format!("HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n{}", "x".repeat(5000))).await;
        let url = format!("http://127.0.0.1:{long}/");
        assert!(client.send(get(&url, 100)).await.unwrap_err().contains("at most 100 bytes"));
        assert_eq!(client.send(get(&url, 0)).await.unwrap().status, StatusCode::OK, "the status alone");
    }

    #[test]
    fn a_url_is_checked_before_it_is_kept() {
        let client = client(&[]);
        for good in ["https://example.com/hook", "https://example.com:8443/hook?a=b"] {
            client.check(good, false).unwrap();
        }
        for bad in [
            "",
            "hook",
            "/hook",
            "ftp://example.com/",
            "http://example.com/",
            "https://user:pass@example.com/",
            "https://10.0.0.1/",
            "https://[fe80::1]/",
            "https://169.254.169.254/latest/meta-data",
            "file:///etc/passwd",
        ] {
            assert!(client.check(bad, false).is_err(), "{bad}");
        }
    }
}
