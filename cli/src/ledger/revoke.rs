//! `licentia revoke` and `licentia reinstate`

use std::collections::BTreeSet;

use clap::{Args, ValueEnum};
use licentia::{
    Timestamp, limits,
    revocation::{Effect, Reason, RevocationTerms},
};
use licentia_issuer::{IssuedLicense, Ledger, RuleDraft, time};
use serde_json::json;

use super::{
    place::Place,
    rules::{described, held},
};
use crate::terminal::{
    input::{Kid, hex, kid, tier},
    output::{self, Output, Result, counted},
    words,
};

/// Revokes licences of the ledger. Every gate that loads the next bundle refuses
/// them.
///
/// --id, --subject or --lineage alone revoke these licences, each by an entry
/// of its own. Any other condition, or --future, adds a rule: it hits every
/// licence for which all its conditions hold, including those that are issued
/// later.
#[derive(Args)]
pub(crate) struct Revoke {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    rule: Conditions,
    /// The reason.
    #[arg(long, value_enum, default_value_t = Why::Unspecified)]
    reason: Why,
    /// When it takes effect; at once by default.
    #[arg(long, value_name = "TIME", value_parser = time::parse_start)]
    effective: Option<Timestamp>,
    /// Until then, the licence is allowed and flagged. A date is included.
    #[arg(long, value_name = "TIME", value_parser = time::parse_end, conflicts_with = "grace_until")]
    warn_until: Option<Timestamp>,
    /// Until then, the licence is in grace. A date is included.
    #[arg(long, value_name = "TIME", value_parser = time::parse_end)]
    grace_until: Option<Timestamp>,
    /// Count which licences it would hit, and change nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Removes revocations.
#[derive(Args)]
pub(crate) struct Reinstate {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    which: Which,
    /// The number of a rule; `licentia ledger rules` lists them.
    #[arg(long, value_name = "NUMBER", conflicts_with = "Which")]
    rule: Option<u64>,
    /// The issuer, if the ledger has such licences of several.
    #[arg(long, value_name = "NAME", conflicts_with = "rule")]
    issuer: Option<String>,
}

/// Which licences.
#[derive(Args)]
#[group(multiple = true)]
struct Which {
    /// The licence with this identifier.
    #[arg(long, value_name = "HEX", value_parser = hex::<16>, conflicts_with_all = ["subject", "lineage"])]
    id: Option<[u8; 16]>,
    /// All licences of this subject.
    #[arg(long, value_name = "ID")]
    subject: Option<String>,
    /// All licences of this lineage.
    #[arg(long, value_name = "HEX", value_parser = hex::<16>)]
    lineage: Option<[u8; 16]>,
}

/// Conditions that make a rule.
#[derive(Args)]
#[group(multiple = true, conflicts_with = "id")]
struct Conditions {
    /// Signed with the key of this identifier.
    #[arg(long, value_name = "HEX", value_parser = kid)]
    kid: Option<Kid>,
    /// Of this tier, or of one version of it.
    #[arg(long, value_name = "NAME[@VERSION]", value_parser = tier)]
    tier: Option<(String, Option<u64>)>,
    /// Issued at this time or later.
    #[arg(long, value_name = "TIME", value_parser = time::parse_start)]
    issued_from: Option<Timestamp>,
    /// Issued at this time or earlier. A date is included.
    #[arg(long, value_name = "TIME", value_parser = time::parse_last)]
    issued_to: Option<Timestamp>,
    /// With this index or a greater one.
    #[arg(long, value_name = "INDEX")]
    index_from: Option<u64>,
    /// With this index or a smaller one.
    #[arg(long, value_name = "INDEX")]
    index_to: Option<u64>,
    /// Add a rule, which also hits licences that are issued later.
    #[arg(long)]
    future: bool,
    /// An identifier that the rule spares. May be repeated.
    #[arg(long, value_name = "HEX", value_parser = hex::<16>)]
    exempt: Vec<[u8; 16]>,
    /// Spare the tokens of the ledger. After a theft of the key: the good ones.
    #[arg(long)]
    spare_issued: bool,
    /// The issuer, if the ledger has licences of several.
    #[arg(long, value_name = "NAME")]
    issuer: Option<String>,
}

impl Conditions {
    /// The rule, if a condition makes one.
    fn rule(&self, which: &Which, terms: RevocationTerms) -> Option<RuleDraft> {
        // The greatest value means that there is no end.
        fn range<T: Copy + Default>(from: Option<T>, to: Option<T>, greatest: T) -> Option<(T, T)> {
            from.or(to).map(|_| (from.unwrap_or_default(), to.unwrap_or(greatest)))
        }
        let rule = RuleDraft {
            kid: self.kid.clone().map(|kid| kid.0),
            subject: which.subject.clone(),
            lineage: which.lineage.map(Into::into),
            tier: self.tier.clone(),
            issued_at: range(self.issued_from, self.issued_to, limits::TIME.into()),
            index: range(self.index_from, self.index_to, limits::INTEGER),
            exempt: self.exempt.iter().copied().map(Into::into).collect(),
            terms,
            ..RuleDraft::default()
        };
        let more =
            rule.kid.is_some() || rule.tier.is_some() || rule.issued_at.is_some() || rule.index.is_some();
        (more || self.future || self.spare_issued || !self.exempt.is_empty()).then_some(rule)
    }

