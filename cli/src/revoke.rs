//! `licentia revoke` and `licentia reinstate`

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use licentia::revocation::{Effect, Reason, Terms};
use licentia_issuer::{Ledger, Record, moment};
use serde_json::json;

use crate::{
    input::hex,
    output::{self, Output, Result},
};

/// Revokes licences of the ledger. They are refused by every gate that loads the next bundle.
#[derive(Args)]
pub(crate) struct Revoke {
    /// The ledger.
    #[arg(long, value_name = "FILE")]
    ledger: PathBuf,
    #[command(flatten)]
    which: Which,
    /// Why.
    #[arg(long, value_enum, default_value_t = Why::Unspecified)]
    reason: Why,
    /// From when on.
    #[arg(long, value_name = "TIME", value_parser = moment::parse, default_value = "0", hide_default_value = true)]
    effective: u64,
    /// Until then it is allowed, and flagged.
    #[arg(long, value_name = "TIME", value_parser = moment::parse, conflicts_with = "grace_until")]
    warn_until: Option<u64>,
    /// Until then it is in grace.
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    grace_until: Option<u64>,
}

/// Takes revocations back.
#[derive(Args)]
pub(crate) struct Reinstate {
    /// The ledger.
    #[arg(long, value_name = "FILE")]
    ledger: PathBuf,
    #[command(flatten)]
    which: Which,
}

/// Which licences are meant.
#[derive(Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// The one with this identifier.
    #[arg(long, value_name = "HEX", value_parser = hex::<16>)]
    id: Option<[u8; 16]>,
    /// All that were issued to this subject.
    #[arg(long, value_name = "ID")]
    subject: Option<String>,
    /// All of this lineage.
    #[arg(long, value_name = "HEX", value_parser = hex::<16>)]
    lineage: Option<[u8; 16]>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Why {
    Unspecified,
    KeyCompromise,
    Unpaid,
    Superseded,
    Fraud,
    Requested,
    Breach,
}

impl From<Why> for Reason {
    fn from(why: Why) -> Self {
        match why {
            Why::Unspecified => Self::Unspecified,
            Why::KeyCompromise => Self::KeyCompromise,
            Why::Unpaid => Self::Unpaid,
            Why::Superseded => Self::Superseded,
            Why::Fraud => Self::Fraud,
            Why::Requested => Self::Requested,
            Why::Breach => Self::Breach,
        }
    }
}

impl Which {
    fn find(&self, ledger: &Ledger) -> Result<Vec<Record>> {
        let found = match (&self.id, &self.subject, &self.lineage) {
            (Some(id), _, _) => ledger.find(id)?.into_iter().collect(),
            (_, Some(subject), _) => ledger.of_subject(subject)?,
            (_, _, Some(lineage)) => ledger.of_lineage(lineage)?,
            _ => Vec::new(),
        };
        if found.is_empty() { Err("the ledger has no such licence".into()) } else { Ok(found) }
    }
}

fn open(path: &Path) -> Result<Ledger> {
    if path.exists() {
        Ok(Ledger::open(path)?)
    } else {
        Err(format!("{}: no such ledger", path.display()).into())
    }
}

impl Revoke {
    pub(crate) fn run(self, output: Output) -> Result {
        let mut ledger = open(&self.ledger)?;
        let effect = match (self.warn_until, self.grace_until) {
            (Some(until), _) => Effect::WarnUntil(until),
            (_, Some(until)) => Effect::GraceUntil(until),
            _ => Effect::Deny,
        };
        let terms = Terms { reason: self.reason.into(), effective: self.effective, effect };
        let records = self.which.find(&ledger)?;
        for record in &records {
            ledger.revoke(&record.id, terms)?;
        }
        show(&records, "revoked", output)
    }
}

impl Reinstate {
    pub(crate) fn run(self, output: Output) -> Result {
        let mut ledger = open(&self.ledger)?;
        let mut reinstated = Vec::new();
        for record in self.which.find(&ledger)? {
            if ledger.reinstate(&record.id)? {
                reinstated.push(record);
            }
        }
        show(&reinstated, "reinstated", output)
    }
}

fn show(records: &[Record], what: &str, output: Output) -> Result {
    let ids: Vec<_> = records.iter().map(|record| output::hex(&record.id)).collect();
    output.show(&json!({ what: ids }), || {
        let lines: String = ids.iter().map(|id| format!("  {id}\n")).collect();
        format!("{} {what}; publish it with `licentia bundle build`\n{lines}", ids.len())
    })
}
