//! A bundle on a real HTTP server is fetched once, and again when it has changed.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use licentia::{Code, FeedError, GateBuilder, Request, Watch};
use licentia_example_poll::Fetch;
use licentia_issuer::{BundleDraft, Draft, Issuer, KeyPurpose, KeysetDraft, KeysetEntry, SigningKey};

const NOW: licentia::Timestamp = licentia::Timestamp::from_seconds(1_800_000_000);

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32]).unwrap()
}

fn bundle(sequence: u64, indices: &[u64]) -> Vec<u8> {
    let draft = BundleDraft {
        issuer: "acme".into(),
        sequence,
        issued_at: NOW,
        next_update: NOW + 1000,
        expires: NOW + 2000,
        indices: indices
            .iter()
            .map(|index| (*index, licentia::revocation::RevocationTerms::default()))
            .collect(),
        ..BundleDraft::default()
    };
    draft.sign(&key(5)).unwrap()
}

/// What the server has, and the requests that it answered with a body and without.
struct Published {
    bytes: Vec<u8>,
    version: u32,
    full: u32,
    unchanged: u32,
}

/// Serves the bundle on a free port.
fn serve(published: Arc<Mutex<Published>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let head: Vec<String> = lines.map(Result::unwrap).take_while(|line| !line.is_empty()).collect();
            let mut published = published.lock().unwrap();
            let tag = format!("\"{}\"", published.version);
            let known = head.iter().any(|line| line.to_lowercase() == format!("if-none-match: {tag}"));
            let answer = if known {
                published.unchanged += 1;
                format!("HTTP/1.1 304 Not Modified\r\netag: {tag}\r\nconnection: close\r\n\r\n").into_bytes()
            } else {
                published.full += 1;
                let length = published.bytes.len();
                let head = format!(
                    "HTTP/1.1 200 OK\r\netag: {tag}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
                );
                [head.as_bytes(), &published.bytes].concat()
            };
            stream.write_all(&answer).unwrap();
        }
    });
    format!("http://{address}/revoked.bin")
}

#[test]
fn a_changed_bundle_is_fetched_and_an_unchanged_one_is_not() {
    let mut keyset = KeysetDraft::default();
    keyset.add(KeysetEntry::new(&key(1).public())).unwrap();
    keyset
        .add(KeysetEntry { purpose: KeyPurpose::Revocation, ..KeysetEntry::new(&key(5).public()) })
        .unwrap();
    let keyset = keyset.sign(&key(9), NOW - 10, NOW + 10_000).unwrap();
    let gate = Arc::new(GateBuilder::new().keyset(key(9).public(), keyset).build().unwrap());
    let mut draft = Draft::new("cus_42", "pro", 1, NOW - 10, NOW + 10_000);
    draft.index = Some(7);
    let token = Issuer::new("acme", key(1)).issue(&draft).unwrap().text();
    let code = || gate.check(&token, &Request::new(), NOW).code();

    let first = Published { bytes: bundle(1, &[]), version: 1, full: 0, unchanged: 0 };
    let published = Arc::new(Mutex::new(first));
    let mut source = Fetch::new(serve(Arc::clone(&published)), Duration::from_secs(5));
    let _watch =
        Watch::source(&gate, Duration::from_millis(5), move || source.fetch(), |error| panic!("{error}"))
            .unwrap();
    assert_eq!(code(), Code::Allowed);
    let deadline = Instant::now() + Duration::from_secs(10);
    let wait = |until: &dyn Fn(&Published) -> bool| {
        while !until(&published.lock().unwrap()) {
            assert!(Instant::now() < deadline);
            std::thread::sleep(Duration::from_millis(2));
        }
    };
    wait(&|published| published.unchanged > 3);
    {
        let mut published = published.lock().unwrap();
        assert_eq!(published.full, 1, "an unchanged bundle is not sent again");
        (published.bytes, published.version) = (bundle(2, &[7]), 2);
    }
    while code() == Code::Allowed {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(code(), Code::Revoked);
    assert_eq!(published.lock().unwrap().full, 2);
    let missing = Fetch::new("http://127.0.0.1:1/", Duration::from_secs(1)).fetch();
    assert_eq!(missing.unwrap_err().code(), Code::StoreUnreachable);
}

#[test]
fn a_bundle_that_is_refused_is_fetched_once_and_loaded_with_the_keyset_that_has_its_key() {
    let mut keyset = KeysetDraft::default();
    keyset.add(KeysetEntry::new(&key(1).public())).unwrap();
    let without = keyset.sign(&key(9), NOW - 10, NOW + 10_000).unwrap();
    let gate = Arc::new(GateBuilder::new().keyset(key(9).public(), without).build().unwrap());
    let first = Published { bytes: bundle(1, &[7]), version: 1, full: 0, unchanged: 0 };
    let published = Arc::new(Mutex::new(first));
    let mut source = Fetch::new(serve(Arc::clone(&published)), Duration::from_secs(5));
    let (sender, problems) = std::sync::mpsc::channel();
    let report = move |error: FeedError| sender.send(error.code()).unwrap();
    let _watch = Watch::eventually(&gate, Duration::from_millis(5), move || source.fetch(), report).unwrap();
    assert_eq!(problems.recv_timeout(Duration::from_secs(10)), Ok(Code::BundleUntrusted));
    keyset
        .add(KeysetEntry { purpose: KeyPurpose::Revocation, ..KeysetEntry::new(&key(5).public()) })
        .unwrap();
    gate.load_keyset(&keyset.sign(&key(9), NOW - 10, NOW + 10_000).unwrap()).unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while gate.revocation("acme").is_none() {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(published.lock().unwrap().full, 1, "it was not sent again");
}