    /// The named issuer, or the only one.
    fn issuer(&self, ledger: &Ledger) -> Result<String> {
        let known = ledger.issuers()?;
        if let Some(issuer) = &self.issuer {
            return if known.contains(issuer) {
                Ok(issuer.clone())
            } else {
                Err(format!(
                    "the ledger has no licence of issuer {issuer:?}; there are: {}",
                    known.join(", ")
                )
                .into())
            };
        }
        match &known[..] {
            [only] => Ok(only.clone()),
            [] => Err("the ledger has no licences; name the issuer with --issuer".into()),
            several => Err(format!("choose one with --issuer; the ledger has {}", several.join(", ")).into()),
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
    /// Subjects and lineages are an issuer's own: another one's licences are never meant by chance.
    fn find(&self, ledger: &Ledger, issuer: Option<&str>) -> Result<Vec<IssuedLicense>> {
        let mut found: Vec<IssuedLicense> = match (&self.id, &self.subject, &self.lineage) {
            (Some(id), _, _) => ledger.find(&(*id).into())?.into_iter().collect(),
            (_, Some(subject), lineage) => {
                let mut found = ledger.of_subject(subject)?;
                found.retain(|record| lineage.is_none_or(|lineage| record.lineage == lineage.into()));
                found
            }
            (_, _, Some(lineage)) => ledger.of_lineage(&(*lineage).into())?,
            _ => return Err("name the licences: --id, --subject or --lineage".into()),
        };
        found.retain(|record| issuer.is_none_or(|issuer| issuer == record.issuer));
        let issuers: BTreeSet<&str> = found.iter().map(|record| &*record.issuer).collect();
        match issuers.len() {
            0 => Err("the ledger has no such licence".into()),
            1 => Ok(found),
            _ => {
                let issuers: Vec<_> = issuers.into_iter().collect();
                Err(format!("choose one with --issuer; such licences are of {}", issuers.join(", ")).into())
            }
        }
    }
}

impl Revoke {
    pub(crate) fn run(self, output: Output) -> Result {
        let mut ledger = if self.dry_run { self.place.read()? } else { self.place.write()? };
        let effect = match (self.warn_until, self.grace_until) {
            (Some(until), _) => Effect::WarnUntil(until),
            (_, Some(until)) => Effect::GraceUntil(until),
            _ => Effect::Deny,
        };
        let terms = RevocationTerms {
            reason: self.reason.into(),
            effective: self.effective.unwrap_or_default(),
            effect,
        };
        if let Some(rule) = self.rule.rule(&self.which, terms) {
            return self.add(&mut ledger, &rule, output);
        }
        let records = self.which.find(&ledger, self.rule.issuer.as_deref())?;
        if self.dry_run {
            let ids: Vec<_> = records.iter().map(|record| record.id.to_string()).collect();
            let issued = ledger.count()?;
            let value = json!({ "dry_run": true, "hits": ids.len(), "issued": issued, "ids": ids });
            return output.show(&value, || {
                let lines: String = ids.iter().map(|id| format!("  {id}\n")).collect();
                let hit = counted(ids.len(), "licence");
                format!(
                    "{hit} of {issued} in the ledger would be revoked ({})\n{lines}",
                    words::effect(&terms)
                )
            });
        }
        let progress = output.progress("revoking", records.len() as u64);
        let ids = records.iter().map(|record| &record.id);
        ledger.revoke_all(ids, terms, |count| output::advance(&progress, count))?;
        progress.finish_and_clear();
        show(&records, "revoked", &words::terms(&terms), output)
    }

    /// Adds a rule, or counts what it would hit.
    fn add(&self, ledger: &mut Ledger, rule: &RuleDraft, output: Output) -> Result {
        let issuer = self.rule.issuer(ledger)?;
        if !self.rule.future {
            let hint = "; with --future, a rule may be about licences that are issued later";
            ledger.check_rule(&issuer, rule).map_err(|error| format!("{error}{hint}"))?;
        }
        let (hits, all) = (held(ledger, &issuer, rule, self.rule.spare_issued)?, ledger.count()?);
        let hit = format!("{hits} of {} in the ledger", counted(all, "licence"));
        let what = described(&issuer, rule, self.rule.spare_issued);
        if self.dry_run {
            let value = json!({ "dry_run": true, "hits": hits, "issued": all });
            return output.show(&value, || format!("the rule would hit {hit}: {what}\n"));
        }
        let number = ledger.add_rule(&issuer, rule, self.rule.spare_issued)?;
        output.show(&json!({ "rule": number, "hits": hits }), || {
            format!(
                "added rule {number}, which hits {hit}: {what}; publish it with `licentia bundle build`\n"
            )
        })
    }
}

impl Reinstate {
    pub(crate) fn run(self, output: Output) -> Result {
        let mut ledger = self.place.write()?;
        if let Some(number) = self.rule {
            if !ledger.remove_rule(number)? {
                return Err("the ledger has no rule with this number".into());
            }
            return output.show(&json!({ "rule": number }), || {
                format!("removed rule {number}; publish it with `licentia bundle build`\n")
            });
        }
        let mut reinstated = Vec::new();
        for record in self.which.find(&ledger, self.issuer.as_deref())? {
            if ledger.reinstate(&record.id)? {
                reinstated.push(record);
            }
        }
        show(&reinstated, "reinstated", "", output)
    }
}

fn show(records: &[IssuedLicense], what: &str, terms: &str, output: Output) -> Result {
    let ids: Vec<_> = records.iter().map(|record| record.id.to_string()).collect();
    output.show(&json!({ what: ids }), || {
        let lines: String = ids.iter().map(|id| format!("  {id}\n")).collect();
        let terms = if terms.is_empty() { String::new() } else { format!(" ({terms})") };
        let count = counted(ids.len(), "licence");
        format!("{count} {what}{terms}; publish it with `licentia bundle build`\n{lines}")
    })
}
