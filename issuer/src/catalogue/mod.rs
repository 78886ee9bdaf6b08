//! The catalogue: what a vendor sells, in versions.
//!
//! A tier that was sold never changes: a new version is added. So an old
//! contract keeps what it was promised, and a new sale gets the newest.
//!
//! ```toml
//! [[tier]]
//! name = "pro"
//! version = 3
//! term = "1 year"            # or "perpetual"
//! grace = "14 days"          # after the term, flagged, until everything ends
//! seats = 5
//! features = { export = true, rows = 100000, support = "gold" }
//! quotas = { api_calls = "100000/month", mails = { limit = 2000, per = "month", overage = 2500 } }
//! rates = { api = { count = 10, per = "1s", burst = 20 } }
//! policy = { stale_revocation = { warn = "1 day" }, max_revocation_age = "7 days" }
//! ```

mod demand;
mod file;
mod tier;

use std::{path::Path, str::FromStr};

use crate::{
    error::{CatalogueError, Error, Result},
    file::read_text,
    grant::check_name,
    key::SigningKey,
    license::Issuer,
};
use file::CatalogueFile;

pub use demand::{Demand, Gap};
pub use tier::Tier;

/// Every version of every tier.
#[derive(Clone, Debug)]
pub struct Catalogue {
    tiers: Vec<Tier>,
}

impl Catalogue {
    /// Loads a catalogue from a TOML file.
    ///
    /// # Errors
    /// [`Error::File`], or [`Error::Content`] with what is wrong and on which line.
    pub fn load(path: &Path) -> Result<Self> {
        let text = read_text(path)?;
        text.parse().map_err(Error::content(path))
    }

    /// The newest version of each tier that is sold, sorted by name.
    pub fn sold(&self) -> impl Iterator<Item = &Tier> {
        let newest =
            |tier: &&Tier| self.tier(&tier.name, None).is_ok_and(|newest| newest.version == tier.version);
        self.tiers.iter().filter(newest)
    }

    /// Every version of every tier, sorted by name and version.
    pub fn tiers(&self) -> &[Tier] {
        &self.tiers
    }

    /// A version of a tier. Without `version`, the newest that is sold.
    ///
    /// # Errors
    /// [`CatalogueError::UnknownTier`].
    pub fn tier(&self, name: &str, version: Option<u64>) -> Result<&Tier> {
        let fits = |tier: &&Tier| {
            tier.name == name && version.map_or(!tier.retired, |version| tier.version == version)
        };
        self.tiers.iter().rfind(fits).ok_or_else(|| {
            let wanted = version.map_or_else(|| name.to_owned(), |version| format!("{name}@{version}"));
            let known = self.tiers.iter().map(Tier::label).collect();
            CatalogueError::UnknownTier { wanted, known }.into()
        })
    }
}

impl FromStr for Catalogue {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let syntax = |error: toml::de::Error| CatalogueError::Syntax(error.to_string());
        let file: CatalogueFile = toml::from_str(text).map_err(syntax)?;
        let mut tiers: Vec<Tier> = file.into();
        tiers.sort_by(|a, b| (&a.name, a.version).cmp(&(&b.name, b.version)));
        tiers.iter().try_for_each(check)?;
        for pair in tiers.windows(2) {
            if let [a, b] = pair
                && (&a.name, a.version) == (&b.name, b.version)
            {
                return Err(CatalogueError::DuplicateTier(a.label()).into());
            }
        }
        Ok(Self { tiers })
    }
}

/// 2027-01-15 08:00:00 UTC. Any plausible time will do.
const CHECKED_AT: u64 = 1_800_000_000;

