//! `licentia revoke` and `licentia reinstate`

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use licentia::revocation::{Effect, Reason, RevocationTerms};
use licentia_issuer::{IssuedLicense, Ledger, RuleDraft, time};
use serde_json::json;

use super::open::open;
use crate::terminal::{
    input::{hex, hex_bytes},
    output::{self, Output, Result},
};

/// Revokes licences of the ledger. They are refused by every gate that loads the next bundle.
///
/// With --id, or with --subject or --lineage alone, these licences are revoked, each by its own entry. With any
/// other condition, or with --future, a rule is added: all of its conditions must hold, and it hits what is
/// issued later too.
#[derive(Args)]
pub(crate) struct Revoke {
    /// The ledger.
    #[arg(long, value_name = "FILE")]
    ledger: PathBuf,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    rule: Conditions,
    /// Why.
    #[arg(long, value_enum, default_value_t = Why::Unspecified)]
    reason: Why,
    /// From when on.
    #[arg(long, value_name = "TIME", value_parser = time::parse, default_value = "0", hide_default_value = true)]
    effective: u64,
    /// Until then it is allowed, and flagged.
    #[arg(long, value_name = "TIME", value_parser = time::parse, conflicts_with = "grace_until")]
    warn_until: Option<u64>,
    /// Until then it is in grace.
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
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
    /// The rule with this number; `licentia ledger rules` lists them.
    #[arg(long, value_name = "NUMBER", conflicts_with = "Which")]
    rule: Option<u64>,
}

/// Which licences are meant.
#[derive(Args)]
#[group(multiple = true)]
struct Which {
    /// The one with this identifier.
    #[arg(long, value_name = "HEX", value_parser = hex::<16>, conflicts_with_all = ["subject", "lineage"])]
    id: Option<[u8; 16]>,
    /// All that were issued to this subject.
    #[arg(long, value_name = "ID")]
    subject: Option<String>,
    /// All of this lineage.
    #[arg(long, value_name = "HEX", value_parser = hex::<16>)]
    lineage: Option<[u8; 16]>,
}

/// Conditions that make a rule.
#[derive(Args)]
#[group(multiple = true, conflicts_with = "id")]
struct Conditions {
    /// Signed with the key of this identifier, in hexadecimal digits.
    #[arg(long, value_name = "HEX", value_parser = kid)]
    kid: Option<Kid>,
    /// Of this tier, and of this version of it.
    #[arg(long, value_name = "NAME[@VERSION]", value_parser = tier)]
    tier: Option<(String, Option<u64>)>,
    /// Issued at this time or later.
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    issued_from: Option<u64>,
    /// Issued at this time or earlier.
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    issued_to: Option<u64>,
    /// With this index or a greater one.
    #[arg(long, value_name = "INDEX")]
    index_from: Option<u64>,
    /// With this index or a smaller one.
    #[arg(long, value_name = "INDEX")]
    index_to: Option<u64>,
    /// Hit what is issued later too.
    #[arg(long)]
    future: bool,
    /// An identifier that the rule does not touch. May be repeated.
    #[arg(long, value_name = "HEX", value_parser = hex::<16>)]
    exempt: Vec<[u8; 16]>,
    /// Spare the tokens that are in the ledger: with a stolen key, all that were good.
    #[arg(long)]
    spare_issued: bool,
    /// Whose licences, where the ledger has those of several issuers.
    #[arg(long, value_name = "NAME")]
    issuer: Option<String>,
}

/// A key's identifier.
#[derive(Clone)]
struct Kid(Vec<u8>);

fn kid(text: &str) -> std::result::Result<Kid, String> {
    let bytes = hex_bytes(text).filter(|bytes| (1..=32).contains(&bytes.len()));
    bytes.map(Kid).ok_or_else(|| "write 2 to 64 hexadecimal digits".to_owned())
}

fn tier(text: &str) -> std::result::Result<(String, Option<u64>), String> {
    let Some((name, version)) = text.split_once('@') else { return Ok((text.to_owned(), None)) };
    let version = version.parse().map_err(|_| "write NAME or NAME@VERSION, where VERSION is a number")?;
    Ok((name.to_owned(), Some(version)))
}

