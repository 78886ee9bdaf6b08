//! A route, resolved.

use licentia::http::Needs;

use super::{
    path::Anomalies,
    terms::{Access, Charge, Cost, Statuses},
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
    /// What it needs of the licence, and where the token is.
    pub needs: Needs,
    /// When meters are charged.
    pub charge: Charge,
    /// Responses that cost nothing. `charge = "success"` stands for 5xx.
    pub uncharged: Vec<Statuses>,
    /// Who says what it costs.
    pub cost: Cost,
    /// Which forms of paths are accepted though servers read them in different ways.
    pub allow: Anomalies,
    /// The field that names the job. The proxy must overwrite it.
    pub job: Option<http::HeaderName>,
}

impl Route {
    /// Whether what it costs is known only when the response is there.
    pub fn waits_for_response(&self) -> bool {
        self.access == Access::Licence
            && !self.needs.meters.is_empty()
            && (!self.uncharged.is_empty() || self.cost == Cost::Response)
    }
}
