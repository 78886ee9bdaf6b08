//! The query of a URL.

use axum::extract::{FromRequestParts, Query as Raw};
use http::{StatusCode, request::Parts};
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// The query of a URL. Parameters that are not known are refused.
#[derive(Clone, Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Raw::<T>::from_request_parts(parts, state).await {
            Ok(Raw(query)) => Ok(Self(query)),
            Err(rejection) => {
                let detail = rejection.body_text();
                Err(Problem::new(
                    StatusCode::BAD_REQUEST,
                    "query_malformed",
                    "The query cannot be read.",
                    detail,
                ))
            }
        }
    }
}

/// How many are on a page: 1 to 1000, by default 100.
pub(crate) fn page_limit(wanted: Option<u64>) -> Result<u64, Problem> {
    let wanted = wanted.unwrap_or(100);
    if (1..=1000).contains(&wanted) { Ok(wanted) } else { Err(Problem::value("limit", "write 1 to 1000")) }
}
