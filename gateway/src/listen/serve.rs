//! Serves HTTP on a listener until it is told to stop.

use std::{error::Error, net::IpAddr, time::Duration};

use http::{Request, Response};
use http_body::Body;
use hyper::{body::Incoming, service::Service};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use tokio::{sync::watch, task::JoinHandle};

use crate::config::Address;

use super::{socket::Listener, tls::Tls};

/// The longest time that a client may take to send the fields of a request: longer than proxies keep idle connections.
const HEADER_TIME: Duration = Duration::from_secs(75);
/// The longest list of fields, in bytes as HTTP/2 counts them (RFC 9113, section 6.5.2): a licence may have 16 KiB.
const FIELDS: u32 = 64 << 10;
/// The longest head of a request over HTTP/1.
const HEAD: usize = 64 << 10;
/// Requests at once over one connection of HTTP/2.
const STREAMS: u32 = 256;
/// Streams that a client may have reset while they wait to be accepted; one more ends the connection (CVE-2023-44487).
const RESETS: usize = 20;
/// The longest time that connections get to end when the gateway stops.
const GRACE: Duration = Duration::from_secs(10);

/// A listener that serves.
#[derive(Debug)]
pub struct Serving {
    /// Where it listens.
    pub address: Address,
    /// Ends when the listener has stopped and its connections have ended.
    pub ended: JoinHandle<()>,
}

/// The longest time that a client may take for the handshake of TLS.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// As [`serve_tls`], without TLS.
pub fn serve<S, B>(
    listener: Listener,
    stop: watch::Receiver<bool>,
    service: impl Fn(Option<IpAddr>) -> S + Send + 'static,
) -> Serving
where
    S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    serve_tls(listener, None, stop, service)
}

/// Serves a listener. `service` makes the service of a connection from the peer's address. It ends when `stop` is
/// true, or its sender is dropped.
pub fn serve_tls<S, B>(
    listener: Listener,
    tls: Option<Tls>,
    stop: watch::Receiver<bool>,
    service: impl Fn(Option<IpAddr>) -> S + Send + 'static,
) -> Serving
where
    S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let address = listener.address();
    let ended = tokio::spawn(run(listener, tls, stop, service));
    Serving { address, ended }
}

async fn run<S, B>(
    listener: Listener,
    tls: Option<Tls>,
    mut stop: watch::Receiver<bool>,
    service: impl Fn(Option<IpAddr>) -> S + Send + 'static,
) where
    S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIME).max_buf_size(HEAD);
    let mut http2 = builder.http2();
    http2.timer(TokioTimer::new()).max_header_list_size(FIELDS).max_concurrent_streams(STREAMS);
    http2.max_pending_accept_reset_streams(RESETS);
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let Ok((connection, peer)) = accepted else {
            // Too many open files, say: let connections end before the next one.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let (builder, watcher, service) = (builder.clone(), graceful.watcher(), service(peer));
        let acceptor = tls.as_ref().map(Tls::acceptor);
        tokio::spawn(async move {
            // A client that breaks off is no fault of the gateway.
            let Some(acceptor) = acceptor else {
                let served = builder.serve_connection_with_upgrades(TokioIo::new(connection), service);
                let _ = watcher.watch(served.into_owned()).await;
                return;
            };
            let shaken = tokio::time::timeout(HANDSHAKE_TIME, acceptor.accept(connection)).await;
            let Ok(Ok(connection)) = shaken else { return };
            let served = builder.serve_connection_with_upgrades(TokioIo::new(connection), service);
            let _ = watcher.watch(served.into_owned()).await;
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(GRACE, graceful.shutdown()).await;
}