/// Issues a licence of the tier, so that a mistake shows now and not at the first sale.
fn check(tier: &Tier) -> Result<()> {
    let in_tier = |source| CatalogueError::Tier { tier: tier.label(), source: Box::new(source) };
    check_name("tier", &tier.name).and_then(|()| tier.grant.check()).map_err(in_tier)?;
    if tier.version == 0 {
        return Err(CatalogueError::VersionZero(tier.label()).into());
    }
    if tier.term.is_none() && tier.grace.is_some() {
        return Err(CatalogueError::PerpetualGrace(tier.label()).into());
    }
    let issuer = Issuer::new("check", SigningKey::from_seed(&[0; 32])?);
    let token = tier.draft("check", CHECKED_AT).and_then(|draft| issuer.issue(&draft));
    Ok(token.map(drop).map_err(in_tier)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use licentia_core::{Action, Kind, Overage, Period};

    use crate::Rate;

    const EXAMPLE: &str = r#"
        [[tier]]
        name = "pro"
        version = 2
        term = "1 month"
        features = { export = true }

        [[tier]]
        name = "pro"
        version = 3
        term = "1 year"
        grace = "14 days"
        seats = 5
        maintenance = "2 years"
        features = { export = true, rows = 100000, support = "gold", beta = { value = true, expires = 2027-01-31 } }
        quotas = { api_calls = "100_000/month", mails = { limit = 2000, per = "month", overage = 2500, anchor = "2024-01-31" } }
        rates = { api = { count = 10, per = "1s", burst = 20 } }
        policy = { stale_revocation = { warn = "1 day" }, clock_doubt = "allow", max_revocation_age = "7 days" }

        [[tier]]
        name = "pro"
        version = 4
        retired = true
        term = "perpetual"
        kind = "trial"
    "#;

    #[test]
    fn a_sale_takes_the_newest_and_a_renewal_its_own_version() {
        let catalogue: Catalogue = EXAMPLE.parse().unwrap();
        assert_eq!(catalogue.tier("pro", None).unwrap().version, 3);
        assert_eq!(catalogue.tier("pro", Some(2)).unwrap().version, 2);
        assert_eq!(catalogue.tier("pro", Some(4)).unwrap().grant.kind, Kind::Trial);
        let error = catalogue.tier("gold", None).unwrap_err().to_string();
        assert!(error.contains("no tier gold") && error.contains("pro@3"), "{error}");
    }

    #[test]
    fn everything_that_a_tier_can_say_is_read() {
        let catalogue: Catalogue = EXAMPLE.parse().unwrap();
        let tier = catalogue.tier("pro", Some(3)).unwrap();
        let terms = &tier.grant;
        assert_eq!(terms.features["rows"].value, crate::FeatureValue::Int(100_000));
        assert_eq!(terms.features["beta"].expires, Some(1_801_440_000.into()), "when the day is over");
        assert_eq!(terms.quotas["api_calls"].limit, 100_000);
        assert_eq!(terms.quotas["mails"].overage, Overage::UpTo(2500));
        assert_eq!(terms.quotas["mails"].period, Period::MonthFrom { anchor: 1_706_659_200.into() });
        assert_eq!(terms.rates["api"], Rate { count: 10, per_ms: 1000, burst: Some(20) });
        assert_eq!(terms.policy.stale_revocation, Action::Warn(86_400));
        assert_eq!(terms.policy.clock_doubt, Action::Allow);
        assert_eq!(terms.policy.max_revocation_age, Some(604_800));
        let draft = tier.draft("x", 1_800_000_000).unwrap();
        assert_eq!(draft.term_end, Some(1_831_536_000.into()));
        assert_eq!(draft.expires, (1_831_536_000 + 14 * 86_400).into());
    }

    #[test]
    fn a_month_begins_on_the_day_they_bought() {
        let text = "[[tier]]\nname = \"pro\"\nversion = 1\nterm = \"1 year\"\nquotas = { short = \"5/month@term\", \
            long = { limit = 5, per = \"year\", anchor = \"term\" }, fixed = { limit = 5, per = \"month\", anchor = 2024-01-31 } }";
        let catalogue: Catalogue = text.parse().unwrap();
        let tier = catalogue.tier("pro", None).unwrap();
        for start in [1_800_000_000, 1_800_100_000] {
            let quotas = tier.draft("x", start).unwrap().grant.quotas;
            assert_eq!(quotas["short"].period, Period::MonthFrom { anchor: start.into() });
            assert_eq!(quotas["long"].period, Period::YearFrom { anchor: start.into() });
            assert_eq!(quotas["fixed"].period, Period::MonthFrom { anchor: 1_706_659_200.into() });
        }
        let error = text.replace("5/month@term", "5/day@term").parse::<Catalogue>().unwrap_err().to_string();
        assert!(error.contains("only a month"), "{error}");
    }

    #[test]
    fn mistakes_are_named() {
        let error = |text: &str| text.parse::<Catalogue>().unwrap_err().to_string();
        let tier = |rest: &str| format!("[[tier]]\nname = \"pro\"\nversion = 1\nterm = \"1 year\"\n{rest}");
        assert!(error("nonsense").contains("line 1"));
        assert!(error(&tier("featurs = {}")).contains("featurs"));
        assert!(error(&tier("features = { Export = true }")).contains("a-z"));
        assert!(error(&tier("features = { export = false }")).contains("`true`"));
        assert!(error(&tier("quotas = { a = \"many/month\" }")).contains("LIMIT/PERIOD"));
        assert!(
            error(&tier("quotas = { a = { limit = 5, per = \"day\", overage = 4 } }")).contains("hard limit")
        );
        assert!(error(&tier("rates = { a = \"10/fortnight\" }")).contains("COUNT/DURATION"));
        assert!(error(&tier("rates = { a = \"0/1s\" }")).contains("invalid_value"));
        assert!(error(&tier("").repeat(2)).contains("twice"));
        assert!(error(&tier("").replace("version = 1", "version = 0")).contains("begin with 1"));
        assert!(error(&tier("grace = \"1 day\"").replace("1 year", "perpetual")).contains("grace"));
        assert!(error(&tier("seats = 9007199254740992")).contains("pro@1"));
    }
}
