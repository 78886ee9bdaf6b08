//! Starts the service with a vendor of its own, and prints requests to try.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use licentia::{GateBuilder, event::Metrics};
use licentia_example_axum::service;
use licentia_issuer::{Catalogue, Issuer, SigningKey};

const CATALOGUE: &str = r#"
    [[tier]]
    name = "free"
    version = 1
    term = "1 month"
    quotas = { calls = "5/day" }
    rates = { api = "2/1s" }

    [[tier]]
    name = "pro"
    version = 1
    term = "1 year"
    features = { export = true }
    quotas = { calls = "1000/day" }
    rates = { api = "100/1s" }
"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let catalogue: Catalogue = CATALOGUE.parse()?;
    let issuer = Issuer::new("acme", SigningKey::generate()?);
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();

    let metrics = Arc::new(Metrics::new());
    let gate = GateBuilder::new().key(issuer.key().public()).sink(metrics.clone()).build()?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    let address = listener.local_addr()?;

    println!("The service listens on http://{address}. Try, as a free and as a paying customer:\n");
    for tier in ["free", "pro"] {
        let licence = issuer.issue(&catalogue.tier(tier, None)?.draft("customer-42", now)?)?.text();
        println!("  {}=\"{licence}\"", tier.to_uppercase());
    }
    println!("\n  curl -i http://{address}/search                                   # 401: no licence");
    println!("  curl -i -H \"Authorization: Bearer $FREE\" http://{address}/search   # 200, and 429 after 5");
    println!("  curl -i -H \"Authorization: Bearer $FREE\" http://{address}/export   # 403: not in the tier");
    println!("  curl -i -H \"Authorization: Bearer $PRO\" http://{address}/export    # 200");
    println!("  curl http://{address}/metrics");
    axum::serve(listener, service(Arc::new(gate), metrics)).await?;
    Ok(())
}
