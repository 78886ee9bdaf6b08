//! What is expected of a catalogue: by other tiers, and by the routes that its licences open.

use std::{collections::BTreeSet, path::Path};

use super::{Catalogue, Tier};
use crate::{
    error::{CatalogueError, Error, Result},
    file::read_text,
};

/// Names that licences are expected to have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Demand {
    /// Features.
    pub features: BTreeSet<String>,
    /// Meters.
    pub meters: BTreeSet<String>,
    /// Rates.
    pub rates: BTreeSet<String>,
}

/// Names that a tier lacks. A request that needs one is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gap {
    /// The tier, as `NAME@VERSION`.
    pub tier: String,
    /// What it lacks.
    pub lacks: Demand,
}

impl Demand {
    /// Reads what the routes of a gateway's file need: `features`, `meters` and `rates` of each `[[route]]`, and of
    /// `[defaults]`.
    ///
    /// # Errors
    /// [`Error::File`], or [`Error::Content`] if it is not TOML.
    pub fn of_routes(path: &Path) -> Result<Self> {
        let text = read_text(path)?;
        let file: toml::Table = toml::from_str(&text)
            .map_err(|error: toml::de::Error| CatalogueError::Syntax(error.to_string()).into())
            .map_err(Error::content(path))?;
        let mut demand = Self::default();
        let routes = file.get("route").and_then(toml::Value::as_array).into_iter().flatten();
        for terms in routes.chain(file.get("defaults")).filter_map(toml::Value::as_table) {
            let names = |field: &str| match terms.get(field) {
                Some(toml::Value::Array(names)) => {
                    names.iter().filter_map(toml::Value::as_str).map(str::to_owned).collect()
                }
                Some(toml::Value::Table(names)) => names.keys().cloned().collect(),
                _ => Vec::new(),
            };
            demand.features.extend(names("features"));
            demand.meters.extend(names("meters"));
            demand.rates.extend(names("rates"));
        }
        Ok(demand)
    }

    /// Whether nothing is demanded.
    pub fn is_empty(&self) -> bool {
        self.features.is_empty() && self.meters.is_empty() && self.rates.is_empty()
    }

    /// What is in this one and not in the other.
    fn without(&self, other: &Self) -> Self {
        let rest = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.difference(b).cloned().collect();
        Self {
            features: rest(&self.features, &other.features),
            meters: rest(&self.meters, &other.meters),
            rates: rest(&self.rates, &other.rates),
        }
    }

    fn granted_by(tier: &Tier) -> Self {
        Self {
            features: tier.grant.features.keys().cloned().collect(),
            meters: tier.grant.quotas.keys().cloned().collect(),
            rates: tier.grant.rates.keys().cloned().collect(),
        }
    }
}

impl Catalogue {
    /// The tiers on sale that lack a rate or a meter which another one has. A tier that lacks a feature is meant so; one
    /// that lacks a rate or a meter refuses every request that is charged to it.
    pub fn gaps(&self) -> Vec<Gap> {
        let mut all = Demand::default();
        for tier in self.sold() {
            let granted = Demand::granted_by(tier);
            all.meters.extend(granted.meters);
            all.rates.extend(granted.rates);
        }
        self.unmet(&all)
    }

    /// What is demanded and granted by no tier on sale: a misspelling, or a tier that is still to be written.
    pub fn missing(&self, demand: &Demand) -> Demand {
        self.sold().fold(demand.clone(), |rest, tier| rest.without(&Demand::granted_by(tier)))
    }

    /// The tiers on sale that lack something which is demanded.
    pub fn unmet(&self, demand: &Demand) -> Vec<Gap> {
        let gap = |tier: &Tier| Gap { tier: tier.label(), lacks: demand.without(&Demand::granted_by(tier)) };
        self.sold().map(gap).filter(|gap| !gap.lacks.is_empty()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIERS: &str = r#"
        [[tier]]
        name = "free"
        version = 1
        term = "1 month"
        quotas = { call = "10/day" }

        [[tier]]
        name = "pro"
        version = 1
        term = "1 month"
        quotas = { old = "10/day" }

        [[tier]]
        name = "pro"
        version = 2
        term = "1 month"
        features = { export = true }
        quotas = { calls = "10/day" }
        rates = { api = "10/1s" }
    "#;

    #[test]
    fn a_name_that_another_tier_or_a_route_expects_is_found() {
        let catalogue: Catalogue = TIERS.parse().unwrap();
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let gaps = catalogue.gaps();
        assert_eq!(gaps.len(), 2);
        let lacks = Demand { meters: names(&["calls"]), rates: names(&["api"]), ..Demand::default() };
        assert_eq!(gaps[0], Gap { tier: "free@1".into(), lacks });
        let lacks = Demand { meters: names(&["call"]), ..Demand::default() };
        assert_eq!(gaps[1], Gap { tier: "pro@2".into(), lacks }, "and nothing of an old version");

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gateway.toml");
        let routes = "[defaults]\nrates = { api = 1 }\n[[route]]\nmatch = \"GET /x\"\nfeatures = [\"exports\"]\n\
            meters = { calls = 2, units = 1 }\n[[route]]\nmatch = \"GET /y\"\naccess = \"open\"\n";
        std::fs::write(&path, routes).unwrap();
        let demand = Demand::of_routes(&path).unwrap();
        assert_eq!((demand.meters.len(), &demand.rates), (2, &names(&["api"])));
        let missing = catalogue.missing(&demand);
        assert_eq!(
            (missing.features, missing.meters, missing.rates.len()),
            (names(&["exports"]), names(&["units"]), 0)
        );
        assert_eq!(catalogue.unmet(&demand).len(), 2);
        std::fs::write(&path, "[[route").unwrap();
        assert!(Demand::of_routes(&path).unwrap_err().to_string().contains("gateway.toml"));
    }
}
