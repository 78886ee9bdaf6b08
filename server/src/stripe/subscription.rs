//! What Stripe says of a subscription, as far as it matters here.

use licentia_core::{Lineage, Timestamp};
use serde::Deserialize;
use serde_json::Value;

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subscription {
    pub(crate) id: String,
    pub(crate) customer: String,
    /// `active`, `past_due`, `canceled` and so on.
    pub(crate) status: String,
    /// The price of its first item, and the key that the vendor gave the price.
    pub(crate) price: String,
    pub(crate) lookup_key: Option<String>,
    /// The billing period.
    pub(crate) period: (Timestamp, Timestamp),
    /// Whether the newest invoice is paid; none if Stripe did not say.
    pub(crate) invoice_paid: Option<bool>,
    /// Who gets the licence: the metadata `licentia_subject`.
    pub(crate) subject: Option<String>,
    /// Which licence it pays for: the metadata `licentia_lineage`.
    pub(crate) lineage: Option<Lineage>,
}

#[derive(Deserialize)]
struct Raw {
    id: String,
    customer: Expandable,
    status: String,
    items: Items,
    /// Before the version 2025-03-31 of Stripe's API.
    current_period_start: Option<u64>,
    current_period_end: Option<u64>,
    latest_invoice: Option<Value>,
    #[serde(default)]
    metadata: Metadata,
}

/// An identifier, or the object itself.
#[derive(Deserialize)]
#[serde(untagged)]
enum Expandable {
    Id(String),
    Object { id: String },
}

#[derive(Deserialize)]
struct Items {
    data: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    price: Price,
    current_period_start: Option<u64>,
    current_period_end: Option<u64>,
}

#[derive(Deserialize)]
struct Price {
    id: String,
    lookup_key: Option<String>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    licentia_subject: Option<String>,
    licentia_lineage: Option<String>,
}

impl Subscription {
    /// Reads Stripe's JSON.
    ///
    /// # Errors
    /// What is missing.
    pub(crate) fn read(json: &[u8]) -> Result<Self, String> {
        let value =
            serde_json::from_slice(json).map_err(|error| format!("Stripe's subscription: {error}"))?;
        Self::from_value(value)
    }

    /// Reads a subscription of a list.
    ///
    /// # Errors
    /// What is missing.
    pub(crate) fn from_value(value: Value) -> Result<Self, String> {
        let raw: Raw =
            serde_json::from_value(value).map_err(|error| format!("Stripe's subscription: {error}"))?;
        let id = raw.id;
        let item =
            raw.items.data.into_iter().next().ok_or_else(|| format!("subscription {id} has no item"))?;
        let (Some(start), Some(end)) = (
            item.current_period_start.or(raw.current_period_start),
            item.current_period_end.or(raw.current_period_end),
        ) else {
            return Err(format!("subscription {id} has no billing period"));
        };
        let invoice = raw.latest_invoice.as_ref().and_then(|invoice| invoice.get("status")?.as_str());
        let lineage = raw.metadata.licentia_lineage.map(|text| {
            lineage(&text).ok_or_else(|| {
                format!("subscription {id}: the metadata licentia_lineage must be 32 hexadecimal digits")
            })
        });
        Ok(Self {
            customer: match raw.customer {
                Expandable::Id(id) | Expandable::Object { id } => id,
            },
            status: raw.status,
            price: item.price.id,
            lookup_key: item.price.lookup_key,
            period: (Timestamp::from_seconds(start), Timestamp::from_seconds(end)),
            invoice_paid: invoice.map(|status| status == "paid"),
            subject: raw.metadata.licentia_subject.filter(|subject| !subject.is_empty()),
            lineage: lineage.transpose()?,
            id,
        })
    }

    /// Until when it is paid. While an invoice is open, that is the start of its period.
    pub(crate) fn paid_until(&self) -> Option<Timestamp> {
        match self.status.as_str() {
            "active" if self.invoice_paid == Some(false) => Some(self.period.0),
            "active" | "trialing" => Some(self.period.1),
            _ => None,
        }
    }
}

fn lineage(text: &str) -> Option<Lineage> {
    let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()?;
    <[u8; 16]>::try_from(bytes).ok().map(Lineage::from)
}

