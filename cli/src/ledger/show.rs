//! `licentia ledger show`: the whole life of a licence.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use licentia::{
    Timestamp,
    receipt::{Usage, UsageCell},
};
use licentia_issuer::{IssuedLicense, Ledger, LedgerAccess, LicenseFilter, ListedLicense, StandingRule};
use serde_json::{Value, json};

use super::{
    list::{json, with_prefix},
    place::Place,
    rules::described,
};
use crate::{
    receipts::which::audit,
    terminal::{
        input::Clock,
        output::{BAD, GOOD, HEADING, NOTE, Output, Result, hex, printable, table},
        words,
    },
};

/// Shows all that is known of a licence: its terms, its renewals, its
/// revocation, the rules that hit it, and what was used.
#[derive(Args)]
#[command(override_usage = "licentia ledger show [LEDGER] <ID> [OPTIONS]")]
pub(crate) struct Show {
    /// The ledger, unless --ledger or `LICENTIA_LEDGER` names it; and the first
    /// digits of an identifier or a lineage.
    #[arg(value_name = "LEDGER|ID", required = true)]
    words: Vec<String>,
    #[command(flatten)]
    place: Place,
    /// Receipts of instances: logs or single ones. May be repeated.
    #[arg(long, value_name = "FILE")]
    receipts: Vec<PathBuf>,
    #[command(flatten)]
    clock: Clock,
}

/// What is known of one licence.
struct Life {
    license: ListedLicense,
    reference: Option<String>,
    /// The claims, if the ledger has the terms.
    claims: Option<Value>,
    /// All licences of the lineage, the oldest first.
    lineage: Vec<ListedLicense>,
    rules: Vec<StandingRule>,
    usage: Vec<(UsageCell, Usage)>,
}

impl Show {
    pub(super) fn run(self, output: Output) -> Result {
        let (place, words) = self.place.or_first(&self.words, 1)?;
        let prefix = words.first().ok_or("name an identifier, or the first digits of one")?;
        let ledger = Ledger::connect(&place, LedgerAccess::Read)?;
        let now = self.clock.now();
        let found = with_prefix(&ledger, prefix, now)?;
        let usage = if self.receipts.is_empty() {
            Vec::new()
        } else {
            audit(&self.receipts)?.usage.into_iter().collect()
        };
        let rules = ledger.rules()?;
        let lives: Vec<Life> = found
            .into_iter()
            .map(|license| life(&ledger, license, &rules, &usage, now))
            .collect::<Result<_>>()?;
        let value: Vec<Value> = lives.iter().map(|life| life.json(now)).collect();
        output.show(&Value::Array(value), || {
            if lives.is_empty() {
                return "the ledger has no such licence\n".into();
            }
            lives.iter().map(|life| life.text(now)).collect::<Vec<_>>().join("\n")
        })?;
        Ok(ExitCode::from(u8::from(lives.is_empty())))
    }
}

fn life(
    ledger: &Ledger,
    license: ListedLicense,
    rules: &[StandingRule],
    usage: &[(UsageCell, Usage)],
    now: Timestamp,
) -> Result<Life> {
    let issued = &license.license;
    let filter = LicenseFilter { prefix: Some(issued.lineage.to_string()), ..LicenseFilter::default() };
    let lineage = ledger.list(&filter, now)?.into_iter().filter(|one| one.license.lineage == issued.lineage);
    let claims = match ledger.terms(&issued.id) {
        Ok(terms) => Some(serde_json::from_str(&terms.claims()?.json().to_string())?),
        Err(licentia_issuer::Error::Ledger(licentia_issuer::LedgerError::NoTerms(_))) => None,
        Err(error) => return Err(error.into()),
    };
    Ok(Life {
        reference: ledger.reference(&issued.id)?,
        claims,
        lineage: lineage.collect(),
        rules: rules.iter().filter(|rule| rule.hits(issued)).cloned().collect(),
        usage: usage.iter().filter(|(cell, _)| is_of(cell, issued)).cloned().collect(),
        license,
    })
}

