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

use super::socket::Listener;

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

/// Serves a listener. `service` makes the service of a connection from the peer's address. It ends when `stop` is
/// true, or its sender is dropped.
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
    let address = listener.address();
    let ended = tokio::spawn(run(listener, stop, service));
    Serving { address, ended }
}

async fn run<S, B>(
    listener: Listener,
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
        let connection = builder.serve_connection_with_upgrades(TokioIo::new(connection), service(peer));
        let connection = graceful.watch(connection.into_owned());
        tokio::spawn(async move {
            // A client that breaks off is no fault of the gateway.
            let _ = connection.await;
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(GRACE, graceful.shutdown()).await;
}
