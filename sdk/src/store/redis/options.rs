//! What a URL says beside where the server is.

use std::time::Duration;

use crate::store::{OpenError, cell::PREFIX};

/// How long a connection, and each answer, may take.
const PATIENCE: u64 = 1000;

/// What a URL says beside where the server is.
pub(super) struct Options {
    /// What all keys begin with.
    pub(super) prefix: String,
    /// Replicas that must have what was taken before it is granted, and for how many milliseconds they are waited for.
    pub(super) replicas: u64,
    pub(super) replicas_ms: u64,
    /// For how long a connection, and each answer, is waited for.
    pub(super) patience: Duration,
}

impl Options {
    /// Takes the options of this store out of a URL, and leaves those of the client.
    pub(super) fn take(url: &str) -> Result<(Self, String), OpenError> {
        let (mut replicas, mut replicas_ms, mut patience_ms) = (0, 100, PATIENCE);
        let mut keys = PREFIX.to_owned();
        let (place, query) = url.split_once('?').unwrap_or((url, ""));
        let mut rest = Vec::new();
        for option in query.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            let number = || {
                let number = value.parse::<u32>().ok().filter(|number| *number > 0).map(u64::from);
                number.ok_or(OpenError::InvalidUrl(
                    "`wait`, `wait_ms` and `timeout_ms` are whole numbers above 0",
                ))
            };
            match name {
                "prefix" => keys = prefix(value)?,
                "wait" => replicas = number()?,
                "wait_ms" => replicas_ms = number()?,
                "timeout_ms" => patience_ms = number()?,
                _ => rest.push(option),
            }
        }
        if replicas > 0 && replicas_ms >= patience_ms {
            return Err(OpenError::InvalidUrl("`wait_ms` is less than `timeout_ms`"));
        }
        let query = if rest.is_empty() { String::new() } else { format!("?{}", rest.join("&")) };
        let patience = Duration::from_millis(patience_ms);
        Ok((Self { prefix: keys, replicas, replicas_ms, patience }, format!("{place}{query}")))
    }
}

/// A prefix of keys, which needs no escaping anywhere and names no slot of a cluster.
fn prefix(value: &str) -> Result<String, OpenError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte);
    if (1..=64).contains(&value.len()) && value.bytes().all(plain) {
        Ok(value.to_owned())
    } else {
        Err(OpenError::InvalidUrl("`prefix` is 1 to 64 letters, digits and `_ . : -`"))
    }
}
