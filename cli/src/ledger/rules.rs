//! `licentia ledger rules`

use clap::Args;
use licentia_core::{Timestamp, limits};
use licentia_issuer::{Ledger, LedgerAccess, RuleDraft, StandingRule, time};
use serde_json::{Value, json};

use super::place::Place;
use crate::terminal::{
    output::{Output, Result, counted, hex, printable},
    table::{Cell, Grid, width},
    words,
};

/// Lists the rules, which are in every bundle.
#[derive(Args)]
#[command(override_usage = "licentia ledger rules [LEDGER] [OPTIONS]")]
pub(crate) struct Rules {
    /// The ledger, unless --ledger or `LICENTIA_LEDGER` names it.
    #[arg(value_name = "LEDGER")]
    words: Vec<String>,
    #[command(flatten)]
    place: Place,
}

impl Rules {
    pub(super) fn run(self, output: Output) -> Result {
        let (place, _) = self.place.or_first(&self.words, 0)?;
        rules(&Ledger::connect(&place, LedgerAccess::Read)?, output)
    }
}

fn rules(ledger: &Ledger, output: Output) -> Result {
    let rules = ledger.rules()?;
    let mut hits = Vec::new();
    for standing in &rules {
        hits.push(held(ledger, &standing.issuer, &standing.rule, standing.spare_issued)?);
    }
    let value: Vec<Value> = rules.iter().zip(&hits).map(|(standing, hits)| rule(standing, *hits)).collect();
    output.show(&Value::Array(value), || {
        if rules.is_empty() {
            return "no rules\n".into();
        }
        let mut grid = Grid::new(["rule#", "hits#", "which licences", "effect"]);
        for (standing, hits) in rules.iter().zip(&hits) {
            let (number, hits) = (standing.number.to_string(), hits.to_string());
            let which = which(&standing.issuer, &standing.rule, standing.spare_issued);
            grid.row([number, hits, which, words::effect(&standing.rule.terms)].map(Cell::from));
        }
        grid.show(width())
    })
}

/// How many licences of the ledger a rule hits. One that spares the tokens of the ledger hits none of them.
pub(super) fn held(ledger: &Ledger, issuer: &str, rule: &RuleDraft, spare_issued: bool) -> Result<u64> {
    if spare_issued {
        return Ok(0);
    }
    Ok(ledger.hits(issuer, std::slice::from_ref(rule))?.into_iter().sum())
}

/// Describes which licences a rule is about, and what it does.
pub(super) fn described(issuer: &str, rule: &RuleDraft, spare_issued: bool) -> String {
    format!("{} ({})", which(issuer, rule, spare_issued), words::effect(&rule.terms))
}

/// Describes which licences a rule is about.
fn which(issuer: &str, rule: &RuleDraft, spare_issued: bool) -> String {
    let mut words = vec![format!("issuer {}", printable(issuer))];
    words.extend(rule.kid.as_ref().map(|kid| format!("key {}", hex(kid))));
    words.extend(rule.subject.as_ref().map(|subject| format!("subject {}", printable(subject))));
    words.extend(rule.lineage.map(|lineage| format!("lineage {lineage}")));
    words.extend(rule.tier.as_ref().map(|(name, version)| match version {
        Some(version) => format!("tier {}@{version}", printable(name)),
        None => format!("tier {}", printable(name)),
    }));
    let range = |what: &str, from: Option<String>, to: Option<String>| match (from, to) {
        (Some(from), Some(to)) => format!("{what} from {from} to {to}"),
        (Some(from), None) => format!("{what} from {from}"),
        (None, to) => format!("{what} until {}", to.unwrap_or_default()),
    };
    words.extend(rule.issued_at.map(|(from, to)| {
        let from = Some(from).filter(|from| *from > Timestamp::EPOCH).map(time::show);
        let to = Some(to).filter(|to| to.as_seconds() < limits::TIME).map(time::show);
        range("issued", from, to)
    }));
    words.extend(rule.index.map(|(from, to)| {
        let to = Some(to).filter(|to| *to < limits::INTEGER).map(|to| to.to_string());
        range("index", Some(from.to_string()), to)
    }));
    let mut text = words.join(" and ");
    if !rule.exempt.is_empty() {
        text += &format!(", except {}", counted(rule.exempt.len(), "licence"));
    }
    if spare_issued {
        text += ", except the tokens of this ledger";
    }
    text
}

fn rule(standing: &StandingRule, hits: u64) -> Value {
    let rule = &standing.rule;
    let (effect, until) = words::effect_of(rule.terms.effect);
    json!({
        "rule": standing.number,
        "issuer": standing.issuer,
        "kid": rule.kid.as_deref().map(hex),
        "subject": rule.subject,
        "lineage": rule.lineage.map(|lineage| lineage.to_string()),
        "tier": rule.tier.as_ref().map(|(name, version)| json!({ "name": name, "version": version })),
        "issued_at": rule.issued_at.map(|(from, to)| (from.as_seconds(), to.as_seconds())),
        "index": rule.index,
        "exempt": rule.exempt.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "spare_issued": standing.spare_issued,
        "reason": rule.terms.reason.name(),
        "effective": rule.terms.effective.as_seconds(),
        "effect": effect,
        "until": until,
        "hits": hits,
    })
}
