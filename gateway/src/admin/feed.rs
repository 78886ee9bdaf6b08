//! What a page receives: a snapshot, each decision, and a summary twice a second, as Server-Sent Events.

use std::{fmt::Write, sync::Arc, time::Duration};

use bytes::Bytes;
use serde::Serialize;
use tokio::{
    sync::{
        OwnedSemaphorePermit,
        broadcast::error::{RecvError, TryRecvError},
        mpsc::{self, Sender},
    },
    time::{MissedTickBehavior, interval, timeout},
};

use crate::events::Event;

use super::{
    body::Chunks,
    customers::Customer,
    series::Point,
    state::{Admin, Person, now},
};

/// How often the summary comes. It is the heartbeat too.
const TICK: Duration = Duration::from_millis(500);
/// A page that reads nothing for so long is gone.
const PATIENCE: Duration = Duration::from_secs(30);
/// Chunks that wait for a page. Beyond them it misses decisions, and is told how many.
const CHUNKS: usize = 4;
/// Decisions in a chunk.
const CHUNK: usize = 64;
/// Decisions of a snapshot.
const RECENT: usize = 200;

/// What both a snapshot and a tick say.
#[derive(Serialize)]
struct Summary<'a> {
    now: u64,
    totals: Totals,
    codes: Vec<Reason>,
    series: Vec<Point>,
    trust: Trust,
    customers: &'a [Customer],
    /// Decisions since the last tick that this page did not get.
    missed: u64,
}

#[derive(Serialize)]
struct Totals {
    allowed: u64,
    denied: u64,
}

#[derive(Serialize)]
struct Reason {
    name: String,
    count: u64,
}

#[derive(Serialize)]
struct Trust {
    bundle: Option<BundleInUse>,
}

#[derive(Serialize)]
struct BundleInUse {
    sequence: u64,
    issued_at: u64,
}

/// What only a snapshot says.
#[derive(Serialize)]
struct Snapshot<'a> {
    boot: &'a str,
    version: &'static str,
    mode: &'static str,
    address: Option<&'a str>,
    upstream: Option<&'a str>,
    routes: usize,
    dev: Option<Dev>,
    #[serde(flatten)]
    summary: Summary<'a>,
}

#[derive(Serialize)]
struct Dev {
    customers: Vec<Person>,
}

/// The stream of one page.
pub(super) fn open(admin: Arc<Admin>, permit: OwnedSemaphorePermit) -> Chunks {
    let (sender, receiver) = mpsc::channel(CHUNKS);
    tokio::spawn(async move {
        // Either the page is gone, or the gateway stops.
        let _ = feed(&admin, &sender).await;
        drop(permit);
    });
    Chunks(receiver)
}

/// Why a stream ends.
struct Ended;

async fn feed(admin: &Admin, page: &Sender<Bytes>) -> Result<(), Ended> {
    let mut stop = admin.stop.clone();
    let stream = admin.decider.events();
    let (recent, mut events) = stream.subscribe();
    let mut skipped = stream.skipped();
    let (customers, mut change) = admin.customers.since(0);
    let recent = recent.get(recent.len().saturating_sub(RECENT)..).unwrap_or_default();
    send(page, snapshot(admin, &customers, recent)).await?;
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut missed = 0;
    loop {
        let chunk = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return Err(Ended),
            () = page.closed() => return Err(Ended),
            _ = tick.tick() => {
                let (customers, latest) = admin.customers.since(change);
                change = latest;
                let sampled = stream.skipped();
                missed += sampled.saturating_sub(std::mem::replace(&mut skipped, sampled));
                let since = now().as_secs().saturating_sub(2);
                message("tick", &json(&summary(admin, &customers, since, std::mem::take(&mut missed))))
            }
            event = events.recv() => {
                let mut chunk = String::new();
                match event {
                    Ok(event) => append(&mut chunk, &event),
                    Err(RecvError::Lagged(count)) => missed += count,
                    Err(RecvError::Closed) => return Err(Ended),
                }
                for _ in 1..CHUNK {
                    match events.try_recv() {
                        Ok(event) => append(&mut chunk, &event),
                        Err(TryRecvError::Lagged(count)) => missed += count,
                        Err(_) => break,
                    }
                }
                chunk
            }
        };
        if !chunk.is_empty() {
            send(page, chunk).await?;
        }
    }
}

/// Waits for a slow page. Meanwhile the stream of events overwrites what it does not get.
async fn send(page: &Sender<Bytes>, chunk: String) -> Result<(), Ended> {
    match timeout(PATIENCE, page.send(chunk.into())).await {
        Ok(Ok(())) => Ok(()),
        _ => Err(Ended),
    }
}

fn append(chunk: &mut String, event: &Event) {
    // Writing to a string cannot fail.
    let _ = write!(chunk, "event: decision\ndata: {}\n\n", event.json);
}

fn message(event: &str, data: &str) -> String {
    format!("event: {event}\ndata: {data}\n\n")
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn snapshot(admin: &Admin, customers: &[Customer], recent: &[Arc<Event>]) -> String {
    let dev = admin.actions.as_ref().map(|actions| Dev { customers: actions.customers() });
    let snapshot = Snapshot {
        boot: &admin.boot,
        version: env!("CARGO_PKG_VERSION"),
        mode: if dev.is_some() { "dev" } else { "gateway" },
        address: admin.about.address.as_deref(),
        upstream: admin.about.upstream.as_deref(),
        routes: admin.decider.rules().table.routes().len(),
        dev,
        summary: summary(admin, customers, 0, 0),
    };
    let mut data = json(&snapshot);
    // The decisions are JSON already.
    data.pop();
    let decisions: Vec<&str> = recent.iter().map(|event| &*event.json).collect();
    let _ = write!(data, r#","decisions":[{}]}}"#, decisions.join(","));
    message("snapshot", &data)
}

fn summary<'a>(admin: &Admin, customers: &'a [Customer], since: u64, missed: u64) -> Summary<'a> {
    let [allowed, denied] = admin.decider.events().totals();
    let reasons = admin.customers.reasons();
    let bundle = admin.about.issuer.as_ref().and_then(|issuer| admin.decider.gate().revocation(issuer));
    Summary {
        now: now().as_millis().try_into().unwrap_or(u64::MAX),
        totals: Totals { allowed, denied },
        codes: reasons.into_iter().map(|(name, count)| Reason { name, count }).collect(),
        series: admin.series.since(since),
        trust: Trust {
            bundle: bundle.map(|bundle| BundleInUse {
                sequence: bundle.sequence,
                issued_at: bundle.issued_at.as_seconds(),
            }),
        },
        customers,
        missed,
    }
}
