//! What a route needs of a licence, as it is written in the gateway's file or in an OpenAPI document.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Deserializer, de::Error};

/// `[[route]]`, and what all routes have if they say nothing else: `[defaults]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Terms {
    pub(crate) access: Option<Access>,
    pub(crate) features: Option<Vec<String>>,
    pub(crate) meters: Option<BTreeMap<String, u64>>,
    pub(crate) rates: Option<BTreeMap<String, u64>>,
    pub(crate) audience: Option<String>,
    pub(crate) charge: Option<Charge>,
    pub(crate) uncharged: Option<Vec<Statuses>>,
    pub(crate) cost: Option<Cost>,
    pub(crate) token: Option<Vec<String>>,
    pub(crate) allow: Option<Vec<String>>,
    pub(crate) job: Option<String>,
}

/// Who may call a route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Who has a licence that meets the route's terms.
    #[default]
    Licence,
    /// Everybody.
    Open,
}

/// When a route's meters are charged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Charge {
    /// When the request is allowed.
    #[default]
    Always,
    /// When the upstream answered, and not with 5xx. Needs the reverse proxy.
    Success,
}

/// Statuses of a response: `404`, or `4xx` for a whole class (RFC 9110, section 15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statuses {
    first: u16,
    last: u16,
}

impl Statuses {
    /// The failures of a server: 5xx.
    pub const SERVER_ERRORS: Self = Self { first: 500, last: 599 };

    /// Whether a status is one of them.
    pub const fn contains(self, status: u16) -> bool {
        self.first <= status && status <= self.last
    }
}

impl fmt::Display for Statuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last { self.first.fmt(f) } else { write!(f, "{}xx", self.first / 100) }
    }
}

impl<'de> Deserialize<'de> for Statuses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(u16),
            Text(String),
        }
        let (text, read) = match Written::deserialize(deserializer)? {
            Written::Number(status) => (status.to_string(), Some((status, status))),
            Written::Text(text) => {
                let class = text.strip_suffix("xx").and_then(|class| class.parse::<u16>().ok());
                let class = class.filter(|class| *class < 10).map(|class| (class * 100, class * 100 + 99));
                let read = class.or_else(|| text.parse().ok().map(|status| (status, status)));
                (text, read)
            }
        };
        let known = read.filter(|(first, _)| (200..600).contains(first));
        known.map(|(first, last)| Self { first, last }).ok_or_else(|| {
            D::Error::custom(format!(
                "`{text}` is no status of a response: write `404`, or `\"4xx\"` for a class"
            ))
        })
    }
}

/// Who says what a request costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cost {
    /// The route.
    #[default]
    Route,
    /// The upstream's response, in the field `Licentia-Cost`; the route says the most that it may be. Needs the
    /// reverse proxy.
    Response,
}
