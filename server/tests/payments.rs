//! Payments over HTTP: events as Stripe signs them, against a Stripe that says what the test wants.

mod common;

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

use common::{Response, Service, agent, answered, make, now};
use data_encoding::HEXLOWER;
use hmac_sha256::HMAC;
use serde_json::{Value, json};

const SECRET: &str = "whsec_test";
const DAY: u64 = 86_400;

/// What Stripe says, and what it was asked.
#[derive(Default)]
struct Says {
    subscriptions: Vec<Value>,
    is_down: bool,
    asked: Vec<String>,
}

/// A Stripe of the test's own.
#[derive(Clone)]
struct Stripe(Arc<Mutex<Says>>, u16);

impl Stripe {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let it = Self(Arc::default(), listener.local_addr().unwrap().port());
        let this = it.clone();
        std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| this.answer(stream)));
        it
    }

    fn answer(&self, mut stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let (mut first, mut length) = (String::new(), 0);
        let _ = reader.read_line(&mut first);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) <= 2 {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        let _ = reader.read_exact(&mut body);
        let mut says = self.0.lock().unwrap();
        let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
        says.asked.push(format!("{path} {}", String::from_utf8_lossy(&body)));
        let id = path.split(['/', '?']).nth(3).unwrap_or_default();
        let (status, answer) = if says.is_down {
            (500, json!({ "error": { "message": "down" } }))
        } else if path.starts_with("/v1/subscriptions?") {
            (200, json!({ "object": "list", "data": says.subscriptions, "has_more": false }))
        } else {
            match says.subscriptions.iter().find(|one| one["id"] == id) {
                Some(one) => (200, one.clone()),
                None => (404, json!({ "error": { "message": "No such subscription" } })),
            }
        };
        let text = answer.to_string();
        let _ = write!(
            stream,
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{text}",
            text.len()
        );
    }

    /// Stripe says this from now on.
    fn says(&self, period: u64, status: &str, invoice: &str) {
        let start = now() - DAY + period * 30 * DAY;
        let item = json!({ "price": { "id": "price_pro", "lookup_key": null }, "current_period_start": start, "current_period_end": start + 30 * DAY });
        self.0.lock().unwrap().subscriptions = vec![json!({
            "id": "sub_1", "object": "subscription", "customer": "cus_9", "status": status,
            "items": { "data": [item] }, "latest_invoice": { "id": "in_1", "status": invoice },
            "metadata": { "licentia_subject": "ann" },
        })];
    }
}

fn service(stripe: &Stripe) -> Service {
    let folder = tempfile::tempdir().unwrap();
    let config = make(folder.path(), "ledger.db");
    fs::write(folder.path().join("stripe.key"), "sk_test_123\n").unwrap();
    fs::write(folder.path().join("stripe.secrets"), format!("whsec_new\n{SECRET}\n")).unwrap();
    let more = format!(
        "\n[stripe]\nissuer = \"acme\"\nkey = \"stripe.key\"\nwebhook_secrets = \"stripe.secrets\"\nbase = \"http://127.0.0.1:{}\"\n\n[stripe.prices]\nprice_pro = \"pro\"\n",
        stripe.1
    );
    let text = fs::read_to_string(&config).unwrap() + &more;
    fs::write(&config, text).unwrap();
    Service::run(folder, &config)
}

fn send(service: &Service, body: &str, secret: &str, at: u64) -> Response {
    let mut mac = HMAC::new(secret);
    mac.update(format!("{at}.{body}"));
    let field = format!("t={at},v1={}", HEXLOWER.encode(&mac.finalize()));
    let request = agent().post(service.url("/v1/stripe/webhook")).header("stripe-signature", field);
    answered(request.header("content-type", "application/json").send(body))
}

/// Sends an event, and returns what became of it.
fn event(service: &Service, id: &str, kind: &str) -> String {
    let object = match kind.split('.').next() {
        Some("invoice") => {
            json!({ "id": "in_1", "parent": { "subscription_details": { "subscription": "sub_1" } } })
        }
        _ => json!({ "id": "sub_1", "status": "what an event says is not trusted" }),
    };
    let body = json!({ "id": id, "type": kind, "data": { "object": object } }).to_string();
    let answer = send(service, &body, SECRET, now());
    match answer.status {
        200 => answer.json()["outcome"].as_str().unwrap().to_owned(),
        status => format!("{status} {}", answer.problem()),
    }
}

fn licenses(service: &Service) -> Vec<Value> {
    let found = service.get(&service.admin, "/v1/licenses?subject=ann").json();
    found["items"].as_array().unwrap().clone()
}

