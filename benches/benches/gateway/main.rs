//! The gateway beside its peers, behind a real Envoy and asked over HTTP. Prints tables. `cargo xtask bench gateway` brings
//! the peers: `LICENTIA_ENVOY`, `LICENTIA_RATELIMIT`, `LICENTIA_OPA` and `LICENTIA_REDIS` say where they are;
//! `LICENTIA_SECONDS` is the length of each of the rounds, which take turns.

#![allow(clippy::cast_precision_loss, reason = "figures for people")]

mod load;
mod servers;

use std::{convert::Infallible, env, fs, path::Path, time::Duration};

use http::{Request, Response};
use http_body_util::Full;
use hyper::{body::Incoming, service::service_fn};
use licentia_benches::issuer;
use licentia_gateway::{
    Config, Gateway,
    config::Address,
    listen::{Listener, serve},
};
use licentia_issuer::Draft;
use load::{Target, as_fast_as_possible, at_rate};
use servers::{envoy, free, opa, ratelimit, role};

/// Requests a second.
const RATE: u32 = 1000;
/// Connections that they come over.
const CONNECTIONS: u32 = 8;

fn main() {
    let words: Vec<String> = env::args().skip(1).collect();
    match &words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["gateway", file] => run(as_gateway(Path::new(file))),
        ["plain", address] => run(as_plain(address.parse().expect("an address"))),
        _ => measure(),
    }
}

/// One thread serves, so that servers are compared and not their schedulers.
fn run(work: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(work);
}

async fn as_gateway(file: &Path) {
    let config = Config::load(file).unwrap_or_else(|faults| panic!("{faults}"));
    let _gateway = Gateway::start(config).await.expect("a gateway");
    std::future::pending::<()>().await;
}

/// The gateway's own server, which answers 200 and checks nothing.
async fn as_plain(address: std::net::SocketAddr) {
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let listener = Listener::bind(&Address::Tcp(address)).await.expect("a listener");
    let serving = serve(listener, stopped, |_| {
        service_fn(|_: Request<Incoming>| async {
            Ok::<_, Infallible>(Response::new(Full::new(bytes::Bytes::from_static(b"ok"))))
        })
    });
    let _ = serving.ended.await;
}

/// A licence that is never used up, and its key.
fn licence() -> (String, String) {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock").as_secs();
    let mut draft = Draft::new("customer-1", "pro", 1, now - 3600, now + 86_400);
    draft.grant.quotas.insert("calls".into(), "1000000000/day".parse().expect("a quota"));
    draft.grant.rates.insert("api".into(), "100000/1s".parse().expect("a rate"));
    (issuer().issue(&draft).expect("a licence").text(), issuer().key().public().to_string())
}

fn get(path: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    let fields: String = fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("GET {path} HTTP/1.1\r\nHost: api.acme.example\r\n{fields}\r\n").into_bytes()
}