impl Conditions {
    /// The rule, where there is anything that makes one.
    fn rule(&self, which: &Which, terms: RevocationTerms) -> Option<RuleDraft> {
        let range = |from: Option<u64>, to: Option<u64>| {
            // The greatest integer of a licence stands for no end.
            from.or(to).map(|_| (from.unwrap_or(0), to.unwrap_or(licentia::limits::INTEGER)))
        };
        let rule = RuleDraft {
            kid: self.kid.clone().map(|kid| kid.0),
            subject: which.subject.clone(),
            lineage: which.lineage,
            tier: self.tier.clone(),
            issued_at: range(self.issued_from, self.issued_to),
            index: range(self.index_from, self.index_to),
            exempt: self.exempt.iter().copied().collect(),
            terms,
            ..RuleDraft::default()
        };
        let more =
            rule.kid.is_some() || rule.tier.is_some() || rule.issued_at.is_some() || rule.index.is_some();
        (more || self.future || self.spare_issued || !self.exempt.is_empty()).then_some(rule)
    }

    /// The issuer that is named, or the only one.
    fn issuer(&self, ledger: &Ledger) -> Result<String> {
        if let Some(issuer) = &self.issuer {
            return Ok(issuer.clone());
        }
        match &ledger.issuers()?[..] {
            [only] => Ok(only.clone()),
            [] => Err("the ledger has no licences; say --issuer".into()),
            several => Err(format!("say --issuer: the ledger has {}", several.join(", ")).into()),
        }
    }
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
    fn find(&self, ledger: &Ledger) -> Result<Vec<IssuedLicense>> {
        let found = match (&self.id, &self.subject, &self.lineage) {
            (Some(id), _, _) => ledger.find(id)?.into_iter().collect(),
            (_, Some(subject), lineage) => {
                let mut found = ledger.of_subject(subject)?;
                found.retain(|record| lineage.is_none_or(|lineage| lineage == record.lineage));
                found
            }
            (_, _, Some(lineage)) => ledger.of_lineage(lineage)?,
            _ => return Err("say which: --id, --subject or --lineage".into()),
        };
        if found.is_empty() { Err("the ledger has no such licence".into()) } else { Ok(found) }
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
        let terms = RevocationTerms { reason: self.reason.into(), effective: self.effective, effect };
        if let Some(rule) = self.rule.rule(&self.which, terms) {
            let issuer = self.rule.issuer(&ledger)?;
            let number = ledger.add_rule(&issuer, &rule, self.rule.spare_issued)?;
            return output.show(&json!({ "rule": number }), || {
                format!("rule {number} is added; publish it with `licentia bundle build`\n")
            });
        }
        let records = self.which.find(&ledger)?;
        let progress = output.progress("revoking", records.len() as u64);
        let ids = records.iter().map(|record| &record.id);
        ledger.revoke_all(ids, terms, |count| output::advance(&progress, count))?;
        progress.finish_and_clear();
        show(&records, "revoked", output)
    }
}

impl Reinstate {
    pub(crate) fn run(self, output: Output) -> Result {
        let mut ledger = open(&self.ledger)?;
        if let Some(number) = self.rule {
            if !ledger.remove_rule(number)? {
                return Err("the ledger has no rule of this number".into());
            }
            return output.show(&json!({ "rule": number }), || {
                format!("rule {number} is taken back; publish it with `licentia bundle build`\n")
            });
        }
        let mut reinstated = Vec::new();
        for record in self.which.find(&ledger)? {
            if ledger.reinstate(&record.id)? {
                reinstated.push(record);
            }
        }
        show(&reinstated, "reinstated", output)
    }
}

fn show(records: &[IssuedLicense], what: &str, output: Output) -> Result {
    let ids: Vec<_> = records.iter().map(|record| output::hex(&record.id)).collect();
    output.show(&json!({ what: ids }), || {
        let lines: String = ids.iter().map(|id| format!("  {id}\n")).collect();
        format!("{} {what}; publish it with `licentia bundle build`\n{lines}", ids.len())
    })
}
