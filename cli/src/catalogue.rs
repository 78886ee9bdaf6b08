//! `licentia catalogue`

use std::{collections::BTreeSet, path::PathBuf, process::ExitCode};

use clap::Subcommand;
use licentia_core::{Kind, Overage, Period, Timestamp};
use licentia_issuer::{
    Anchor, Catalogue as Tiers, Demand, Feature, FeatureValue, Issuer, Quota, SigningKey, Tier, time::Span,
};
use serde_json::{Map, Value, json};

use crate::terminal::{
    input,
    output::{BAD, GOOD, NOTE, Output, Result, counted, printable},
    table::{Cell, Grid, width, wrap},
    words::{millis, period, policy, when},
};

/// Checks and shows a catalogue of tiers. Its fields are in docs/catalogue.md.
#[derive(Subcommand)]
pub(crate) enum Catalogue {
    /// Check that every tier can be issued, and that no tier lacks what another
    /// one or a gateway's routes expect.
    ///
    /// Exit codes: 0 good, 1 a route needs what no tier grants, 2 a wrong call or
    /// a catalogue that cannot be used. What only some tiers lack is reported,
    /// since it may be meant so.
    Check {
        /// The catalogue, a TOML file.
        file: PathBuf,
        /// A gateway's file, whose routes need features, meters and rates. May be
        /// repeated.
        #[arg(long, value_name = "FILE")]
        routes: Vec<PathBuf>,
    },
    /// Show what is sold as a table: a column for each tier.
    Show {
        /// The catalogue, a TOML file.
        file: PathBuf,
        /// Show every version, also those that are no longer sold.
        #[arg(long)]
        all: bool,
        /// Print a table in Markdown.
        #[arg(long)]
        markdown: bool,
    },
}

impl Catalogue {
    pub(crate) fn run(self, output: Output) -> Result {
        match self {
            Self::Check { file, routes } => {
                let catalogue = input::catalogue(&file)?;
                let mut demand = Demand::default();
                for path in &routes {
                    let more = Demand::of_routes(path)?;
                    demand.features.extend(more.features);
                    demand.meters.extend(more.meters);
                    demand.rates.extend(more.rates);
                }
                let name = printable(&file.display().to_string());
                check(&catalogue, &demand, &name, output)
            }
            Self::Show { file, all, markdown } => {
                let catalogue = input::catalogue(&file)?;
                let tiers = chosen(&catalogue, all);
                let value =
                    tiers.iter().map(|tier| described(&catalogue, tier)).collect::<Result<Vec<_>>>()?;
                output.show(&json!({ "tiers": value }), || {
                    if markdown { in_markdown(&tiers) } else { show(&tiers, width()) }
                })
            }
        }
    }
}

/// The newest versions that are sold, or all versions.
pub(crate) fn chosen(catalogue: &Tiers, all: bool) -> Vec<&Tier> {
    if all { catalogue.tiers().iter().collect() } else { catalogue.sold().collect() }
}

fn check(catalogue: &Tiers, demand: &Demand, name: &str, output: Output) -> Result {
    let missing = catalogue.missing(demand);
    let findings: Vec<(bool, String, Demand)> =
        std::iter::once((true, "no tier".to_owned(), missing.clone()))
            .chain(catalogue.gaps().into_iter().map(|gap| (false, gap.tier, gap.lacks)))
            .chain(catalogue.unmet(demand).into_iter().map(|gap| (false, gap.tier, gap.lacks)))
            .collect();
    // A name that no tier has is said once, and a gap that both sources know, too.
    let mut said = BTreeSet::new();
    let mut lines = Vec::new();
    for (is_wrong, tier, lacks) in &findings {
        let kinds = [
            ("feature", &lacks.features, &missing.features),
            ("meter", &lacks.meters, &missing.meters),
            ("rate", &lacks.rates, &missing.rates),
        ];
        for (kind, names, nowhere) in kinds {
            for lacking in names.iter().filter(|lacking| *is_wrong || !nowhere.contains(*lacking)) {
                if said.insert((tier.clone(), kind, lacking.clone())) {
                    lines.push((*is_wrong, tier.clone(), kind, lacking.clone()));
                }
            }
        }
    }
    let value: Vec<Value> = lines
        .iter()
        .map(|(is_wrong, tier, kind, name)| {
            json!({ "alarm": is_wrong, "tier": (!is_wrong).then_some(tier), "kind": kind, "name": name })
        })
        .collect();
    let count = catalogue.tiers().len();
    output.show(&json!({ "versions": count, "findings": value }), || {
        let mut text = format!("{name}: {}, each of which can be issued\n", counted(count, "version"));
        for (is_wrong, tier, kind, lacking) in &lines {
            let lacking = printable(lacking);
            let (style, mark, why) = if *is_wrong {
                (BAD, "wrong", "which a route needs")
            } else {
                (NOTE, "note ", "which other tiers or routes expect: its requests are refused")
            };
            let verb = if *is_wrong { "has" } else { "lacks" };
            let line = format!("{style}{mark}{style:#} {tier} {verb} the {kind} `{lacking}`, {why}");
            text += &(wrap(&line, width()).join("\n      ") + "\n");
        }
        text
    })?;
    Ok(ExitCode::from(u8::from(lines.iter().any(|(is_wrong, ..)| *is_wrong))))
}

