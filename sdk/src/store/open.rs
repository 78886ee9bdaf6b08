//! Opens the store that a URL names.

use std::sync::Arc;

#[cfg(feature = "redis")]
use super::redis::Redis;
#[cfg(feature = "sqlite")]
use super::sqlite::Sqlite;
use super::{contract::Store, error::OpenError, memory::Memory};

/// Opens the store that a URL names: `memory:`, `sqlite:PATH` (with the feature `sqlite`), or
/// `redis://HOST:PORT/DATABASE` and what else Redis clients take (with the feature `redis`). What may stand behind
/// the `?` of the latter is told at [`Redis::open`](crate::store::Redis::open).
///
/// # Errors
/// [`OpenError`]. The URL is not repeated in it, for it may hold a password.
pub fn open(url: &str) -> Result<Arc<dyn Store>, OpenError> {
    let store = open_lazily(url)?;
    store.load("up").map_err(OpenError::Unreachable)?;
    Ok(store)
}

/// As [`open`], when the store is first needed: for a service that must start also while its store is down. Until it
/// is up, the licence's policy decides.
///
/// # Errors
/// [`OpenError`], but not that the store cannot be reached.
pub fn open_lazily(url: &str) -> Result<Arc<dyn Store>, OpenError> {
    match url.split_once(':') {
        Some(("memory", "")) => Ok(Arc::new(Memory::new())),
        #[cfg(feature = "sqlite")]
        Some(("sqlite", path)) => {
            // As others write it: three slashes for a relative path, four for an absolute one.
            let path = path.strip_prefix("///").unwrap_or(path);
            if path.is_empty() || path == ":memory:" {
                return Err(OpenError::InvalidUrl("`sqlite:` is followed by the path of a file"));
            }
            Ok(Arc::new(Sqlite::lazy(path)))
        }
        #[cfg(feature = "redis")]
        Some(("redis" | "rediss" | "redis+unix" | "unix" | "valkey" | "valkeys" | "valkey+unix", _)) => {
            Ok(Arc::new(Redis::lazy(url)?))
        }
        _ => Err(OpenError::UnknownScheme(KINDS.join(", "))),
    }
}

/// The kinds of URLs that this build knows.
const KINDS: &[&str] = &[
    "`memory:`",
    #[cfg(feature = "sqlite")]
    "`sqlite:PATH`",
    #[cfg(feature = "redis")]
    "`redis://HOST:PORT/DATABASE`",
];
