//! Where a ledger is.

use std::{
    convert::Infallible,
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

/// Where a ledger is: a file of SQLite, or a database of PostgreSQL. `Display` leaves out the password of a URL.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LedgerLocation {
    /// The path of a file.
    Sqlite(PathBuf),
    /// The URL of a database, `postgres://user@host/database`.
    Postgres(String),
}

impl From<&Path> for LedgerLocation {
    fn from(path: &Path) -> Self {
        Self::Sqlite(path.into())
    }
}

impl FromStr for LedgerLocation {
    type Err = Infallible;

    /// Reads `postgres://...`, `sqlite:PATH` or a path.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(text.to_owned()));
        }
        let path = text.strip_prefix("sqlite:").unwrap_or(text);
        let path = path.strip_prefix("//").unwrap_or(path);
        Ok(Self::Sqlite(path.into()))
    }
}

impl fmt::Display for LedgerLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(f),
            Self::Postgres(url) => f.write_str(&without_password(url)),
        }
    }
}

impl fmt::Debug for LedgerLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LedgerLocation({self})")
    }
}

/// A URL without the password, which is before the host or among the parameters.
fn without_password(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
    let rest = match rest.rsplit_once('@') {
        Some((user, host)) => format!("{}@{host}", user.split(':').next().unwrap_or_default()),
        None => rest.to_owned(),
    };
    let kept = query.into_iter().flat_map(|query| query.split('&'));
    let kept: Vec<&str> = kept.filter(|pair| !pair.to_ascii_lowercase().starts_with("password=")).collect();
    let query = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
    format!("{scheme}://{rest}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_a_path_or_a_url_and_shows_no_password() {
        let location = |text: &str| text.parse::<LedgerLocation>().unwrap();
        assert_eq!(location("ledger.db"), LedgerLocation::Sqlite("ledger.db".into()));
        assert_eq!(location("sqlite:/var/ledger.db"), LedgerLocation::Sqlite("/var/ledger.db".into()));
        assert_eq!(location("sqlite:///var/ledger.db"), LedgerLocation::Sqlite("/var/ledger.db".into()));
        for (url, shown) in [
            ("postgres://host/db", "postgres://host/db"),
            ("postgresql://ann:s3cret@host:1/db", "postgresql://ann@host:1/db"),
            ("postgres://ann:s3@cret@host/db?a=b", "postgres://ann@host/db?a=b"),
            ("postgres:///db?user=ann&password=s3cret&host=/run", "postgres:///db?user=ann&host=/run"),
        ] {
            assert_eq!(location(url).to_string(), shown);
            assert!(!format!("{:?}", location(url)).contains("cret"));
        }
    }
}
