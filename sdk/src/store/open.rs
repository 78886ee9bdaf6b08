//! Opens the store that a URL names.

use std::sync::Arc;

#[cfg(feature = "redis")]
use super::redis::Redis;
#[cfg(feature = "sqlite")]
use super::sqlite::Sqlite;
use super::{contract::Store, error::OpenError, memory::Memory};

/// Opens the store that a URL names: `memory:`, `sqlite:PATH` (with the feature `sqlite`), or
/// `redis://HOST:PORT/DATABASE` and other URLs of Redis clients (with the feature `redis`). [`Redis::open`](crate::store::Redis::open) lists the
/// options after its `?`.
///
/// # Errors
/// [`OpenError`]. It never repeats the URL, which may hold a password.
pub fn open(url: &str) -> Result<Arc<dyn Store>, OpenError> {
    let (store, place) = named(url)?;
    store.check().map_err(|error| OpenError::Unreachable { place, error })?;
    Ok(store)
}

/// As [`open`], but connects when the store is first needed: for a service that must start while its store is down.
/// Until the store is up, the licence's policy decides.
///
/// # Errors
/// [`OpenError`], except that the store cannot be reached.
pub fn open_lazily(url: &str) -> Result<Arc<dyn Store>, OpenError> {
    named(url).map(|(store, _)| store)
}

/// The store that a URL names, and where it is, without a password.
fn named(url: &str) -> Result<(Arc<dyn Store>, String), OpenError> {
    match url.split_once(':') {
        Some(("memory", "")) => Ok((Arc::new(Memory::new()), "memory".to_owned())),
        #[cfg(feature = "sqlite")]
        Some(("sqlite", path)) => {
            // As others write it: three slashes for a relative path, four for an absolute one. After two, the first part
            // would be a host.
            let path = match path.strip_prefix("///") {
                Some(path) => path,
                None if path.starts_with("//") => return Err(OpenError::InvalidUrl(TWO_SLASHES)),
                None => path,
            };
            if path.is_empty() || path == ":memory:" {
                return Err(OpenError::InvalidUrl("`sqlite:` is followed by the path of a file"));
            }
            Ok((Arc::new(Sqlite::lazy(path)), path.to_owned()))
        }
        #[cfg(feature = "redis")]
        Some(("redis" | "rediss" | "redis+unix" | "unix" | "valkey" | "valkeys" | "valkey+unix", _)) => {
            let redis = Redis::lazy(url)?;
            let server = redis.server();
            Ok((Arc::new(redis), server))
        }
        _ => Err(OpenError::UnknownScheme(KINDS.join(", "))),
    }
}

/// What to write instead of `sqlite://usage.db`.
#[cfg(feature = "sqlite")]
const TWO_SLASHES: &str = "write `sqlite:usage.db` or `sqlite:///usage.db` for a path in the working folder, and \
    `sqlite:/var/usage.db` or `sqlite:////var/usage.db` for one from the root; with two slashes the first part is a host";

/// The kinds of URLs that this build knows.
const KINDS: &[&str] = &[
    "`memory:`",
    #[cfg(feature = "sqlite")]
    "`sqlite:PATH`",
    #[cfg(feature = "redis")]
    "`redis://HOST:PORT/DATABASE`",
    #[cfg(feature = "redis-tls")]
    "`rediss://HOST:PORT/DATABASE`",
];
