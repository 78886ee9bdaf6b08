//! `licentia catalogue`

use std::path::PathBuf;

use clap::Subcommand;
use licentia_issuer::{Catalogue as Tiers, Tier};
use serde_json::{Value, json};

use crate::terminal::{
    input,
    output::{GOOD, HEADING, Output, Result},
    words::{millis, period},
};

/// Checks and shows a catalogue of tiers.
#[derive(Subcommand)]
pub(crate) enum Catalogue {
    /// Check that every tier can be issued, and show the catalogue.
    #[command(visible_alias = "show")]
    Check {
        /// The catalogue, a TOML file.
        file: PathBuf,
    },
}

impl Catalogue {
    pub(crate) fn run(self, output: Output) -> Result {
        let Self::Check { file } = self;
        let catalogue = input::catalogue(&file)?;
        let rows: Vec<Value> = catalogue.tiers().iter().map(|tier| {
            json!({
                "name": tier.name,
                "version": tier.version,
                "retired": tier.retired,
                "sold": catalogue.tier(&tier.name, None).is_ok_and(|newest| newest.version == tier.version),
                "features": tier.grant.features.keys().collect::<Vec<_>>(),
                "quotas": tier.grant.quotas.iter().map(|(meter, quota)| (meter.clone(), json!(quota.limit))).collect::<serde_json::Map<_, _>>(),
                "rates": tier.grant.rates.keys().collect::<Vec<_>>(),
            })
        }).collect();
        output.show(&json!({ "tiers": rows }), || show(&catalogue))
    }
}

/// The catalogue as a table: each version, whether it is sold, and what it grants.
pub(crate) fn show(catalogue: &Tiers) -> String {
    let name = |tier: &Tier| format!("{}@{}", tier.name, tier.version);
    let features = |tier: &Tier| tier.grant.features.keys().cloned().collect::<Vec<_>>().join(" ");
    let width = |column: &dyn Fn(&Tier) -> String, heading: &str| {
        catalogue.tiers().iter().map(|tier| column(tier).len()).fold(heading.len(), usize::max)
    };
    let (first, third) = (width(&name, "tier"), width(&features, "features"));
    let mut text = format!(
        "{HEADING}{:<first$}  {:<7}  {:<third$}  quotas and rates{HEADING:#}\n",
        "tier", "sold", "features"
    );
    for tier in catalogue.tiers() {
        let newest = catalogue.tier(&tier.name, None).is_ok_and(|newest| newest.version == tier.version);
        let sold = if newest {
            "now"
        } else if tier.retired {
            "retired"
        } else {
            "before"
        };
        let quotas = tier.grant.quotas.iter();
        let quotas = quotas.map(|(meter, quota)| format!("{meter} {}/{}", quota.limit, period(quota.period)));
        let rates = tier.grant.rates.iter();
        let rates = rates.map(|(name, rate)| format!("{name} {}/{}", rate.count, millis(rate.per_ms)));
        let limits = quotas.chain(rates).collect::<Vec<_>>().join(", ");
        let style = if newest { GOOD } else { anstyle::Style::new() };
        let (name, features) = (name(tier), features(tier));
        text += format!("{name:<first$}  {style}{sold:<7}{style:#}  {features:<third$}  {limits}").trim_end();
        text.push('\n');
    }
    text
}
