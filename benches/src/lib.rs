//! What every benchmark uses: a licence with a tier, three features, two quotas and a rate, and a service's gate.

pub mod service;

use licentia_issuer::{Draft, Feature, FeatureValue, Issuer, Quota, Rate, SigningKey};

pub use service::Service;

/// When it was issued, in seconds since 1970.
pub const ISSUED_AT: u64 = 1_700_000_000;
/// The time of the benchmarks: 2027-01-15.
pub const NOW: u64 = 1_800_000_000;
/// When it expires: peers read the system's clock, so it is far away.
pub const EXPIRES: u64 = 4_000_000_000;
/// The service that it is for.
pub const AUDIENCE: &str = "api";

/// The issuer, with a key that everybody knows.
///
/// # Panics
/// Never: every seed gives a key.
pub fn issuer() -> Issuer {
    Issuer::new("acme", SigningKey::from_seed(&[1; 32]).expect("every seed gives a key"))
}

/// The licence before it is signed.
pub fn draft() -> Draft {
    let mut draft = Draft::new("cus_42", "pro", 3, ISSUED_AT, EXPIRES);
    draft.id = Some([7; 16].into());
    draft.audiences = vec![AUDIENCE.into()];
    let on = Feature { value: FeatureValue::True, expires: None };
    draft.grant.features = ["export", "sso", "audit"].map(|name| (name.into(), on.clone())).into();
    let quota = |limit| Quota {
        limit,
        period: licentia_issuer::Period::Month,
        overage: licentia_issuer::Overage::Deny,
    };
    draft.grant.quotas = [("calls".into(), quota(1 << 50)), ("mails".into(), quota(2000))].into();
    draft.grant.rates = [("api".into(), Rate { count: 1 << 40, per_ms: 1000, burst: None })].into();
    draft
}
