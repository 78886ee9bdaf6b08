//! Webhooks over HTTP, to a receiver of the test's own.

mod common;

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use common::{Service, make, now};
use data_encoding::BASE64;
use hmac_sha256::HMAC;
use serde_json::{Value, json};

/// A message that arrived.
#[derive(Clone, Debug, Default)]
struct Message {
    path: String,
    id: String,
    time: String,
    signatures: String,
    body: String,
}

impl Message {
    fn kind(&self) -> String {
        serde_json::from_str::<Value>(&self.body).unwrap()["type"].as_str().unwrap().to_owned()
    }

    /// Whether a secret signed it, as a receiver checks it.
    fn is_signed(&self, secret: &str) -> bool {
        let key = BASE64.decode(secret.strip_prefix("whsec_").unwrap().as_bytes()).unwrap();
        let mut mac = HMAC::new(&key);
        mac.update(format!("{}.{}.{}", self.id, self.time, self.body));
        let expected = format!("v1,{}", BASE64.encode(&mac.finalize()));
        self.time.parse::<u64>().unwrap().abs_diff(now()) < 60
            && self.signatures.split(' ').any(|one| one == expected)
    }
}

/// Answers what its path says: `/204`, `/500`, `/410`, `/302`; `/once` fails the first time.
#[derive(Clone)]
struct Receiver(Arc<Mutex<Vec<Message>>>, u16);

impl Receiver {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let it = Self(Arc::default(), listener.local_addr().unwrap().port());
        let this = it.clone();
        std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| this.take(stream)));
        it
    }

    fn take(&self, mut stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let (mut first, mut length, mut message) = (String::new(), 0, Message::default());
        let _ = reader.read_line(&mut first);
        first.split(' ').nth(1).unwrap_or_default().clone_into(&mut message.path);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) <= 2 {
                break;
            }
            let Some((name, value)) = line.trim().split_once(": ") else { continue };
            let value = value.to_owned();
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse().unwrap(),
                "webhook-id" => message.id = value,
                "webhook-timestamp" => message.time = value,
                "webhook-signature" => message.signatures = value,
                _ => {}
            }
        }
        let mut body = vec![0; length];
        let _ = reader.read_exact(&mut body);
        message.body = String::from_utf8(body).unwrap();
        let mut seen = self.0.lock().unwrap();
        let is_first = seen.iter().all(|known| known.path != message.path);
        let status = match message.path.trim_start_matches('/') {
            "once" if is_first => "500",
            "once" => "200",
            status => status,
        }
        .to_owned();
        seen.push(message);
        let _ = write!(
            stream,
            "HTTP/1.1 {status} X\r\nlocation: /204\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        );
    }

    fn seen(&self, path: &str) -> Vec<Message> {
        self.0.lock().unwrap().iter().filter(|message| message.path == path).cloned().collect()
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.1)
    }
}

fn service(settings: &str) -> Service {
    let folder = tempfile::tempdir().unwrap();
    let config = make(folder.path(), "ledger.db");
    let text = fs::read_to_string(&config).unwrap() + settings;
    fs::write(&config, text).unwrap();
    Service::run(folder, &config)
}

