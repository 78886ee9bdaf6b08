//! What the routes need of licences, and tiers that have it.

use std::collections::BTreeSet;

use licentia_gateway::routes::{Access, Route};

/// A tier: its name, how much of each meter a day, how many requests a second, and whether it has the features.
pub(super) struct Level {
    pub(super) name: &'static str,
    quota: u64,
    rate: u64,
    has_features: bool,
}

/// The tiers, the smallest first.
pub(super) const LEVELS: [Level; 3] = [
    Level { name: "free", quota: 20, rate: 10, has_features: false },
    Level { name: "pro", quota: 500, rate: 50, has_features: true },
    Level { name: "enterprise", quota: 10_000, rate: 200, has_features: true },
];

/// What the routes need of licences, all together.
#[derive(Default)]
pub(super) struct Terms {
    features: BTreeSet<String>,
    meters: BTreeSet<String>,
    rates: BTreeSet<String>,
    /// Paths to call: the routes that need a licence, those that every tier has first.
    pub(super) paths: Vec<String>,
}

impl Terms {
    pub(super) fn of(routes: &[Route]) -> Self {
        let mut terms = Self::default();
        let mut paths = Vec::new();
        for route in routes.iter().filter(|route| route.access == Access::Licence) {
            terms.features.extend(route.needs.features.iter().map(ToString::to_string));
            terms.meters.extend(route.needs.meters.iter().map(|(name, _)| name.to_string()));
            terms.rates.extend(route.needs.rates.iter().map(|(name, _)| name.to_string()));
            if matches!(route.method.as_deref(), None | Some("GET")) {
                paths.push((!route.needs.features.is_empty(), example(&route.path)));
            }
        }
        // The order among equals stays.
        paths.sort_by_key(|(needs_features, _)| *needs_features);
        terms.paths = paths.into_iter().map(|(_, path)| path).collect();
        if terms.paths.is_empty() {
            terms.paths.push("/".into());
        }
        terms
    }

    /// The catalogue of tiers, as TOML.
    pub(super) fn catalogue(&self) -> String {
        LEVELS.iter().map(|level| self.tier(level)).collect()
    }

    fn tier(&self, level: &Level) -> String {
        let list = |names: &BTreeSet<String>, value: &str| {
            names.iter().map(|name| format!("{name:?} = {value}")).collect::<Vec<_>>().join(", ")
        };
        let mut tier = format!("[[tier]]\nname = {:?}\nversion = 1\nterm = \"1 month\"\n", level.name);
        if level.has_features {
            tier += &format!("features = {{ {} }}\n", list(&self.features, "true"));
        }
        tier += &format!("quotas = {{ {} }}\n", list(&self.meters, &format!("\"{}/day\"", level.quota)));
        tier += &format!("rates = {{ {} }}\n\n", list(&self.rates, &format!("\"{}/1s\"", level.rate)));
        tier
    }

    /// What a tier has, in words.
    pub(super) fn describe(&self, tier: &str) -> String {
        let Some(level) = LEVELS.iter().find(|level| level.name == tier) else { return String::new() };
        // It must fit a line of the terminal.
        let list = |names: &BTreeSet<String>, noun: &str| match names.len() {
            0..=2 => names.iter().cloned().collect::<Vec<_>>().join(" and "),
            many => format!("of each of {many} {noun}"),
        };
        let mut parts = Vec::new();
        if !self.meters.is_empty() {
            parts.push(format!("{} {} a day", level.quota, list(&self.meters, "meters")));
        }
        if !self.rates.is_empty() {
            parts.push(format!("{} a second", level.rate));
        }
        if level.has_features && !self.features.is_empty() {
            parts.push(list(&self.features, "features").replacen("of each of", "all", 1));
        }
        parts.join(", ")
    }
}

/// A path that a pattern matches.
fn example(pattern: &str) -> String {
    let segment = |segment: &str| if segment.contains('{') { "1".to_owned() } else { segment.to_owned() };
    pattern.split('/').map(segment).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use licentia_gateway::Config;
    use licentia_issuer::Catalogue;

    use super::*;

    #[test]
    fn the_tiers_have_what_the_routes_need() {
        let file = "[listen]\ncheck = \"127.0.0.1:0\"\n[trust]\nkeys = [\"licpub1_\"]\n";
        let routes = "[[route]]\nmatch = \"GET /a/{id}\"\nfeatures = [\"x\"]\nmeters = { calls = 1, rows = 9 }\n[[route]]\nmatch = \"GET /b\"\nrates = { api = 1 }\n[[route]]\nmatch = \"POST /c\"\nmeters = { mails = 1 }\n";
        let key = licentia_issuer::SigningKey::from_seed(&[1; 32]).unwrap().public().to_string();
        let text = format!("{}{routes}", file.replace("licpub1_", &key));
        let config = Config::parse(&text, "gateway.toml", Path::new(".")).unwrap();
        let terms = Terms::of(config.rules.table.routes());
        assert_eq!(terms.paths, ["/b", "/a/1"]);
        let catalogue: Catalogue = terms.catalogue().parse().unwrap();
        assert_eq!(catalogue.tiers().len(), 3);
        assert_eq!(terms.describe("pro"), "500 of each of 3 meters a day, 50 a second, x");
        // Without any terms a tier is still one.
        assert!(Terms::of(&[]).catalogue().parse::<Catalogue>().is_ok());
    }
}
