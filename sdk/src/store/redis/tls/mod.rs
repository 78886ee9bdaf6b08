//! TLS to the server, whose certificate and name are always verified.

#[cfg(not(feature = "redis-tls"))]
mod disabled;
#[cfg(feature = "redis-tls")]
mod enabled;

#[cfg(not(feature = "redis-tls"))]
pub(super) use disabled::client;
#[cfg(feature = "redis-tls")]
pub(super) use enabled::client;

use crate::store::OpenError;

/// The files that a URL names, all in PEM.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// The authorities to trust in place of the system's.
    pub(super) ca: Option<String>,
    /// This client's certificate and its private key.
    pub(super) cert: Option<String>,
    pub(super) key: Option<String>,
}

impl Files {
    /// Whether they go together, and with a URL that asks for TLS or not.
    ///
    /// # Errors
    /// [`OpenError::InvalidUrl`] if not.
    pub(super) fn check(&self, tls: bool) -> Result<(), OpenError> {
        if !tls && (self.ca.is_some() || self.cert.is_some() || self.key.is_some()) {
            return Err(OpenError::InvalidUrl("`ca`, `cert` and `key` need `rediss://` or `valkeys://`"));
        }
        if self.cert.is_some() != self.key.is_some() {
            return Err(OpenError::InvalidUrl("`cert` and `key` go together"));
        }
        Ok(())
    }
}

/// Whether a URL asks for TLS.
///
/// # Errors
/// [`OpenError::InvalidUrl`] if it has a fragment: other clients take `#insecure` for leave to verify nothing.
pub(super) fn is_asked_for(url: &str) -> Result<bool, OpenError> {
    let tls = url.starts_with("rediss:") || url.starts_with("valkeys:");
    if tls && url.contains('#') {
        return Err(OpenError::InvalidUrl(
            "a certificate is always verified: leave out what begins with `#`",
        ));
    }
    Ok(tls)
}
