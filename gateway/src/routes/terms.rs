//! What a route needs of a licence, as it is written in the gateway's file or in an OpenAPI document.

use std::collections::BTreeMap;

use serde::Deserialize;

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
