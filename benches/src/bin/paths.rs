//! Walks one of the main paths so many times, so that its instructions can be counted: `paths NAME COUNT`.

use std::{hint::black_box, process::ExitCode, sync::Arc};

use licentia::{Decision, Gate, Request, event::Metrics};
use licentia_benches::{AUDIENCE, NOW, Service, draft, issuer, service::later};
use licentia_core::{Buffer, Expect, Unverified, text::decode_license, verify_text};

/// Asks a gate again and again; whether all requests went on.
fn ask(gate: &Gate, request: &Request<'_>, count: u64) -> bool {
    let (token, mut decision) = (Service::token(1), Decision::undecided());
    (0..count).all(|count| {
        gate.check_into(black_box(&token), request, later(count), &mut decision);
        decision.is_allowed()
    })
}

fn walk(name: &str, count: u64) -> Option<bool> {
    let (features, meters, rates) = (["export"], [("calls", 1)], [("api", 1)]);
    let asked = Request::new().features(&features);
    let charged = asked.meters(&meters).rates(&rates);
    let token = issuer().issue(&draft()).expect("a licence").text();
    let expect = Expect::new().issuer("acme").audience(AUDIENCE).features(&features);
    Some(match name {
        "parse" => {
            let mut buffer = Buffer::new();
            (0..count).all(|_| {
                let bytes = decode_license(black_box(&token), &mut buffer).expect("a token");
                Unverified::read(bytes).is_ok()
            })
        }
        "verify" => {
            let (keys, mut buffer) = ([issuer().key().public()], Buffer::new());
            (0..count).all(|_| verify_text(black_box(&token), &mut buffer, &keys, &expect, NOW).is_ok())
        }
        "gate, cold" => ask(&Service::new(1000).gate().cache_capacity(0).build().ok()?, &charged, count),
        "gate, warm" => ask(&Service::new(1000).gate().build().ok()?, &charged, count),
        "gate, warm, feature" => ask(&Service::new(1000).gate().build().ok()?, &asked, count),
        "gate, warm, metrics" => {
            let gate = Service::new(1000).gate().sink(Arc::new(Metrics::new())).build().ok()?;
            ask(&gate, &charged, count)
        }
        _ => return None,
    })
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, count] = arguments.as_slice() else { return ExitCode::FAILURE };
    match count.parse().ok().and_then(|count| walk(name, count)) {
        Some(true) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