/// Whether a cell counts a licence. Older receipts do not name the issuer.
fn is_of(cell: &UsageCell, license: &IssuedLicense) -> bool {
    cell.lineage == license.lineage && (cell.issuer.is_empty() || cell.issuer == license.issuer)
}

impl Life {
    fn json(&self, now: Timestamp) -> Value {
        let mut value = json(&self.license, now);
        let usage = self.usage.iter().map(|(cell, usage)| {
            json!({
                "meter": cell.meter, "start": cell.window.start.as_seconds(),
                "end": cell.window.end.map(Timestamp::as_seconds), "count": usage.total(),
            })
        });
        value["reference"] = json!(self.reference);
        value["claims"] = json!(self.claims);
        value["history"] = self.lineage.iter().map(|one| json(one, now)).collect();
        value["rules"] = self.rules.iter().map(|rule| json!(rule.number)).collect();
        value["usage"] = usage.collect();
        value
    }

    fn text(&self, now: Timestamp) -> String {
        let (one, license) = (&self.license, &self.license.license);
        let state = one.state(now);
        let style = match state.name() {
            "active" => GOOD,
            "revoked" | "expired" => BAD,
            _ => NOTE,
        };
        let mut rows = vec![
            ("licence", license.id.to_string()),
            ("lineage", license.lineage.to_string()),
            ("customer", printable(&license.subject)),
            (
                "tier",
                format!("{}@{}, {}", printable(&license.tier), license.tier_version, license.kind.name()),
            ),
            ("issuer", format!("{}, key {}", printable(&license.issuer), hex(&license.kid))),
            ("state", format!("{style}{}{style:#}", state.name())),
            ("issued", words::when(license.issued_at, now)),
        ];
        rows.extend(license.not_before.map(|start| ("starts", words::when(start, now))));
        rows.extend(license.term_end.map(|end| ("paid until", words::when(end, now))));
        rows.push(("ends", words::when(license.expires, now)));
        rows.extend(license.index.map(|index| ("index", index.to_string())));
        rows.extend(self.reference.as_ref().map(|reference| ("reference", printable(reference))));
        rows.extend(one.revocation.map(|terms| ("revoked", words::terms(&terms))));
        rows.extend(self.rules.iter().map(|rule| {
            ("rule", format!("{} {}", rule.number, described(&rule.issuer, &rule.rule, rule.spare_issued)))
        }));
        if self.claims.is_none() {
            let text = "unknown here; an older version issued it, see `licentia ledger learn`";
            rows.push(("terms", text.to_owned()));
        }
        for (cell, usage) in &self.usage {
            let window = cell.window.end.map_or_else(
                || "for life".to_owned(),
                |end| format!("from {} to {}", day(cell.window.start), day(end)),
            );
            rows.push(("used", format!("{} {} {window}", usage.total(), printable(&cell.meter))));
        }
        let mut text = table(rows);
        if self.lineage.len() > 1 {
            text += &format!("{HEADING}its lineage{HEADING:#}\n");
            text += &table(self.lineage.iter().map(|other| {
                let license = &other.license;
                let paid = license.term_end.unwrap_or(license.expires);
                let mark = if license.id == self.license.license.id { ", this one" } else { "" };
                let tier = format!("{}@{}", printable(&license.tier), license.tier_version);
                let id: String = license.id.to_string().chars().take(12).collect();
                let state = other.state(now).name();
                (
                    "",
                    format!("{id} {} {tier} {state}, paid until {}{mark}", day(license.issued_at), day(paid)),
                )
            }));
        }
        text
    }
}

/// The date of a time.
fn day(time: Timestamp) -> String {
    licentia_issuer::time::show(time).split(' ').next().unwrap_or_default().to_owned()
}
