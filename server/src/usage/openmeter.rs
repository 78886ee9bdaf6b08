//! What was used, as `CloudEvents` to `OpenMeter`: sums that only grow, in batches.
//!
//! One event says what a customer's licence has used of a meter in a period so far. Its identifier contains the sum, so
//! that a repetition is recognised, and only what has grown is sent. In `OpenMeter`, the meter takes the greatest value
//! (`MAX`), grouped by `lineage`.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Method, header};
use licentia::receipt::Report;
use licentia_core::{Lineage, Timestamp};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::collector::OpenMeter;
use crate::{
    outgoing::{Outgoing, now},
    server::Server,
    stripe::tables::{self, Sent},
};

/// How often it is sent.
const EVERY: Duration = Duration::from_mins(1);
/// Events of a batch.
const BATCH: usize = 500;
/// How long after its end a period is still sent, in seconds.
const LATE: u64 = 90 * 86_400;
/// The longest answer that is read.
const LONGEST: usize = 64 << 10;
/// The name of the collector in the tables.
const SINK: &str = "openmeter";
/// The end of a period that has none.
const FOREVER: Timestamp = Timestamp::from_seconds(licentia_core::limits::TIME);

impl OpenMeter {
    /// Sends until `stop`. What fails is sent again the next time.
    pub(crate) async fn run(&self, server: &Server, stop: &mut watch::Receiver<bool>) {
        let mut told = String::new();
        loop {
            tokio::select! {
                () = async { drop(stop.wait_for(|stop| *stop).await) } => return,
                () = tokio::time::sleep(EVERY) => {}
            }
            let problem = self.send(server).await.err().unwrap_or_default();
            if !problem.is_empty() && problem != told {
                eprintln!("licentia-server: OpenMeter: {problem}");
            }
            told = problem;
        }
    }

    /// Sends what has grown.
    ///
    /// # Errors
    /// Why it was not taken.
    pub(crate) async fn send(&self, server: &Server) -> Result<(), String> {
        let unreachable = |_| "the ledger is out of reach".to_owned();
        let (this, issuer, now) = (server.clone(), self.issuer.clone(), now());
        let due = server.readers().read(move |ledger| {
            let report = this.reports().of(ledger, &issuer)?;
            let oldest = Timestamp::from_seconds(now.as_seconds().saturating_sub(LATE));
            let due = grown(&report, &tables::sent(ledger, SINK, oldest)?, oldest);
            let mut subjects = BTreeMap::new();
            for (lineage, _) in &due {
                if let Entry::Vacant(place) = subjects.entry(*lineage) {
                    let newest =
                        ledger.of_lineage(lineage)?.into_iter().rfind(|license| license.issuer == issuer);
                    place.insert(newest.map_or_else(|| lineage.to_string(), |license| license.subject));
                }
            }
            Ok((due, subjects))
        });
        let (due, subjects) = due.await.map_err(unreachable)?;
        for batch in due.chunks(BATCH) {
            let events = batch.iter().map(|(lineage, sum)| event(&self.issuer, lineage, sum, &subjects, now));
            let body = Value::from(events.collect::<Vec<_>>()).to_string();
            let kind = HeaderValue::from_static("application/cloudevents-batch+json");
            let mut headers = vec![(header::CONTENT_TYPE, kind)];
            headers.extend(self.authorization.clone().map(|field| (header::AUTHORIZATION, field)));
            let (method, url) = (Method::POST, &*self.url);
            let outgoing = Outgoing { method, url, headers, body: Bytes::from(body), longest: LONGEST };
            let answer = self.client.send(outgoing).await?;
            if !answer.status.is_success() {
                return Err(format!("it answered {}", answer.status));
            }
            let sent: Vec<Sent> = batch.iter().map(|(_, sum)| sum.clone()).collect();
            let saved = server.clerk().write(move |ledger| {
                Ok(sent.iter().try_for_each(|sum| tables::save_sent(ledger, SINK, sum))?)
            });
            saved.await.map_err(unreachable)?;
        }
        Ok(())
    }
}

