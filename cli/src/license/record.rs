//! What every command says of a licence, under the same names.

use std::path::Path;

use licentia_core::{Claims, Timestamp};
use licentia_issuer::Token;
use serde_json::{Map, Value, json};

use crate::terminal::output::Result;

/// A licence that was just signed, and where it is: in a file, or here.
pub(crate) fn issued(token: &Token, out: Option<&Path>) -> Result<Value> {
    let claims = token.claims().map_err(|malformed| malformed.code)?;
    let mut value = record(&claims);
    value.insert("claims".into(), serde_json::from_str(&claims.json().to_string())?);
    match out {
        Some(path) => value.insert("out".into(), json!(path)),
        None => value.insert("token".into(), json!(token.text())),
    };
    Ok(value.into())
}

/// The licence under the names that the ledger's commands have too. `claims` has the names of the token's format.
pub(crate) fn record(claims: &Claims<'_>) -> Map<String, Value> {
    let tier = claims.tier();
    let value = json!({
        "id": claims.id().to_string(), "lineage": claims.lineage().to_string(), "issuer": claims.issuer(),
        "subject": claims.subject(), "tier": { "name": tier.name, "version": tier.version },
        "kind": claims.kind().name(), "kid": claims.kid().to_string(),
        "issued_at": claims.issued_at().as_seconds(), "not_before": claims.not_before().map(Timestamp::as_seconds),
        "term_end": claims.term_end().map(Timestamp::as_seconds), "expires": claims.expires().as_seconds(),
        "index": claims.index(),
    });
    match value {
        Value::Object(record) => record,
        _ => Map::new(),
    }
}
