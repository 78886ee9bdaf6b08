//! Fetches revocation bundles over HTTP: a conditional request with the last entity tag (RFC 9110, section
//! 13.1.2), so that an unchanged bundle costs a few hundred bytes.
//!
//! The tag is remembered as soon as the bundle is here, also where the gate then refuses it: the watch keeps what
//! was refused and tries it again with the next keyset, so that it need not be fetched twice.

use std::time::Duration;

use licentia::{FeedError, limits};
use ureq::Agent;

/// A source for [`licentia::Watch::source`].
pub struct Fetch {
    agent: Agent,
    url: String,
    tag: Option<String>,
}

impl Fetch {
    /// Fetches from a URL, with a time limit for each request.
    pub fn new(url: impl Into<String>, limit: Duration) -> Self {
        let agent = Agent::config_builder().timeout_global(Some(limit)).http_status_as_error(false).build();
        Self { agent: agent.into(), url: url.into(), tag: None }
    }

    /// The bundle, if it has changed since the last time.
    ///
    /// # Errors
    /// [`FeedError::Source`] if the server does not return it, or returns more than a bundle may have.
    pub fn fetch(&mut self) -> Result<Option<Vec<u8>>, FeedError> {
        let mut request = self.agent.get(&self.url);
        if let Some(tag) = &self.tag {
            request = request.header("if-none-match", tag);
        }
        let mut response = request.call().map_err(FeedError::source)?;
        match response.status().as_u16() {
            304 => Ok(None),
            200 => {
                let tag = response.headers().get("etag").and_then(|tag| tag.to_str().ok()).map(str::to_owned);
                let most = u64::try_from(limits::BUNDLE_BYTES).unwrap_or(u64::MAX);
                let body =
                    response.body_mut().with_config().limit(most).read_to_vec().map_err(FeedError::source)?;
                self.tag = tag;
                Ok(Some(body))
            }
            status => Err(FeedError::source(format!("the server answered {status}"))),
        }
    }
}
