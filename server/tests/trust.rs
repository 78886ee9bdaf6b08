//! What is published: a revocation over HTTP reaches a real gateway within a second.

mod common;

use std::{
    io::{BufRead, BufReader, Read},
    time::{Duration, Instant},
};

use common::{ISSUER, Service, agent, answered};
use licentia_gateway::{Config, Gateway};
use serde_json::json;

/// Issues a licence; its token and lineage.
fn issue(service: &Service, subject: &str) -> (String, String) {
    let answer = service.post(&service.admin, "/v1/licenses", &json!({ "subject": subject, "tier": "pro" }));
    assert_eq!(answer.status, 201, "{answer:?}");
    let answer = answer.json();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    (text(&answer["token"]), text(&answer["license"]["lineage"]))
}

#[test]
fn a_revocation_reaches_a_gateway_within_a_second() {
    let service = Service::start();
    let (token, lineage) = issue(&service, "cus_1");
    let (other, _) = issue(&service, "cus_2");
    let text = format!(
        "issuer = \"{ISSUER}\"\n[listen]\ncheck = \"127.0.0.1:0\"\n[trust]\nroot = \"root.pub\"\nkeyset = \"{0}\"\nbundle = \"{1}\"\nevents = \"{2}\"\npoll = \"1h\"\n[[route]]\nmatch = \"GET /x\"\n",
        service.url("/.well-known/licentia/keyset"),
        service.url("/.well-known/licentia/bundle"),
        service.url("/events"),
    );
    let config = Config::parse(&text, "gateway.toml", service.folder.path()).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let gateway = runtime.block_on(Gateway::start(config)).unwrap();
    let check = gateway.listening.check.clone().unwrap().to_string();
    let status = |token: &str| {
        let request = agent().get(format!("http://{check}/forward"));
        let request = request.header("authorization", format!("Bearer {token}"));
        answered(request.header("x-forwarded-method", "GET").header("x-forwarded-uri", "/x").call()).status
    };
    assert_eq!((status(&token), status(&other)), (200, 200));
    // The gateway has connected to the stream.
    std::thread::sleep(Duration::from_millis(500));
    let path = format!("/v1/licenses/{lineage}");
    for _ in 0..2 {
        let started = Instant::now();
        let revoked = service.post(&service.admin, &format!("{path}/revoke"), &json!({ "reason": "fraud" }));
        assert_eq!(revoked.status, 200, "{revoked:?}");
        while status(&token) != 401 {
            assert!(started.elapsed() < Duration::from_secs(5), "the revocation arrives");
        }
        println!("revoked at the gateway after {:?}", started.elapsed());
        assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
        assert_eq!(status(&other), 200);
        let started = Instant::now();
        assert_eq!(service.post(&service.admin, &format!("{path}/reinstate"), &json!({})).status, 200);
        while status(&token) != 200 {
            assert!(started.elapsed() < Duration::from_secs(5), "the reinstatement arrives");
        }
    }
    runtime.block_on(gateway.stop());
}

#[test]
fn what_is_published_has_tags_and_deltas() {
    let service = Service::start();
    let keyset = service.get("", "/.well-known/licentia/keyset");
    assert_eq!(keyset.status, 200);
    let tag = keyset.fields["etag"].to_str().unwrap();
    let request = agent().get(service.url("/.well-known/licentia/keyset")).header("if-none-match", tag);
    assert_eq!(answered(request.call()).status, 304);
    assert_eq!(service.get("", "/.well-known/licentia/delta/99").status, 404);
    assert_eq!(service.get("", "/.well-known/licentia/delta/x").status, 404);
    assert_eq!(service.get("", "/.well-known/licentia/bundle?issuer=nobody").status, 404);
    let events = agent().get(service.url("/events")).call().unwrap();
    let mut events = BufReader::new(events.into_body().into_reader());
    let (_, lineage) = issue(&service, "cus_1");
    // The stream is open when its first bytes are there.
    let mut line = String::new();
    events.read_line(&mut line).unwrap();
    service.post(&service.admin, &format!("/v1/licenses/{lineage}/revoke"), &json!({}));
    let event = loop {
        line.clear();
        events.read_line(&mut line).unwrap();
        if let Some(data) = line.strip_prefix("data: ") {
            break serde_json::from_str::<serde_json::Value>(data).unwrap();
        }
    };
    assert_eq!((event["issuer"].as_str(), event["stream"].as_u64()), (Some(ISSUER), Some(0)));
    let delta = data_encoding::BASE64URL_NOPAD.decode(event["delta"].as_str().unwrap().as_bytes()).unwrap();
    let from = event["sequence"].as_u64().unwrap() - 1;
    let mut fetched =
        agent().get(service.url(&format!("/.well-known/licentia/delta/{from}"))).call().unwrap();
    let mut bytes = Vec::new();
    fetched.body_mut().as_reader().read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes, delta);
}