#[test]
fn what_is_paid_renews_once_and_what_a_person_revoked_stays_revoked() {
    let stripe = Stripe::start();
    let service = service(&stripe);
    stripe.says(0, "incomplete", "open");
    assert_eq!(event(&service, "evt_0", "customer.subscription.created"), "unchanged");
    stripe.says(0, "active", "paid");
    assert_eq!(event(&service, "evt_1", "invoice.paid"), "issued");
    assert_eq!(event(&service, "evt_1", "invoice.paid"), "repeated", "each event once");
    assert_eq!(event(&service, "evt_2", "customer.subscription.updated"), "unchanged", "out of order");
    assert_eq!(licenses(&service).len(), 1);
    // Stripe is out of reach: it shall send the event again, which then counts.
    stripe.0.lock().unwrap().is_down = true;
    assert_eq!(event(&service, "evt_3", "invoice.paid"), "503 stripe_unreachable");
    stripe.0.lock().unwrap().is_down = false;
    stripe.says(1, "active", "paid");
    assert_eq!(event(&service, "evt_3", "invoice.paid"), "continued");
    assert_eq!(licenses(&service).len(), 2);
    stripe.says(2, "past_due", "open");
    assert_eq!(
        event(&service, "evt_4", "invoice.payment_failed"),
        "unchanged",
        "the licence has its own grace"
    );
    let lineage = licenses(&service)[0]["lineage"].as_str().unwrap().to_owned();
    let revoked = service.post(
        &service.admin,
        &format!("/v1/licenses/{lineage}/revoke"),
        &json!({ "reason": "breach" }),
    );
    assert_eq!(revoked.status, 200, "{revoked:?}");
    stripe.says(2, "active", "paid");
    assert_eq!(event(&service, "evt_5", "invoice.paid"), "refused", "late, after a person revoked");
    assert_eq!(licenses(&service).len(), 2);
    let known = service.get(&service.admin, "/v1/subscriptions").json();
    assert_eq!(
        (known["is_on"].as_bool(), known["items"][0]["status"].as_str()),
        (Some(true), Some("active"))
    );
    assert!(known["items"][0]["problem"].as_str().unwrap().contains("revoked"));
    let audit = service.get(&service.admin, "/v1/audit?newest=true").json();
    let actions: Vec<_> =
        audit["items"].as_array().unwrap().iter().map(|line| line["action"].clone()).collect();
    assert_eq!(actions, ["revoke", "payment.renew", "payment.issue"]);
    assert!(audit["items"][1]["subject"].as_str().unwrap().contains("sub_1"));
    let newest = service.get(&service.admin, "/v1/audit?newest=true&limit=1").json();
    let before = newest["next"].as_u64().unwrap();
    let older = service.get(&service.admin, &format!("/v1/audit?newest=true&limit=1&after={before}")).json();
    assert_eq!(older["items"][0]["action"], "payment.renew", "pages go back in time");
}

#[test]
fn what_stripe_did_not_sign_is_refused_and_nothing_is_asked() {
    let stripe = Stripe::start();
    let service = service(&stripe);
    stripe.says(0, "active", "paid");
    let body =
        json!({ "id": "evt_1", "type": "invoice.paid", "data": { "object": { "subscription": "sub_1" } } })
            .to_string();
    let refused = |answer: Response| (answer.status, answer.problem());
    let wrong = (400, "signature_refused".to_owned());
    assert_eq!(refused(send(&service, &body, "whsec_other", now())), wrong);
    assert_eq!(refused(send(&service, &body, SECRET, now() - 301)), wrong);
    let bare = agent().post(service.url("/v1/stripe/webhook")).send(&body);
    assert_eq!(refused(answered(bare)), wrong);
    for (body, problem) in [
        ("{}", "body_malformed"),
        ("[", "body_malformed"),
        ("{\"id\":\"\",\"type\":\"x\",\"data\":{\"object\":1}}", "body_malformed"),
    ] {
        assert_eq!(refused(send(&service, body, SECRET, now())), (400, problem.to_owned()), "{body}");
    }
    let other = json!({ "id": "evt_2", "type": "charge.succeeded", "data": { "object": { "id": "ch_1" } } })
        .to_string();
    assert_eq!(send(&service, &other, SECRET, now()).json()["outcome"], "ignored");
    assert!(stripe.0.lock().unwrap().asked.is_empty(), "strangers make no requests to Stripe");
    assert_eq!(
        send(&service, &body, "whsec_new", now()).json()["outcome"],
        "issued",
        "while a secret is rotated"
    );
    // A price that is not sold: Stripe tries again, until somebody adds it.
    stripe.0.lock().unwrap().subscriptions[0]["items"]["data"][0]["price"]["id"] = json!("price_other");
    assert_eq!(event(&service, "evt_9", "invoice.paid"), "422 value_refused");
    assert_eq!(event(&service, "evt_9", "invoice.paid"), "422 value_refused", "it is not remembered");
    assert!(
        stripe
            .0
            .lock()
            .unwrap()
            .asked
            .iter()
            .all(|asked| asked.starts_with("/v1/subscriptions/sub_1?expand"))
    );
}

#[test]
fn without_a_configuration_there_is_nothing() {
    let service = Service::start();
    let answer = answered(agent().post(service.url("/v1/stripe/webhook")).send("{}"));
    assert_eq!((answer.status, answer.problem()), (404, "unknown".to_owned()));
    assert_eq!(service.get(&service.admin, "/v1/subscriptions").json()["is_on"], false);
}
