//! An owned event, to store or send.

use std::{fmt, io::Write};

use licentia_core::{Code, Lineage, State, Timestamp};

use super::Event;

/// An owned event. It holds no token and no key.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Record {
    /// When.
    pub at: Timestamp,
    /// Whether the request was allowed to proceed.
    pub allowed: bool,
    /// Why.
    pub code: Code,
    /// The state in which the licence granted it.
    pub state: State,
    /// A problem that the licence's policy tolerated.
    pub warning: Option<Code>,
    /// The operation.
    pub action: String,
    /// Who presented the licence.
    pub source: String,
    /// The customer, if the licence's signature was good.
    pub subject: Option<String>,
    /// The licence's issuer, if its signature was good.
    pub issuer: Option<String>,
    /// The licence through its renewals, if its signature was good.
    pub lineage: Option<Lineage>,
    /// Name and version of the tier, if the licence's signature was good.
    pub tier: Option<(String, u64)>,
    /// Sequence number of the keyset in use.
    pub keyset: u64,
    /// Sequence number of the revocation bundle in use: see [`Event::revocation`]; and when it was issued.
    pub revocation: Option<(u64, Timestamp)>,
    /// How long the decision took, in nanoseconds, if it was timed.
    pub took_nanos: Option<u64>,
    /// The whole decision as JSON: see [`crate::Decision::json`].
    pub decision: String,
}

impl From<&Event<'_, '_>> for Record {
    fn from(event: &Event<'_, '_>) -> Self {
        let decision = event.decision;
        let license = decision.license();
        let license = license.as_ref();
        Self {
            at: event.at,
            allowed: decision.is_allowed(),
            code: decision.code(),
            state: decision.state(),
            warning: decision.warning(),
            action: event.action.to_owned(),
            source: event.source.to_owned(),
            subject: license.map(|license| license.subject().to_owned()),
            issuer: license.map(|license| license.issuer().to_owned()),
            lineage: license.map(|license| license.lineage()),
            tier: license.map(|license| (license.tier().name.to_owned(), license.tier().version)),
            keyset: event.keyset,
            revocation: event.revocation,
            took_nanos: event.took_nanos,
            decision: decision.json().to_string(),
        }
    }
}

impl fmt::Display for Record {
    /// A JSON object in one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (action, source) =
            (licentia_core::inner::Quoted(&self.action), licentia_core::inner::Quoted(&self.source));
        write!(f, r#"{{"at":{},"action":{action},"source":{source},"#, self.at.as_seconds())?;
        write!(
            f,
            r#""revocation":{},"revocation_issued_at":{},"keyset":{},"took_nanos":{},"decision":{}}}"#,
            self.revocation.map_or(0, |revocation| revocation.0),
            self.revocation.map_or(0, |revocation| revocation.1.as_seconds()),
            self.keyset,
            licentia_core::inner::Optional(self.took_nanos),
            self.decision
        )
    }
}

/// Writes each record as a line of JSON; use it behind a [`super::Queue`].
pub fn json_lines(mut writer: impl Write + Send + 'static) -> impl FnMut(Record) + Send + 'static {
    move |record| {
        // A log that cannot be written must not stop the service.
        let _ = writeln!(writer, "{record}").and_then(|()| writer.flush());
    }
}

/// Emits each record through `tracing`: allowed ones at level info, denials and tolerated problems at warn.
#[cfg(feature = "tracing")]
#[allow(clippy::needless_pass_by_value, reason = "a queue passes its records by value")]
pub fn trace(record: Record) {
    let (code, number, state) = (record.code.name(), record.code.number(), record.state.name());
    let (subject, action) = (record.subject.as_deref().unwrap_or(""), record.action.as_str());
    let (allowed, took_nanos) = (record.allowed, record.took_nanos);
    let (revocation, issued_at) = record.revocation.unwrap_or_default();
    let revocation_issued_at = issued_at.as_seconds();
    if record.code.is_allowed() && record.warning.is_none() {
        tracing::info!(target: "licentia", allowed, code, number, state, subject, action, revocation, revocation_issued_at, took_nanos, "decision");
    } else {
        let decision = record.decision.as_str();
        tracing::warn!(target: "licentia", allowed, code, number, state, subject, action, revocation, revocation_issued_at, took_nanos, decision, "decision");
    }
}
