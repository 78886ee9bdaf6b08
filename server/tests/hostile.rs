//! Hostile requests get problem details, and nothing secret is in any answer.

mod common;

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    time::{Duration, Instant},
};

use common::Service;
use serde_json::json;

/// Sends bytes as they are, and returns the status and the whole answer.
fn raw(service: &Service, request: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(service.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // The service may answer before it has read everything.
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    (status, text)
}

fn request(service: &Service, method: &str, path: &str, fields: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {}\r\n{fields}content-length: {}\r\n\r\n",
        service.admin,
        body.len()
    );
    [head.as_bytes(), body].concat()
}

const POST: &str = "content-type: application/json\r\nidempotency-key: k\r\n";

#[test]
#[allow(clippy::too_many_lines, reason = "a list of requests")]
fn hostile_requests_get_problem_details() {
    let service = Service::start();
    let lineage = "0".repeat(32);
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(20_000), close.repeat(20_000));
    let wrong_types = [
        "null",
        "1",
        "true",
        "[]",
        "\"x\"",
        "{\"subject\":1,\"tier\":\"pro\"}",
        "{\"subject\":null,\"tier\":[]}",
    ];
    let mut bodies: Vec<Vec<u8>> = wrong_types.iter().map(|text| text.as_bytes().to_vec()).collect();
    bodies.extend([
        Vec::new(),
        b"{".to_vec(),
        b"\xff\xfe\x00".to_vec(),
        b"{\"subject\":\"\xff\",\"tier\":\"pro\"}".to_vec(),
        b"{\"subject\":\"\\ud800\",\"tier\":\"pro\"}".to_vec(),
        deep("[", "]").into_bytes(),
        deep("{\"a\":", "}").into_bytes(),
        b"{\"subject\":\"a\",\"subject\":\"b\",\"tier\":\"pro\"}".to_vec(),
        b"{\"subject\":\"a\",\"tier\":\"pro\",\"unknown\":1}".to_vec(),
        b"{\"subject\":\"\",\"tier\":\"pro\"}".to_vec(),
        b"{\"subject\":\"a\",\"tier\":\"../../etc/passwd\"}".to_vec(),
        b"{\"subject\":\"a\",\"tier\":\"pro@99999999999999999999\"}".to_vec(),
        b"{\"subject\":\"a\",\"tier\":\"pro\",\"expires\":-1}".to_vec(),
        b"{\"subject\":\"a\",\"tier\":\"pro\",\"expires\":18446744073709551615}".to_vec(),
        b"{\"subject\":\"a\",\"tier\":\"pro\",\"expires\":1e400}".to_vec(),
        b"{\"subject\":\"a\",\"tier\":\"pro\",\"term\":\"999999 years\"}".to_vec(),
        b"{\"subject\":\"a\",\"tier\":\"pro\",\"term\":\"-1 day\"}".to_vec(),
        b"{\"subject\":\"a\",\"tier\":\"pro\",\"seats\":18446744073709551615}".to_vec(),
        b"{\"subject\":\"a\",\"tier\":\"pro\",\"holder\":\"00\"}".to_vec(),
        format!("{{\"subject\":\"a\",\"tier\":\"pro\",\"holder\":\"{}\"}}", "00".repeat(32)).into_bytes(),
        b"{\"subject\":\"a\",\"tier\":\"pro\",\"lineage\":\"x\"}".to_vec(),
        b"{\"subject\":\"a\",\"tier\":\"pro\",\"node_locks\":[\"x\"]}".to_vec(),
        b"{\"subject\":\"a\",\"tier\":\"pro\",\"features\":{\"X Y\":true}}".to_vec(),
        b"{\"subject\":\"a\",\"tier\":\"pro\",\"quotas\":{\"calls\":\"lots\"}}".to_vec(),
        b"{\"subject\":\"a\",\"tier\":\"pro\",\"rates\":{\"api\":{\"count\":0}}}".to_vec(),
        b"{\"subject\":\"a\\u0000b\",\"tier\":\"pro\",\"reference\":\"\"}".to_vec(),
        format!("{{\"subject\":\"{}\",\"tier\":\"pro\"}}", "a".repeat(100_000)).into_bytes(),
        format!("{{\"subject\":\"a\",\"tier\":\"pro\",\"reference\":\"{}\"}}", "a".repeat(300)).into_bytes(),
    ]);
    let mut checked = 0;
    let mut check = |bytes: &[u8], what: &str| {
        let (status, text) = raw(&service, bytes);
        assert!((400..500).contains(&status), "{what}: {status} {text}");
        assert!(text.to_lowercase().contains("content-type: application/problem+json"), "{what}: {text}");
        checked += 1;
    };
    for body in &bodies {
        check(
            &request(&service, "POST", "/v1/licenses", POST, body),
            &String::from_utf8_lossy(&body[..body.len().min(80)]),
        );
    }
    let names = [
        "",
        "idempotency-key: \r\n",
        "idempotency-key: a\r\nidempotency-key: b\r\n",
        "idempotency-key: \u{e9}\r\n",
    ];
    for name in names {
        let fields = format!("content-type: application/json\r\n{name}");
        check(
            &request(&service, "POST", "/v1/licenses", &fields, b"{\"subject\":\"a\",\"tier\":\"pro\"}"),
            name,
        );
    }
    let long = format!("content-type: application/json\r\nidempotency-key: {}\r\n", "a".repeat(256));
    check(&request(&service, "POST", "/v1/licenses", &long, b"{}"), "a long name");
    for kind in [
        "",
        "content-type: text/plain\r\n",
        "content-type: application/x-www-form-urlencoded\r\n",
        "content-type: multipart/form-data\r\n",
    ] {
        check(
            &request(&service, "POST", "/v1/licenses", &format!("idempotency-key: k\r\n{kind}"), b"{}"),
            kind,
        );
    }
    let paths = [
        "//",
        "/v1",
        "/v1/",
        "/v1/licenses/",
        "/v1/licenses/x",
        "/v1/licenses/%00",
        "/v1/licenses/%2e%2e",
        "/v1/licenses/..%2f..",
        "/v1/licenses/%ff",
        "/v1/licenses/%",
        "/v1/licenses/%zz",
        "/v1/licenses/../../etc/passwd",
        "/v1//licenses",
        "/V1/licenses",
        "/v1/licenses;x",
        "/v1/licenses%2f",
        "/v1/licenses?x=1",
        "/v1/licenses?limit=0",
        "/v1/licenses?limit=-1",
        "/v1/licenses?limit=1001",
        "/v1/licenses?limit=x",
        "/v1/licenses?limit=1&limit=2",
        "/v1/licenses?state=x",
        "/v1/licenses?sort=;DROP+TABLE",
        "/v1/licenses?kind=%27",
        "/v1/licenses?prefix=zz",
        "/v1/licenses?cursor=00",
        "/v1/licenses?issued_from=-1",
        "/v1/licenses?descending=2",
        "/v1/licenses?%ff",
        "/v1/audit?limit=0",
        "/v1/audit?after=x",
        "/.well-known/licentia",
        "/.well-known/licentia/delta/",
        "/.well-known/licentia/delta/-1",
        "/.well-known/licentia/delta/18446744073709551616",
        "/.well-known/licentia/bundle?issuer=%27",
        "/.well-known/licentia/bundle?x",
        "/.well-known/licentia/../../server.toml",
        "/v1/instances?limit=0",
        "/server.toml",
        "/license.pem",
        "/admin.lic",
    ];
    for path in paths {
        check(&request(&service, "GET", path, "", b""), path);
    }
    for method in ["PUT", "DELETE", "PATCH", "TRACE", "CONNECTX"] {
        check(&request(&service, method, "/v1/licenses", POST, b"{}"), method);
    }
    for action in ["renew", "upgrade", "rotate", "suspend", "resume", "revoke", "reinstate"] {
        check(&request(&service, "POST", &format!("/v1/licenses/{lineage}/{action}"), POST, b"[]"), action);
        check(&request(&service, "POST", &format!("/v1/licenses/{lineage}/{action}"), POST, b"{}"), action);
    }
    let huge = format!(
        "POST /v1/licenses HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {}\r\n{POST}content-length: 99999999999\r\n\r\n",
        service.admin
    );
    check(&[huge.as_bytes(), &vec![b' '; 2 << 20]].concat(), "a huge body");
    for token in ["", "Bearer", "Bearer lic1_", "Basic YTpi", "Bearer \u{e9}"] {
        let text = format!(
            "GET /v1/licenses HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: {token}\r\n\r\n"
        );
        check(text.as_bytes(), token);
    }
    let twice = format!(
        "GET /v1/licenses HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {0}\r\nauthorization: Bearer {0}\r\n\r\n",
        service.admin
    );
    check(twice.as_bytes(), "two credentials");
    for body in [
        "{\"code\":\"\"}",
        "{\"code\":1}",
        "{}",
        "{\"code\":\"A\",\"fingerprint\":\"x\"}",
        "{\"code\":\"A\",\"holder\":\"x\",\"signature\":\"y\"}",
    ] {
        check(&request(&service, "POST", "/v1/activate", POST, body.as_bytes()), body);
    }
    assert!(checked >= 100, "{checked}");
    // And it still serves.
    assert_eq!(service.get(&service.admin, "/v1/licenses").status, 200);
}

