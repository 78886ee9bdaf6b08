//! `GET /v1/licenses`

use axum::extract::State;
use licentia_core::{Kind, Timestamp, TokenId};
use licentia_issuer::{LicenseFilter, LicenseSort, LicenseState};
use serde::{Deserialize, Serialize};

use super::{view::LicenseView, wanted::tier};
use crate::{
    access::{Caller, Read},
    http::{Problem, ProblemBody, Query, hex, page_limit},
    server::Server,
};

/// Which licences. Every condition that is there must hold.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// Issued to this subject, or with a `*` at the end to those that begin so.
    subject: Option<String>,
    /// Of this tier, `NAME` or `NAME@VERSION`.
    tier: Option<String>,
    /// `pending`, `active`, `grace`, `expired` or `revoked`.
    state: Option<String>,
    /// `paid`, `trial`, `developer` or `internal`.
    kind: Option<String>,
    /// Whose identifier or lineage begins with these hexadecimal digits.
    prefix: Option<String>,
    /// Issued at this time or later.
    issued_from: Option<u64>,
    /// Issued at this time or earlier.
    issued_to: Option<u64>,
    /// Ends at this time or later.
    expires_from: Option<u64>,
    /// Ends at this time or earlier.
    expires_to: Option<u64>,
    /// `issued` (the default), `expires`, `subject` or `tier`.
    sort: Option<String>,
    /// Whether the greatest comes first.
    #[serde(default)]
    descending: bool,
    /// How many at most: 1 to 1000.
    limit: Option<u64>,
    /// Where the page before ended: its `next`.
    cursor: Option<String>,
}

impl Filter {
    pub(super) fn read(&self, issuer: &str) -> Result<LicenseFilter, Problem> {
        let mut filter = LicenseFilter { issuer: Some(issuer.to_owned()), ..LicenseFilter::default() };
        filter.subject.clone_from(&self.subject);
        let tier = self.tier.as_deref().map(tier).transpose()?;
        filter.tier = tier.map(|(name, version)| (name.to_owned(), version));
        filter.state = match &self.state {
            None => None,
            Some(name) => Some(
                LicenseState::ALL
                    .into_iter()
                    .find(|state| state.name() == name)
                    .ok_or_else(|| Problem::value("state", "pending, active, grace, expired or revoked"))?,
            ),
        };
        filter.kind = match &self.kind {
            None => None,
            Some(name) => Some(
                (0..4)
                    .filter_map(Kind::from_number)
                    .find(|kind| kind.name() == name)
                    .ok_or_else(|| Problem::value("kind", "paid, trial, developer or internal"))?,
            ),
        };
        filter.prefix.clone_from(&self.prefix);
        let time = |time: Option<u64>| time.map(Timestamp::from_seconds);
        filter.issued_from = time(self.issued_from);
        filter.issued_to = time(self.issued_to);
        filter.expires_from = time(self.expires_from);
        filter.expires_to = time(self.expires_to);
        filter.sort = match self.sort.as_deref() {
            None | Some("issued") => LicenseSort::Issued,
            Some("expires") => LicenseSort::Expires,
            Some("subject") => LicenseSort::Subject,
            Some("tier") => LicenseSort::Tier,
            Some(_) => return Err(Problem::value("sort", "issued, expires, subject or tier")),
        };
        filter.descending = self.descending;
        filter.limit = Some(page_limit(self.limit)?);
        filter.after = match &self.cursor {
            None => None,
            Some(text) => Some(TokenId::from(hex::<16>(text).ok_or_else(cursor)?)),
        };
        Ok(filter)
    }
}

/// A cursor that no page had.
fn cursor() -> Problem {
    Problem::value("cursor", "write what `next` of the page before says, or leave it out")
}

/// A page of licences.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct LicensePage {
    pub(super) items: Vec<LicenseView>,
    /// The `cursor` of the next page, if there may be one.
    pub(super) next: Option<String>,
}

/// Searches licences.
#[utoipa::path(get, path = "/v1/licenses", tag = "licenses", params(Filter), security(("license" = [])),
    responses((status = 200, body = LicensePage), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn list(
    State(server): State<Server>,
    caller: Caller<Read>,
    Query(filter): Query<Filter>,
) -> Result<axum::Json<LicensePage>, Problem> {
    let (filter, now) = (filter.read(&caller.issuer)?, caller.now);
    let page = server.readers().read(move |ledger| {
        if let Some(after) = &filter.after {
            // Another issuer's licence, or none, is no place to go on from.
            let known = ledger.find(after)?.filter(|license| Some(&license.issuer) == filter.issuer.as_ref());
            known.ok_or_else(cursor)?;
        }
        let found = ledger.list(&filter, now)?;
        let is_full = Some(found.len() as u64) == filter.limit;
        let next = found.last().filter(|_| is_full).map(|listed| listed.license.id.to_string());
        let items = found.iter().map(|listed| LicenseView::of(listed, now)).collect();
        Ok(LicensePage { items, next })
    });
    Ok(axum::Json(page.await?))
}
