//! What the page knows of each customer, gathered from the decisions.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};

/// Most customers that are kept: those that were seen last.
const CUSTOMERS: usize = 200;
/// Most names of refusals that are counted.
const REASONS: usize = 100;

/// A decision, as far as it concerns its customer. See [`crate::events::Event::json`].
#[derive(Deserialize)]
struct Shown {
    at_ms: u64,
    status: u16,
    allowed: bool,
    name: String,
    decision: Option<Decision>,
}

#[derive(Deserialize)]
struct Decision {
    code: u16,
    state: Option<String>,
    warning: Option<String>,
    license: Option<License>,
    charges: Vec<Charge>,
}

#[derive(Deserialize)]
struct License {
    sub: String,
    lineage: String,
    tier: Tier,
}

#[derive(Deserialize)]
struct Tier {
    name: String,
    version: u64,
}

#[derive(Deserialize)]
struct Charge {
    name: String,
    unit: String,
    limit: u64,
    remaining: u64,
    reset_ms: Option<u64>,
}

/// A customer on the page.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Customer {
    lineage: String,
    subject: String,
    tier: String,
    tier_version: u64,
    allowed: u64,
    denied: u64,
    /// Whether the last decision found the licence revoked.
    revoked: bool,
    meters: Vec<Meter>,
    last: Last,
    /// Counts the decisions about all customers.
    #[serde(skip)]
    change: u64,
}

#[derive(Clone, Debug, Serialize)]
struct Meter {
    name: String,
    unit: String,
    limit: u64,
    remaining: u64,
    /// When the quota's period ends, in milliseconds since 1970.
    resets_at: Option<u64>,
}

/// The last decision about a customer.
#[derive(Clone, Debug, Serialize)]
struct Last {
    status: u16,
    code: Option<u16>,
    name: String,
    allowed: bool,
    state: Option<String>,
    warning: Option<String>,
}

/// The customers that were seen last, and how often each refusal occurred.
#[derive(Debug, Default)]
pub(super) struct Customers(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    customers: HashMap<String, Customer>,
    reasons: BTreeMap<String, u64>,
    changes: u64,
}

impl Customers {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a decision.
    pub(super) fn add(&self, json: &str) {
        let Ok(shown) = serde_json::from_str::<Shown>(json) else { return };
        let state = &mut *self.state();
        if !shown.allowed && (state.reasons.len() < REASONS || state.reasons.contains_key(&shown.name)) {
            *state.reasons.entry(shown.name.clone()).or_default() += 1;
        }
        let Some(Decision { code, state: granted, warning, license: Some(license), charges }) =
            shown.decision
        else {
            return;
        };
        state.changes += 1;
        let last = Last {
            status: shown.status,
            code: Some(code),
            name: shown.name,
            allowed: shown.allowed,
            state: granted,
            warning,
        };
        if !state.customers.contains_key(&license.lineage) && state.customers.len() >= CUSTOMERS {
            let oldest = state.customers.values().min_by_key(|customer| customer.change);
            if let Some(oldest) = oldest.map(|customer| customer.lineage.clone()) {
                state.customers.remove(&oldest);
            }
        }
        let customer = state.customers.entry(license.lineage.clone()).or_insert_with(|| Customer {
            lineage: license.lineage,
            subject: license.sub.clone(),
            tier: String::new(),
            tier_version: 0,
            allowed: 0,
            denied: 0,
            revoked: false,
            meters: Vec::new(),
            last: last.clone(),
            change: 0,
        });
        if customer.tier != license.tier.name || customer.tier_version != license.tier.version {
            // The new tier may have other meters.
            customer.meters.clear();
            (customer.tier, customer.tier_version) = (license.tier.name, license.tier.version);
        }
        customer.subject = license.sub;
        *(if last.allowed { &mut customer.allowed } else { &mut customer.denied }) += 1;
        customer.revoked = matches!(code, 203 | 500 | 501);
        customer.change = state.changes;
        customer.last = last;
        for Charge { name, unit, limit, remaining, reset_ms } in charges {
            let resets_at = reset_ms.map(|reset| shown.at_ms.saturating_add(reset));
            let known = customer.meters.iter_mut().find(|meter| meter.name == name && meter.unit == unit);
            match known {
                Some(meter) => {
                    (meter.limit, meter.remaining, meter.resets_at) = (limit, remaining, resets_at);
                }
                None => customer.meters.push(Meter { name, unit, limit, remaining, resets_at }),
            }
        }
    }

    /// The customers that changed after a point, and the point to ask from next.
    pub(super) fn since(&self, change: u64) -> (Vec<Customer>, u64) {
        let state = self.state();
        let mut changed: Vec<_> =
            state.customers.values().filter(|customer| customer.change > change).cloned().collect();
        changed.sort_by(|a, b| a.subject.cmp(&b.subject));
        (changed, state.changes)
    }

    /// The refusals, the most frequent first.
    pub(super) fn reasons(&self) -> Vec<(String, u64)> {
        let mut reasons: Vec<_> =
            self.state().reasons.iter().map(|(name, count)| (name.clone(), *count)).collect();
        reasons.sort_by_key(|(_, count)| Reverse(*count));
        reasons
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision(lineage: u64, tier: &str, code: u16, left: u64) -> String {
        let (status, allowed) = if code == 0 { (200, true) } else { (401, false) };
        let charges = if code == 0 {
            format!(
                r#"{{"name":"calls","unit":"quota","cost":1,"limit":10,"remaining":{left},"reset_ms":5000}}"#
            )
        } else {
            String::new()
        };
        format!(
            r#"{{"id":1,"at_ms":1000,"status":{status},"allowed":{allowed},"name":"n{code}","decision":{{"code":{code},"name":"n{code}","state":null,"warning":null,
            "license":{{"sub":"c{lineage}","lineage":"{lineage}","tier":{{"name":"{tier}","version":1}}}},"charges":[{charges}]}}}}"#
        )
    }

    #[test]
    fn a_customer_is_what_the_last_decisions_say() {
        let customers = Customers::default();
        customers.add(&decision(1, "free", 0, 9));
        customers.add(&decision(1, "free", 0, 8));
        let (first, at) = customers.since(0);
        assert_eq!((first.len(), first[0].allowed, first[0].denied, first[0].revoked), (1, 2, 0, false));
        assert_eq!((first[0].meters[0].remaining, first[0].meters[0].resets_at), (8, Some(6000)));
        customers.add(&decision(2, "pro", 0, 9));
        customers.add(&decision(1, "free", 500, 0));
        let (then, _) = customers.since(at);
        assert_eq!((then.len(), then[0].revoked, then[1].revoked), (2, true, false));
        assert_eq!(then[0].meters[0].remaining, 8, "a refusal tells nothing of the quota");
        customers.add(&decision(1, "pro", 500, 0));
        assert!(customers.since(0).0[0].meters.is_empty(), "another tier");
        assert_eq!(customers.reasons(), [("n500".to_owned(), 2)]);
        assert!(customers.since(5).0.is_empty());
        customers.add("{\"id\":1}");
    }

    #[test]
    fn memory_is_bounded() {
        let customers = Customers::default();
        for lineage in 0..1000 {
            customers.add(&decision(lineage, "free", u16::try_from(lineage).unwrap(), 1));
        }
        let (kept, _) = customers.since(0);
        assert_eq!((kept.len(), customers.reasons().len()), (CUSTOMERS, REASONS));
        assert!(kept.iter().any(|customer| customer.lineage == "999"));
    }
}
