//! Metrics for OpenTelemetry: counts by code, tier and meter, a histogram of how long decisions took, and which
//! revocation bundle is in use for each issuer.

use opentelemetry::{
    KeyValue,
    metrics::{Counter, Gauge, Histogram, Meter},
};

use crate::metering::Unit;

use super::{Event, Sink, Used};

/// A sink that records into the instruments of an OpenTelemetry meter.
#[derive(Debug)]
pub struct Otel {
    decisions: Counter<u64>,
    units: Counter<u64>,
    refunded: Counter<u64>,
    requests: Counter<u64>,
    seats: Counter<u64>,
    duration: Histogram<f64>,
    sequence: Gauge<u64>,
    issued_at: Gauge<u64>,
}

impl Otel {
    /// Creates the instruments `licentia.decisions`, `licentia.units` and `licentia.units.refunded` (by meter),
    /// `licentia.rate.requests` (by rate), `licentia.seats`, `licentia.decision.duration`,
    /// `licentia.revocation.sequence` and `licentia.revocation.issued`.
    pub fn new(meter: &Meter) -> Self {
        Self {
            decisions: meter.u64_counter("licentia.decisions").with_description("Decisions").build(),
            units: meter.u64_counter("licentia.units").with_description("Units charged").build(),
            refunded: meter.u64_counter("licentia.units.refunded").with_description("Units refunded").build(),
            requests: meter
                .u64_counter("licentia.rate.requests")
                .with_description("Requests counted against rates")
                .build(),
            seats: meter.u64_counter("licentia.seats").with_description("Seats taken or kept").build(),
            duration: meter.f64_histogram("licentia.decision.duration").with_unit("s").build(),
            sequence: meter
                .u64_gauge("licentia.revocation.sequence")
                .with_description("Sequence number of the revocation bundle in use")
                .build(),
            issued_at: meter
                .u64_gauge("licentia.revocation.issued")
                .with_description("When the revocation bundle in use was issued, since 1970")
                .with_unit("s")
                .build(),
        }
    }
}

impl Sink for Otel {
    fn record(&self, event: &Event<'_, '_>) {
        let decision = event.decision;
        let license = decision.license();
        let issuer = license.as_ref().map(|license| license.issuer().to_owned());
        let tier = license.map(|license| license.tier().name.to_owned()).unwrap_or_default();
        let attributes = [KeyValue::new("code", decision.code().name()), KeyValue::new("tier", tier)];
        self.decisions.add(1, &attributes);
        if decision.is_allowed() {
            for charge in decision.charges() {
                // A rate and a meter may have the same name.
                let named = |kind| [KeyValue::new(kind, charge.name.to_owned())];
                match charge.unit {
                    Unit::Quota => self.units.add(charge.charged, &named("meter")),
                    Unit::Rate => self.requests.add(charge.charged, &named("rate")),
                    Unit::Seat => self.seats.add(charge.charged, &[]),
                }
            }
        }
        if let (Some((sequence, issued_at)), Some(issuer)) = (event.revocation, issuer) {
            let attributes = [KeyValue::new("issuer", issuer)];
            self.sequence.record(sequence, &attributes);
            self.issued_at.record(issued_at.as_seconds(), &attributes);
        }
        if let Some(took) = event.took_nanos {
            self.duration.record(std::time::Duration::from_nanos(took).as_secs_f64(), &[]);
        }
    }

    fn used(&self, used: &Used<'_>) {
        self.units.add(used.units, &[KeyValue::new("meter", used.meter.to_owned())]);
    }

    fn refunded(&self, refunded: &Used<'_>) {
        self.refunded.add(refunded.units, &[KeyValue::new("meter", refunded.meter.to_owned())]);
    }
}
