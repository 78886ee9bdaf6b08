//! Receipts: written durably, sent in the background, and sent again until they are acknowledged.

mod common;

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use common::{World, key, send, tcp, write};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use licentia::receipt::Audit;
use tokio::{net::TcpListener, sync::Notify};

/// A credential and a receipt.
type Sent = (Option<String>, Vec<u8>);

/// A server that takes receipts.
#[derive(Clone, Default)]
struct Server {
    up: Arc<AtomicBool>,
    got: Arc<Mutex<Vec<Sent>>>,
    asked: Arc<Notify>,
}

impl Server {
    async fn serve(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, server) = (listener.local_addr().unwrap(), self.clone());
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let server = server.clone();
                let service = service_fn(move |request| server.clone().answer(request));
                tokio::spawn(async move {
                    let _ = auto::Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        address
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response<Full<bytes::Bytes>>, Infallible> {
        let who = request.headers().get("authorization").map(|who| who.to_str().unwrap().to_owned());
        let body = request.into_body().collect().await.unwrap().to_bytes().to_vec();
        let up = self.up.load(Ordering::SeqCst);
        if up {
            self.got.lock().unwrap().push((who, body));
        }
        self.asked.notify_one();
        Ok(Response::builder().status(if up { 202 } else { 503 }).body(Full::default()).unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_used_reaches_the_server_also_after_it_was_away() {
    let (world, server) = (World::new(), Server::default());
    let address = server.serve().await;
    write(world.folder.path(), "instance.pem", &*key(3).to_pem(None).unwrap());
    write(world.folder.path(), "credential", world.license("pro", "gateway"));
    let config = format!(
        "[listen]\ncheck = \"127.0.0.1:0\"\n\
         [receipts]\nlog = \"usage.receipts\"\nkey = \"instance.pem\"\ninterval = \"20ms\"\n\
         server = \"http://{address}/v1/receipts\"\ncredential = \"credential\"\n\
         [[route]]\nmatch = \"GET /search\"\nmeters = {{ calls = 7 }}\n"
    );
    let gateway = world.start(&config).await;
    let bearer = format!("Bearer {}", world.license("pro", "bob"));
    let fields = [("authorization", &*bearer), ("x-forwarded-method", "GET"), ("x-forwarded-uri", "/search")];
    let check = tcp(&gateway.listening.check);
    for _ in 0..3 {
        assert_eq!(send(check, "GET", "/forward", &fields).await.status, 200);
    }
    // The server is asked, and refuses.
    tokio::time::timeout(Duration::from_secs(30), server.asked.notified()).await.unwrap();
    assert!(server.got.lock().unwrap().is_empty());
    server.up.store(true, Ordering::SeqCst);
    let total = || {
        let mut audit = Audit::new();
        server.got.lock().unwrap().iter().for_each(|(_, receipt)| audit.add(receipt));
        audit.finish().usage.values().map(licentia::receipt::Usage::total).sum::<u64>()
    };
    while total() < 21 {
        tokio::time::timeout(Duration::from_secs(30), server.asked.notified()).await.unwrap();
    }
    assert_eq!(total(), 21, "repeated receipts count once");
    assert!(server.got.lock().unwrap()[0].0.as_deref().unwrap().starts_with("Bearer lic1_"));

    // What was used last is written when the gateway stops, and sent when it starts again.
    server.up.store(false, Ordering::SeqCst);
    assert_eq!(send(check, "GET", "/forward", &fields).await.status, 200);
    gateway.stop().await;
    server.up.store(true, Ordering::SeqCst);
    let gateway = world.start(&config).await;
    while total() < 28 {
        tokio::time::timeout(Duration::from_secs(30), server.asked.notified()).await.unwrap();
    }
    assert_eq!(total(), 28);
    gateway.stop().await;
}
