//! A route, resolved.

use super::{
    path::Anomalies,
    terms::{Access, Charge, Cost},
    token_source::TokenSource,
};

/// What a request needs of a licence, and where it is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// `GET /exports/{id}`; for events, metrics and `X-Licentia-Route`.
    pub name: String,
    /// The line of the file, if it is from one.
    pub line: Option<usize>,
    /// The method; none for every method.
    pub method: Option<String>,
    /// The pattern of the path.
    pub path: String,
    /// Who may call it.
    pub access: Access,
    /// Features that the licence must have.
    pub features: Vec<String>,
    /// Meters, and what a request costs.
    pub meters: Vec<(String, u64)>,
    /// Rates, and what a request counts.
    pub rates: Vec<(String, u64)>,
    /// The service that the licence must be for, instead of the gateway's.
    pub audience: Option<String>,
    /// When meters are charged.
    pub charge: Charge,
    /// Who says what it costs.
    pub cost: Cost,
    /// Where the token is looked for, in this order.
    pub tokens: Vec<TokenSource>,
    /// Which forms of paths are accepted though servers read them in different ways.
    pub allow: Anomalies,
    /// The field that names the job. The proxy must overwrite it.
    pub job: Option<http::HeaderName>,
}

impl Route {
    /// Whether what it costs is known only when the response is there.
    pub fn waits_for_response(&self) -> bool {
        self.access == Access::Licence
            && !self.meters.is_empty()
            && (self.charge == Charge::Success || self.cost == Cost::Response)
    }
}
