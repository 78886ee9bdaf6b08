//! The store in memory says once that quotas count in one process and end with it.

mod common;

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use common::{NOW, builder, licence};
use licentia::Request;

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_store_in_memory_says_once_what_it_does_not_do() {
    let log = Shared::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).finish();
    tracing::subscriber::with_default(subscriber, || {
        let token = licence(|_| ());
        let gate = builder().build().unwrap();
        assert!(gate.check(&token, &Request::new().features(&["export"]), NOW).is_allowed());
        assert!(log.0.lock().unwrap().is_empty(), "nothing is counted");
        for _ in 0..2 {
            let gate = builder().build().unwrap();
            assert!(gate.check(&token, &Request::new().meters(&[("calls", 1)]), NOW).is_allowed());
            assert!(gate.check(&token, &Request::new().meters(&[("calls", 1)]).job("one"), NOW).is_allowed());
        }
    });
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains("WARN") && text.contains("a restart loses"), "{text}");
}
