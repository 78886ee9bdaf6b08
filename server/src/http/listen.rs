//! The listener: bounds on connections and on how long a client may take.

use std::{sync::Arc, time::Duration};

use axum::Router;
use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
};
use tower_service::Service;

/// The longest time that a client may take to send the fields of a request.
const HEADER_TIME: Duration = Duration::from_secs(30);
/// The longest time that connections get to end when the service stops.
const GRACE: Duration = Duration::from_secs(10);
/// How many connections there may be at once.
const CONNECTIONS: usize = 50_000;

/// Serves until `stop` is true, or its sender is dropped.
pub(crate) async fn serve(listener: TcpListener, router: Router, mut stop: watch::Receiver<bool>) {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIME).max_buf_size(64 << 10);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(100).max_header_list_size(64 << 10);
    let (graceful, turns) = (GracefulShutdown::new(), Arc::new(Semaphore::new(CONNECTIONS)));
    loop {
        let turn = tokio::select! {
            turn = Arc::clone(&turns).acquire_owned() => turn,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let Ok((connection, _)) = accepted else {
            // Too many open files, say: let connections end before the next one.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let _ = connection.set_nodelay(true);
        let router = router.clone();
        let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            router.clone().call(request.map(axum::body::Body::new))
        });
        let connection = builder.serve_connection(TokioIo::new(connection), service);
        let connection = graceful.watch(connection.into_owned());
        tokio::spawn(async move {
            // A client that breaks off is no fault of the service.
            let _ = connection.await;
            drop(turn);
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(GRACE, graceful.shutdown()).await;
}
