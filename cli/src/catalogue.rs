//! `licentia catalogue`

use std::path::PathBuf;

use clap::Subcommand;
use licentia_issuer::Catalogue as Tiers;
use serde_json::{Value, json};

use crate::output::{GOOD, HEADING, Output, Result};

/// Looks at a catalogue of tiers.
#[derive(Subcommand)]
pub(crate) enum Catalogue {
    /// Check that every tier can be sold, and show the catalogue.
    Check {
        /// The catalogue, a TOML file.
        file: PathBuf,
    },
}

impl Catalogue {
    pub(crate) fn run(self, output: Output) -> Result {
        let Self::Check { file } = self;
        let catalogue = Tiers::load(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let rows: Vec<Value> = catalogue.tiers().iter().map(|tier| {
            json!({
                "name": tier.name,
                "version": tier.version,
                "retired": tier.retired,
                "sold": catalogue.tier(&tier.name, None).is_ok_and(|newest| newest.version == tier.version),
                "features": tier.terms.features.keys().collect::<Vec<_>>(),
                "quotas": tier.terms.quotas.iter().map(|(meter, quota)| (meter.clone(), json!(quota.limit))).collect::<serde_json::Map<_, _>>(),
                "rates": tier.terms.rates.keys().collect::<Vec<_>>(),
            })
        }).collect();
        output.show(&json!({ "tiers": rows }), || show(&catalogue))
    }
}

/// The catalogue as a table: each version, whether new sales take it, and what it grants.
pub(crate) fn show(catalogue: &Tiers) -> String {
    let mut text = format!("{HEADING}{:<16} {:<8} {:<32} quotas{HEADING:#}\n", "tier", "sold", "features");
    for tier in catalogue.tiers() {
        let newest = catalogue.tier(&tier.name, None).is_ok_and(|newest| newest.version == tier.version);
        let sold = if newest {
            "now"
        } else if tier.retired {
            "retired"
        } else {
            "before"
        };
        let features = tier.terms.features.keys().cloned().collect::<Vec<_>>().join(" ");
        let quotas = tier.terms.quotas.iter().map(|(meter, quota)| {
            format!("{meter} {}/{}", quota.limit, quota.period.to_string().trim_matches('"'))
        });
        let quotas = quotas.collect::<Vec<_>>().join(", ");
        let name = format!("{}@{}", tier.name, tier.version);
        let style = if newest { GOOD } else { anstyle::Style::new() };
        text += format!("{name:<16} {style}{sold:<8}{style:#} {features:<32} {quotas}").trim_end();
        text.push('\n');
    }
    text
}
