//! An HTTP service with three licensed routes: each needs another feature and costs something else.

use std::sync::Arc;

use axum::{Router, routing::get};
use licentia::{
    Gate,
    event::Metrics,
    http::{Admitted, LicenseLayer},
};

/// The service's routes behind a gate, and `/metrics` beside it.
pub fn service(gate: Arc<Gate>, metrics: Arc<Metrics>) -> Router {
    let layer = LicenseLayer::new(gate).rates(&[("api", 1)]);
    Router::new()
        .route("/search", get(search).layer(layer.clone().meters(&[("calls", 1)])))
        .route("/export", get(export).layer(layer.clone().features(["export"]).meters(&[("calls", 10)])))
        .route("/audit", get(audit).layer(layer.features(["audit"])))
        .route("/metrics", get(move || async move { metrics.prometheus() }))
}

async fn search(admitted: Admitted) -> String {
    format!("{} found 3 things\n", customer(&admitted))
}

async fn export(admitted: Admitted) -> String {
    format!("an export for {}, {}\n", customer(&admitted), admitted.state().name())
}

async fn audit(admitted: Admitted) -> String {
    format!("the audit log of {}\n", customer(&admitted))
}

fn customer(admitted: &Admitted) -> String {
    admitted.license().map_or_else(|| "nobody".to_owned(), |license| license.subject().to_owned())
}