#[test]
fn a_slow_client_does_not_hold_a_connection_for_ever() {
    let service = Service::start();
    let mut stream = TcpStream::connect(service.address).unwrap();
    let head = format!(
        "POST /v1/licenses HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n{POST}content-length: 100\r\n\r\n{{",
        service.admin
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(40))).unwrap();
    let started = Instant::now();
    let mut answer = [0; 512];
    let length = stream.read(&mut answer).unwrap();
    let text = String::from_utf8_lossy(&answer[..length]);
    assert!(text.starts_with("HTTP/1.1 408") && text.contains("body_too_slow"), "{text}");
    assert!(started.elapsed() < Duration::from_secs(30));
}

#[test]
fn nothing_secret_is_in_an_answer_or_in_the_database() {
    let service = Service::start();
    let mut answers = Vec::new();
    let wanted = json!({ "subject": "cus_1", "tier": "pro" });
    let made = service.post(&service.admin, "/v1/licenses", &wanted);
    let token = made.json()["token"].as_str().unwrap().to_owned();
    let lineage = made.json()["license"]["lineage"].as_str().unwrap().to_owned();
    let code = service.post(&service.admin, "/v1/activations", &json!({ "license": wanted }));
    let code = code.json()["code"].as_str().unwrap().to_owned();
    let secret = "lic1_c2VjcmV0LXRoYXQtbm9ib2R5LW1heS1zZWU";
    for body in [
        json!(secret),
        json!({ "subject": [secret] }),
        json!({ "subject": "a", "tier": secret, "x": 1 }),
        json!({ "seats": secret }),
    ] {
        answers.push(service.post(&service.admin, "/v1/licenses", &body));
    }
    for path in [
        "/v1/licenses",
        "/v1/audit",
        "/v1/catalogues",
        "/v1/instances",
        "/v1/me",
        "/openapi.json",
        &format!("/v1/licenses/{lineage}"),
    ] {
        for credential in [&service.admin, &token, secret] {
            answers.push(service.get(credential, path));
        }
    }
    answers.push(service.post(
        &service.admin,
        &format!("/v1/licenses/{lineage}/revoke"),
        &json!({ "reason": secret }),
    ));
    let pems: Vec<String> = ["root.pem", "license.pem", "revocation.pem"]
        .iter()
        .map(|name| {
            fs::read_to_string(service.folder.path().join(name)).unwrap().lines().nth(1).unwrap().to_owned()
        })
        .collect();
    let never = pems.iter().chain([&service.admin, &token, &code]).map(String::as_str).chain([secret]);
    let never: Vec<&str> = never.collect();
    for answer in &answers {
        let text = format!("{:?} {}", answer.fields, answer.text);
        for secret in &never {
            assert!(!text.contains(secret), "{text}");
        }
        assert!(!text.contains(&service.folder.path().display().to_string()), "{text}");
    }
    for file in ["ledger.db", "ledger.db-wal"] {
        let bytes = fs::read(service.folder.path().join(file)).unwrap_or_default();
        for secret in &never {
            let secret = secret.as_bytes();
            assert!(!bytes.windows(secret.len()).any(|window| window == secret), "{file}");
        }
    }
}