/// A tier as a licence of it says it, and what only a catalogue knows.
fn described(catalogue: &Tiers, tier: &Tier) -> Result<Value> {
    // A licence is never issued with this key, so that its claims are no secret.
    let issuer = Issuer::new("catalogue", SigningKey::from_seed(&[0; 32])?);
    let token = issuer.issue(&tier.draft("catalogue", LOOKED_AT)?)?;
    let claims = token.claims().map_err(|malformed| malformed.code)?;
    let claims: Value = serde_json::from_str(&claims.json().to_string())?;
    let mut value = Map::new();
    value.insert("name".into(), json!(tier.name));
    value.insert("version".into(), json!(tier.version));
    value.insert("sold".into(), json!(catalogue.sold().any(|sold| sold.label() == tier.label())));
    value.insert("retired".into(), json!(tier.retired));
    for (name, span) in [("term", tier.term), ("grace", tier.grace), ("maintenance", tier.maintenance)] {
        value.insert(name.into(), json!(span.map(|span| span.to_string())));
    }
    for name in ["kind", "seats", "features", "quotas", "rates", "policy"] {
        value.insert(name.into(), claims.get(name).cloned().unwrap_or_default());
    }
    for (meter, anchor) in &tier.anchors {
        let quota = value.get_mut("quotas").and_then(|quotas| quotas.get_mut(meter));
        if let Some(quota) = quota.and_then(Value::as_object_mut) {
            let (anchor, starts_with_term) = match anchor {
                Anchor::Written(text) => (text.as_str(), false),
                _ => ("term", true),
            };
            quota.insert("anchor".into(), json!(anchor));
            if starts_with_term {
                let period = tier.grant.quotas.get(meter).map(|quota| period(quota.period));
                quota.insert("period".into(), json!(period));
            }
        }
    }
    Ok(value.into())
}

/// 2027-01-15 08:00:00 UTC. Any plausible time will do.
const LOOKED_AT: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// The tiers side by side, as many as fit.
pub(crate) fn show(tiers: &[&Tier], width: usize) -> String {
    let mut text = String::new();
    let mut rest = tiers;
    while !rest.is_empty() {
        let fits = |count: &usize| {
            let shown = grid(rest.get(..*count).unwrap_or_default()).show(width);
            anstream::adapter::strip_str(&shown).to_string().lines().all(|line| line.chars().count() <= width)
        };
        // A tier that does not fit alone is shown all the same.
        let count = (1..=rest.len().min(MOST_COLUMNS)).rev().find(fits).unwrap_or(1);
        let (part, after) = rest.split_at(count);
        if !text.is_empty() {
            text.push('\n');
        }
        text += &grid(part).show(width);
        rest = after;
    }
    text
}

/// More tiers than this side by side are hard to compare.
const MOST_COLUMNS: usize = 5;

fn grid(tiers: &[&Tier]) -> Grid {
    let rows = rows(tiers);
    let labels: Vec<String> = tiers.iter().map(|tier| tier.label()).collect();
    let mut grid = Grid::new(std::iter::once("").chain(labels.iter().map(String::as_str)));
    for (name, cells) in rows {
        let cells = cells.into_iter().map(|cell| match &*cell {
            "yes" => Cell::styled(cell, GOOD),
            _ => Cell::from(cell),
        });
        grid.row(std::iter::once(Cell::from(name)).chain(cells));
    }
    grid
}

