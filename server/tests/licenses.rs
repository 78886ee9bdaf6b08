//! Licences over HTTP: issued once, searched, by who may.

mod common;

use common::Service;
use serde_json::json;

#[test]
fn a_licence_is_issued_once_however_often_it_is_asked_for() {
    let service = Service::start();
    let wanted = json!({ "subject": "cus_1", "tier": "pro", "reference": "order-1" });
    let first = service.post_as(&service.admin, "/v1/licenses", "one", &wanted);
    assert_eq!(first.status, 201, "{first:?}");
    assert!(first.json()["token"].as_str().unwrap().starts_with("lic1_"));
    assert_eq!(first.json()["license"]["subject"], "cus_1");
    let again = service.post_as(&service.admin, "/v1/licenses", "one", &wanted);
    assert_eq!((again.status, &again.text), (201, &first.text), "the same bytes");
    assert_eq!(again.fields["idempotency-replayed"], "true");
    let other =
        service.post_as(&service.admin, "/v1/licenses", "one", &json!({ "subject": "x", "tier": "pro" }));
    assert_eq!((other.status, other.problem()), (422, "idempotency_key_reused".into()));
    // The order has its own name too.
    let same = service.post(&service.admin, "/v1/licenses", &wanted);
    assert_eq!(same.json()["is_new"], false);
    assert_eq!(same.json()["token"], first.json()["token"]);
    // Another credential's request of the same name is another request, and gets nothing of this one.
    let issuer = service.credential(&["server.issue"]);
    let theirs =
        service.post_as(&issuer, "/v1/licenses", "one", &json!({ "subject": "cus_2", "tier": "pro" }));
    assert_eq!((theirs.status, theirs.json()["license"]["subject"].as_str()), (201, Some("cus_2")));
}

#[test]
fn a_credential_does_what_its_features_say_and_no_more() {
    let service = Service::start();
    let wanted = json!({ "subject": "cus_1", "tier": "pro" });
    let (reader, issuer) = (service.credential(&["server.read"]), service.credential(&["server.issue"]));
    assert_eq!(service.get(&reader, "/v1/licenses").status, 200);
    assert_eq!(service.post(&reader, "/v1/licenses", &wanted).status, 403);
    assert_eq!(service.get(&issuer, "/v1/licenses").status, 403);
    assert_eq!(service.get(&issuer, "/v1/audit").status, 403);
    let customer =
        service.post(&issuer, "/v1/licenses", &wanted).json()["token"].as_str().unwrap().to_owned();
    assert_eq!(service.get(&customer, "/v1/licenses").status, 403);
    assert_eq!(service.get("", "/v1/licenses").status, 401);
    assert_eq!(service.get("lic1_nonsense", "/v1/licenses").status, 401);
    // Nobody makes a credential that is mightier than his own.
    let more = json!({ "subject": "me", "tier": "pro", "features": { "server.admin": true } });
    let refused = service.post(&issuer, "/v1/licenses", &more);
    assert_eq!((refused.status, refused.problem()), (403, "admin_needed".into()));
}

#[test]
fn pages_follow_each_other_and_a_forged_cursor_is_refused() {
    let service = Service::start();
    for count in 0..25 {
        let body = json!({ "subject": format!("cus_{count}"), "tier": "pro" });
        assert_eq!(service.post(&service.admin, "/v1/licenses", &body).status, 201);
    }
    let mut seen = Vec::new();
    let mut path = "/v1/licenses?limit=10&sort=subject&subject=cus_*".to_owned();
    loop {
        let page = service.get(&service.admin, &path).json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["subject"].to_string()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/licenses?limit=10&sort=subject&subject=cus_*&cursor={next}");
    }
    assert_eq!(seen.len(), 25);
    assert!(seen.is_sorted());
    for cursor in ["x", "00000000000000000000000000000000", "%27", "../../etc/passwd"] {
        let refused = service.get(&service.admin, &format!("/v1/licenses?cursor={cursor}"));
        assert_eq!((refused.status, refused.problem()), (422, "value_refused".into()), "{cursor}");
    }
}

#[test]
fn the_audit_names_who_did_what() {
    let service = Service::start();
    service.post(&service.admin, "/v1/licenses", &json!({ "subject": "cus_1", "tier": "pro" }));
    let lines = service.get(&service.admin, "/v1/audit").json();
    assert_eq!(lines["items"][0]["action"], "issue");
    assert_eq!(lines["items"][0]["subject"], "admin");
}

#[test]
fn a_backup_has_what_the_service_keeps_and_what_is_published_is_examined() {
    use licentia_issuer::{Ledger, LedgerAccess, SigningKey};
    use licentia_server::{Config, examine, store::copy_too};
    let service = Service::start();
    service.post(&service.admin, "/v1/licenses", &json!({ "subject": "cus_1", "tier": "pro" }));
    let config = Config::load(&service.folder.path().join("server.toml")).unwrap();
    let key = |path: &std::path::Path| SigningKey::load(path, None).map_err(|error| error.to_string());
    let found = examine(&config, &[], key).unwrap();
    assert_eq!((found.problems.len(), found.lines, found.bundles.len()), (0, 1, 1), "{found:?}");

    let copied = service.folder.path().join("backup.db");
    let mut ledger = Ledger::connect(&config.ledger(), LedgerAccess::Read).unwrap();
    copy_too(&mut ledger).unwrap();
    ledger.backup(&copied).unwrap();
    let copy = Ledger::open(&copied).unwrap();
    let count = |table: &str| {
        copy.database().only(&format!("SELECT count(*) FROM {table}"), &[], |row| row.unsigned(0)).unwrap()
    };
    assert_eq!((count("audit"), count("publication"), count("request")), (1, 1, 0));
    // A line that is changed shows, and so does one that is not there.
    copy.database().run("UPDATE audit SET target = 'x'").unwrap();
    let text = std::fs::read_to_string(service.folder.path().join("server.toml")).unwrap();
    let text = text.replace("ledger.db", "backup.db");
    let config = Config::parse(&text, service.folder.path()).unwrap();
    let found = examine(&config, &[], key).unwrap();
    assert!(found.problems[0].contains("line 1"), "{found:?}");
}
