//! Prints the public key and the licence that the documentation of `licentia-core` uses.

use licentia_issuer::{Draft, Feature, FeatureValue, Issuer, SigningKey};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A seed that everybody knows: never use this key for anything else.
    let issuer = Issuer::new("acme", SigningKey::from_seed(b"an example seed, known to all...")?);
    let mut draft = Draft::new("customer-42", "pro", 3, 1_795_000_000, 4_102_444_800);
    draft.id = Some((*b"example licence!").into());
    draft.audiences = vec!["api.acme.example".into()];
    draft.grant.features.insert("export".into(), Feature { value: FeatureValue::True, expires: None });
    draft.grant.quotas.insert("calls".into(), "100000/month".parse()?);
    draft.grant.rates.insert("api".into(), "10/1s".parse()?);
    println!("{}\n{}", issuer.key().public(), issuer.issue(&draft)?.text());
    Ok(())
}
