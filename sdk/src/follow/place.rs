//! Where a keyset or a bundle is.

use std::{error::Error, fmt, path::PathBuf, str::FromStr};

use http::Uri;

/// Where something is that is loaded again when it changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A file.
    File(PathBuf),
    /// An `https` URL, or an `http` one.
    Url(Uri),
}

/// A text that names no place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidPlace(String);

impl FromStr for Place {
    type Err = InvalidPlace;

    /// A URL if it has `://`, else the path of a file.
    fn from_str(text: &str) -> Result<Self, InvalidPlace> {
        if text.is_empty() {
            return Err(InvalidPlace("it is empty: give a path or a URL".into()));
        }
        if !text.contains("://") {
            return Ok(Self::File(text.into()));
        }
        let uri = text.parse().ok().filter(is_url);
        uri.map(Self::Url).ok_or_else(|| {
            InvalidPlace(format!("`{text}` is no URL: write `https://HOST/…` or `http://HOST:PORT/…`"))
        })
    }
}

/// Whether a URI has a scheme that is followed, and a host.
pub(super) fn is_url(uri: &Uri) -> bool {
    matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some()
}

impl fmt::Display for InvalidPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for InvalidPlace {}
