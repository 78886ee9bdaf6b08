//! What a URL says beside where the server is.

use std::time::Duration;

use super::tls::Files;
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
    /// For TLS.
    pub(super) files: Files,
}

impl Options {
    /// Takes the options of this store out of a URL, and leaves those of the client.
    pub(super) fn take(url: &str) -> Result<(Self, String), OpenError> {
        let (mut replicas, mut replicas_ms, mut patience_ms) = (0, 100, PATIENCE);
        let mut keys = PREFIX.to_owned();
        let (place, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut rest, mut files) = (Vec::new(), Files::default());
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
                "ca" => files.ca = Some(path(value)?),
                "cert" => files.cert = Some(path(value)?),
                "key" => files.key = Some(path(value)?),
                _ => rest.push(option),
            }
        }
        if replicas > 0 && replicas_ms >= patience_ms {
            return Err(OpenError::InvalidUrl("`wait_ms` is less than `timeout_ms`"));
        }
        let query = if rest.is_empty() { String::new() } else { format!("?{}", rest.join("&")) };
        let patience = Duration::from_millis(patience_ms);
        Ok((Self { prefix: keys, replicas, replicas_ms, patience, files }, format!("{place}{query}")))
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

/// The path of a file, in which `%26` stands for `&` and so on.
fn path(value: &str) -> Result<String, OpenError> {
    let mut parts = value.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let byte = part.get(..2).and_then(hex);
        bytes.push(byte.ok_or(NO_PATH)?);
        bytes.extend_from_slice(part.get(2..).unwrap_or_default().as_bytes());
    }
    String::from_utf8(bytes).ok().filter(|path| !path.is_empty()).ok_or(NO_PATH)
}

/// Two hexadecimal digits; a sign is none.
fn hex(digits: &str) -> Option<u8> {
    let plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    plain.then(|| u8::from_str_radix(digits, 16).ok()).flatten()
}

const NO_PATH: OpenError =
    OpenError::InvalidUrl("`ca`, `cert` and `key` are paths of files; `%` is written as `%25`");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_decoded() {
        assert_eq!(path("/etc/a%26b%25.pem").unwrap(), "/etc/a&b%.pem");
        assert_eq!(path("ca.pem").unwrap(), "ca.pem");
        for wrong in ["", "a%", "a%2", "a%zz", "%ff", "a%+1"] {
            assert!(path(wrong).is_err(), "{wrong}");
        }
    }
}
