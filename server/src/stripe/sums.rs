//! What is reported to a meter: for each customer the sum over a billing period, which only grows.

use std::collections::BTreeMap;

use licentia::receipt::Report;
use licentia_core::Timestamp;

use super::tables::{Paid, Sent};

/// How long after its end a period is still reported, in seconds: Stripe takes nothing that is older than 35 days.
pub(super) const LATE: u64 = 34 * 86_400;

/// The sums that have grown since they were sent: of each customer's present period, and of those that ended and that
/// receipts came late for. A quota's period belongs to the billing period in which it begins, so the quota of a tier
/// that is billed by use is anchored at the term.
pub(super) fn due(
    report: &Report,
    paid: &[Paid],
    sent: &[Sent],
    meters: &BTreeMap<String, String>,
    now: Timestamp,
) -> Vec<Sent> {
    let mut due = Vec::new();
    for meter in meters.keys() {
        // Customers, their periods, and what was sent about each.
        let mut periods: BTreeMap<(&str, Timestamp), (Timestamp, u64)> = BTreeMap::new();
        for one in sent.iter().filter(|one| one.meter == *meter && one.period.1 + LATE > now) {
            periods.insert((&one.name, one.period.0), (one.period.1, one.value));
        }
        for one in paid.iter().filter(|one| one.period.0 <= now) {
            periods.entry((&one.customer, one.period.0)).or_insert((one.period.1, 0)).0 = one.period.1;
        }
        for ((customer, start), (end, before)) in periods {
            let of_customer = |paid: &&Paid| paid.customer == customer;
            let usage = paid.iter().filter(of_customer).map(|paid| {
                let own = report.usage.iter().filter(|(cell, _)| {
                    cell.lineage == paid.lineage
                        && cell.meter == *meter
                        && (start..end).contains(&cell.window.start)
                });
                own.map(|(_, usage)| usage.total()).sum::<u64>()
            });
            let value = usage.sum();
            if value > before {
                due.push(Sent {
                    name: customer.to_owned(),
                    meter: meter.clone(),
                    period: (start, end),
                    value,
                });
            }
        }
    }
    due
}

/// The time that a sum is reported for: now, or the last second of a period that has ended.
pub(super) fn timestamp(sum: &Sent, now: Timestamp) -> u64 {
    now.as_seconds().min(sum.period.1.as_seconds().saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use licentia::receipt::{Units, Usage, UsageCell};
    use licentia_core::Window;

    use super::*;

    const DAY: u64 = 86_400;
    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn paid(id: &str, customer: &str, lineage: u8, period: u64) -> Paid {
        Paid {
            id: id.into(),
            customer: customer.into(),
            issuer: "acme".into(),
            lineage: [lineage; 16].into(),
            status: "active".into(),
            period: (NOW + period * 30 * DAY, NOW + (period + 1) * 30 * DAY),
            seen_at: NOW,
            problem: String::new(),
        }
    }

    fn report(cells: &[(u8, &str, u64, u64)]) -> Report {
        let mut report = Report::default();
        for (lineage, meter, period, counted) in cells {
            let (start, end) = (NOW + period * 30 * DAY, NOW + (period + 1) * 30 * DAY);
            let cell = UsageCell {
                issuer: "acme".into(),
                lineage: [*lineage; 16].into(),
                meter: (*meter).into(),
                window: Window { start, end: Some(end) },
            };
            let mut usage = Usage::default();
            // Two gateways, and a refund.
            usage.by_instance.insert([1; 32], Units { counted: counted + 3, refunded: 5 });
            usage.by_instance.insert([2; 32], Units { counted: 2, refunded: 0 });
            report.usage.insert(cell, usage);
        }
        report
    }

    #[test]
    fn sums_are_cumulative_per_customer_and_period_and_sent_when_they_grow() {
        let meters = BTreeMap::from([("calls".to_owned(), "api_calls".to_owned())]);
        // One customer has two subscriptions.
        let paid = [paid("sub_1", "cus_a", 1, 0), paid("sub_2", "cus_a", 2, 0), paid("sub_3", "cus_b", 3, 0)];
        let usage = report(&[
            (1, "calls", 0, 10),
            (2, "calls", 0, 5),
            (3, "exports", 0, 7),
            (1, "calls", 5, 99),
            (9, "calls", 0, 8),
        ]);
        let now = NOW + DAY;
        let first = due(&usage, &paid, &[], &meters, now);
        assert_eq!(first.len(), 1, "{first:?}");
        assert_eq!(
            (first[0].name.as_str(), first[0].value, timestamp(&first[0], now)),
            ("cus_a", 15, now.as_seconds())
        );
        assert!(due(&usage, &paid, &first, &meters, now).is_empty(), "nothing has grown");
        let more = report(&[(1, "calls", 0, 11), (2, "calls", 0, 5)]);
        assert_eq!(due(&more, &paid, &first, &meters, now)[0].value, 16, "the sum, and not the difference");
    }

    #[test]
    fn what_comes_after_the_end_of_a_period_is_reported_for_that_period() {
        let meters = BTreeMap::from([("calls".to_owned(), "api_calls".to_owned())]);
        let first =
            due(&report(&[(1, "calls", 0, 10)]), &[paid("sub_1", "cus_a", 1, 0)], &[], &meters, NOW + DAY);
        let next = [paid("sub_1", "cus_a", 1, 1)];
        let late = report(&[(1, "calls", 0, 12), (1, "calls", 1, 4)]);
        let now = NOW + 31 * DAY;
        let both = due(&late, &next, &first, &meters, now);
        let found: Vec<_> = both.iter().map(|sum| (sum.value, timestamp(sum, now))).collect();
        assert_eq!(found, [(12, (NOW + 30 * DAY).as_seconds() - 1), (4, now.as_seconds())]);
        let long_after = NOW + 65 * DAY;
        let found = due(&late, &[paid("sub_1", "cus_a", 1, 2)], &first, &meters, long_after);
        assert!(found.is_empty(), "it is too old: {found:?}");
    }
}
