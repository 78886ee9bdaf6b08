//! Where a request has its token.

use std::{fmt, str::FromStr};

/// A place in a request where a token may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenSource {
    /// `authorization`: `Authorization: Bearer lic1_…`.
    Authorization,
    /// `x-api-key`, or another field whose whole value is the token.
    Field(http::HeaderName),
    /// `cookie:NAME`.
    Cookie(String),
    /// `websocket`: an item of `Sec-WebSocket-Protocol`, for browsers, which set no other field.
    WebSocket,
}

impl FromStr for TokenSource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let lower = text.to_ascii_lowercase();
        match lower.as_str() {
            "authorization" => return Ok(Self::Authorization),
            "websocket" => return Ok(Self::WebSocket),
            "cookie" => return Err("write `cookie:NAME` with the cookie's name".into()),
            _ => {}
        }
        if let Some(name) = text.strip_prefix("cookie:") {
            let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            return if !name.is_empty() && name.bytes().all(is_token) {
                Ok(Self::Cookie(name.into()))
            } else {
                Err(format!("`{name}` is no name of a cookie"))
            };
        }
        let field = lower.parse::<http::HeaderName>();
        field.map(Self::Field).map_err(|_| {
            format!("`{text}` is no place for a token: write `authorization`, `x-api-key`, `cookie:NAME` or `websocket`")
        })
    }
}

impl fmt::Display for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authorization => f.write_str("authorization"),
            Self::Field(name) => f.write_str(name.as_str()),
            Self::Cookie(name) => write!(f, "cookie:{name}"),
            Self::WebSocket => f.write_str("websocket"),
        }
    }
}