/// Milliseconds at a share of the requests.
fn quantile(sorted: &[u64], share: f64) -> f64 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
    let at = ((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1));
    sorted.get(at).map_or(f64::NAN, |nanos| *nanos as f64 / 1e6)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn measure() {
    let given = |name: &str| {
        env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run `cargo xtask bench gateway`"))
    };
    let seconds = env::var("LICENTIA_SECONDS").map_or(5.0, |seconds| seconds.parse().expect("a number"));
    let (time, rounds) = (Duration::from_secs_f64(seconds), 9);
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();

    let (token, key) = licence();
    let bearer = format!("Bearer {token}");
    let (check, plain, socket) = (free(), free(), folder.join("grpc.sock"));
    let config = format!(
        "[listen]\ncheck = \"{check}\"\ngrpc = \"unix:{}\"\n[trust]\nkeys = [\"{key}\"]\n[[route]]\nmatch = \"GET /search\"\nmeters = {{ calls = 1 }}\nrates = {{ api = 1 }}\n[[route]]\nmatch = \"GET /open\"\naccess = \"open\"\n",
        socket.display()
    );
    let file = folder.join("gateway.toml");
    fs::write(&file, config).expect("a file");
    let _gateway = role(&["gateway", &file.display().to_string()], check);
    let _plain = role(&["plain", &plain.to_string()], plain);
    let (_opa, opa) = opa(&given("LICENTIA_OPA"), folder);
    let (_ratelimit, limiter) = ratelimit(&given("LICENTIA_RATELIMIT"), &given("LICENTIA_REDIS"), folder);
    let (_envoy, [alone, asking, limiting]) =
        envoy(&given("LICENTIA_ENVOY"), folder, plain, &socket, limiter);

    let customer: [(&str, &str); 2] = [("authorization", &bearer), ("x-customer", "customer-1")];
    let through = |name, address| Target { name, address, request: get("/search", &customer) };
    let forwarded =
        |path| [("x-forwarded-method", "GET"), ("x-forwarded-uri", path), ("authorization", &bearer)];
    let input = r#"{"input":{"method":"GET","path":"/search","token":"customer-1"}}"#;
    let question = format!(
        "POST /v1/data/api/allow HTTP/1.1\r\nHost: opa\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{input}",
        input.len()
    );
    behind_envoy(
        &[
            through("Envoy alone", alone),
            through("Envoy asks the gateway (gRPC, Unix socket)", asking),
            through("Envoy asks envoyproxy/ratelimit (gRPC, with Redis)", limiting),
        ],
        time,
        rounds,
    );
    let gateway = |name, path| Target { name, address: check, request: get("/forward", &forwarded(path)) };
    over_http(
        &[
            gateway("the gateway, `/forward`", "/search"),
            Target { name: "Open Policy Agent, `/v1/data`", address: opa, request: question.into_bytes() },
        ],
        time,
        rounds,
    );
    let unchecked = Target {
        name: "the same server, 200 and no check",
        address: plain,
        request: get("/forward", &forwarded("/search")),
    };
    throughput(
        &[
            unchecked,
            gateway("`/forward`, an open route", "/open"),
            gateway("`/forward`, a licence with rate and quota", "/search"),
        ],
        time,
        rounds,
    );
}

/// Latencies at a fixed rate; the targets take turns, and each figure is the median of its rounds.
fn latencies(targets: &[Target], time: Duration, rounds: usize) -> Vec<(f64, f64)> {
    let mut figures: Vec<(Vec<f64>, Vec<f64>)> = targets.iter().map(|_| <_>::default()).collect();
    for _ in 0..rounds {
        for (target, (half, most)) in targets.iter().zip(&mut figures) {
            let taken = at_rate(target, CONNECTIONS, RATE, time);
            half.push(quantile(&taken, 0.5));
            most.push(quantile(&taken, 0.99));
        }
    }
    figures.into_iter().map(|(half, most)| (median(half), median(most))).collect()
}

fn behind_envoy(targets: &[Target], time: Duration, rounds: usize) {
    println!("Behind one Envoy, {RATE} requests a second over {CONNECTIONS} connections, in ms:\n");
    println!("| | p50 | p99 | adds to p50 | adds to p99 |\n|---|---|---|---|---|");
    let figures = latencies(targets, time, rounds);
    let (half_alone, most_alone) = figures.first().copied().unwrap_or_default();
    for (target, (half, most)) in targets.iter().zip(&figures) {
        let added = |value: f64, alone: f64| {
            if target.name == "Envoy alone" { String::new() } else { format!("{:.3}", value - alone) }
        };
        let (half_added, most_added) = (added(*half, half_alone), added(*most, most_alone));
        println!("| {} | {half:.3} | {most:.3} | {half_added} | {most_added} |", target.name);
    }
    println!();
}

fn over_http(targets: &[Target], time: Duration, rounds: usize) {
    println!("Asked over HTTP, {RATE} questions a second over {CONNECTIONS} connections, in ms:\n");
    println!("| | p50 | p99 |\n|---|---|---|");
    for (target, (half, most)) in targets.iter().zip(latencies(targets, time, rounds)) {
        println!("| {} | {half:.3} | {most:.3} |", target.name);
    }
    println!();
}

fn throughput(targets: &[Target], time: Duration, rounds: usize) {
    println!("HTTP with connections that stay open, one thread serving, {CONNECTIONS} connections:\n");
    println!("| | requests a second | against no check |\n|---|---|---|");
    let mut figures: Vec<Vec<f64>> = targets.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for (target, figures) in targets.iter().zip(&mut figures) {
            figures.push(as_fast_as_possible(target, CONNECTIONS as usize, time));
        }
    }
    let ratios = |of: &[f64]| {
        let base = figures.first().into_iter().flatten();
        median(of.iter().zip(base).map(|(rate, base)| rate / base).collect())
    };
    for (target, rates) in targets.iter().zip(&figures) {
        println!("| {} | {:.0} | {:.2} x |", target.name, median(rates.clone()), ratios(rates));
    }
}
