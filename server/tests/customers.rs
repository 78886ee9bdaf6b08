//! What customers and their services do: activate a code, ask what they have, send receipts; and the catalogue that they
//! buy from.

mod common;

use common::{ISSUER, Response, Service, agent, answered, now};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use licentia::HolderKey;
use licentia_core::receipt::{Acknowledgement, Receipt, ReceiptEntry, UnsignedReceipt};
use licentia_issuer::SigningKey;
use serde_json::{Value, json};

fn post(service: &Service, path: &str, body: &Value) -> Response {
    service.post(&service.admin, path, body)
}

fn open(service: &Service, path: &str, body: &Value) -> Response {
    let request = agent().post(service.url(path)).header("content-type", "application/json");
    answered(request.send(body.to_string()))
}

#[test]
fn a_code_becomes_one_licence_for_one_holder() {
    let service = Service::start();
    let wanted = json!({ "license": { "subject": "cus_1", "tier": "pro" } });
    let made = service.post_as(&service.admin, "/v1/activations", "code", &wanted);
    assert_eq!(made.status, 201, "{made:?}");
    let code = made.json()["code"].as_str().unwrap().to_owned();
    assert_eq!(code.len(), 16, "80 bits");
    assert_eq!(service.post_as(&service.admin, "/v1/activations", "code", &wanted).text, made.text);

    let key = SigningKey::generate().unwrap();
    let public = HEXLOWER.encode(key.public().public().as_bytes());
    let sign =
        |code: &str| BASE64URL_NOPAD.encode(&key.sign(format!("licentia activation\n{code}").as_bytes()));
    let wrong = open(
        &service,
        "/v1/activate",
        &json!({ "code": code, "holder": public, "signature": sign("OTHER") }),
    );
    assert_eq!((wrong.status, wrong.problem()), (422, "value_refused".into()));
    let spelled = format!("{}-{}", &code[..8], &code[8..]).to_lowercase();
    let request = json!({ "code": spelled, "holder": public, "signature": sign(&code) });
    let first = open(&service, "/v1/activate", &request);
    assert_eq!(first.status, 200, "{first:?}");
    assert_eq!(open(&service, "/v1/activate", &request).text, first.text, "the same licence again");
    let other = json!({ "code": code, "fingerprint": "ab".repeat(32) });
    let other = open(&service, "/v1/activate", &other);
    assert_eq!((other.status, other.problem()), (409, "code_used".into()));
    assert_eq!(
        service.get(&service.admin, "/v1/licenses?subject=cus_1").json()["items"].as_array().unwrap().len(),
        1
    );
    // Guesses end.
    let guess = json!({ "code": "AAAAAAAAAAAAAAAA", "fingerprint": "ab".repeat(32) });
    let statuses: Vec<u16> = (0..60).map(|_| open(&service, "/v1/activate", &guess).status).collect();
    assert_eq!((statuses[0], statuses[59]), (404, 429));
}

#[test]
fn a_customer_sees_what_the_licence_grants_and_renews_it_only_with_the_key() {
    let service = Service::start();
    let holder = HolderKey::from_seed(&[7; 32]);
    let wanted = json!({ "subject": "cus_1", "tier": "pro" });
    let bearer = post(&service, "/v1/licenses", &wanted).json();
    let token = bearer["token"].as_str().unwrap();
    let me = service.get(token, "/v1/me");
    assert_eq!(me.status, 200, "{me:?}");
    assert_eq!(me.json()["quotas"]["calls"]["limit"], 1000);
    assert_eq!(
        (me.json()["is_current"].as_bool(), me.json()["license"]["state"].as_str()),
        (Some(true), Some("active"))
    );
    let refused = service.get(token, "/v1/me/license");
    assert_eq!((refused.status, refused.problem()), (403, "not_bound".into()));
    // A licence that is bound needs a proof, and the service has no origin here.
    let bound = json!({ "subject": "cus_2", "tier": "pro", "holder": HEXLOWER.encode(&holder.public()) });
    let bound = post(&service, "/v1/licenses", &bound).json();
    let token = bound["token"].as_str().unwrap();
    assert_eq!(
        (service.get(token, "/v1/me").status, service.get(token, "/v1/me/license").status),
        (401, 401)
    );
}

#[test]
fn a_bound_licence_gets_its_renewal_with_a_proof() {
    let service = Service::with("origin = \"https://licences.acme.example\"\n");
    let holder = HolderKey::from_seed(&[7; 32]);
    let bound = json!({ "subject": "cus_2", "tier": "pro", "holder": HEXLOWER.encode(&holder.public()) });
    let bound = post(&service, "/v1/licenses", &bound).json();
    let (token, lineage) = (bound["token"].as_str().unwrap(), bound["license"]["lineage"].as_str().unwrap());
    let renewed = post(&service, &format!("/v1/licenses/{lineage}/renew"), &json!({})).json();
    let get = |path: &str| {
        let proof =
            holder.prove(token, "GET", &format!("https://licences.acme.example{path}"), None, now()).unwrap();
        let request = agent().get(service.url(path)).header("authorization", format!("Bearer {token}"));
        answered(request.header("licentia-proof", BASE64URL_NOPAD.encode(&proof)).call())
    };
    assert_eq!(get("/v1/me").json()["is_current"], false);
    let current = get("/v1/me/license");
    assert_eq!((current.status, &current.json()["token"]), (200, &renewed["token"]));
}

