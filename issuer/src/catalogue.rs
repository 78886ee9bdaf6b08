//! The catalogue: what a vendor sells, in versions.
//!
//! A tier that was sold is never changed: a new version is added, so that an
//! old contract keeps what it was promised, and a new sale takes the newest.
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

use std::{collections::BTreeMap, fs, path::Path, str::FromStr};

use licentia_core::{Action, Kind, limits};
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::{
    draft::Draft,
    error::{Error, Result},
    moment::Span,
    terms::{Feature, Policy, Quota, Rate, Terms, check_name},
};

/// Every version of every tier.
#[derive(Clone, Debug)]
pub struct Catalogue {
    tiers: Vec<Tier>,
}

/// One version of a tier.
#[derive(Clone, Debug)]
pub struct Tier {
    /// Its name.
    pub name: String,
    /// Its version, from 1.
    pub version: u64,
    /// Whether it is still sold. One that is not can be issued by naming its version, for renewals.
    pub retired: bool,
    /// How long the contract runs; `None` is for ever.
    pub term: Option<Span>,
    /// How long it goes on, flagged, after the contract has ended.
    pub grace: Option<Span>,
    /// How long new releases are included.
    pub maintenance: Option<Span>,
    /// What it grants.
    pub terms: Terms,
}

impl Catalogue {
    /// Reads a catalogue from a TOML file.
    ///
    /// # Errors
    /// [`Error::File`] or [`Error::Catalogue`], which names the line.
    pub fn load(path: &Path) -> Result<Self> {
        fs::read_to_string(path).map_err(Error::file(path))?.parse()
    }

    /// Every version of every tier, by name and version.
    pub fn tiers(&self) -> &[Tier] {
        &self.tiers
    }

    /// A version of a tier, or where none is named, the newest that is sold.
    ///
    /// # Errors
    /// [`Error::Catalogue`] where there is none; it names those that there are.
    pub fn tier(&self, name: &str, version: Option<u64>) -> Result<&Tier> {
        let fits = |tier: &&Tier| {
            tier.name == name && version.map_or(!tier.retired, |version| tier.version == version)
        };
        self.tiers.iter().rfind(fits).ok_or_else(|| {
            let wanted = version.map_or_else(|| name.to_owned(), |version| format!("{name}@{version}"));
            let known: Vec<_> =
                self.tiers.iter().map(|tier| format!("{}@{}", tier.name, tier.version)).collect();
            Error::Catalogue(format!("no tier {wanted}; there are: {}", known.join(", ")))
        })
    }
}

impl Tier {
    /// Drafts a licence of this tier for a subject, whose contract starts at `start` (seconds since 1970).
    ///
    /// # Errors
    /// [`Error::Value`] where the term ends past the year 9999.
    pub fn draft(&self, subject: impl Into<String>, start: u64) -> Result<Draft> {
        let end = self.term.map_or(Ok(limits::TIME), |term| term.after(start))?;
        let expires = self.grace.map_or(Ok(end), |grace| grace.after(end))?;
        let mut draft = Draft::new(subject, &self.name, self.version, start, expires);
        draft.term_end = (end < expires).then_some(end);
        draft.maintained_until = self.maintenance.map(|span| span.after(start)).transpose()?;
        draft.terms = self.terms.clone();
        Ok(draft)
    }
}

impl FromStr for Catalogue {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let file: File = toml::from_str(text).map_err(|error| Error::Catalogue(error.to_string()))?;
        let mut tiers = file.tier.into_iter().map(Tier::from).collect::<Vec<_>>();
        tiers.sort_by(|a, b| (&a.name, a.version).cmp(&(&b.name, b.version)));
        for tier in &tiers {
            let named =
                |error: Error| Error::Catalogue(format!("tier {}@{}: {error}", tier.name, tier.version));
            check_name("tier", &tier.name).and_then(|()| tier.terms.check()).map_err(named)?;
            if tier.version == 0 {
                return Err(named(Error::Catalogue("versions begin with 1".into())));
            }
            if tier.term.is_none() && tier.grace.is_some() {
                return Err(named(Error::Catalogue("a perpetual tier has no grace; remove it".into())));
            }
            // Prove now, and not at the first sale, that verifiers will take it.
            let key = crate::SigningKey::from_seed(&[0; 32])?;
            let issuer = crate::Issuer::new("check", key);
            tier.draft("check", 0).and_then(|draft| issuer.issue(&draft)).map_err(named)?;
        }
        for pair in tiers.windows(2) {
            if let [a, b] = pair
                && (&a.name, a.version) == (&b.name, b.version)
            {
                return Err(Error::Catalogue(format!(
                    "tier {}@{} is there twice; give the new one a new version",
                    a.name, a.version
                )));
            }
        }
        Ok(Self { tiers })
    }
}

