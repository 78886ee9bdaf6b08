//! What a gate says to a request.

use std::{fmt, ops::Deref};

use arrayvec::ArrayVec;
use licentia_core::{Claims, Code, Explanation, Period, State, http};

use crate::licensed::{Found, Licensed};

/// Most rates and meters of one request.
pub(crate) const CHARGES: usize = 8;

/// What a gate says to a request: whether it may go on, and why.
#[derive(Clone)]
#[must_use = "a decision that nobody looks at protects nothing"]
pub struct Decision<'a> {
    pub(crate) code: Code,
    pub(crate) state: State,
    pub(crate) enforced: bool,
    pub(crate) license: Found,
    /// The time that it was made for, as the clock guard has it, in seconds since 1970.
    pub(crate) time: u64,
    pub(crate) explanation: Explanation<'a>,
    pub(crate) charges: ArrayVec<Charge<'a>, CHARGES>,
}

/// What a rate or meter was asked for and has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Charge<'a> {
    /// Name of the rate or meter.
    pub name: &'a str,
    /// Which of the two it is.
    pub unit: Unit,
    /// What the request costs.
    pub cost: u64,
    /// What this decision has added to the count: nothing where it denies, where a job was charged before, and where
    /// the cost is reserved, until that is committed.
    pub charged: u64,
    /// Requests of a full burst, units of a period, or seats.
    pub limit: u64,
    /// Length of the window in seconds; none where a period's length varies.
    pub window: Option<u64>,
    /// The period of a quota.
    pub period: Option<Period>,
    /// What is left after this request.
    pub remaining: u64,
    /// Milliseconds until everything is there again; none for a quota for life.
    pub reset_ms: Option<u64>,
    /// Milliseconds until the same request may be granted, where it was not and waiting helps.
    pub retry_after_ms: Option<u64>,
}

/// What a [`Charge`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Requests against a rate.
    Rate,
    /// Units of a quota.
    Quota,
    /// Seats of the licence.
    Seat,
}

impl Unit {
    /// Its stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Quota => "quota",
            Self::Seat => "seat",
        }
    }
}

/// A licence that was verified. It gives the getters of [`Claims`].
pub struct License<'d>(licentia_core::License<'d>);

impl Licensed {
    /// The licence.
    pub(crate) fn license(&self) -> License<'_> {
        License(self.kept.license())
    }
}

impl<'d> Deref for License<'d> {
    type Target = Claims<'d>;

    fn deref(&self) -> &Claims<'d> {
        &self.0
    }
}

impl<'a> Decision<'a> {
    /// Space for a decision: see [`crate::Gate::check_into`]. Until then it is a denial.
    pub fn undecided() -> Self {
        Self {
            code: Code::InvalidArgument,
            state: State::Active,
            enforced: true,
            license: Found::default(),
            time: 0,
            explanation: Explanation::default(),
            charges: ArrayVec::new(),
        }
    }

    /// Takes back what was decided, and lets go of the licence.
    pub fn clear(&mut self) {
        (self.code, self.state, self.enforced) = (Code::InvalidArgument, State::Active, true);
        self.license = Found::default();
        self.explanation.clear();
        self.charges.clear();
    }

    /// Whether the request may go on.
    pub fn is_allowed(&self) -> bool {
        self.code.is_allowed() || !self.enforced
    }

    /// Why. In advisory mode it says what an enforcing gate would have answered.
    pub fn code(&self) -> Code {
        self.code
    }

    /// In which state the licence grants it.
    pub fn state(&self) -> State {
        self.state
    }

    /// A doubt that the licence's policy passed over: allowed, and worth looking into.
    pub fn warning(&self) -> Option<Code> {
        self.explanation.warning()
    }

    /// The licence, where its signature was good, whether or not the request is allowed.
    pub fn license(&self) -> Option<License<'_>> {
        self.license.get().map(Licensed::license)
    }

    /// The name of its tier.
    pub(crate) fn tier_name(&self) -> Option<&str> {
        self.license.get().map(|licensed| &*licensed.tier)
    }

    /// Every check that ran, its inputs and its result.
    pub fn explanation(&self) -> &Explanation<'a> {
        &self.explanation
    }

    /// The rates and meters that were asked for, with what is left of each.
    pub fn charges(&self) -> impl Iterator<Item = &Charge<'a>> {
        self.charges.iter()
    }

    /// The rate or meter of a name.
    pub fn charge(&self, name: &str) -> Option<&Charge<'a>> {
        self.charges().find(|charge| charge.name == name)
    }

    /// Milliseconds after which the same request may go on, where waiting helps.
    pub fn retry_after_ms(&self) -> Option<u64> {
        self.charges().find_map(|charge| charge.retry_after_ms)
    }

    /// The response's status code.
    pub fn http_status(&self) -> u16 {
        if self.is_allowed() { 200 } else { http::status(self.code) }
    }

    /// The response's header fields: `WWW-Authenticate`, `Retry-After`, `RateLimit-Policy`, `RateLimit`.
    pub fn http_headers(&self) -> Vec<(&'static str, String)> {
        let charges = self.charges().map(|charge| {
            let policy =
                http::RateLimitPolicy { name: charge.name, quota: charge.limit, window: charge.window };
            let reset = charge.reset_ms.map(http::retry_after);
            (policy, http::RateLimit { name: charge.name, remaining: charge.remaining, reset })
        });
        http_headers(self.code, self.is_allowed(), self.retry_after_ms(), charges)
    }

    /// The body of a refusal: problem details (RFC 9457), of the media type [`http::PROBLEM_TYPE`].
    pub fn problem(&self) -> String {
        http::Problem { code: self.code, retry_after_ms: self.retry_after_ms() }.to_string()
    }

    /// The decision as a JSON object: what a log should keep. It holds no token and no key.
    pub fn json(&self) -> impl fmt::Display + use<'_, 'a> {
        Json(self)
    }
}

/// The header fields of [`Decision::http_headers`], for a binding that holds a decision in its own language.
pub fn http_headers<'a>(
    code: Code,
    allowed: bool,
    retry_after_ms: Option<u64>,
    charges: impl Iterator<Item = (http::RateLimitPolicy<'a>, http::RateLimit<'a>)>,
) -> Vec<(&'static str, String)> {
    let mut fields = Vec::new();
    let status = if allowed { 200 } else { http::status(code) };
    if matches!(status, 401 | 403) {
        fields.push(("www-authenticate", http::Challenge(code).to_string()));
    }
    if let Some(retry_after) = retry_after_ms.filter(|_| !allowed) {
        fields.push(("retry-after", http::retry_after(retry_after).to_string()));
    }
    let (mut policies, mut remaining) = (String::new(), String::new());
    for (policy, left) in charges {
        let comma = if policies.is_empty() { "" } else { ", " };
        policies += &format!("{comma}{policy}");
        remaining += &format!("{comma}{left}");
    }
    if !policies.is_empty() {
        fields.push(("ratelimit-policy", policies));
        fields.push(("ratelimit", remaining));
    }
    fields
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
            // Only names that a licence holds are charged, and those need no escaping.
            write!(f, r#"{comma}{{"name":"{}","unit":"{unit}","cost":{},"#, charge.name, charge.cost)?;
            write!(f, r#""limit":{},"remaining":{},"#, charge.limit, charge.remaining)?;
            write!(f, r#""reset_ms":{}}}"#, number(charge.reset_ms))?;
        }
        write!(f, r#"],"retry_after_ms":{},"#, number(decision.retry_after_ms()))?;
        write!(f, r#""explanation":{}}}"#, decision.explanation.json())
    }
}
