//! Signed receipts of what was used, written in the background.

use std::{fs, sync::Arc};

use http::{HeaderValue, Method, Request, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use licentia::{HolderKey, Now, receipt::Receipts as Log};
use tokio::sync::watch;

use crate::{
    client::{Connector, connector},
    config::Receipts as Settings,
};

/// The media type of one receipt, and of its acknowledgement.
const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/cose");
/// The longest acknowledgement that is read.
const LONGEST: usize = 64 << 10;
/// The longest time that sending a receipt may take.
const TIME: std::time::Duration = std::time::Duration::from_secs(20);

/// Writes receipts into a log, and sends them to a server if there is one.
#[derive(Debug)]
pub(crate) struct Receipts {
    log: Arc<Log>,
    settings: Settings,
    client: Option<Client<Connector, Full<bytes::Bytes>>>,
}

impl Receipts {
    /// Opens the log.
    ///
    /// # Errors
    /// What is wrong with it, or with the key.
    pub(crate) fn open(settings: Settings) -> Result<Self, String> {
        let path = settings.key.display();
        let pem =
            fs::read_to_string(&settings.key).map_err(|error| format!("`receipts.key` {path}: {error}"))?;
        let key = HolderKey::from_pem(&pem).map_err(|error| format!("`receipts.key` {path}: {error}"))?;
        let log = Log::open(&settings.log, key).map_err(|error| format!("`receipts.log`: {error}"))?;
        let https = settings.server.as_ref().is_some_and(|server| server.scheme_str() == Some("https"));
        let client = settings.server.as_ref().map(|_| connector(https, TIME, false)).transpose()?;
        let client = client.map(|connector| Client::builder(TokioExecutor::new()).build(connector));
        Ok(Self { log: Arc::new(log), settings, client })
    }

    /// The log, which counts what the gate allows.
    pub(crate) fn log(&self) -> &Arc<Log> {
        &self.log
    }

    /// Writes and sends again and again until `stop`, and then once more. Each problem goes to `report`, once while it
    /// lasts.
    pub(crate) async fn run(self, mut stop: watch::Receiver<bool>, report: impl Fn(&str) + Send) {
        let mut known = None;
        loop {
            let stopped = tokio::select! {
                () = tokio::time::sleep(self.settings.interval) => false,
                _ = stop.wait_for(|stop| *stop) => true,
            };
            let mut problem = self.write().await.err();
            // When the gateway stops, the receipts wait in the log for its next start.
            if problem.is_none() && !stopped {
                problem = self.send().await.err();
            }
            if problem.is_some() && problem != known {
                report(problem.as_deref().unwrap_or_default());
            }
            known = problem;
            if stopped {
                return;
            }
        }
    }

    /// Writes what was used since the last time.
    async fn write(&self) -> Result<(), String> {
        let log = Arc::clone(&self.log);
        let written = tokio::task::spawn_blocking(move || log.write(Now::system().time)).await;
        written.map_err(|error| error.to_string())?.map_err(|error| format!("receipts: {error}"))?;
        Ok(())
    }

    /// Sends what was not acknowledged, the oldest first.
    async fn send(&self) -> Result<(), String> {
        let (Some(client), Some(server)) = (&self.client, &self.settings.server) else { return Ok(()) };
        let waiting = self.log.unacknowledged().map_err(|error| format!("receipts: {error}"))?;
        for receipt in waiting {
            let mut request =
                Request::builder().method(Method::POST).uri(server).header(header::CONTENT_TYPE, MEDIA_TYPE);
            if let Some(path) = &self.settings.credential {
                let token = fs::read_to_string(path)
                    .map_err(|error| format!("`receipts.credential` {}: {error}", path.display()))?;
                request = request.header(header::AUTHORIZATION, format!("Bearer {}", token.trim()));
            }
            let request = request.body(Full::from(receipt)).map_err(|error| format!("receipts: {error}"))?;
            let failed = |error: &dyn std::fmt::Display| format!("receipts to {server}: {error}");
            let sent = tokio::time::timeout(TIME, client.request(request)).await;
            let response = sent.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?;
            if !response.status().is_success() {
                return Err(failed(&format!("the server answered {}", response.status())));
            }
            let body =
                tokio::time::timeout(TIME, Limited::new(response.into_body(), LONGEST).collect()).await;
            let body = body.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?.to_bytes();
            if !body.is_empty() {
                self.log.acknowledge(&body, &self.settings.vendor).map_err(|error| failed(&error))?;
            }
        }
        Ok(())
    }
}