#[test]
fn a_licence_goes_through_its_life() {
    let service = Service::start();
    let (first, lineage) = issue(&service, "cus_1");
    let act = |action: &str, body: serde_json::Value| {
        service.post(&service.admin, &format!("/v1/licenses/{lineage}/{action}"), &body)
    };
    let renewed = act("renew", json!({ "reference": "order-2" }));
    assert_eq!(renewed.status, 201, "{renewed:?}");
    assert_ne!(renewed.json()["token"].as_str().unwrap(), first);
    let upgraded = act("upgrade", json!({ "tier": "team", "replace": true }));
    assert_eq!((upgraded.status, upgraded.json()["license"]["tier"].as_str()), (201, Some("team")));
    let rotated = act("rotate", json!({ "overlap": "1 hour" }));
    assert_eq!(rotated.status, 201, "{rotated:?}");
    let states = || {
        let shown = service.get(&service.admin, &format!("/v1/licenses/{lineage}")).json();
        let items = shown["items"].as_array().unwrap().clone();
        items
            .iter()
            .map(|item| item["revocation"]["reason"].as_str().unwrap_or("-").to_owned())
            .collect::<Vec<_>>()
    };
    let superseded = |states: &[String]| states.iter().filter(|state| *state == "superseded").count();
    assert_eq!((states().len(), superseded(&states())), (4, 2));
    // A suspension ends; a revocation stays, whatever is resumed; what was replaced stays replaced.
    assert_eq!(act("suspend", json!({})).json()["licenses"].as_array().unwrap().len(), 2);
    assert_eq!(act("resume", json!({})).json()["licenses"].as_array().unwrap().len(), 2);
    assert_eq!(superseded(&states()), 2);
    act("suspend", json!({}));
    assert_eq!(act("revoke", json!({ "reason": "fraud" })).json()["licenses"].as_array().unwrap().len(), 2);
    assert_eq!(act("resume", json!({})).json()["licenses"].as_array().unwrap().len(), 0);
    assert_eq!(states().iter().filter(|state| *state == "fraud").count(), 2);
    assert_eq!(act("renew", json!({})).status, 409, "every licence is revoked");
    assert_eq!(act("reinstate", json!({})).json()["licenses"].as_array().unwrap().len(), 2);
    assert_eq!(superseded(&states()), 2);
    let nobody = service.post(&service.admin, &format!("/v1/licenses/{}/revoke", "0".repeat(32)), &json!({}));
    assert_eq!(nobody.status, 404);
}

#[test]
fn many_revocations_need_a_confirmation_that_names_them() {
    let service = Service::start();
    for _ in 0..12 {
        issue(&service, "cus_1");
    }
    let asked = service.post(&service.admin, "/v1/revocations", &json!({ "subject": "cus_1" }));
    assert_eq!((asked.status, asked.problem()), (409, "confirmation_needed".into()));
    assert_eq!(
        (asked.json()["hits"].as_u64(), asked.json()["licenses"].as_array().unwrap().len()),
        (Some(12), 12)
    );
    let wrong =
        service.post(&service.admin, "/v1/revocations", &json!({ "subject": "cus_1", "confirm": 11 }));
    assert_eq!(wrong.status, 409);
    let done = service.post(&service.admin, "/v1/revocations", &json!({ "subject": "cus_1", "confirm": 12 }));
    assert_eq!(done.status, 200);
}

#[test]
fn a_revoker_cannot_revoke_the_administrator() {
    let service = Service::start();
    let revoker = service.credential(&["server.revoke"]);
    let listed = service.get(&service.admin, "/v1/licenses?subject=admin").json();
    let lineage = listed["items"][0]["lineage"].as_str().unwrap();
    let refused = service.post(&revoker, &format!("/v1/licenses/{lineage}/revoke"), &json!({}));
    assert_eq!((refused.status, refused.problem()), (403, "admin_needed".into()));
    let refused = service.post(&revoker, "/v1/revocations", &json!({ "subject": "admin" }));
    assert_eq!(refused.status, 403);
}

#[test]
fn a_revoked_credential_ends_at_once() {
    let service = Service::start();
    let reader = service.credential(&["server.read"]);
    assert_eq!(service.get(&reader, "/v1/licenses").status, 200);
    let revoked = service.post(&service.admin, "/v1/revocations", &json!({ "subject": "staff" }));
    assert_eq!(revoked.status, 200, "{revoked:?}");
    let started = Instant::now();
    while service.get(&reader, "/v1/licenses").status != 401 {
        assert!(started.elapsed() < Duration::from_secs(2));
    }
}
