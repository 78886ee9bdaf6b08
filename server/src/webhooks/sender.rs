//! Sends what is in the outbox.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use licentia_core::Timestamp;
use licentia_issuer::IssuedLicense;
use tokio::{sync::watch, task::JoinSet};

use super::{
    message,
    outbox::{self, Delivery, Webhook},
    schedule,
    signature::MasterSecret,
};
use crate::{
    http::Problem,
    outgoing::{Answer, Client, Outgoing, now},
    server::Server,
};

/// How often the outbox is looked into.
const TICK: Duration = Duration::from_millis(500);
/// How long a delivery is this server's, in seconds: longer than an attempt may take.
const LEASE: u64 = 60;
/// How many are sent at once.
const BATCH: u64 = 32;
/// How long events are kept after they happened, in seconds.
const KEPT: u64 = 30 * 86_400;
/// How often old events are dropped.
const CLEANED: Duration = Duration::from_hours(1);

/// Sends messages with their signatures.
pub(crate) struct Sender {
    pub(crate) server: Server,
    pub(crate) client: Client,
    pub(crate) master: Arc<MasterSecret>,
}

/// What came of an attempt.
enum Outcome {
    Delivered(u64),
    /// The receiver wants no more events.
    Gone,
    Failed {
        status: Option<u64>,
        reason: String,
        retry_after: Option<u64>,
    },
}

impl Sender {
    /// Sends until `stop`. What is being sent then is finished first.
    pub(crate) async fn run(self, mut stop: watch::Receiver<bool>) {
        let this = Arc::new(self);
        let mut cleaned = tokio::time::Instant::now();
        while !*stop.borrow() {
            // If the ledger is out of reach, nothing is sent, and leases end by themselves.
            let sent = this.round().await.unwrap_or(0);
            if cleaned.elapsed() > CLEANED {
                cleaned = tokio::time::Instant::now();
                let before = Timestamp::from_seconds(now().as_seconds().saturating_sub(KEPT));
                // It is tried again in an hour.
                let _ = this.server.clerk().write(move |ledger| Ok(outbox::forget(ledger, before)?)).await;
            }
            if sent == 0 {
                tokio::select! {
                    () = tokio::time::sleep(TICK) => {}
                    _ = stop.wait_for(|stop| *stop) => return,
                }
            }
        }
    }

    /// Sends what is due, and returns how many that were.
    async fn round(self: &Arc<Self>) -> Result<usize, Problem> {
        let now = now();
        if !self.server.readers().read(move |ledger| Ok(outbox::is_due(ledger, now)?)).await? {
            return Ok(0);
        }
        let leased = self.server.clerk().write(move |ledger| {
            let due = outbox::lease(ledger, now, now + LEASE, BATCH)?;
            let mut jobs = Vec::with_capacity(due.len());
            for delivery in due {
                let license = delivery.license.map(|id| ledger.find(&id)).transpose()?.flatten();
                if let Some(webhook) = outbox::find(ledger, &delivery.webhook)? {
                    jobs.push((delivery, webhook, license));
                }
            }
            Ok(jobs)
        });
        let jobs = leased.await?;
        let count = jobs.len();
        let mut running = JoinSet::new();
        for (delivery, webhook, license) in jobs {
            let this = Arc::clone(self);
            running.spawn(async move { this.deliver(delivery, &webhook, license.as_ref()).await });
        }
        while running.join_next().await.is_some() {}
        Ok(count)
    }

    async fn deliver(&self, delivery: Delivery, webhook: &Webhook, license: Option<&IssuedLicense>) {
        let now = now();
        let outcome = self.attempt(&delivery, webhook, license, now).await;
        let mut random = [0; 4];
        // Without random bytes the tries are not spread.
        let _ = getrandom::fill(&mut random);
        let random = u32::from_ne_bytes(random);
        let recorded = self.server.clerk().write(move |ledger| {
            match outcome {
                Outcome::Delivered(status) => outbox::delivered(ledger, &delivery, status)?,
                Outcome::Gone => {
                    let reason = "the receiver wants no more events (410), so the webhook is off";
                    outbox::undelivered(ledger, &delivery, Some(410), reason, None)?;
                    outbox::switch(ledger, &delivery.webhook, false)?;
                }
                Outcome::Failed { status, reason, retry_after } => {
                    let next = schedule::delay(delivery.attempts.saturating_add(1), retry_after, random);
                    outbox::undelivered(ledger, &delivery, status, &reason, next.map(|delay| now + delay))?;
                }
            }
            Ok(())
        });
        // If it cannot be recorded, the message is sent again when the lease ends, with the same identifier.
        let _ = recorded.await;
    }

    async fn attempt(
        &self,
        delivery: &Delivery,
        webhook: &Webhook,
        license: Option<&IssuedLicense>,
        now: Timestamp,
    ) -> Outcome {
        let (id, body) = (message::id(delivery), message::body(delivery, license));
        let sign =
            |generation| self.master.derive(&webhook.id, generation).sign(&id, now.as_seconds(), &body);
        let mut signatures = sign(webhook.generation);
        if webhook.generation > 0 && now < webhook.overlap_until {
            signatures = format!("{signatures} {}", sign(webhook.generation - 1));
        }
        let fields = [
            ("content-type", "application/json"),
            ("user-agent", concat!("licentia-server/", env!("CARGO_PKG_VERSION"))),
            ("webhook-id", &id),
            ("webhook-timestamp", &now.as_seconds().to_string()),
            ("webhook-signature", &signatures),
        ];
        let headers = fields.into_iter().filter_map(|(name, value)| {
            Some((HeaderName::from_static(name), HeaderValue::from_str(value).ok()?))
        });
        let outgoing = Outgoing {
            method: Method::POST,
            url: &webhook.url,
            headers: headers.collect(),
            body: Bytes::from(body),
            longest: 0,
        };
        match self.client.send(outgoing).await {
            Ok(answer) => judge(&answer),
            Err(reason) => Outcome::Failed { status: None, reason, retry_after: None },
        }
    }
}

/// What an answer means, by the Standard Webhooks specification.
fn judge(answer: &Answer) -> Outcome {
    let status = u64::from(answer.status.as_u16());
    if answer.status.is_success() {
        return Outcome::Delivered(status);
    }
    if answer.status == StatusCode::GONE {
        return Outcome::Gone;
    }
    let retry_after =
        answer.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let reason = if answer.status.is_redirection() {
        format!("the receiver redirects ({status}), which is not followed: change the URL")
    } else {
        format!("the receiver answered {status}")
    };
    Outcome::Failed { status: Some(status), reason, retry_after }
}
