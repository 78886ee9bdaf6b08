//! The service over real HTTP: status, header fields, bodies and metrics.

use std::time::{SystemTime, UNIX_EPOCH};
use std::{net::SocketAddr, sync::Arc};

use licentia::{GateBuilder, Mode, event::Metrics};
use licentia_issuer::{Draft, Feature, FeatureValue, Issuer, SigningKey};

struct Answer {
    status: u16,
    fields: ureq::http::HeaderMap,
    body: String,
}

fn start(mode: Mode) -> (SocketAddr, Issuer) {
    let issuer = Issuer::new("acme", SigningKey::generate().unwrap());
    let metrics = Arc::new(Metrics::new());
    let gate =
        GateBuilder::new().key(issuer.key().public()).mode(mode).sink(metrics.clone()).build().unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            sender.send(listener.local_addr().unwrap()).unwrap();
            axum::serve(listener, licentia_example_axum::service(Arc::new(gate), metrics)).await.unwrap();
        });
    });
    (receiver.recv().unwrap(), issuer)
}

fn licence(issuer: &Issuer, features: &[&str], calls: &str, rate: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mut draft = Draft::new("customer-42", "pro", 1, now - 10, now + 86_400);
    for name in features {
        draft.grant.features.insert((*name).into(), Feature { value: FeatureValue::True, expires: None });
    }
    draft.grant.quotas.insert("calls".into(), calls.parse().unwrap());
    draft.grant.rates.insert("api".into(), rate.parse().unwrap());
    issuer.issue(&draft).unwrap().text()
}

fn get(address: SocketAddr, path: &str, licence: Option<&str>) -> Answer {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut request = agent.get(format!("http://{address}{path}"));
    if let Some(licence) = licence {
        request = request.header("authorization", format!("Bearer {licence}"));
    }
    let mut response = request.call().unwrap();
    Answer {
        status: response.status().as_u16(),
        fields: response.headers().clone(),
        body: response.body_mut().read_to_string().unwrap(),
    }
}

fn field<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.fields.get(name).map_or("", |value| value.to_str().unwrap())
}

#[test]
fn each_kind_of_answer_comes_with_its_fields_and_reason() {
    let (address, issuer) = start(Mode::Enforce);
    let free = licence(&issuer, &[], "3/day", "1000/1s");
    let pro = licence(&issuer, &["export"], "1000/day", "1000/1s");

    let none = get(address, "/search", None);
    assert_eq!((none.status, field(&none, "www-authenticate")), (401, "Bearer"));
    assert_eq!(field(&none, "content-type"), "application/problem+json");
    assert!(none.body.contains(r#""name":"missing_token""#), "{}", none.body);

    let forged = get(address, "/search", Some(&format!("{}A{}", &free[..100], &free[101..])));
    assert_eq!(forged.status, 401);
    assert!(field(&forged, "www-authenticate").contains("invalid_token"));

    let forbidden = get(address, "/export", Some(&free));
    assert_eq!(forbidden.status, 403);
    assert!(forbidden.body.contains(r#""name":"feature_not_licensed""#), "{}", forbidden.body);

    for left in [2, 1, 0] {
        let found = get(address, "/search", Some(&free));
        assert_eq!((found.status, found.body.as_str()), (200, "customer-42 found 3 things\n"));
        assert!(field(&found, "ratelimit").contains(&format!(r#""calls";r={left};"#)), "{:?}", found.fields);
        assert!(field(&found, "ratelimit-policy").contains(r#""calls";q=3;w=86400"#));
    }
    let exhausted = get(address, "/search", Some(&free));
    assert_eq!(exhausted.status, 429);
    assert!(field(&exhausted, "retry-after").parse::<u64>().unwrap() <= 86_400);
    assert!(exhausted.body.contains(r#""name":"quota_exceeded""#), "{}", exhausted.body);

    let exported = get(address, "/export", Some(&pro));
    assert_eq!((exported.status, exported.body.as_str()), (200, "an export for customer-42, active\n"));

    let metrics = get(address, "/metrics", None).body;
    for line in [
        r#"licentia_decisions_total{code="allowed",number="0"} 4"#,
        r#"licentia_decisions_total{code="missing_token",number="102"} 1"#,
        r#"licentia_decisions_total{code="feature_not_licensed",number="410"} 1"#,
        r#"licentia_decisions_total{code="quota_exceeded",number="610"} 1"#,
        r#"licentia_units_total{meter="calls"} 13"#,
        r#"licentia_tier_allowed_total{tier="pro"} 4"#,
        "licentia_decision_seconds_count ",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
}

#[test]
fn a_rate_is_kept_over_http() {
    let (address, issuer) = start(Mode::Enforce);
    let slow = licence(&issuer, &[], "1000/day", "1/1h");
    assert_eq!(get(address, "/search", Some(&slow)).status, 200);
    let refused = get(address, "/search", Some(&slow));
    assert_eq!(refused.status, 429);
    assert!((3590..=3600).contains(&field(&refused, "retry-after").parse::<u64>().unwrap()));
    assert!(refused.body.contains(r#""name":"rate_limited""#), "{}", refused.body);
}

#[test]
fn an_advisory_gate_lets_everything_pass() {
    let (address, _) = start(Mode::Advisory);
    let answer = get(address, "/export", None);
    assert_eq!((answer.status, answer.body.as_str()), (200, "an export for nobody, advisory\n"));
    assert!(get(address, "/metrics", None).body.contains(r#"code="missing_token""#));
}
