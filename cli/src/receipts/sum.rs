//! `licentia receipts sum`

use std::collections::{BTreeMap, BTreeSet};

use clap::{Args, ValueEnum};
use licentia::{
    Lineage, Timestamp,
    receipt::{Report, UsageCell},
};
use licentia_issuer::{IssuedLicense, Ledger, time};
use serde_json::{Value, json};

use super::which::{Which, complain, exit, value};
use crate::{
    ledger::place::Place,
    terminal::{
        output::{self, Output, Result, hex, printable},
        sheet::Sheet,
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
    #[arg(long, value_enum, value_name = "LIST", value_delimiter = ',')]
    by: Vec<By>,
    /// Print CSV.
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

/// What a line is about.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum By {
    Issuer,
    Customer,
    Tier,
    Lineage,
    Meter,
    Period,
}

impl By {
    const fn name(self) -> &'static str {
        match self {
            Self::Issuer => "issuer",
            Self::Customer => "customer",
            Self::Tier => "tier",
            Self::Lineage => "lineage",
            Self::Meter => "meter",
            Self::Period => "period",
        }
    }

    fn of(self, cell: &UsageCell, owner: Option<&IssuedLicense>) -> String {
        let unknown = || "unknown".to_owned();
        match self {
            Self::Issuer if cell.issuer.is_empty() => {
                owner.map_or_else(unknown, |license| license.issuer.clone())
            }
            Self::Issuer => cell.issuer.clone(),
            Self::Customer => owner.map_or_else(unknown, |license| license.subject.clone()),
            Self::Tier => {
                owner.map_or_else(unknown, |license| format!("{}@{}", license.tier, license.tier_version))
            }
            Self::Lineage => cell.lineage.to_string(),
            Self::Meter => cell.meter.clone(),
            Self::Period if cell.window.end.is_none() => "for life".to_owned(),
            Self::Period => time::stamp(cell.window.start),
        }
    }
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
            let by = if self.by.is_empty() { vec![By::Lineage, By::Meter, By::Period] } else { self.by };
            let lines = lines(&report, &by, &self.place)?;
            value["lines"] = lines.iter().map(|(key, used)| line(&by, key, *used)).collect();
            if self.csv {
                output::write(&csv(&by, &lines)?)?;
            } else {
                output.show(&value, || grid(&by, &lines))?;
            }
        }
        complain(&report, output);
        Ok(exit(&report))
    }
}

/// What was used, by what a line is about.
fn lines(report: &Report, by: &[By], place: &Place) -> Result<BTreeMap<Vec<String>, u64>> {
    let needs_ledger = by.iter().any(|by| matches!(by, By::Issuer | By::Customer | By::Tier));
    // Issuers name their customers and tiers independently.
    let issuers: BTreeSet<&str> =
        report.usage.keys().map(|cell| &*cell.issuer).filter(|issuer| !issuer.is_empty()).collect();
    if needs_ledger && issuers.len() > 1 && !by.contains(&By::Issuer) {
        let names: Vec<_> = issuers.into_iter().map(printable).collect();
        return Err(format!("the receipts are of {}: add `issuer` to --by", names.join(" and ")).into());
    }
    let owners = if needs_ledger { owners(report, &place.read()?)? } else { BTreeMap::new() };
    let is_of = |license: &&IssuedLicense, issuer: &str| issuer.is_empty() || license.issuer == issuer;
    let mut lines = BTreeMap::<Vec<String>, u64>::new();
    for (cell, usage) in &report.usage {
        let of_lineage = owners.get(&cell.lineage).map(Vec::as_slice).unwrap_or_default();
        let mut of_lineage = of_lineage.iter().filter(|license| is_of(license, &cell.issuer));
        let end = cell.window.end.unwrap_or(Timestamp::MAX);
        let first = of_lineage.clone().next();
        let owner = of_lineage.rfind(|license| license.issued_at < end).or(first);
        let used = lines.entry(by.iter().map(|by| by.of(cell, owner)).collect()).or_default();
        *used = used.saturating_add(usage.total());
    }
    Ok(lines)
}

/// The licences of every lineage that was used, the oldest first.
fn owners(report: &Report, ledger: &Ledger) -> Result<BTreeMap<Lineage, Vec<IssuedLicense>>> {
    let lineages: BTreeSet<Lineage> = report.usage.keys().map(|cell| cell.lineage).collect();
    let owner = |lineage: Lineage| Ok((lineage, ledger.of_lineage(&lineage)?));
    lineages.into_iter().map(owner).collect()
}

fn line(by: &[By], key: &[String], used: u64) -> Value {
    let named = by.iter().zip(key).map(|(by, text)| (by.name().to_owned(), json!(text)));
    named.chain([("used".to_owned(), json!(used))]).collect::<serde_json::Map<_, _>>().into()
}

fn csv(by: &[By], lines: &BTreeMap<Vec<String>, u64>) -> Result<String> {
    let mut sheet = Sheet::new(Vec::new(), by.iter().map(|by| by.name()).chain(["used"]))?;
    for (key, used) in lines {
        sheet.row(key.iter().chain([&used.to_string()]))?;
    }
    Ok(String::from_utf8(sheet.finish()?)?)
}

fn grid(by: &[By], lines: &BTreeMap<Vec<String>, u64>) -> String {
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
