//! `/v1/customers`

use axum::extract::State;
use licentia_issuer::{LicenseFilter, LicenseSort};
use serde::{Deserialize, Serialize};

use crate::{
    access::{Caller, Read},
    http::{Problem, ProblemBody, Query, page_limit},
    licenses::LicenseView,
    server::Server,
    store::values,
};

/// Which customers.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Only those whose identifier begins with this.
    search: Option<String>,
    /// Only those after this one: the `next` of the page before.
    after: Option<String>,
    /// How many at most: 1 to 1000.
    limit: Option<u64>,
}

/// A customer.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Customer {
    /// Who it is.
    subject: String,
    /// Licences that were issued.
    licenses: u64,
    /// Contracts: licences through their renewals.
    lineages: u64,
    /// The newest licence.
    current: Option<LicenseView>,
}

/// A page of customers.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Customers {
    items: Vec<Customer>,
    /// The value of `after` for the next page, if there may be one.
    next: Option<String>,
}

/// The customers, by their identifiers.
#[utoipa::path(get, path = "/v1/customers", tag = "page", params(Wanted), security(("license" = [])),
    responses((status = 200, body = Customers), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn customers(
    State(server): State<Server>,
    caller: Caller<Read>,
    Query(wanted): Query<Wanted>,
) -> Result<axum::Json<Customers>, Problem> {
    let (who, limit) = (caller.0, page_limit(wanted.limit)?);
    let page = server.readers().read(move |ledger| {
        let (search, after) = (wanted.search.unwrap_or_default(), wanted.after.unwrap_or_default());
        let sql = "SELECT subject, count(*), count(DISTINCT lineage) FROM license
             WHERE issuer = ?1 AND subject > ?2 AND subject >= ?3 AND substr(subject, 1, length(?3)) = ?3
             GROUP BY subject ORDER BY subject LIMIT ?4";
        let rows: Vec<(String, u64, u64)> =
            ledger.database().all(sql, values![&who.issuer, &after, &search, limit], |row| {
                Ok((row.text(0)?.to_owned(), row.unsigned(1)?, row.unsigned(2)?))
            })?;
        let next = rows.last().filter(|_| rows.len() as u64 == limit).map(|(subject, ..)| subject.clone());
        let mut items = Vec::with_capacity(rows.len());
        for (subject, licenses, lineages) in rows {
            // A subject that ends with a star would be searched as a beginning.
            let newest =
                ledger.of_subject(&subject)?.into_iter().rfind(|license| license.issuer == who.issuer);
            let current = match newest {
                Some(license) => {
                    let filter = LicenseFilter {
                        prefix: Some(license.id.to_string()),
                        sort: LicenseSort::Issued,
                        ..LicenseFilter::default()
                    };
                    let found = ledger.list(&filter, who.now)?;
                    let found = found.iter().find(|listed| listed.license.id == license.id);
                    found.map(|listed| LicenseView::of(listed, who.now))
                }
                None => None,
            };
            items.push(Customer { subject, licenses, lineages, current });
        }
        Ok(Customers { items, next })
    });
    Ok(axum::Json(page.await?))
}
