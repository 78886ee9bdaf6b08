//! A segment of a path.

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use licentia_core::Lineage;

use super::problem::Problem;

/// A segment of a path, decoded.
#[derive(Clone, Debug)]
pub struct Segment(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(segment)) => Ok(Self(segment)),
            Err(_) => Err(Problem::unknown("the path is not UTF-8")),
        }
    }
}

impl Segment {
    /// The segment as a lineage: 32 hexadecimal digits.
    ///
    /// # Errors
    /// 404: no licence has another one.
    pub fn lineage(&self) -> Result<Lineage, Problem> {
        hex(&self.0).map(Lineage::from).ok_or_else(|| Problem::unknown("no licence has such a lineage"))
    }

    /// The segment as a number.
    ///
    /// # Errors
    /// 404 for anything else.
    pub fn number(&self) -> Result<u64, Problem> {
        let digits = self.0.bytes().all(|digit| digit.is_ascii_digit()).then_some(&self.0);
        digits.and_then(|digits| digits.parse().ok()).ok_or_else(|| Problem::unknown("no such number"))
    }
}

/// Reads bytes in lower-case hexadecimal digits.
pub(crate) fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    data_encoding::HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok()
}
