//! A decision, as it crosses to the host.

use licentia::{Code, Decision, State, Timestamp, Unit};

use crate::{
    number::{decision_bit as bit, request_flag},
    record::Writer,
};

/// Writes a decision: bits (4 bytes), code, warning or 0, and HTTP status (2 bytes each), state (1 byte), time, and
/// milliseconds to wait or none; a nonce for the next proof, or an empty text.
///
/// With [`bit::LICENSED`] follow lineage and token id (16 bytes each), issuer, subject and tier. Then the number of
/// charges (1 byte), and of each unit (1 byte), name, cost, charged, limit, window, remaining, reset, retry (milliseconds),
/// and start and end of the window that was counted in. With [`bit::EXPLAINED`] follows the explanation as JSON. With
/// [`bit::HTTP`] follow the number of header fields, name and value of each, and the body of a refusal.
pub(crate) fn write(decision: &Decision<'_>, flags: u32, out: &mut Writer) {
    let (code, state, license) = (decision.code(), decision.state(), decision.license());
    let plain = code.is_allowed() && decision.warning().is_none() && state == State::Active;
    let explain = !plain || flags & request_flag::EXPLAIN != 0;
    let http = flags & request_flag::HTTP != 0;
    let mut bits = u32::from(decision.is_allowed()) * bit::ALLOWED;
    bits |= u32::from(license.is_some()) * bit::LICENSED;
    bits |= u32::from(explain) * bit::EXPLAINED;
    bits |= u32::from(http) * bit::HTTP;
    out.u32(bits);
    out.u16(code.number());
    out.u16(decision.warning().map_or(0, Code::number));
    out.u16(decision.http_status());
    out.u8(state.number());
    out.optional(decision.retry_after_ms());
    out.text(&decision.proof_nonce().unwrap_or_default());
    if let Some(license) = license {
        out.raw(license.lineage().as_bytes());
        out.raw(license.id().as_bytes());
        out.u64(license.expires().as_seconds());
        out.text(license.issuer());
        out.text(license.subject());
        out.text(license.tier().name);
    }
    out.u8(u8::try_from(decision.charges().count()).unwrap_or(u8::MAX));
    for charge in decision.charges() {
        out.u8(match charge.unit {
            Unit::Rate => 0,
            Unit::Quota => 1,
            Unit::Seat => 2,
        });
        out.text(charge.name);
        out.u64(charge.cost);
        out.u64(charge.charged);
        out.u64(charge.limit);
        out.optional(charge.window);
        out.u64(charge.remaining);
        out.optional(charge.reset_ms);
        out.optional(charge.retry_after_ms);
        out.optional(charge.counted_in.map(|window| window.start.as_seconds()));
        out.optional(charge.counted_in.and_then(|window| window.end).map(Timestamp::as_seconds));
    }
    if explain {
        out.shown(&decision.explanation().json());
    }
    if http {
        let fields = decision.http_headers();
        out.u8(u8::try_from(fields.len()).unwrap_or(u8::MAX));
        for (name, value) in &fields {
            out.text(name);
            out.text(value);
        }
        if decision.is_allowed() {
            out.text("");
        } else {
            out.text(&decision.problem());
        }
    }
}