/// The sums that have grown since they were sent.
fn grown(report: &Report, sent: &[Sent], oldest: Timestamp) -> Vec<(Lineage, Sent)> {
    let known: BTreeMap<_, u64> =
        sent.iter().map(|sent| ((&*sent.name, &*sent.meter, sent.period.0), sent.value)).collect();
    let mut due = Vec::new();
    for (cell, usage) in &report.usage {
        let (name, value) = (cell.lineage.to_string(), usage.total());
        let end = cell.window.end.unwrap_or(FOREVER);
        let before = known.get(&(&*name, &*cell.meter, cell.window.start)).copied().unwrap_or(0);
        if end > oldest && value > before {
            let period = (cell.window.start, end);
            due.push((cell.lineage, Sent { name, meter: cell.meter.clone(), period, value }));
        }
    }
    due
}

/// A sum as a `CloudEvents` 1.0 object.
fn event(
    issuer: &str,
    lineage: &Lineage,
    sum: &Sent,
    subjects: &BTreeMap<Lineage, String>,
    now: Timestamp,
) -> Value {
    let start = sum.period.0;
    let subject = subjects.get(lineage).cloned().unwrap_or_else(|| lineage.to_string());
    // A period that has ended counts in that period.
    let time = now.min(Timestamp::from_seconds(sum.period.1.as_seconds().saturating_sub(1)));
    json!({
        "specversion": "1.0",
        "id": format!("{lineage}-{}-{}-{}", sum.meter, start.as_seconds(), sum.value),
        "source": format!("urn:licentia:issuer:{issuer}"),
        "type": format!("licentia.usage.{}", sum.meter),
        "subject": subject,
        "time": time.to_string(),
        "datacontenttype": "application/json",
        "data": { "value": sum.value, "meter": sum.meter, "lineage": lineage.to_string(), "period_start": start.to_string() },
    })
}

#[cfg(test)]
mod tests {
    use licentia::receipt::{Units, Usage, UsageCell};
    use licentia_core::Window;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    #[test]
    fn only_what_has_grown_is_sent_and_a_repetition_has_the_same_identifier() {
        let mut report = Report::default();
        let mut add = |meter: &str, start: Timestamp, end, counted| {
            let window = Window { start, end };
            let cell =
                UsageCell { issuer: "acme".into(), lineage: [1; 16].into(), meter: meter.into(), window };
            let by_instance = BTreeMap::from([([1; 32], Units { counted, refunded: 1 })]);
            report.usage.insert(cell, Usage { by_instance });
        };
        add("calls", NOW, Some(NOW + 100), 6);
        add("exports", NOW, None, 4);
        add("old", Timestamp::from_seconds(1000), Some(Timestamp::from_seconds(2000)), 9);
        let first = grown(&report, &[], Timestamp::from_seconds(2000));
        let found: Vec<_> = first.iter().map(|(_, sum)| (&*sum.meter, sum.value)).collect();
        assert_eq!(found, [("calls", 5), ("exports", 3)]);
        let sent: Vec<Sent> = first.iter().map(|(_, sum)| sum.clone()).collect();
        assert!(grown(&report, &sent, Timestamp::EPOCH).iter().all(|(_, sum)| sum.meter == "old"));
        let (lineage, sum) = &first[0];
        let subjects = BTreeMap::from([(*lineage, "ann".to_owned())]);
        let [once, again] = [1, 50].map(|later| event("acme", lineage, sum, &subjects, NOW + later));
        assert_eq!((&once["id"], &once["source"]), (&again["id"], &again["source"]));
        assert_eq!((once["subject"].as_str(), once["data"]["value"].as_u64()), (Some("ann"), Some(5)));
        let late = event("acme", lineage, sum, &subjects, NOW + 5000);
        assert_eq!(late["time"], (NOW + 99).to_string());
    }
}
