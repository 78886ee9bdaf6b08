//! `licentia issue`

use std::path::PathBuf;

use clap::Args;
use licentia_core::PublicKey;
use licentia_issuer::{
    Confirmation, Draft, Feature, Issuer, Quota, Rate,
    time::{self, Span},
};
use serde_json::{Value, json};

use crate::{
    ledger::open::open,
    terminal::{
        input::{self, Clock, Signer, hex, pair},
        output::{Output, Result},
    },
};

/// Issues a licence and prints its text, and nothing else, on standard output.
///
/// With a catalogue, the tier says what is granted; options add to it or
/// replace parts of it for this customer. Without a catalogue, name the tier
/// with its version (`pro@3`) and say when the licence ends.
#[derive(Args)]
#[command(
    override_usage = "licentia issue --key <FILE> --issuer <NAME> --tier <TIER>\n                      --subject <ID> [OPTIONS]"
)]
pub(crate) struct Issue {
    /// The issuer's private key.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The issuer's name.
    #[arg(long, value_name = "NAME")]
    issuer: String,
    /// The tier, `pro` for its newest version or `pro@3`.
    #[arg(long, value_name = "TIER")]
    tier: String,
    /// The catalogue of tiers.
    #[arg(long, value_name = "FILE")]
    catalogue: Option<PathBuf>,
    /// The customer: an identifier, because everybody can read a token.
    #[arg(long, value_name = "ID")]
    subject: String,
    /// A service that it is for. Without one, all of the issuer's. May be
    /// repeated.
    #[arg(long, value_name = "NAME")]
    audience: Vec<String>,
    /// When it starts.
    #[arg(long, value_name = "TIME", value_parser = time::parse_start)]
    starts: Option<u64>,
    /// When it ends, instead of after the tier's term and grace. A date is
    /// included: the licence ends when the day is over, in UTC.
    #[arg(long, value_name = "TIME", value_parser = time::parse_end, conflicts_with = "term")]
    expires: Option<u64>,
    /// How long it lasts, instead of the tier's term and grace: `1 year`.
    #[arg(long, value_name = "SPAN")]
    term: Option<Span>,
    /// A feature, with an optional value and end. May be repeated.
    #[arg(long, value_name = "NAME[=VALUE[@END]]")]
    feature: Vec<String>,
    /// A quota: `api_calls=100000/month`. May be repeated.
    #[arg(long, value_name = "METER=LIMIT/PERIOD", value_parser = pair)]
    quota: Vec<(String, String)>,
    /// A rate: `api=10/1s`. May be repeated.
    #[arg(long, value_name = "NAME=COUNT/TIME", value_parser = pair)]
    rate: Vec<(String, String)>,
    /// How many may use it at once.
    #[arg(long, value_name = "N")]
    seats: Option<u64>,
    /// The holder's public key, which makes a stolen copy useless: its text, a
    /// file, or 64 hexadecimal digits.
    #[arg(long, value_name = "KEY")]
    holder: Option<String>,
    /// SHA-256 of a machine's fingerprint. Only these machines may use it. May be
    /// repeated.
    #[arg(long, value_name = "HEX", value_parser = hex::<32>)]
    node_lock: Vec<[u8; 32]>,
    /// Free metadata, which everybody can read. May be repeated.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    meta: Vec<(String, String)>,
    /// The lineage of the licence that this one renews or upgrades. Its usage
    /// counts continue.
    #[arg(long, value_name = "HEX", value_parser = hex::<16>)]
    renews: Option<[u8; 16]>,
    /// The ledger that records it before it is printed: `licentia ledger init`
    /// creates one.
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,
    #[command(flatten)]
    signer: Signer,
    #[command(flatten)]
    clock: Clock,
}

impl Issue {
    pub(crate) fn run(self, output: Output) -> Result {
        let now = self.clock.now();
        let mut draft = self.draft(now)?;
        let mut ledger = self.ledger.as_deref().map(open).transpose()?;
        if let Some(ledger) = &mut ledger {
            (draft.index, draft.stream) = (Some(ledger.next_index()?), ledger.stream()?);
        }
        let issuer = Issuer::new(&self.issuer, self.signer.load(&self.key)?);
        let token = issuer.issue(&draft)?;
        if let Some(ledger) = &mut ledger {
            ledger.record(&token)?;
        }
        let claims = token.claims().map_err(|malformed| malformed.code)?;
        let claims: Value = serde_json::from_str(&claims.json().to_string())?;
        let text = token.text();
        output.note(&format!(
            "{} for {}, expires {}: {} bytes",
            draft.tier,
            draft.subject,
            time::show(draft.expires),
            token.as_bytes().len()
        ));
        output.show(&json!({ "token": text, "claims": claims }), || format!("{text}\n"))
    }

    fn draft(&self, now: u64) -> Result<Draft> {
        let (name, version) = match self.tier.split_once('@') {
            Some((name, version)) => {
                let version =
                    version.parse().map_err(|_| format!("--tier {}: write NAME@VERSION", self.tier))?;
                (name, Some(version))
            }
            None => (self.tier.as_str(), None),
        };
        let start = self.starts.unwrap_or(now);
        let end = match (self.expires, self.term) {
            (Some(expires), _) => Some(expires),
            (None, Some(term)) => Some(term.after(start)?),
            (None, None) => None,
        };
        let mut draft = match (&self.catalogue, version, end) {
            (Some(path), _, _) => input::catalogue(path)?.tier(name, version)?.draft(&self.subject, start)?,
            (None, Some(version), Some(end)) => Draft::new(&self.subject, name, version, start, end),
            (None, None, _) => {
                return Err("without --catalogue, name the tier's version: --tier NAME@VERSION".into());
            }
            (None, _, None) => {
                return Err("without --catalogue, say when the licence ends: --expires or --term".into());
            }
        };
        if let Some(end) = end {
            (draft.expires, draft.term_end) = (end, None);
        }
        draft.issued_at = now;
        draft.not_before = (start > now).then_some(start);
        for feature in &self.feature {
            let (name, value) = feature.split_once('=').unwrap_or((feature, "true"));
            draft.grant.features.insert(name.into(), value.parse::<Feature>()?);
        }
        for (meter, quota) in &self.quota {
            draft.grant.quotas.insert(meter.clone(), quota.parse::<Quota>()?);
        }
        for (name, rate) in &self.rate {
            draft.grant.rates.insert(name.clone(), rate.parse::<Rate>()?);
        }
        draft.grant.seats = self.seats.or(draft.grant.seats);
        if let Some(holder) = &self.holder {
            let key = match hex::<32>(holder) {
                Ok(bytes) => PublicKey::from_bytes(&bytes)
                    .map_err(|code| format!("--holder: {code} {}", code.advice()))?,
                Err(_) => input::public_key(holder)?.public().clone(),
            };
            draft.holder = Some(Confirmation::thumbprint_of(key.as_bytes()));
        }
        draft.audiences.clone_from(&self.audience);
        draft.node_locks.clone_from(&self.node_lock);
        draft.meta.clone_from(&self.meta);
        draft.lineage = self.renews;
        Ok(draft)
    }
}
