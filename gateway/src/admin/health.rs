//! Health and metrics, for probes and Prometheus: on an address that needs no token, since they say nothing about a
//! customer.

use std::fmt::Write;

use super::state::Admin;

/// Everything that is counted, in Prometheus' text format 0.0.4.
pub(super) fn metrics(admin: &Admin) -> String {
    let mut text = admin.metrics.prometheus();
    let [allowed, denied] = admin.decider.events().totals();
    let samples = [
        (
            "requests_total",
            "counter",
            "Requests by outcome.",
            vec![(r#"{outcome="allowed"}"#, allowed), (r#"{outcome="denied"}"#, denied)],
        ),
        (
            "events_skipped_total",
            "counter",
            "Decisions that the live page was not sent, because there were more than 500 in a second.",
            vec![("", admin.decider.events().skipped())],
        ),
        ("pages", "gauge", "Live pages that are open.", vec![("", admin.pages())]),
        ("routes", "gauge", "Routes in use.", vec![("", admin.decider.rules().table.routes().len() as u64)]),
        (
            "start_time_seconds",
            "gauge",
            "When the gateway started, in seconds since 1970.",
            vec![("", admin.started)],
        ),
    ];
    for (name, kind, help, values) in samples {
        // Writing to a string cannot fail.
        let _ =
            writeln!(text, "# HELP licentia_gateway_{name} {help}\n# TYPE licentia_gateway_{name} {kind}");
        for (labels, value) in values {
            let _ = writeln!(text, "licentia_gateway_{name}{labels} {value}");
        }
    }
    text.push_str("# HELP licentia_gateway_refusals_total Refusals by reason, of the decisions that the live page was sent.\n# TYPE licentia_gateway_refusals_total counter\n");
    for (reason, count) in admin.customers.reasons() {
        let _ = writeln!(text, "licentia_gateway_refusals_total{{reason=\"{reason}\"}} {count}");
    }
    text
}