fn in_markdown(tiers: &[&Tier]) -> String {
    let line = |cells: Vec<String>| {
        let cells: Vec<_> = cells.iter().map(|cell| cell.replace('|', "\\|").replace('\n', " ")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let labels = tiers.iter().map(|tier| tier.label());
    let mut text = line(std::iter::once(String::new()).chain(labels).collect());
    text += &line(vec!["---".to_owned(); tiers.len() + 1]);
    for (name, cells) in rows(tiers) {
        text += &line(std::iter::once(name).chain(cells).collect());
    }
    text
}

/// What the tiers say about each thing that one of them says something about.
fn rows(tiers: &[&Tier]) -> Vec<(String, Vec<String>)> {
    let all = |cell: &dyn Fn(&Tier) -> String| tiers.iter().map(|tier| cell(tier)).collect::<Vec<_>>();
    let span = |span: Option<Span>| span.map_or_else(none, |span| span.to_string());
    let mut rows = vec![(
        "term".to_owned(),
        all(&|tier| tier.term.map_or_else(|| "perpetual".to_owned(), |term| term.to_string())),
    )];
    let mut add = |name: &str, cells: Vec<String>| {
        if cells.iter().any(|cell| *cell != none()) {
            rows.push((name.to_owned(), cells));
        }
    };
    add("grace", all(&|tier| span(tier.grace)));
    add("maintenance", all(&|tier| span(tier.maintenance)));
    let kind =
        |tier: &Tier| if tier.grant.kind == Kind::Paid { none() } else { tier.grant.kind.name().to_owned() };
    add("kind", all(&kind));
    add("seats", all(&|tier| tier.grant.seats.map_or_else(none, thousands)));
    let names =
        |of: &dyn Fn(&Tier) -> Vec<String>| tiers.iter().flat_map(|tier| of(tier)).collect::<BTreeSet<_>>();
    for name in names(&|tier| tier.grant.features.keys().cloned().collect()) {
        add(&name, all(&|tier| tier.grant.features.get(&name).map_or_else(none, feature)));
    }
    for name in names(&|tier| tier.grant.quotas.keys().cloned().collect()) {
        let cell = |tier: &Tier| {
            tier.grant
                .quotas
                .get(&name)
                .map_or_else(none, |quota| self::quota(quota, tier.anchors.get(&name)))
        };
        add(&name, all(&cell));
    }
    for name in names(&|tier| tier.grant.rates.keys().cloned().collect()) {
        let cell = |tier: &Tier| {
            tier.grant.rates.get(&name).map_or_else(none, |rate| {
                let burst = rate.burst.filter(|burst| *burst != rate.count);
                let burst = burst.map_or_else(String::new, |burst| format!(", {} at once", thousands(burst)));
                format!("{}/{}{burst}", thousands(rate.count), millis(rate.per_ms))
            })
        };
        add(&name, all(&cell));
    }
    let policies = |tier: &Tier| {
        let lenient: Vec<_> = policy(&tier.grant.policy).collect();
        if lenient.is_empty() { none() } else { lenient.join("; ") }
    };
    add("policy", all(&policies));
    rows
}

fn none() -> String {
    "-".to_owned()
}

fn feature(feature: &Feature) -> String {
    let value = match &feature.value {
        FeatureValue::True => "yes".to_owned(),
        FeatureValue::Int(number) => {
            format!("{}{}", if *number < 0 { "-" } else { "" }, thousands(number.unsigned_abs()))
        }
        FeatureValue::Text(text) => printable(text),
        _ => none(),
    };
    match feature.expires {
        Some(expires) => format!("{value}, until {}", when(expires, expires)),
        None => value,
    }
}

fn quota(quota: &Quota, anchor: Option<&Anchor>) -> String {
    let per = match (quota.period, anchor) {
        (Period::Fixed { seconds, .. }, Some(_)) => millis(seconds.saturating_mul(1000)),
        (Period::MonthFrom { .. }, Some(_)) => "month".to_owned(),
        (Period::YearFrom { .. }, Some(_)) => "year".to_owned(),
        (period, _) => self::period(period),
    };
    let from = match anchor {
        Some(Anchor::Written(text)) => format!(" from {}", printable(text)),
        Some(_) => " from the start of the term".to_owned(),
        None => String::new(),
    };
    let beyond = match quota.overage {
        Overage::UpTo(hard) => format!(", flagged up to {}", thousands(hard)),
        Overage::Unlimited => ", flagged beyond".to_owned(),
        _ => String::new(),
    };
    format!("{}/{per}{from}{beyond}", thousands(quota.limit))
}

/// A number with commas.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && at % 3 == first {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_commas() {
        let shown: Vec<_> = [0, 12, 999, 1000, 12_345, 100_000, 1_234_567].map(thousands).into();
        assert_eq!(shown, ["0", "12", "999", "1,000", "12,345", "100,000", "1,234,567"]);
    }
}
