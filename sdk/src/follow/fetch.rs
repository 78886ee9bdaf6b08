//! Fetches from a URL, within bounds of size, time and redirects.

use std::{path::Path, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Incoming;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};

use super::client::{Connector, connector};

/// The longest time that a fetch may take.
const TIME: Duration = Duration::from_secs(20);
/// The longest time to connect.
const CONNECT_TIME: Duration = Duration::from_secs(5);
/// Most redirects.
const REDIRECTS: usize = 3;

/// A client for URLs.
#[derive(Clone, Debug)]
pub(super) struct Fetcher(Client<Connector, Empty<Bytes>>);

/// What was fetched.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) bytes: Vec<u8>,
    pub(super) tag: Option<HeaderValue>,
}

impl Fetcher {
    pub(super) fn new(https: bool, ca: Option<&Path>) -> Result<Self, String> {
        Ok(Self(Client::builder(TokioExecutor::new()).build(connector(https, ca, CONNECT_TIME)?)))
    }

    /// Fetches a URL; none if its entity tag is still `tag`.
    pub(super) async fn get(
        &self,
        url: &Uri,
        tag: Option<&HeaderValue>,
        most: usize,
    ) -> Result<Option<Fetched>, String> {
        let fetched = tokio::time::timeout(TIME, self.follow(url, tag, most)).await;
        let fetched =
            fetched.unwrap_or_else(|_| Err(format!("it took longer than {} seconds", TIME.as_secs())));
        fetched.map_err(|error| format!("{url}: {error}"))
    }

    /// Opens a stream of events.
    pub(super) async fn stream(&self, url: &Uri) -> Result<Incoming, String> {
        let request = Request::get(url).header(header::ACCEPT, "text/event-stream").body(Empty::new());
        let request = request.map_err(|error| error.to_string())?;
        let response = self.0.request(request).await.map_err(|error| why(&error))?;
        let kind = response.headers().get(header::CONTENT_TYPE);
        let is_stream = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
        match response.status() {
            StatusCode::OK if is_stream => Ok(response.into_body()),
            StatusCode::OK => Err("the server answered no `text/event-stream`".into()),
            status => Err(format!("the server answered {status}")),
        }
    }

    async fn follow(
        &self,
        url: &Uri,
        tag: Option<&HeaderValue>,
        most: usize,
    ) -> Result<Option<Fetched>, String> {
        let mut url = url.clone();
        for _ in 0..=REDIRECTS {
            let mut request = Request::get(&url);
            if let Some(tag) = tag {
                request = request.header(header::IF_NONE_MATCH, tag);
            }
            let request = request.body(Empty::new()).map_err(|error| error.to_string())?;
            let response = self.0.request(request).await.map_err(|error| why(&error))?;
            match response.status() {
                StatusCode::OK => {
                    let tag = response.headers().get(header::ETAG).cloned();
                    let body = Limited::new(response.into_body(), most).collect().await;
                    let body =
                        body.map_err(|error| format!("the body: {error}; at most {most} bytes are read"))?;
                    return Ok(Some(Fetched { bytes: body.to_bytes().into(), tag }));
                }
                StatusCode::NOT_MODIFIED | StatusCode::NO_CONTENT => return Ok(None),
                status if status.is_redirection() => {
                    let place =
                        response.headers().get(header::LOCATION).and_then(|place| place.to_str().ok());
                    url = redirected(&url, place).ok_or("the server redirects to no URL that is followed")?;
                }
                status => return Err(format!("the server answered {status}")),
            }
        }
        Err(format!("the server redirects more than {REDIRECTS} times"))
    }
}

/// An error with its cause, which is what people need.
fn why(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// Where a redirect leads: never from `https` to `http`.
fn redirected(from: &Uri, place: Option<&str>) -> Option<Uri> {
    let place = place?;
    let to: Uri = if place.starts_with('/') && !place.starts_with("//") {
        let mut parts = from.clone().into_parts();
        parts.path_and_query = Some(place.parse().ok()?);
        Uri::from_parts(parts).ok()?
    } else {
        place.parse().ok()?
    };
    let secure = to.scheme_str() == Some("https")
        || from.scheme_str() == Some("http") && to.scheme_str() == Some("http");
    (secure && to.host().is_some()).then_some(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_never_leaves_tls() {
        let to = |from: &'static str, place: &str| {
            redirected(&Uri::from_static(from), Some(place)).map(|uri| uri.to_string())
        };
        assert_eq!(to("https://a.example/x", "/y"), Some("https://a.example/y".into()));
        assert_eq!(to("https://a.example/x", "https://b.example/y"), Some("https://b.example/y".into()));
        assert_eq!(to("http://a.example/x", "http://b.example/y"), Some("http://b.example/y".into()));
        for place in ["http://a.example/y", "file:///etc/passwd", "//b.example/y", "y"] {
            assert_eq!(to("https://a.example/x", place), None, "{place}");
        }
    }
}
