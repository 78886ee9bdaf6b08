//! A service with a few months of a small vendor's life: customers, renewals, revocations, usage, payments, webhooks.
//!
//! `showcase FOLDER` makes it in a new folder, prints `{"url", "credential", "viewer"}` and serves until its input ends. The test
//! of the page drives it.

use std::{
    error::Error,
    fs,
    io::Read as _,
    net::SocketAddr,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use licentia::{
    HolderKey,
    receipt::{Log, Receipt, Units, UsageCell},
};
use licentia_core::{
    Lineage, Period, Timestamp,
    revocation::{Reason, RevocationTerms},
};
use licentia_issuer::{
    Catalogue, Draft, Feature, FeatureValue, Issuer, Ledger, LedgerAccess, LedgerLocation, Order, Renewal,
    SigningKey, sql::Value,
};
use licentia_server::{Config, Init, Running, Server};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const DAY: u64 = 86_400;

const TIERS: &str = r#"
[[tier]]
name = "free"
version = 1
term = "1 year"
quotas = { calls = "1000/month" }
rates = { api = "5/1s" }

[[tier]]
name = "pro"
version = 3
term = "1 year"
grace = "14 days"
features = { export = true }
quotas = { calls = "100000/month", exports = "500/month" }
rates = { api = "50/1s" }

[[tier]]
name = "team"
version = 2
term = "1 year"
grace = "30 days"
features = { export = true, sso = true, seats = 25 }
quotas = { calls = "1000000/month", exports = "5000/month" }
rates = { api = "200/1s" }
"#;

/// Customers, their tier, and how many days ago they came.
const CUSTOMERS: [(&str, &str, u64); 14] = [
    ("acorn-labs", "pro", 340),
    ("blue-harbour", "team", 330),
    ("castle-rock-data", "pro", 300),
    ("delta-freight", "free", 280),
    ("evergreen", "team", 250),
    ("fjord-analytics", "pro", 371),
    ("globex", "pro", 190),
    ("hilltop-health", "pro", 160),
    ("initech", "free", 400),
    ("juniper-games", "pro", 120),
    ("kestrel", "free", 90),
    ("lantern", "pro", 60),
    ("northwind", "team", 30),
    // A name that must stay a text.
    ("<img src=x onerror=alert(1)>", "free", 10),
];

fn main() -> Result<()> {
    let folder = std::env::args().nth(1).ok_or("showcase FOLDER")?;
    let folder = Path::new(&folder);
    let now = Timestamp::from_seconds(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs());
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let init =
        Init { folder, issuer: "acme", ledger: "ledger.db", listen, catalogue: TIERS, passphrase: None };
    let made = init.make(now)?;
    let mut text = fs::read_to_string(&made.config)?;
    text = text.replacen("[[issuer]]", "[webhooks]\nallow = [\"127.0.0.1\"]\nplain = true\n\n[[issuer]]", 1);
    fs::write(&made.config, text)?;
    let config = Config::load(&made.config)?;
    let load = |path: &Path| SigningKey::load(path, None).map_err(|error| error.to_string());
    // It makes the tables of the service.
    let server = Server::open(&config, load)?;
    let location = LedgerLocation::from(&*folder.join("ledger.db"));
    let mut ledger = Ledger::connect(&location, LedgerAccess::Write)?;
    let issuer = Issuer::new("acme", SigningKey::load(&folder.join("license.pem"), None)?);
    let lineages = customers(&mut ledger, &issuer, now)?;
    receipts(&ledger, &lineages, folder, now)?;
    payments(&ledger, &lineages, now)?;
    let mut viewer = Draft::new("support", "server-viewer", 1, now, now + 90 * DAY);
    viewer.grant.features.insert("server.read".into(), Feature { value: FeatureValue::True, expires: None });
    let viewer = ledger.issue(&issuer, Order::new(viewer))?.token.text();
    drop(ledger);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let running = Running::start(server, listen).await?;
        let credential = fs::read_to_string(&made.admin)?;
        let url = format!("http://{}/", running.address);
        println!("{}", serde_json::json!({ "url": url, "credential": credential.trim(), "viewer": viewer }));
        tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
        running.stop().await;
        Ok(())
    })
}

/// Issues everybody's licences, and returns their lineages.
fn customers(ledger: &mut Ledger, issuer: &Issuer, now: Timestamp) -> Result<Vec<(Lineage, u64)>> {
    let catalogue: Catalogue = TIERS.parse()?;
    let mut lineages = Vec::new();
    for (subject, tier, days) in CUSTOMERS {
        let came = Timestamp::from_seconds(now.as_seconds() - days * DAY);
        let tier = catalogue.tier(tier, None)?;
        let first = ledger.issue(issuer, Order::new(tier.draft(subject, came)?))?;
        let id = first.token.claims().map_err(|malformed| malformed.code.name())?.id();
        lineages.push((id.into(), days));
        match subject {
            "acorn-labs" | "blue-harbour" => {
                let old = ledger.draft_of(&id)?;
                let renewal = Renewal { term: "1 year".parse()?, grace: None, maintenance: None };
                let renewed = old.renewed(Timestamp::from_seconds(now.as_seconds() - 9 * DAY), &renewal)?;
                ledger.issue(issuer, Order::new(renewed))?;
            }
            "hilltop-health" => {
                let old = ledger.draft_of(&id)?;
                let team = catalogue.tier("team", None)?.draft(subject, came)?.grant;
                let at = Timestamp::from_seconds(now.as_seconds() - 40 * DAY);
                ledger.issue(issuer, Order::new(old.upgraded(at, "team", 2, team)?).replacing(id))?;
            }
            "castle-rock-data" => {
                let effective = Timestamp::from_seconds(now.as_seconds() - 3 * DAY);
                ledger.revoke(
                    &id,
                    RevocationTerms { reason: Reason::Unpaid, effective, ..RevocationTerms::default() },
                )?;
            }
            _ => {}
        }
    }
    Ok(lineages)
}