/// The subscription that an event is about, if it is about one: its type and its object name it.
pub(crate) fn of_event(kind: &str, object: &Value) -> Option<String> {
    let id = |value: &Value| match value {
        Value::String(id) => Some(id.clone()),
        other => other.get("id")?.as_str().map(str::to_owned),
    };
    if kind.starts_with("customer.subscription.") {
        return id(object.get("id")?);
    }
    if kind.starts_with("invoice.") {
        // The second place is that of the version 2025-03-31 of Stripe's API.
        let old = object.get("subscription").and_then(id);
        return old.or_else(|| id(object.pointer("/parent/subscription_details/subscription")?));
    }
    if kind.starts_with("checkout.session.") {
        return id(object.get("subscription")?);
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_shapes_of_the_billing_period_are_read() {
        let old = json!({
            "id": "sub_1", "object": "subscription", "customer": "cus_1", "status": "active",
            "current_period_start": 100, "current_period_end": 200, "latest_invoice": "in_1", "metadata": {},
            "items": {"object": "list", "data": [{"id": "si_1", "price": {"id": "price_1", "lookup_key": null}}]},
        });
        let new = json!({
            "id": "sub_1", "object": "subscription", "customer": {"id": "cus_1", "object": "customer"}, "status": "active",
            "latest_invoice": {"id": "in_1", "status": "paid"},
            "metadata": {"licentia_subject": "ann", "licentia_lineage": "000102030405060708090a0b0c0d0e0f"},
            "items": {"data": [{"price": {"id": "price_1", "lookup_key": "pro"}, "current_period_start": 100, "current_period_end": 200}]},
        });
        let old = Subscription::from_value(old).unwrap();
        let new = Subscription::read(new.to_string().as_bytes()).unwrap();
        assert_eq!(
            (old.id, old.customer, old.price, old.period),
            (new.id.clone(), new.customer.clone(), new.price.clone(), new.period)
        );
        assert_eq!((old.invoice_paid, new.invoice_paid), (None, Some(true)));
        assert_eq!((new.lookup_key.as_deref(), new.subject.as_deref()), (Some("pro"), Some("ann")));
        assert_eq!(new.lineage.unwrap().as_bytes()[15], 15);
        for wrong in
            ["{}", "[]", "null", r#"{"id":"s","customer":"c","status":"active","items":{"data":[]}}"#, "{"]
        {
            assert!(Subscription::read(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_what_is_paid_counts() {
        let of = |status: &str, invoice_paid| Subscription {
            id: "s".into(),
            customer: "c".into(),
            status: status.into(),
            price: "p".into(),
            lookup_key: None,
            period: (100.into(), 200.into()),
            invoice_paid,
            subject: None,
            lineage: None,
        };
        let until = |status, paid| of(status, paid).paid_until().map(Timestamp::as_seconds);
        assert_eq!((until("active", None), until("active", Some(true))), (Some(200), Some(200)));
        assert_eq!(until("active", Some(false)), Some(100), "the new period's invoice is still open");
        assert_eq!(until("trialing", Some(false)), Some(200));
        for status in ["past_due", "unpaid", "canceled", "incomplete", "incomplete_expired", "paused", "new"]
        {
            assert_eq!(until(status, Some(true)), None, "{status}");
        }
    }

    #[test]
    fn the_subscription_of_an_event_is_found_in_each_shape() {
        let of = |kind: &str, object: Value| of_event(kind, &object);
        assert_eq!(of("customer.subscription.deleted", json!({"id": "sub_1"})), Some("sub_1".into()));
        assert_eq!(of("invoice.paid", json!({"id": "in_1", "subscription": "sub_1"})), Some("sub_1".into()));
        assert_eq!(
            of("invoice.paid", json!({"id": "in_1", "subscription": {"id": "sub_1"}})),
            Some("sub_1".into())
        );
        let new = json!({"id": "in_1", "parent": {"subscription_details": {"subscription": "sub_1"}}});
        assert_eq!(of("invoice.payment_failed", new), Some("sub_1".into()));
        assert_eq!(of("checkout.session.completed", json!({"subscription": "sub_1"})), Some("sub_1".into()));
        for (kind, object) in [
            ("invoice.paid", json!({"id": "in_1", "subscription": null})),
            ("charge.succeeded", json!({"id": "ch_1"})),
            ("customer.created", json!({"id": "cus_1"})),
            ("customer.subscription.updated", json!({})),
            ("", Value::Null),
        ] {
            assert_eq!(of(kind, object), None, "{kind}");
        }
    }
}