#[test]
fn browsers_get_no_way_in() {
    let service = Service::start();
    let answer = service.get(&service.admin, "/v1/licenses");
    assert_eq!(answer.fields["cache-control"], "no-store");
    assert_eq!(answer.fields["x-content-type-options"], "nosniff");
    assert_eq!(answer.fields["x-frame-options"], "DENY");
    assert!(
        !answer.fields.contains_key("set-cookie")
            && !answer.fields.contains_key("access-control-allow-origin")
    );
    // A form of another site can send neither the credential nor the media type.
    let preflight = raw(&service, b"OPTIONS /v1/licenses HTTP/1.1\r\nhost: x\r\nconnection: close\r\norigin: https://evil.example\r\naccess-control-request-method: POST\r\n\r\n");
    assert!(!preflight.1.to_lowercase().contains("access-control-allow"), "{preflight:?}");
}

#[test]
fn the_openapi_document_is_the_committed_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let (committed, made) = (fs::read_to_string(path).unwrap_or_default(), licentia_server::http::openapi());
    // To be compared.
    let beside = Path::new(env!("CARGO_TARGET_TMPDIR")).join("openapi.json");
    fs::write(&beside, &made).unwrap();
    assert!(
        committed == made,
        "server/openapi.json differs from {}: run `cargo xtask api` and review the change",
        beside.display()
    );
}
