//! The one way in which a gate is asked about an HTTP request: the `tower` layer and the gateway call it.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use licentia_core::{Buffer, http::PROBLEM_TYPE, text::decode_base64url};

use crate::{
    gate::{Decision, Gate, Proof, Reservation},
    platform::Now,
};

use super::{
    needs::{Names, Needs},
    presented::{PROOF, Presented, joined},
};

/// A request over HTTP, as the client sent it.
#[derive(Clone, Copy, Debug)]
pub struct Call<'r> {
    /// Its method.
    pub method: &'r str,
    /// Its path and query.
    pub target: &'r str,
    /// Its fields.
    pub headers: &'r HeaderMap,
    /// The public origin, such as `https://api.acme.example`, which precedes path and query in proofs. Without it every
    /// proof is refused as `proof_wrong_uri`: the `Host` field is the client's to choose.
    pub origin: Option<&'r str>,
}

impl<'r> Call<'r> {
    /// Finds token and proof, and asks a gate. If `reserve`, meters are reserved instead of charged. Returns what `look`
    /// makes of the decision, and the token as it was presented.
    ///
    /// Waiting for the store blocks no thread: see [`Gate::check_async`].
    pub async fn decide<T>(
        &self,
        gate: &Gate,
        needs: &Needs,
        reserve: bool,
        look: impl FnOnce(&Decision<'_>, Option<Reservation>) -> T,
    ) -> (T, Presented<'r>) {
        let presented = Presented::find(self.headers, &needs.tokens);
        let proof = self.proof();
        let uri = match (&proof, self.origin) {
            (Some(_), Some(origin)) if !origin.is_empty() => format!("{origin}{}", self.target),
            // Without an origin a proof would name no service: the empty URI matches none.
            _ => String::new(),
        };
        let action = match &needs.action {
            Some(_) => String::new(),
            None => format!("{} {}", self.method, self.target.split('?').next().unwrap_or_default()),
        };
        let names = Names::of(needs);
        let mut request = names.request();
        if needs.action.is_none() {
            request = request.action(&action);
        }
        if let Some(bytes) = &proof {
            request = request.proof(Proof { bytes, method: self.method, uri: &uri, body: None });
        }
        let (decision, reservation) = if reserve {
            gate.reserve_async(&presented.token, &request, Now::system()).await
        } else {
            (gate.check_async(&presented.token, &request, Now::system()).await, None)
        };
        let looked = look(&decision, reservation);
        drop(decision);
        (looked, presented)
    }

    /// The bytes of the proof. Text that is not base64url becomes an empty proof, which is refused as malformed.
    fn proof(&self) -> Option<Vec<u8>> {
        let text = joined(self.headers, &PROOF)?;
        Some(decode_base64url(&text, &mut Buffer::new()).map(<[u8]>::to_vec).unwrap_or_default())
    }
}

/// The fields of a decision's response: those of [`Decision::http_headers`]; a refusal's are not cached, and have a body of
/// problem details.
pub fn fields(decision: &Decision<'_>) -> Vec<(HeaderName, HeaderValue)> {
    let field = |(name, value): (&'static str, String)| {
        Some((HeaderName::from_static(name), HeaderValue::try_from(value).ok()?))
    };
    let mut fields: Vec<_> = decision.http_headers().into_iter().filter_map(field).collect();
    if !decision.is_allowed() {
        fields.push((header::CACHE_CONTROL, HeaderValue::from_static("no-store")));
        fields.push((header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_TYPE)));
    }
    fields
}
