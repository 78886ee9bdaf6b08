//! What is done when Stripe tells of a payment, each hour, and when gateways report usage.

use std::time::Duration;

use http::StatusCode;
use licentia_core::{Timestamp, TokenId};
use tokio::sync::watch;

use super::{
    account::Payments,
    api::{MeterEvent, Stripe},
    apply::{Applied, Shop},
    subscription::Subscription,
    sums::{self, LATE},
    tables,
};
use crate::{access::Identity, audit, http::Problem, outgoing::now, server::Server};

/// How often all subscriptions are read, for events that were lost.
const SWEEP: Duration = Duration::from_hours(1);
/// How often sums are reported.
const REPORT: Duration = Duration::from_mins(5);
/// How long it waits after its start, so that a server which restarts in a loop does not flood Stripe.
const FIRST: Duration = Duration::from_secs(20);
/// How long events are remembered, in seconds.
const KEPT: u64 = 60 * 86_400;
/// The name of the collector in the tables.
const SINK: &str = "stripe";

impl Payments {
    /// Reads a subscription again, because an event told of it, and does what it means. The event is remembered in the
    /// same transaction.
    ///
    /// # Errors
    /// 503 if Stripe is out of reach, so that it sends the event again; 422 for what cannot be sold.
    pub(super) async fn see(&self, server: &Server, id: &str, event: &str) -> Result<Applied, Problem> {
        let _turn = self.turn.lock().await;
        let subscription = self.stripe.subscription(id).await.map_err(|error| {
            eprintln!("licentia-server: {error}");
            Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "stripe_unreachable",
                "Stripe is out of reach.",
                "The subscription could not be read again. Send the event later.",
            )
        })?;
        self.apply(server, subscription, Some(event.to_owned())).await
    }

    async fn apply(
        &self,
        server: &Server,
        subscription: Subscription,
        event: Option<String>,
    ) -> Result<Applied, Problem> {
        let (this, issuer, prices) = (server.clone(), self.issuer.clone(), self.prices.clone());
        let applied = server.clerk().write(move |ledger| {
            let now = now();
            let catalogue = this.catalogue(ledger, &issuer)?;
            let shop = Shop { issuer: &this.keys(&issuer)?.issuer, catalogue: &catalogue, prices: &prices };
            let applied = shop.apply(ledger, &subscription, now)?;
            if let Some(event) = &event {
                tables::take_event(ledger, event, now)?;
            }
            let done = match &applied {
                Applied::Issued(id) => Some(("payment.issue", id.to_string())),
                Applied::Continued(id) => Some(("payment.renew", id.to_string())),
                Applied::Refused(_) | Applied::Unchanged => None,
            };
            if let Some((action, target)) = done {
                audit::record(ledger, &payer(&issuer, &subscription.id, now), action, &target, now)?;
            }
            Ok(applied)
        });
        let applied = applied.await?;
        if matches!(applied, Applied::Continued(_)) {
            server.publish();
        }
        Ok(applied)
    }

    /// Sweeps and reports until `stop`.
    pub(crate) async fn run(&self, server: &Server, stop: &mut watch::Receiver<bool>) {
        let start = tokio::time::Instant::now() + FIRST;
        let mut sweep = tokio::time::interval_at(start, SWEEP);
        let mut report = tokio::time::interval_at(start, REPORT);
        loop {
            tokio::select! {
                () = async { drop(stop.wait_for(|stop| *stop).await) } => return,
                _ = sweep.tick() => {
                    let problem = self.sweep(server).await.err();
                    if let Some(problem) = &problem {
                        eprintln!("licentia-server: {problem}");
                    }
                    self.swept(problem);
                }
                _ = report.tick() => {
                    if let Err(problem) = self.report(server).await {
                        eprintln!("licentia-server: {problem}");
                    }
                }
            }
        }
    }

    /// Reads all subscriptions, and does what they mean: for events that were lost.
    ///
    /// # Errors
    /// What went wrong with at least one.
    pub(super) async fn sweep(&self, server: &Server) -> Result<(), String> {
        let (mut after, mut problem) = (None, None);
        for _ in 0..Stripe::most_pages() {
            let _turn = self.turn.lock().await;
            let (page, next) = self.stripe.page(after.as_deref()).await?;
            for subscription in page {
                let applied = match subscription {
                    Ok(subscription) => {
                        let id = subscription.id.clone();
                        let applied = self.apply(server, subscription, None).await;
                        applied.map_err(|problem| format!("subscription {id}: {}", problem.detail()))
                    }
                    Err(error) => Err(error),
                };
                // One that cannot be sold does not keep others from being renewed.
                problem = applied.err().or(problem);
            }
            after = next;
            if after.is_none() {
                break;
            }
        }
        let before = Timestamp::from_seconds(now().as_seconds().saturating_sub(KEPT));
        let forgotten = server.clerk().write(move |ledger| Ok(tables::forget_events(ledger, before)?)).await;
        forgotten.map_err(|_| "the ledger is out of reach".to_owned())?;
        problem.map_or(Ok(()), Err)
    }

    /// Reports to Stripe what customers have used in their billing periods, as sums that only grow. What was sent is
    /// remembered, so that only what has grown is sent.
    ///
    /// # Errors
    /// What went wrong. It is sent again next time.
    pub(super) async fn report(&self, server: &Server) -> Result<(), String> {
        if self.meters.is_empty() {
            return Ok(());
        }
        let (this, issuer, meters, now) = (server.clone(), self.issuer.clone(), self.meters.clone(), now());
        let due = server.readers().read(move |ledger| {
            let report = this.reports().of(ledger, &issuer)?;
            let mut paid = tables::all(ledger)?;
            paid.retain(|paid| paid.issuer == issuer);
            let oldest = Timestamp::from_seconds(now.as_seconds().saturating_sub(LATE));
            Ok(sums::due(&report, &paid, &tables::sent(ledger, SINK, oldest)?, &meters, now))
        });
        let due = due.await.map_err(|_| "the ledger is out of reach".to_owned())?;
        for sum in due {
            let Some(name) = self.meters.get(&sum.meter) else { continue };
            let timestamp = sums::timestamp(&sum, now);
            let identifier =
                format!("{}-{}-{}-{}", sum.name, sum.meter, sum.period.0.as_seconds(), sum.value);
            let event = MeterEvent {
                name,
                customer: &sum.name,
                value: sum.value,
                timestamp,
                identifier: &identifier,
            };
            self.stripe.report(&event).await?;
            let saved = server.clerk().write(move |ledger| Ok(tables::save_sent(ledger, SINK, &sum)?)).await;
            saved.map_err(|_| "the ledger is out of reach".to_owned())?;
        }
        Ok(())
    }
}

/// Who is in the audit for what a payment did.
fn payer(issuer: &str, subscription: &str, now: Timestamp) -> Identity {
    Identity {
        issuer: issuer.to_owned(),
        subject: format!("stripe {subscription}"),
        lineage: [0; 16].into(),
        id: TokenId::from([0; 16]),
        is_admin: false,
        is_bound: false,
        now,
    }
}
