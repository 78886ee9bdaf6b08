//! Figures: how many licences are issued in a second over HTTP, how many receipts are taken, and how long a revocation
//! takes to thousands of readers.
//!
//! `LICENTIA_READERS` and `LICENTIA_REQUESTS` are the sizes. What is measured is printed; a build without optimisation is
//! only held to a fraction of it.

mod common;

use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use common::{ISSUER, Service, now};
use licentia_core::receipt::{Receipt, ReceiptEntry, UnsignedReceipt};
use licentia_issuer::SigningKey;
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    sync::Semaphore,
};

fn size(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|size| size.parse().ok()).unwrap_or(default)
}

/// Lets this process open as many files as the system allows, and returns how many those are.
fn allow_files() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap_or_default().to_owned();
    let numbers: Vec<usize> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [soft, hard] = numbers[..] else { return 1024 };
    let limit = format!("--nofile={hard}:{hard}");
    let raised = Command::new("prlimit").args([&limit, "--pid", &std::process::id().to_string()]).status();
    if raised.is_ok_and(|status| status.success()) { hard } else { soft }
}

/// Reads a response with `Content-Length`, and returns its status.
async fn answered(stream: &mut BufReader<TcpStream>) -> u16 {
    let (mut line, mut status, mut length) = (String::new(), 0, 0);
    loop {
        line.clear();
        stream.read_line(&mut line).await.unwrap();
        if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
            status = rest[..3].parse().unwrap();
        }
        if let Some(rest) = line.to_lowercase().strip_prefix("content-length:") {
            length = rest.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    status
}

/// Posts what `body` makes, on 64 connections, until all is done. Returns how many in a second.
fn rate(
    service: &Service,
    requests: usize,
    path: &'static str,
    kind: &'static str,
    body: impl Fn(usize, usize) -> Vec<u8> + Send + Sync + 'static,
) -> f64 {
    const CLIENTS: usize = 64;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (address, admin) = (service.address, service.admin.clone());
    let body = Arc::new(body);
    let started = Instant::now();
    runtime.block_on(async move {
        let clients = (0..CLIENTS).map(|client| {
            let (admin, body) = (admin.clone(), Arc::clone(&body));
            tokio::spawn(async move {
                let stream = TcpStream::connect(address).await.unwrap();
                stream.set_nodelay(true).unwrap();
                let mut stream = BufReader::new(stream);
                for count in 0..requests / CLIENTS {
                    let body = body(client, count);
                    let head = format!(
                        "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {admin}\r\nidempotency-key: {client}-{count}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
                        body.len()
                    );
                    stream.get_mut().write_all(&[head.as_bytes(), &body].concat()).await.unwrap();
                    let status = answered(&mut stream).await;
                    assert!((200..300).contains(&status), "{status}");
                }
            })
        });
        for client in clients.collect::<Vec<_>>() {
            client.await.unwrap();
        }
    });
    #[allow(clippy::cast_precision_loss, reason = "a few thousand")]
    let rate = (requests / CLIENTS * CLIENTS) as f64 / started.elapsed().as_secs_f64();
    rate
}

#[test]
fn many_licences_are_issued_in_a_second() {
    let service = Service::start();
    let requests = size("LICENTIA_REQUESTS", 1024);
    let rate = rate(&service, requests, "/v1/licenses", "application/json", |client, count| {
        json!({ "subject": format!("cus_{client}_{count}"), "tier": "pro" }).to_string().into_bytes()
    });
    println!("{rate:.0} licences issued in a second over HTTP");
    assert!(rate > 100.0, "{rate}");
}

#[test]
fn many_receipts_are_taken_in_a_second() {
    let service = Service::start();
    let requests = size("LICENTIA_REQUESTS", 1024);
    let key = |client: usize| SigningKey::from_seed(&[u8::try_from(client).unwrap() + 1; 32]).unwrap();
    // Each client is an instance; its receipts are made before.
    let chains: Vec<Vec<Vec<u8>>> = (0..64)
        .map(|client| {
            let key = key(client);
            let public = key.public();
            let mut previous = [0; 32];
            let receipts = (0..requests / 64).map(|count| {
                let window = licentia::Window { start: now().into(), end: None };
                let (lineage, count) = ([1; 16].into(), count as u64);
                let entry =
                    ReceiptEntry { issuer: ISSUER, lineage, meter: "calls", window, count, refunded: 0 };
                let receipt = UnsignedReceipt {
                    key: public.public().as_bytes(),
                    sequence: count + 1,
                    previous: &previous,
                    issued_at: now().into(),
                    entries: &[entry],
                    acknowledged: None,
                    since: 0,
                };
                let bytes = receipt.seal(|parts| key.sign(&parts.concat())).unwrap();
                previous = Receipt::read(&bytes).unwrap().link().digest;
                bytes
            });
            receipts.collect()
        })
        .collect();
    let rate = rate(&service, requests, "/v1/receipts", "application/cose", move |client, count| {
        chains[client][count].clone()
    });
    println!("{rate:.0} receipts taken in a second over HTTP");
    assert!(rate > 100.0, "{rate}");
}

#[test]
fn a_revocation_reaches_many_readers_within_a_second() {
    // Both ends are in this process.
    let readers = size("LICENTIA_READERS", 1000).min(allow_files().saturating_sub(500) / 2);
    let service = Service::start();
    let made = service.post(&service.admin, "/v1/licenses", &json!({ "subject": "cus_1", "tier": "pro" }));
    let lineage = made.json()["license"]["lineage"].as_str().unwrap().to_owned();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (open, got) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let last = Arc::new(AtomicU64::new(0));
    let (address, began) = (service.address, Instant::now());
    let turns = Arc::new(Semaphore::new(200));
    for _ in 0..readers {
        let (open, got, last) = (Arc::clone(&open), Arc::clone(&got), Arc::clone(&last));
        let turns = Arc::clone(&turns);
        runtime.spawn(async move {
            let turn = turns.acquire_owned().await.unwrap();
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(b"GET /events HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
            let mut stream = BufReader::new(stream);
            let mut line = String::new();
            while !line.starts_with("retry:") {
                line.clear();
                assert!(stream.read_line(&mut line).await.unwrap() > 0);
            }
            open.fetch_add(1, Ordering::Relaxed);
            drop(turn);
            while !line.contains("\"delta\"") {
                line.clear();
                assert!(stream.read_line(&mut line).await.unwrap() > 0);
            }
            last.fetch_max(began.elapsed().as_micros().try_into().unwrap(), Ordering::Relaxed);
            got.fetch_add(1, Ordering::Relaxed);
            // The connection stays.
            std::future::pending::<()>().await;
        });
    }
    let wait = |count: &AtomicUsize, what: &str| {
        let deadline = Instant::now() + Duration::from_mins(2);
        while count.load(Ordering::Relaxed) < readers {
            assert!(Instant::now() < deadline, "{} of {readers} {what}", count.load(Ordering::Relaxed));
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    wait(&open, "are connected");
    let started = began.elapsed();
    let revoked = service.post(&service.admin, &format!("/v1/licenses/{lineage}/revoke"), &json!({}));
    assert_eq!(revoked.status, 200);
    wait(&got, "have the revocation");
    let took = Duration::from_micros(last.load(Ordering::Relaxed)).saturating_sub(started);
    println!("a revocation reached {readers} readers in {took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    runtime.shutdown_background();
}
