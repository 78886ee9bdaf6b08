//! A toy API, for who has none. It holds no word about licences: the gateway tells it who calls.

use std::net::SocketAddr;

use axum::{Json, Router, extract::Path, http::HeaderMap, routing::get};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Starts it on a free port.
pub(super) async fn start() -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let router = Router::new()
        .route("/v1/status", get(|| async { Json(json!({ "status": "fine" })) }))
        .route("/v1/forecast", get(forecast))
        .route("/v1/exports/{id}", get(export));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

async fn forecast(headers: HeaderMap) -> Json<Value> {
    Json(
        json!({ "forecast": "sunny, 21 °C", "for": field(&headers, "x-licentia-subject"), "tier": field(&headers, "x-licentia-tier") }),
    )
}

async fn export(Path(id): Path<String>, headers: HeaderMap) -> Json<Value> {
    Json(json!({ "export": id, "rows": 1024, "for": field(&headers, "x-licentia-subject") }))
}

fn field(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}
