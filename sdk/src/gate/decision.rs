//! A gate's answer to a request.

use std::{fmt, sync::Arc};

use licentia_core::{Code, Explanation, State, Timestamp, proof::NONCE_BYTES, text::Base64Url};

use crate::{
    http,
    license::{Found, License, Licensed},
    metering::{Charge, ChargeList, Unit},
};

/// A gate's answer to a request: whether it may proceed, and why.
#[derive(Clone)]
#[must_use = "an ignored decision protects nothing"]
pub struct Decision<'a> {
    pub(super) code: Code,
    pub(super) state: State,
    pub(super) enforced: bool,
    pub(super) license: Found,
    /// The time that it was made for, by the clock guard.
    pub(super) time: Timestamp,
    pub(super) explanation: Explanation<'a>,
    pub(super) charges: ChargeList<'a>,
    pub(super) proof_nonce: Option<[u8; NONCE_BYTES]>,
}

impl<'a> Decision<'a> {
    /// Space for a decision: see [`crate::Gate::check_into`]. Until it is made, it is a denial.
    pub fn undecided() -> Self {
        Self {
            code: Code::InvalidArgument,
            state: State::Active,
            enforced: true,
            license: Found::default(),
            time: Timestamp::EPOCH,
            explanation: Explanation::default(),
            charges: ChargeList::new(),
            proof_nonce: None,
        }
    }

    /// Resets it to a denial, and releases the licence.
    pub fn clear(&mut self) {
        (self.code, self.state, self.enforced) = (Code::InvalidArgument, State::Active, true);
        self.license = Found::default();
        self.explanation.clear();
        self.charges.clear();
        self.proof_nonce = None;
    }

    /// Whether the request may proceed.
    pub fn is_allowed(&self) -> bool {
        self.code.is_allowed() || !self.enforced
    }

    /// Why. In advisory mode it is what an enforcing gate would have answered.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The state in which the licence grants it.
    pub fn state(&self) -> State {
        self.state
    }

    /// A problem that the licence's policy tolerated: the request is allowed, and somebody should look into it.
    pub fn warning(&self) -> Option<Code> {
        self.explanation.warning()
    }

    /// The licence, if its signature was good, whether or not the request is allowed.
    pub fn license(&self) -> Option<License<'_>> {
        self.license.get().map(Licensed::license)
    }

    /// The licence, reference-counted, to outlive the decision.
    pub(crate) fn shared_license(&self) -> Option<Arc<Licensed>> {
        self.license.share()
    }

    /// The name of its tier.
    pub(crate) fn tier_name(&self) -> Option<&str> {
        self.license.get().map(|licensed| &*licensed.tier)
    }

    /// Every check that ran, with its inputs and its result.
    pub fn explanation(&self) -> &Explanation<'a> {
        &self.explanation
    }

    /// The rates, quotas and seats that were asked for, with what is left of each.
    pub fn charges(&self) -> impl Iterator<Item = &Charge<'a>> {
        self.charges.iter()
    }

    /// The charge of a rate.
    pub fn rate(&self, name: &str) -> Option<&Charge<'a>> {
        self.charge(Unit::Rate, name)
    }

    /// The charge of a meter's quota.
    pub fn quota(&self, meter: &str) -> Option<&Charge<'a>> {
        self.charge(Unit::Quota, meter)
    }

    /// The charge of the seats.
    pub fn seats(&self) -> Option<&Charge<'a>> {
        self.charges().find(|charge| charge.unit == Unit::Seat)
    }

    fn charge(&self, unit: Unit, name: &str) -> Option<&Charge<'a>> {
        self.charges().find(|charge| charge.unit == unit && charge.name == name)
    }

    /// Milliseconds after which the same request may be allowed; none if waiting does not help.
    pub fn retry_after_ms(&self) -> Option<u64> {
        self.charges().find_map(|charge| charge.retry_after_ms)
    }

    /// A nonce for the next proof, in unpadded base64url, if the holder may be let in with it: the value of
    /// `Licentia-Proof-Nonce`.
    pub fn proof_nonce(&self) -> Option<String> {
        self.proof_nonce.as_ref().map(|nonce| Base64Url(nonce).to_string())
    }

    /// The response's status code.
    pub fn http_status(&self) -> u16 {
        if self.is_allowed() { 200 } else { http::status(self.code) }
    }

    /// The response's header fields: `WWW-Authenticate`, `Licentia-Proof-Nonce`, `Retry-After`, `RateLimit-Policy`,
    /// `RateLimit`.
    pub fn http_headers(&self) -> Vec<(&'static str, String)> {
        let charges = self.charges().map(|charge| {
            let policy =
                http::RateLimitPolicy { name: charge.name, quota: charge.limit, window: charge.window };
            let reset = charge.reset_ms.map(http::retry_after);
            (policy, http::RateLimit { name: charge.name, remaining: charge.remaining, reset })
        });
        let mut fields = http::headers(self.code, self.is_allowed(), self.retry_after_ms(), charges);
        if let Some(nonce) = self.proof_nonce().filter(|_| !self.is_allowed()) {
            fields.push((http::PROOF_NONCE_FIELD, nonce));
        }
        fields
    }

    /// The body of a refusal: problem details (RFC 9457), of the media type [`http::PROBLEM_TYPE`].
    pub fn problem(&self) -> String {
        http::Problem { code: self.code, retry_after_ms: self.retry_after_ms() }.to_string()
    }

    /// The decision as a JSON object, for a log. It holds no token and no key.
    pub fn json(&self) -> impl fmt::Display + use<'_, 'a> {
        Json(self)
    }
}

impl fmt::Debug for Decision<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Decision({}, {})", self.code.name(), self.state.name())
    }
}

struct Json<'d, 'a>(&'d Decision<'a>);

impl fmt::Display for Json<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decision = self.0;
        let (allowed, code) = (decision.is_allowed(), decision.code);
        write!(f, r#"{{"allowed":{allowed},"code":{},"name":"{}","#, code.number(), code.name())?;
        if allowed {
            write!(f, r#""state":"{}","#, decision.state.name())?;
        } else {
            f.write_str(r#""state":null,"#)?;
        }
        match decision.warning() {
            Some(warning) => write!(f, r#""warning":"{}","#, warning.name())?,
            None => f.write_str(r#""warning":null,"#)?,
        }
        match decision.license() {
            Some(license) => write!(f, r#""license":{},"#, license.json())?,
            None => f.write_str(r#""license":null,"#)?,
        }
        let number = |value: Option<u64>| value.map_or_else(|| "null".to_owned(), |value| value.to_string());
        f.write_str(r#""charges":["#)?;
        for (at, charge) in decision.charges().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            let unit = charge.unit.name();
            // Only names that are in a licence are charged, and their grammar needs no escaping.
            write!(f, r#"{comma}{{"name":"{}","unit":"{unit}","cost":{},"#, charge.name, charge.cost)?;
            write!(f, r#""limit":{},"remaining":{},"#, charge.limit, charge.remaining)?;
            write!(f, r#""reset_ms":{}}}"#, number(charge.reset_ms))?;
        }
        write!(f, r#"],"retry_after_ms":{},"#, number(decision.retry_after_ms()))?;
        write!(f, r#""explanation":{}}}"#, decision.explanation.json())
    }
}
