//! The vendor's event stream: what was revoked is known at once, not at the next poll.
//!
//! Each event (server-sent events, `text/event-stream`) has a JSON object: `issuer`, `stream` and `sequence` of a new
//! bundle, and `delta`, the delta that leads to it, in unpadded base64url, if it is short. A delta is loaded as it comes;
//! without one, or if it does not fit, every place is looked at.

use std::{sync::Arc, time::Duration};

use data_encoding::BASE64URL_NOPAD;
use http::Uri;
use http_body_util::BodyExt;
use tokio::sync::{Notify, watch};

use super::{cache::Cache, fetch::Fetcher, settings::Report, trusted::Trusted};

/// The longest event that is read: a delta of 64 KiB in base64url, and some more.
const LONGEST: usize = 128 << 10;
/// Without a byte for so long, the connection is dead: servers send a heartbeat.
const SILENCE: Duration = Duration::from_mins(1);
/// The shortest and the longest time to the next connection.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_mins(1));

/// Follows a stream until `stop`. `look` is notified when every place must be looked at; each problem goes to `report`,
/// once while it lasts.
pub(super) async fn follow(
    url: Uri,
    fetcher: Fetcher,
    (trusted, cache): (Trusted, Cache),
    look: Arc<Notify>,
    mut stop: watch::Receiver<bool>,
    report: Report,
) {
    let (mut wait, mut known) = (BACK_OFF.0, None);
    loop {
        let mut was_open = false;
        let ended = tokio::select! {
            ended = read(&url, &fetcher, (&trusted, &cache), &look, &mut was_open) => ended,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        if was_open {
            (wait, known) = (BACK_OFF.0, None);
        }
        let problem = Some(format!("`events` {url}: {ended}"));
        if problem != known {
            report(problem.as_deref().unwrap_or_default());
        }
        known = problem;
        tokio::select! {
            () = tokio::time::sleep(super::source::jittered(wait)) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        wait = wait.saturating_mul(2).min(BACK_OFF.1);
    }
}

/// Reads a stream, and returns why it ended.
async fn read(
    url: &Uri,
    fetcher: &Fetcher,
    (trusted, cache): (&Trusted, &Cache),
    look: &Notify,
    was_open: &mut bool,
) -> String {
    let mut body = match tokio::time::timeout(SILENCE, fetcher.stream(url)).await {
        Ok(Ok(body)) => body,
        Ok(Err(problem)) => return problem,
        Err(_) => return format!("no answer for {} seconds", SILENCE.as_secs()),
    };
    *was_open = true;
    // What happened while the stream was not there.
    look.notify_one();
    let mut lines = Lines::default();
    loop {
        let frame = match tokio::time::timeout(SILENCE, body.frame()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(error))) => return error.to_string(),
            Ok(None) => return "the server has ended the stream".into(),
            Err(_) => return format!("silence for {} seconds", SILENCE.as_secs()),
        };
        let Ok(bytes) = frame.into_data() else { continue };
        for data in lines.add(&bytes) {
            take(&data, trusted, cache, look);
        }
        if lines.length() > LONGEST {
            return format!("an event is longer than {LONGEST} bytes");
        }
    }
}

/// Loads a delta, or lets every place be looked at.
fn take(data: &str, trusted: &Trusted, cache: &Cache, look: &Notify) {
    let event: Option<serde_json::Value> = serde_json::from_str(data).ok();
    let delta = event.as_ref().and_then(|event| event.get("delta")?.as_str());
    let delta = delta.and_then(|delta| BASE64URL_NOPAD.decode(delta.as_bytes()).ok());
    let loaded = delta.is_some_and(|delta| match trusted.load_revocation(&delta) {
        Ok(is_new) => !is_new || cache.keep_delta(&delta).is_ok(),
        Err(_) => false,
    });
    if !loaded {
        look.notify_one();
    }
}

/// Splits a stream into the data of its events (HTML, section 9.2.6).
#[derive(Debug, Default)]
struct Lines {
    rest: Vec<u8>,
    data: String,
}

impl Lines {
    fn add(&mut self, bytes: &[u8]) -> Vec<String> {
        self.rest.extend_from_slice(bytes);
        let mut events = Vec::new();
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\r', '\n']);
            if line.is_empty() {
                let data = std::mem::take(&mut self.data);
                events.extend((!data.is_empty()).then_some(data));
            } else if let Some(data) = line.strip_prefix("data:") {
                if !self.data.is_empty() {
                    self.data.push('\n');
                }
                self.data += data.strip_prefix(' ').unwrap_or(data);
            }
        }
        events
    }

    /// What waits for its end.
    fn length(&self) -> usize {
        self.rest.len().max(self.data.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_split_wherever_the_bytes_are() {
        let text = b": heartbeat\n\nevent: bundle\r\ndata: {\"a\":1}\r\n\r\nid: 3\ndata:x\ndata: y\n\ndata: unfinished\n";
        let expected = ["{\"a\":1}", "x\ny"];
        for size in 1..text.len() {
            let mut lines = Lines::default();
            let events: Vec<String> = text.chunks(size).flat_map(|chunk| lines.add(chunk)).collect();
            assert_eq!(events, expected, "{size}");
        }
    }
}
