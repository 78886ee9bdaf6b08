//! `licentia ledger`

use std::path::PathBuf;

use clap::Subcommand;
use licentia_issuer::{Ledger as Issued, Record, moment};
use serde_json::{Value, json};

use crate::{
    input,
    output::{HEADING, Output, Result, hex, printable},
};

/// Looks into the ledger of issued licences.
#[derive(Subcommand)]
pub(crate) enum Ledger {
    /// List the licences of a subject.
    #[command(visible_alias = "list")]
    Subject {
        /// The ledger.
        ledger: PathBuf,
        /// The subject.
        subject: String,
    },
    /// Show the licence with an identifier.
    #[command(visible_alias = "show")]
    Find {
        /// The ledger.
        ledger: PathBuf,
        /// The token's identifier.
        #[arg(value_parser = input::hex::<16>)]
        id: [u8; 16],
    },
}

impl Ledger {
    pub(crate) fn run(self, output: Output) -> Result {
        let open = |path: PathBuf| -> Result<Issued> {
            if path.exists() {
                Ok(Issued::open(&path)?)
            } else {
                Err(format!("{}: no such ledger", path.display()).into())
            }
        };
        let records = match self {
            Self::Subject { ledger, subject } => open(ledger)?.of_subject(&subject)?,
            Self::Find { ledger, id } => open(ledger)?.find(&id)?.into_iter().collect(),
        };
        let value: Vec<Value> = records.iter().map(record).collect();
        output.show(&Value::Array(value), || {
            if records.is_empty() {
                return "no such licence\n".into();
            }
            let mut text = format!(
                "{HEADING}{:<32} {:<20} {:<12} {:<23} expires{HEADING:#}\n",
                "id", "subject", "tier", "issued"
            );
            for record in &records {
                let tier = format!("{}@{}", record.tier, record.tier_version);
                let (issued, expires) = (moment::show(record.issued_at), moment::show(record.expires));
                text += &format!(
                    "{} {:<20} {tier:<12} {issued:<23} {expires}\n",
                    hex(&record.id),
                    printable(&record.subject)
                );
            }
            text
        })
    }
}

fn record(record: &Record) -> Value {
    json!({
        "id": hex(&record.id),
        "lineage": hex(&record.lineage),
        "issuer": record.issuer,
        "subject": record.subject,
        "tier": { "name": record.tier, "version": record.tier_version },
        "kid": hex(&record.kid),
        "issued_at": record.issued_at,
        "expires": record.expires,
        "digest": hex(&record.digest),
    })
}
