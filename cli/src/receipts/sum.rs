//! `licentia receipts sum`

use std::collections::{BTreeMap, BTreeSet};

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use licentia::{Timestamp, receipt::Report};
use licentia_issuer::time;
use licentia_server::usage::{Owners, UsageBy, mixed_issuers, usage_csv, usage_lines};
use serde_json::{Value, json};

use super::which::{Which, complain, exit, value};
use crate::{
    ledger::place::Place,
    terminal::{
        output::{self, Output, Result, hex, printable},
        table::{Cell, Grid, width},
    },
};

/// Sums up the usage of all instances.
///
/// With --by it makes the lines of an invoice. The ledger says which customer
/// and which tier a lineage had at the end of each period.
#[derive(Args)]
pub(crate) struct Sum {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    place: Place,
    /// Periods that begin at this time or later.
    #[arg(long, value_name = "TIME", value_parser = time::parse_start)]
    from: Option<Timestamp>,
    /// Periods that begin before this time. A date is included.
    #[arg(long, value_name = "TIME", value_parser = time::parse_end)]
    to: Option<Timestamp>,
    /// What a line is about: `customer,tier,meter` for each customer's meters.
    /// With receipts of several issuers, `issuer` too.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = names())]
    by: Vec<UsageBy>,
    /// Print CSV.
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

impl Sum {
    pub(super) fn run(self, output: Output) -> Result {
        let mut report = self.which.audit()?;
        report.usage.retain(|cell, _| {
            let start = cell.window.start;
            self.from.is_none_or(|from| start >= from) && self.to.is_none_or(|to| start < to)
        });
        let mut value = value(&report);
        value["usage"] = usage(&report);
        if self.by.is_empty() && !self.csv {
            output.show(&value, || cells(&report))?;
        } else {
            let by = if self.by.is_empty() {
                vec![UsageBy::Lineage, UsageBy::Meter, UsageBy::Period]
            } else {
                self.by
            };
            let lines = lines(&report, &by, &self.place)?;
            value["lines"] = lines.iter().map(|(key, used)| line(&by, key, *used)).collect();
            if self.csv {
                output::write(&usage_csv(&by, &lines).map_err(|error| error.to_string())?)?;
            } else {
                output.show(&value, || grid(&by, &lines))?;
            }
        }
        complain(&report, output);
        Ok(exit(&report))
    }
}

/// What was used, by what a line is about. The ledger is asked only if it matters.
fn lines(report: &Report, by: &[UsageBy], place: &Place) -> Result<BTreeMap<Vec<String>, u64>> {
    if let Some(issuers) = mixed_issuers(report, by) {
        let names: Vec<_> = issuers.into_iter().map(printable).collect();
        return Err(format!("the receipts are of {}: add `issuer` to --by", names.join(" and ")).into());
    }
    let needs_ledger = by.iter().any(|by| by.needs_ledger());
    let owners = if needs_ledger { Owners::of(report, &place.read()?)? } else { Owners::default() };
    Ok(usage_lines(report, by, &owners))
}

fn line(by: &[UsageBy], key: &[String], used: u64) -> Value {
    let named = by.iter().zip(key).map(|(by, text)| (by.name().to_owned(), json!(text)));
    named.chain([("used".to_owned(), json!(used))]).collect::<serde_json::Map<_, _>>().into()
}

/// Reads what a line is about.
fn names() -> impl TypedValueParser<Value = UsageBy> {
    let names = PossibleValuesParser::new(UsageBy::ALL.map(UsageBy::name));
    names.try_map(|name| UsageBy::from_name(&name).ok_or("no such column"))
}

fn grid(by: &[UsageBy], lines: &BTreeMap<Vec<String>, u64>) -> String {
    let mut grid = Grid::new(by.iter().map(|by| by.name()).chain(["used#"]));
    for (key, used) in lines {
        grid.row(key.iter().map(|text| printable(text).into()).chain([Cell::from(used.to_string())]));
    }
    grid.show(width())
}

fn usage(report: &Report) -> Value {
    report
        .usage
        .iter()
        .map(|(cell, usage)| {
            let by_instance: serde_json::Map<_, _> = usage
                .by_instance
                .iter()
                .map(|(instance, units)| (hex(instance), json!(units.counted)))
                .collect();
            let sum = usage.sum();
            json!({
                "issuer": cell.issuer, "lineage": cell.lineage.to_string(), "meter": cell.meter,
                "start": cell.window.start.as_seconds(), "end": cell.window.end.map(Timestamp::as_seconds),
                "count": sum.counted, "refunded": sum.refunded, "used": usage.total(),
                "by_instance": by_instance,
            })
        })
        .collect()
}

/// The usage as a table: refunds and issuers only if there is something to tell apart.
fn cells(report: &Report) -> String {
    let issuers: BTreeSet<&str> = report.usage.keys().map(|cell| &*cell.issuer).collect();
    let has_refunds = report.usage.values().any(|usage| usage.sum().refunded > 0);
    let (issuer, refunds) = (issuers.len() > 1, has_refunds);
    let heads = [
        ("issuer", issuer),
        ("lineage", true),
        ("meter", true),
        ("from", true),
        ("until", true),
        ("counted#", refunds),
        ("refunded#", refunds),
        ("used#", true),
    ];
    let mut grid = Grid::new(heads.iter().filter(|(_, is_shown)| *is_shown).map(|(head, _)| *head));
    for (cell, usage) in &report.usage {
        let sum = usage.sum();
        let row = [
            printable(&cell.issuer),
            cell.lineage.to_string(),
            printable(&cell.meter),
            if cell.window.end.is_none() { "-".to_owned() } else { moment(cell.window.start) },
            cell.window.end.map_or_else(|| "for life".to_owned(), moment),
            sum.counted.to_string(),
            sum.refunded.to_string(),
            usage.total().to_string(),
        ];
        let shown = row.into_iter().zip(heads).filter(|(_, (_, is_shown))| *is_shown);
        grid.row(shown.map(|(text, _)| Cell::from(text)));
    }
    grid.show(width())
}

/// A time, or only its date if a day begins then.
fn moment(time: Timestamp) -> String {
    let shown = time::show(time);
    shown.strip_suffix(" 00:00:00 UTC").unwrap_or(&shown).to_owned()
}
