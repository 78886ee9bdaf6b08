//! `licentia ledger`

use std::path::{Path, PathBuf};

use clap::Subcommand;
use licentia_core::limits;
use licentia_issuer::{IssuedLicense, StandingRule, time};
use serde_json::{Value, json};

use super::open::{create, open};
use crate::terminal::{
    input,
    output::{HEADING, Output, Result, counted, hex, printable, table},
    words,
};

/// Creates a ledger, and looks up issued licences and rules in it.
#[derive(Subcommand)]
pub(crate) enum Lookup {
    /// Create an empty ledger.
    Init {
        /// The file, which must not exist.
        ledger: PathBuf,
        /// The stream of its indices. Each ledger of an issuer needs one of its
        /// own. Upgrade every verifier before you use another than 0.
        #[arg(long, value_name = "NUMBER", default_value_t = 0,
              value_parser = clap::value_parser!(u64).range(..=limits::INTEGER))]
        stream: u64,
    },
    /// List the licences of a subject.
    #[command(visible_alias = "list")]
    Subject {
        /// The ledger.
        ledger: PathBuf,
        /// The subject.
        subject: String,
    },
    /// List the rules, which are in every bundle.
    Rules {
        /// The ledger.
        ledger: PathBuf,
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

impl Lookup {
    pub(crate) fn run(self, output: Output) -> Result {
        let records = match self {
            Self::Init { ledger, stream } => return init(&ledger, stream, output),
            Self::Rules { ledger } => return rules(&open(&ledger)?.rules()?, output),
            Self::Subject { ledger, subject } => open(&ledger)?.of_subject(&subject)?,
            Self::Find { ledger, id } => open(&ledger)?.find(&id)?.into_iter().collect(),
        };
        let value: Vec<Value> = records.iter().map(record).collect();
        output.show(&Value::Array(value), || {
            if records.is_empty() {
                return "the ledger has no such licence\n".into();
            }
            let mut text = format!(
                "{HEADING}{:<32} {:<20} {:<12} {:<23} expires{HEADING:#}\n",
                "id", "subject", "tier", "issued"
            );
            for record in &records {
                let tier = format!("{}@{}", record.tier, record.tier_version);
                let (issued, expires) = (time::show(record.issued_at), time::show(record.expires));
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

fn init(path: &Path, stream: u64, output: Output) -> Result {
    create(path, stream)?;
    output.show(&json!({ "ledger": path, "stream": stream }), || {
        let path = path.display();
        format!("created {path}, stream {stream}; issue with `licentia issue --ledger {path}`\n")
    })
}

fn rules(rules: &[StandingRule], output: Output) -> Result {
    let value: Vec<Value> = rules.iter().map(rule).collect();
    output.show(&Value::Array(value), || {
        if rules.is_empty() {
            return "no rules\n".into();
        }
        table(rules.iter().map(|standing| ("rule", format!("{} {}", standing.number, conditions(standing)))))
    })
}

/// Describes a rule's conditions.
pub(crate) fn conditions(standing: &StandingRule) -> String {
    let rule = &standing.rule;
    let mut words = vec![format!("issuer {}", printable(&standing.issuer))];
    words.extend(rule.kid.as_ref().map(|kid| format!("key {}", hex(kid))));
    words.extend(rule.subject.as_ref().map(|subject| format!("subject {}", printable(subject))));
    words.extend(rule.lineage.map(|lineage| format!("lineage {}", hex(&lineage))));
    words.extend(rule.tier.as_ref().map(|(name, version)| match version {
        Some(version) => format!("tier {}@{version}", printable(name)),
        None => format!("tier {}", printable(name)),
    }));
    let issued = rule.issued_at.map(|(from, to)| (time::show(from), time::show(to)));
    words.extend(issued.map(|(from, to)| format!("issued from {from} to {to}")));
    words.extend(rule.index.map(|(from, to)| format!("index from {from} to {to}")));
    let mut text = words.join(" and ");
    if !rule.exempt.is_empty() {
        text += &format!(", except {}", counted(rule.exempt.len(), "licence"));
    }
    if standing.spare_issued {
        text += ", except the tokens of this ledger";
    }
    text + &format!(" ({})", words::terms(&rule.terms))
}

fn rule(standing: &StandingRule) -> Value {
    let rule = &standing.rule;
    json!({
        "number": standing.number,
        "issuer": standing.issuer,
        "kid": rule.kid.as_deref().map(hex),
        "subject": rule.subject,
        "lineage": rule.lineage.map(|lineage| hex(&lineage)),
        "tier": rule.tier.as_ref().map(|(name, version)| json!({ "name": name, "version": version })),
        "issued_at": rule.issued_at,
        "index": rule.index,
        "exempt": rule.exempt.iter().map(|id| hex(id)).collect::<Vec<_>>(),
        "spare_issued": standing.spare_issued,
        "reason": rule.terms.reason.name(),
        "effective": rule.terms.effective,
    })
}

fn record(record: &IssuedLicense) -> Value {
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