/// The receipts of two gateways over the last six months; the third one has lost some.
fn receipts(ledger: &Ledger, lineages: &[(Lineage, u64)], folder: &Path, now: Timestamp) -> Result<()> {
    let mut number = 0_u64;
    for (gateway, share) in [("gateway-eu", 5_u64), ("gateway-us", 3), ("gateway-edge", 1)] {
        let path = folder.join(format!("{gateway}.pem"));
        SigningKey::generate()?.save(&path, None)?;
        let key = HolderKey::from_pem(&fs::read_to_string(&path)?)?;
        let instance = key.thumbprint();
        let mut log = Log::open(&folder.join(format!("{gateway}.log")), key)?;
        let mut last = None;
        for day in (0..180_u64).rev() {
            let at = Timestamp::from_seconds(now.as_seconds() - day * DAY);
            for (at_customer, (lineage, came)) in
                lineages.iter().enumerate().filter(|(_, (_, came))| *came > day)
            {
                let month = Period::Month.window(at);
                let wave = 60 + (day * 7 + at_customer as u64 * 31) % 80;
                for (meter, units) in
                    [("calls", wave * share * (2 + at_customer as u64 % 5)), ("exports", wave * share / 20)]
                {
                    if meter == "exports" && at_customer % 3 == 0 {
                        continue;
                    }
                    let cell = UsageCell {
                        issuer: "acme".into(),
                        lineage: *lineage,
                        meter: meter.into(),
                        window: month,
                    };
                    log.add(cell, Units { counted: units * (200 + came.min(&400)) / 200, refunded: 0 });
                }
            }
            if day >= 12 && day % 6 != 0 {
                continue;
            }
            for receipt in log.write(at)? {
                let read = Receipt::read(&receipt)?;
                // The third gateway's receipts of some days never arrived.
                if gateway == "gateway-edge" && (20..32).contains(&day) {
                    continue;
                }
                number += 1;
                let link = read.link();
                let sql = "INSERT INTO receipt (number, instance, sequence, digest, at, apart, receipt)
                     VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6)";
                let values: [Value<'_>; 6] = [
                    Value::from(number),
                    Value::from(&instance),
                    Value::from(link.sequence),
                    Value::from(&link.digest),
                    Value::from(at),
                    Value::from(&receipt),
                ];
                ledger.database().execute(sql, &values)?;
                last = Some((link, at));
            }
        }
        let Some((link, at)) = last else { continue };
        let sql = "INSERT INTO instance (instance, issuer, lineage, subject, enrolled_at, seen_at, sequence, digest)
             VALUES (?1, 'acme', ?2, ?3, ?4, ?5, ?6, ?7)";
        let zero = Lineage::from([0; 16]);
        let values: [Value<'_>; 7] = [
            Value::from(&instance),
            Value::from(&zero),
            Value::from(gateway),
            Value::from(now.as_seconds() - 180 * DAY),
            Value::from(at),
            Value::from(link.sequence),
            Value::from(&link.digest),
        ];
        ledger.database().execute(sql, &values)?;
    }
    Ok(())
}

fn payments(ledger: &Ledger, lineages: &[(Lineage, u64)], now: Timestamp) -> Result<()> {
    let now = now.as_seconds();
    for (at, status, problem) in [
        (1, "active", ""),
        (2, "active", "the licence was revoked: a payment does not reinstate it"),
        (6, "past_due", ""),
        (12, "trialing", ""),
    ] {
        let Some((lineage, _)) = lineages.get(at) else { continue };
        let sql = "INSERT INTO subscription (id, customer, issuer, lineage, status, period_start, period_end, seen_at, problem)
             VALUES (?1, ?2, 'acme', ?3, ?4, ?5, ?6, ?7, ?8)";
        let (id, customer) = (format!("sub_1Q{at:02}xK2eZvKYlo"), format!("cus_Nf{at:02}ItCh4KMx"));
        let values: [Value<'_>; 8] = [
            Value::from(&id),
            Value::from(&customer),
            Value::from(lineage),
            Value::from(status),
            Value::from(now - 12 * DAY),
            Value::from(now + 18 * DAY),
            Value::from(now - 600),
            Value::from(problem),
        ];
        ledger.database().execute(sql, &values)?;
    }
    Ok(())
}
