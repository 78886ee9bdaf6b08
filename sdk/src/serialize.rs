//! Serde for what people log or store, behind the feature `serde`. A decision and a record have the shape of their own
//! JSON.

use std::fmt;

use serde_core::{Serialize, Serializer, ser::Error};
use serde_json::Value;

use crate::{event::Record, gate::Decision};

/// Serialises a value by its JSON, so that its shape is defined once.
fn by_json<S: Serializer>(json: &impl fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    let value: Value = serde_json::from_str(&json.to_string()).map_err(S::Error::custom)?;
    value.serialize(serializer)
}

impl Serialize for Decision<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        by_json(&self.json(), serializer)
    }
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        by_json(self, serializer)
    }
}

#[cfg(feature = "receipts")]
mod receipts {
    use licentia_core::Timestamp;
    use serde_core::{Serialize, Serializer};
    use serde_json::{Map, Value, json};

    use crate::receipt::{Finding, Report};

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    impl Serialize for Finding {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let (first, last) = self.sequences.unzip();
            let value = json!({
                "code": self.code.number(), "name": self.code.name(),
                "instance": self.instance.map(|instance| hex(&instance)),
                "first": first, "last": last,
                "detail": self.detail, "lost": self.lost, "alarm": self.is_alarm(),
            });
            value.serialize(serializer)
        }
    }

    /// The findings, and the totals of each meter of each licence in each window.
    impl Serialize for Report {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let usage: Vec<Value> = self
                .usage
                .iter()
                .map(|(cell, usage)| {
                    let by_instance: Map<String, Value> = usage
                        .by_instance
                        .iter()
                        .map(|(instance, units)| (hex(instance), json!(units.counted)))
                        .collect();
                    let sum = usage.sum();
                    json!({
                        "issuer": cell.issuer, "lineage": cell.lineage.to_string(), "meter": cell.meter,
                        "start": cell.window.start.as_seconds(),
                        "end": cell.window.end.map(Timestamp::as_seconds),
                        "count": sum.counted, "refunded": sum.refunded, "used": usage.total(),
                        "by_instance": by_instance,
                    })
                })
                .collect();
            let instances: Vec<Value> = self
                .instances
                .iter()
                .map(|(instance, status)| {
                    json!({
                        "instance": hex(instance), "receipts": status.receipts,
                        "sequence": status.last.sequence, "digest": hex(&status.last.digest),
                        "issued_at": status.issued_at.as_seconds(),
                    })
                })
                .collect();
            let findings = serde_json::to_value(&self.findings).map_err(serde_core::ser::Error::custom)?;
            let value = json!({
                "good": self.is_good(), "findings": findings, "usage": usage, "instances": instances,
            });
            value.serialize(serializer)
        }
    }
}
