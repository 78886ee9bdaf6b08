//! What a request did cost, once its response is there.

use http::{HeaderName, HeaderValue, StatusCode, header::GetAll};
use licentia::Reservation;

use crate::decide::Charging;

/// What an upstream says that a request did cost: `calls=7, bytes=1024`. Clients never see it.
pub(super) const COST: HeaderName = HeaderName::from_static("licentia-cost");

/// Charges a request, or takes back what was reserved.
pub(super) async fn settle(
    reservation: Reservation,
    status: StatusCode,
    costs: GetAll<'_, HeaderValue>,
    charging: &Charging,
) {
    if charging.uncharged.iter().any(|statuses| statuses.contains(status.as_u16())) {
        // Taking back a job's charge may wait for the store.
        let _ = tokio::task::spawn_blocking(move || reservation.cancel()).await;
        return;
    }
    let said = if charging.by_response { read(&costs) } else { Vec::new() };
    // More than was reserved cannot be charged, and what is not reserved is not known to the route.
    let actual: Vec<(String, u64)> = charging
        .meters
        .iter()
        .filter_map(|(meter, most)| {
            let (_, cost) = said.iter().find(|(name, _)| **name == **meter)?;
            Some((meter.to_string(), (*cost).min(*most)))
        })
        .collect();
    let commit = move || {
        let actual: Vec<(&str, u64)> = actual.iter().map(|(meter, cost)| (&**meter, *cost)).collect();
        // If the store cannot lower a job's charge now, it stays at the most that was reserved.
        let _ = reservation.commit(&actual);
    };
    let _ = tokio::task::spawn_blocking(commit).await;
}

/// Reads `NAME=NUMBER` pairs. What is not one is left out, and then costs what was reserved.
fn read(costs: &GetAll<'_, HeaderValue>) -> Vec<(String, u64)> {
    let texts = costs.iter().filter_map(|value| value.to_str().ok());
    let pairs = texts.flat_map(|text| text.split(','));
    pairs
        .filter_map(|pair| {
            let (name, cost) = pair.split_once('=')?;
            Some((name.trim().to_owned(), cost.trim().parse().ok()?))
        })
        .collect()
}