/// The catalogue as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    tier: Vec<TierTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TierTable {
    name: String,
    version: u64,
    #[serde(default)]
    retired: bool,
    #[serde(deserialize_with = "term")]
    term: Option<Span>,
    #[serde(default, deserialize_with = "span")]
    grace: Option<Span>,
    #[serde(default, deserialize_with = "span")]
    maintenance: Option<Span>,
    #[serde(default)]
    kind: KindName,
    seats: Option<u64>,
    #[serde(default)]
    features: BTreeMap<String, Feature>,
    #[serde(default)]
    quotas: BTreeMap<String, Quota>,
    #[serde(default)]
    rates: BTreeMap<String, Rate>,
    #[serde(default)]
    policy: PolicyTable,
}

impl From<TierTable> for Tier {
    fn from(table: TierTable) -> Self {
        let TierTable { name, version, retired, term, grace, maintenance, kind, .. } = table;
        let TierTable { seats, features, quotas, rates, policy, .. } = table;
        let kind = match kind {
            KindName::Paid => Kind::Paid,
            KindName::Trial => Kind::Trial,
            KindName::Developer => Kind::Developer,
            KindName::Internal => Kind::Internal,
        };
        let terms = Terms { features, quotas, rates, seats, policy: policy.into(), kind };
        Self { name, version, retired, term, grace, maintenance, terms }
    }
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KindName {
    #[default]
    Paid,
    Trial,
    Developer,
    Internal,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyTable {
    #[serde(default)]
    stale_revocation: ActionTable,
    #[serde(default)]
    clock_doubt: ActionTable,
    #[serde(default)]
    store_unreachable: ActionTable,
    #[serde(default, deserialize_with = "span_seconds")]
    max_revocation_age: Option<u64>,
}

impl From<PolicyTable> for Policy {
    fn from(table: PolicyTable) -> Self {
        let mut policy = Self::default();
        policy.stale_revocation = table.stale_revocation.into();
        policy.clock_doubt = table.clock_doubt.into();
        policy.store_unreachable = table.store_unreachable.into();
        policy.max_revocation_age = table.max_revocation_age;
        policy
    }
}

/// Reads a policy in the form that a tier has it.
///
/// # Errors
/// For people.
pub fn policy<'de, D: Deserializer<'de>>(table: D) -> std::result::Result<Policy, D::Error> {
    PolicyTable::deserialize(table).map(Policy::from)
}

/// `"deny"`, `"allow"` or `{ warn = "1 day" }`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ActionTable {
    #[default]
    Deny,
    Allow,
    Warn(#[serde(deserialize_with = "seconds")] u64),
}

impl From<ActionTable> for Action {
    fn from(table: ActionTable) -> Self {
        match table {
            ActionTable::Deny => Self::Deny,
            ActionTable::Allow => Self::Allow,
            ActionTable::Warn(seconds) => Self::Warn(seconds),
        }
    }
}

fn term<'de, D: Deserializer<'de>>(input: D) -> std::result::Result<Option<Span>, D::Error> {
    match String::deserialize(input)?.as_str() {
        "perpetual" => Ok(None),
        text => text.parse().map(Some).map_err(D::Error::custom),
    }
}

fn span<'de, D: Deserializer<'de>>(input: D) -> std::result::Result<Option<Span>, D::Error> {
    String::deserialize(input)?.parse().map(Some).map_err(D::Error::custom)
}

fn seconds<'de, D: Deserializer<'de>>(input: D) -> std::result::Result<u64, D::Error> {
    let span: Span = String::deserialize(input)?.parse().map_err(D::Error::custom)?;
    span.seconds().map_err(D::Error::custom)
}

fn span_seconds<'de, D: Deserializer<'de>>(input: D) -> std::result::Result<Option<u64>, D::Error> {
    seconds(input).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use licentia_core::{Overage, Period};

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
        assert_eq!(catalogue.tier("pro", Some(4)).unwrap().terms.kind, Kind::Trial);
        let error = catalogue.tier("gold", None).unwrap_err().to_string();
        assert!(error.contains("no tier gold") && error.contains("pro@3"), "{error}");
    }

    #[test]
    fn everything_that_a_tier_can_say_is_read() {
        let catalogue: Catalogue = EXAMPLE.parse().unwrap();
        let tier = catalogue.tier("pro", Some(3)).unwrap();
        let terms = &tier.terms;
        assert_eq!(terms.features["rows"].value, crate::Value::Int(100_000));
        assert_eq!(terms.features["beta"].expires, Some(1_801_353_600));
        assert_eq!(terms.quotas["api_calls"].limit, 100_000);
        assert_eq!(terms.quotas["mails"].overage, Overage::UpTo(2500));
        assert_eq!(terms.quotas["mails"].period, Period::MonthFrom { anchor: 1_706_659_200 });
        assert_eq!(terms.rates["api"], Rate { count: 10, per_ms: 1000, burst: Some(20) });
        assert_eq!(terms.policy.stale_revocation, Action::Warn(86_400));
        assert_eq!(terms.policy.clock_doubt, Action::Allow);
        assert_eq!(terms.policy.max_revocation_age, Some(604_800));
        let draft = tier.draft("x", 1_800_000_000).unwrap();
        assert_eq!(draft.term_end, Some(1_831_536_000));
        assert_eq!(draft.expires, 1_831_536_000 + 14 * 86_400);
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