#[test]
fn a_catalogue_is_proposed_and_activated_and_never_changes_what_was_sold() {
    let service = Service::start();
    let next = format!("{}\n[[tier]]\nname = \"pro\"\nversion = 2\nterm = \"1 month\"\n", common::TIERS);
    let proposed = post(&service, "/v1/catalogues", &json!({ "text": next }));
    assert_eq!(proposed.status, 201, "{proposed:?}");
    let number = proposed.json()["number"].as_u64().unwrap();
    let tier = || {
        post(&service, "/v1/licenses", &json!({ "subject": "c", "tier": "pro" })).json()["license"]["tier_version"].as_u64()
    };
    assert_eq!(tier(), Some(1), "it is only proposed");
    assert_eq!(post(&service, &format!("/v1/catalogues/{number}/activate"), &json!({})).status, 200);
    assert_eq!(tier(), Some(2));
    let changed = next.replace("1000/month", "9000/month");
    let changed = post(&service, "/v1/catalogues", &json!({ "text": changed }));
    assert_eq!((changed.status, changed.problem()), (409, "tier_changed".into()));
    let lacks = post(
        &service,
        "/v1/catalogues",
        &json!({ "text": "[[tier]]\nname = \"x\"\nversion = 1\nterm = \"1 year\"\n" }),
    );
    assert_eq!((lacks.status, lacks.problem()), (409, "tier_missing".into()));
    let wrong = post(&service, "/v1/catalogues", &json!({ "text": "nonsense" }));
    assert_eq!(wrong.status, 422);
    assert_eq!(service.get(&service.admin, "/v1/catalogues").json()[0]["is_active"], true);
}

fn receipt(key: &SigningKey, sequence: u64, previous: [u8; 32], issuer: &str) -> Vec<u8> {
    let window = licentia::Window { start: now().into(), end: None };
    let entry = ReceiptEntry {
        issuer,
        lineage: [1; 16].into(),
        meter: "calls",
        window,
        count: sequence,
        refunded: 0,
    };
    let public = key.public();
    let receipt = UnsignedReceipt {
        key: public.public().as_bytes(),
        sequence,
        previous: &previous,
        issued_at: now().into(),
        entries: &[entry],
        acknowledged: None,
        since: 0,
    };
    receipt.seal(|parts| key.sign(&parts.concat())).unwrap()
}

#[test]
fn a_receipt_is_acknowledged_if_none_before_it_is_missing() {
    let service = Service::start();
    let key = SigningKey::generate().unwrap();
    let (one, two) = (service.credential(&["server.report"]), service.credential(&["server.report"]));
    let send = |token: &str, receipt: &[u8]| {
        let request =
            agent().post(service.url("/v1/receipts")).header("authorization", format!("Bearer {token}"));
        request.header("content-type", "application/cose").send(receipt).unwrap()
    };
    let digest = |bytes: &[u8]| Receipt::read(bytes).unwrap().link().digest;
    let first = receipt(&key, 1, [0; 32], ISSUER);
    let second = receipt(&key, 2, digest(&first), ISSUER);
    let third = receipt(&key, 3, digest(&second), "other");
    assert_eq!(send(&one, &second).status(), 202, "the first one is missing");
    let acknowledged = |token: &str, receipt: &[u8]| {
        let mut answer = send(token, receipt);
        assert_eq!(answer.status(), 200);
        let bytes = answer.body_mut().read_to_vec().unwrap();
        let vendor = [service.server.issuer(ISSUER).unwrap().issuer.key().public()];
        Acknowledgement::read(&bytes, &vendor).unwrap().receipt.sequence
    };
    assert_eq!(acknowledged(&one, &first), 2);
    assert_eq!(acknowledged(&one, &first), 2, "again");
    assert_eq!(send(&two, &third).status(), 403, "another licence cannot report for the instance");
    assert_eq!(acknowledged(&one, &third), 3);
    assert_eq!(send(&service.credential(&["server.read"]), &first).status(), 403);
    assert_eq!(send(&one, b"nonsense").status(), 422);
    let mut altered = first.clone();
    *altered.last_mut().unwrap() ^= 1;
    assert_eq!(send(&one, &altered).status(), 422);
    let shown = service.get(&service.admin, "/v1/instances").json();
    assert_eq!((shown[0]["acknowledged"].as_u64(), shown[0]["apart"].as_u64()), (Some(3), Some(1)));
    assert_eq!(shown[0]["is_forked"], false);
}
