//! Metrics for OpenTelemetry: counts by code, tier and meter, and a histogram of how long decisions took.

use opentelemetry::{
    KeyValue,
    metrics::{Counter, Histogram, Meter},
};

use super::{Event, Sink, Used};

/// A sink that records into the instruments of an OpenTelemetry meter.
pub struct Otel {
    decisions: Counter<u64>,
    units: Counter<u64>,
    duration: Histogram<f64>,
}

impl Otel {
    /// Makes the instruments `licentia.decisions`, `licentia.units` and `licentia.decision.duration`.
    pub fn new(meter: &Meter) -> Self {
        Self {
            decisions: meter.u64_counter("licentia.decisions").with_description("Decisions").build(),
            units: meter.u64_counter("licentia.units").with_description("Units charged").build(),
            duration: meter.f64_histogram("licentia.decision.duration").with_unit("s").build(),
        }
    }
}

impl Sink for Otel {
    fn record(&self, event: &Event<'_, '_>) {
        let decision = event.decision;
        let license = decision.license();
        let tier = license.map(|license| license.tier().name.to_owned()).unwrap_or_default();
        let attributes = [KeyValue::new("code", decision.code().name()), KeyValue::new("tier", tier)];
        self.decisions.add(1, &attributes);
        if decision.is_allowed() {
            for charge in decision.charges() {
                self.units.add(charge.charged, &[KeyValue::new("meter", charge.name.to_owned())]);
            }
        }
        #[allow(clippy::cast_precision_loss, reason = "a duration for people")]
        self.duration.record(event.took_nanos as f64 / 1e9, &[]);
    }

    fn used(&self, used: &Used<'_>) {
        self.units.add(used.units, &[KeyValue::new("meter", used.meter.to_owned())]);
    }
}
