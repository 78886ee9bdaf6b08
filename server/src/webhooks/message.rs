//! The body of a message. It is made of what does not change, so that each attempt sends the same bytes.

use data_encoding::HEXLOWER;
use licentia_issuer::IssuedLicense;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::outbox::Delivery;

/// What is sent.
#[derive(Serialize)]
struct Message<'a> {
    r#type: &'a str,
    /// When it happened, as RFC 3339 writes it.
    timestamp: String,
    data: Map<String, Value>,
}

/// The identifier of a message, the same in each attempt.
pub(super) fn id(delivery: &Delivery) -> String {
    format!("msg_{}", HEXLOWER.encode(&delivery.id))
}

/// The body of a message, about a licence if the event is. No token is in it.
pub(super) fn body(delivery: &Delivery, license: Option<&IssuedLicense>) -> String {
    let detail = format!("{{{}}}", delivery.detail);
    let mut data: Map<String, Value> = serde_json::from_str(&detail).unwrap_or_default();
    if let Some(license) = license {
        data.insert("license".into(), described(license));
    }
    let message = Message { r#type: &delivery.kind, timestamp: delivery.at.to_string(), data };
    serde_json::to_string(&message).unwrap_or_default()
}

fn described(license: &IssuedLicense) -> Value {
    json!({
        "id": license.id.to_string(),
        "lineage": license.lineage.to_string(),
        "issuer": license.issuer,
        "subject": license.subject,
        "tier": license.tier,
        "tier_version": license.tier_version,
        "issued_at": license.issued_at.as_seconds(),
        "term_end": license.term_end.map(licentia_core::Timestamp::as_seconds),
        "expires": license.expires.as_seconds(),
    })
}

#[cfg(test)]
mod tests {
    use licentia_core::Timestamp;

    use super::*;
    use crate::webhooks::outbox::DeliveryState;

    #[test]
    fn a_message_says_what_happened_and_is_the_same_each_time() {
        let mut delivery = Delivery {
            event: 1,
            id: [0xab; 16],
            kind: "license.revoked".into(),
            at: Timestamp::from_seconds(1_800_000_000),
            license: None,
            detail: r#""reason":"fraud""#.into(),
            webhook: [0; 16],
            state: DeliveryState::Waiting,
            attempts: 0,
            due: Timestamp::EPOCH,
            status: None,
            reason: String::new(),
        };
        let first = body(&delivery, None);
        assert_eq!(
            first,
            r#"{"type":"license.revoked","timestamp":"2027-01-15T08:00:00Z","data":{"reason":"fraud"}}"#
        );
        assert_eq!(id(&delivery), "msg_abababababababababababababababab");
        delivery.attempts = 5;
        assert_eq!(body(&delivery, None), first);
    }
}