fn until<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(Instant::now() < end, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn issue(service: &Service, subject: &str) {
    let answer = service.post(&service.admin, "/v1/licenses", &json!({ "subject": subject, "tier": "pro" }));
    assert_eq!(answer.status, 201, "{answer:?}");
}

#[test]
fn what_happens_is_told_signed_retried_and_replayed() {
    let receiver = Receiver::start();
    let service = service("\n[webhooks]\nallow = [\"127.0.0.1\"]\nplain = true\n");
    issue(&service, "before anybody listened");
    let add = |path: &str, kinds: &[&str]| {
        let body = json!({ "url": receiver.url(path), "kinds": kinds });
        let answer = service.post(&service.admin, "/v1/webhooks", &body);
        assert_eq!(answer.status, 201, "{answer:?}");
        let text = |name: &str| answer.json()[name].as_str().unwrap().to_owned();
        (text("id"), text("secret"))
    };
    let (good, secret) = add("/204", &[]);
    let (_, once) = add("/once", &["license.issued"]);
    let (gone, _) = add("/410", &[]);
    add("/302", &[]);
    add("/500", &["license.revoked"]);
    issue(&service, "a \"quoted\" & <b>subject</b>");
    let first = until("a message", || receiver.seen("/204").first().cloned());
    assert!(first.is_signed(&secret) && !first.is_signed(&once));
    let said: Value = serde_json::from_str(&first.body).unwrap();
    assert_eq!(
        (said["type"].as_str(), said["data"]["license"]["tier"].as_str()),
        (Some("license.issued"), Some("pro"))
    );
    assert_eq!(said["data"]["license"]["subject"], "a \"quoted\" & <b>subject</b>");
    assert!(!first.body.contains("lic1_"), "no token is in a message");
    // A redirect is not followed: the two webhooks are for different addresses, so that one message came to `/204`.
    until("the redirect is noticed", || {
        let failed = service.get(&service.admin, "/v1/deliveries?state=waiting").json();
        failed["items"]
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one["reason"].as_str().unwrap().contains("redirects"))
            .then_some(())
    });
    assert_eq!(receiver.seen("/204").len(), 1);
    // 410: it is off, and gets nothing more until it is switched on.
    let webhook = |id: &str| {
        let all = service.get(&service.admin, "/v1/webhooks").json();
        all["items"].as_array().unwrap().iter().find(|one| one["id"] == id).unwrap().clone()
    };
    until("the one that is gone is off", || (webhook(&gone)["is_on"] == false).then_some(()));
    assert_eq!(receiver.seen("/410").len(), 1);
    assert!(!service.get(&service.admin, "/v1/webhooks").text.contains("whsec_"), "a secret is shown once");
    // A failure is tried again after about 5 s, with the same identifier and body, and a new time and signature.
    let two = until("the second attempt", || Some(receiver.seen("/once")).filter(|seen| seen.len() == 2));
    assert_eq!((&two[0].id, &two[0].body), (&two[1].id, &two[1].body));
    assert!(two[0].time != two[1].time && two[1].is_signed(&once));
    // Replay.
    until("it is delivered", || (webhook(&good)["delivered"] == 1).then_some(()));
    let deliveries = service.get(&service.admin, &format!("/v1/deliveries?webhook={good}")).json();
    let event = deliveries["items"][0]["event"].clone();
    let replay =
        service.post(&service.admin, &format!("/v1/webhooks/{good}/replay"), &json!({ "event": event }));
    assert_eq!(replay.json()["count"], 1);
    let again = until("the replay", || receiver.seen("/204").get(1).cloned());
    assert_eq!((&again.id, &again.body), (&first.id, &first.body));
    let none = service.post(&service.admin, &format!("/v1/webhooks/{good}/replay"), &json!({ "event": 999 }));
    assert_eq!((none.status, none.problem()), (404, "unknown".to_owned()));
    // A new secret: for a day both sign.
    let rotated = service.post(&service.admin, &format!("/v1/webhooks/{good}/rotate"), &json!({}));
    let next = rotated.json()["secret"].as_str().unwrap().to_owned();
    assert_ne!(next, secret);
    service.post(&service.admin, &format!("/v1/webhooks/{good}/test"), &json!({}));
    let test = until("the test", || receiver.seen("/204").get(2).cloned());
    assert_eq!(test.kind(), "webhook.test");
    assert!(test.is_signed(&next) && test.is_signed(&secret));
    // Off: what happens meanwhile is not told afterwards.
    service.post(&service.admin, &format!("/v1/webhooks/{good}/switch"), &json!({ "on": false }));
    issue(&service, "meanwhile");
    let refused = service.post(&service.admin, &format!("/v1/webhooks/{good}/test"), &json!({}));
    assert_eq!((refused.status, refused.problem()), (409, "webhook_off".to_owned()));
    service.post(&service.admin, &format!("/v1/webhooks/{good}/switch"), &json!({ "on": true }));
    issue(&service, "afterwards");
    let last = until("what came afterwards", || receiver.seen("/204").get(3).cloned());
    assert!(last.body.contains("afterwards"), "{last:?}");
    let removed = service.post(&service.admin, &format!("/v1/webhooks/{good}/remove"), &json!({}));
    assert_eq!(removed.status, 200);
    assert_eq!(service.post(&service.admin, &format!("/v1/webhooks/{good}/test"), &json!({})).status, 404);
}

#[test]
fn only_administrators_have_webhooks_and_no_address_inside_is_called() {
    let service = service("");
    let reader = service.credential(&["server.read"]);
    for path in ["/v1/webhooks", "/v1/deliveries"] {
        assert_eq!(service.get(&reader, path).status, 403, "{path}");
    }
    let add = |name: &str, url: &str| {
        service.post_as(&service.admin, "/v1/webhooks", name, &json!({ "url": url, "kinds": [] }))
    };
    for (at, url) in [
        "http://example.com/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://169.254.169.254/",
        "https://user@example.com/",
        "ftp://example.com/",
        "nothing",
        "",
        "https://",
        "https:///x",
    ]
    .iter()
    .enumerate()
    {
        let answer = add(&format!("bad-{at}"), url);
        assert_eq!((answer.status, answer.problem()), (422, "value_refused".to_owned()), "{url}");
    }
    // A name is checked when it is resolved.
    let answer = add("name", "https://localhost/");
    assert_eq!(answer.status, 201, "{answer:?}");
    let again = add("name", "https://localhost/");
    assert_eq!(again.json()["secret"], answer.json()["secret"], "a repeated request has the same answer");
    assert_eq!(add("name", "https://localhost/other").status, 422);
    issue(&service, "ann");
    let reason = until("the refusal", || {
        let found = service.get(&service.admin, "/v1/deliveries").json();
        found["items"][0]["reason"].as_str().filter(|reason| !reason.is_empty()).map(str::to_owned)
    });
    assert!(reason.contains("is not public"), "{reason}");
    let wrong = service.post(
        &service.admin,
        "/v1/webhooks",
        &json!({ "url": "https://example.com/", "kinds": ["License"] }),
    );
    assert_eq!((wrong.status, wrong.problem()), (422, "value_refused".to_owned()));
    let audit = service.get(&service.admin, "/v1/audit").text;
    assert!(audit.contains("webhook.add") && !audit.contains("whsec_"));
    for file in fs::read_dir(service.folder.path()).unwrap().flatten() {
        let bytes = fs::read(file.path()).unwrap_or_default();
        let secret = answer.json()["secret"].as_str().unwrap()[6..].to_owned();
        let is_there = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!is_there, "{:?} has a secret", file.path());
    }
}
