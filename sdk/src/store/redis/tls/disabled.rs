//! A build without TLS.

use redis::Client;

use super::Files;
use crate::store::OpenError;

/// Refuses, since this build has no TLS.
pub(in crate::store::redis) fn client(_url: &str, _files: &Files) -> Result<Client, OpenError> {
    Err(OpenError::InvalidUrl(
        "this build has no TLS: build it with the feature `redis-tls`, or use `redis://` within one machine",
    ))
}
