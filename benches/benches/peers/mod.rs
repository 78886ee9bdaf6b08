//! Other libraries, with a token that says the same as the licence.
//!
//! Every one checks the signature, the expiry and the audience, and looks up one feature. Each is shown to accept its
//! token and to refuse a tampered copy before it is measured.

use std::{hint::black_box, time::Duration};

use criterion::{BenchmarkGroup, BenchmarkId, measurement::WallTime};
use ed25519_dalek::SigningKey;
use licentia_benches::{AUDIENCE, EXPIRES, ISSUED_AT};
use serde::{Deserialize, Serialize};

/// The seed of [`issuer`].
pub(crate) const SEED: [u8; 32] = [1; 32];

/// Changes a character in the middle.
fn tampered(token: &str) -> String {
    let middle = token.len() / 2;
    let other = if token.as_bytes()[middle] == b'A' { "B" } else { "A" };
    format!("{}{other}{}", &token[..middle], &token[middle + 1..])
}

/// What the peers' tokens say: the same as the licence.
#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    exp: u64,
    iat: u64,
    jti: String,
    tier: (String, u64),
    features: Vec<String>,
    quotas: Vec<(String, u64, String)>,
    rates: Vec<(String, u64, u64)>,
}

fn claims() -> Claims {
    Claims {
        iss: "acme".into(),
        sub: "cus_42".into(),
        aud: AUDIENCE.into(),
        exp: EXPIRES,
        iat: ISSUED_AT,
        jti: "07".repeat(16),
        tier: ("pro".into(), 3),
        features: ["export", "sso", "audit"].map(Into::into).to_vec(),
        quotas: vec![("calls".into(), 1 << 50, "month".into()), ("mails".into(), 2000, "month".into())],
        rates: vec![("api".into(), 1 << 40, 1000)],
    }
}

/// A peer: its name, its token, and whether it takes a token.
pub(crate) type Peer = (&'static str, String, Box<dyn Fn(&str) -> bool>);

fn jsonwebtoken() -> Peer {
    use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
    let key = SigningKey::from_bytes(&SEED);
    let der = [&[0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20][..], &SEED].concat();
    let token = encode(&Header::new(Algorithm::EdDSA), &claims(), &EncodingKey::from_ed_der(&der)).unwrap();
    let key = DecodingKey::from_ed_der(key.verifying_key().as_bytes());
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&["acme"]);
    let check = move |token: &str| {
        decode::<Claims>(token, &key, &validation)
            .is_ok_and(|token| token.claims.features.iter().any(|name| name == "export"))
    };
    ("jsonwebtoken", token, Box::new(check))
}

fn pasetors() -> Peer {
    use pasetors::{
        Public,
        claims::{Claims as Paseto, ClaimsValidationRules},
        keys::{AsymmetricPublicKey, AsymmetricSecretKey},
        public,
        token::UntrustedToken,
        version4::V4,
    };
    let public_key = SigningKey::from_bytes(&SEED).verifying_key().to_bytes();
    let secret = AsymmetricSecretKey::<V4>::from(&[SEED, public_key].concat()).unwrap();
    let key = AsymmetricPublicKey::<V4>::from(&public_key).unwrap();
    let content = serde_json::to_value(claims()).unwrap();
    let mut said = Paseto::new().unwrap();
    said.issuer("acme").unwrap();
    said.subject("cus_42").unwrap();
    said.audience(AUDIENCE).unwrap();
    said.expiration("2096-10-02T07:06:40Z").unwrap();
    said.issued_at("2023-11-14T22:13:20Z").unwrap();
    said.not_before("2023-11-14T22:13:20Z").unwrap();
    said.token_identifier(&"07".repeat(16)).unwrap();
    for name in ["tier", "features", "quotas", "rates"] {
        said.add_additional(name, content[name].clone()).unwrap();
    }
    let token = public::sign(&secret, &said, None, None).unwrap();
    let mut rules = ClaimsValidationRules::new();
    rules.validate_issuer_with("acme");
    rules.validate_audience_with(AUDIENCE);
    let check = move |token: &str| {
        let Ok(token) = UntrustedToken::<Public, V4>::try_from(token) else { return false };
        let Ok(token) = public::verify(&key, &token, &rules, None, None) else { return false };
        let features = token.payload_claims().and_then(|claims| claims.get_claim("features"));
        features
            .and_then(|features| features.as_array())
            .is_some_and(|names| names.iter().any(|name| name == "export"))
    };
    ("pasetors", token, Box::new(check))
}

fn biscuit() -> Peer {
    use biscuit_auth::{
        Algorithm, AuthorizerLimits, Biscuit, KeyPair, PrivateKey,
        macros::{authorizer, biscuit},
    };
    let private = PrivateKey::from_bytes(&SEED, Algorithm::Ed25519).unwrap();
    let pair = KeyPair::from(&private);
    let token = biscuit!(
        r#"
        issuer("acme"); subject("cus_42"); audience("api"); id("07070707070707070707070707070707");
        issued_at(2023-11-14T22:13:20Z); tier("pro", 3);
        feature("export"); feature("sso"); feature("audit");
        quota("calls", 1125899906842624, "month"); quota("mails", 2000, "month"); rate("api", 1099511627776, 1000);
        check if time($time), $time < 2096-10-02T07:06:40Z;
        "#
    );
    let token = token.build(&pair).unwrap().to_base64().unwrap();
    let root = pair.public();
    let check = move |token: &str| {
        let Ok(token) = Biscuit::from_base64(token, root) else { return false };
        let authorizer = authorizer!(
            r#"
            time(2027-01-15T08:00:00Z);
            allow if issuer("acme"), audience("api"), feature("export");
            "#
        );
        // Its default limit of a millisecond trips over a busy machine.
        let limits = AuthorizerLimits { max_time: Duration::from_secs(1), ..AuthorizerLimits::default() };
        let authorizer = authorizer.set_limits(limits).build(&token);
        authorizer.is_ok_and(|mut authorizer| authorizer.authorize().is_ok())
    };
    ("biscuit-auth", token, Box::new(check))
}

/// The other libraries.
pub(crate) fn peers() -> [Peer; 3] {
    [jsonwebtoken(), pasetors(), biscuit()]
}

/// Measures a library, after it has shown what it takes and what it refuses.
pub(crate) fn measure(group: &mut BenchmarkGroup<'_, WallTime>, (name, token, check): &Peer) {
    assert!(check(token), "{name} takes its token");
    assert!(!check(&tampered(token)), "{name} refuses a tampered one");
    eprintln!("{name}: {} characters", token.len());
    group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
        bencher.iter(|| assert!(check(black_box(token))));
    });
}
