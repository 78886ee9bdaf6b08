//! The `tower` layer does not wait in the thread of an async runtime.

mod common;

use std::{
    convert::Infallible,
    future::{Future, Ready, ready},
    pin::pin,
    sync::{Arc, Mutex, mpsc},
    task::{Context, Poll, Wake},
    thread::{self, Thread},
};

use common::{builder, issuer};
use http::{Request, Response};
use licentia::{
    http::{Admitted, LicenseLayer},
    store::{Cell, Memory, Store, Taken, Unreachable},
};
use tower_layer::Layer;
use tower_service::Service;

/// A store that gives units when somebody lets it.
struct Slow {
    memory: Memory,
    go_on: Mutex<mpsc::Receiver<()>>,
}

impl Store for Slow {
    fn take(&self, cell: &Cell<'_>, need: u64, want: u64, limit: u64) -> Result<Taken, Unreachable> {
        self.go_on.lock().unwrap().recv().map_err(|error| Unreachable(error.into()))?;
        self.memory.take(cell, need, want, limit)
    }
    fn give_back(&self, cell: &Cell<'_>, units: u64) -> Result<(), Unreachable> {
        self.memory.give_back(cell, units)
    }
    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, Unreachable> {
        self.memory.load(name)
    }
    fn save(&self, name: &str, value: &[u8]) -> Result<(), Unreachable> {
        self.memory.save(name, value)
    }
}

#[derive(Clone)]
struct Hello;

impl Service<Request<()>> for Hello {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Response<String>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        let admitted = request.extensions().get::<Admitted>().unwrap();
        ready(Ok(Response::new(admitted.license().unwrap().subject().to_owned())))
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Gives the answer, and how often it was not there yet.
fn wait<T>(future: impl Future<Output = T>, mut pending: impl FnMut()) -> T {
    let (waker, mut future) = (Arc::new(Unpark(thread::current())).into(), pin!(future));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => {
                pending();
                thread::park();
            }
        }
    }
}

#[test]
fn a_check_that_waits_for_the_store_lets_others_go_on() {
    let mut draft = common::draft();
    // The layer reads the system's clock.
    (draft.issued_at, draft.expires) = (1_500_000_000, 4_000_000_000);
    draft.grant.quotas.insert("calls".into(), "1/day".parse().unwrap());
    let token = issuer(1).issue(&draft).unwrap().text();
    let (go_on, wait_for) = mpsc::channel();
    let store = Slow { memory: Memory::new(), go_on: Mutex::new(wait_for) };
    let gate = Arc::new(builder().store(Arc::new(store)).build().unwrap());
    let mut service = LicenseLayer::new(gate).meters(&[("calls", 1)]).layer(Hello);
    let mut ask = |token: &str| {
        let request = Request::builder().header("authorization", format!("Bearer {token}"));
        service.call(request.body(()).unwrap())
    };
    let mut waited = 0;
    // It would wait here for ever, were the store asked in this thread.
    let response = wait(ask(&token), || {
        waited += 1;
        go_on.send(()).unwrap();
    });
    assert_eq!((response.unwrap().body().as_str(), waited), ("customer-42", 1));
    // What the store is not asked for is answered at once.
    let refused = wait(ask("lic1_x"), || panic!("it waits")).unwrap();
    assert_eq!(refused.status(), 401);
    let denied = wait(ask(&token), || go_on.send(()).unwrap()).unwrap();
    assert_eq!(denied.status(), 429);
}
