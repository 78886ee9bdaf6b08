//! Many charges under one check.
//!
//! ```
//! use licentia::{Code, Gate, Key, Now, Request};
//!
//! # let (issuer_key, token) = (
//! #     include_str!("../../core/tests/data/example.pub").trim(),
//! #     include_str!("../../core/tests/data/example.lic").trim(),
//! # );
//! # let gate = Gate::builder().key(Key::from_text(issuer_key)?).audience("api.acme.example").build()?;
//! let decision = gate.check(token, &Request::new(), Now::system());
//! let counter = gate.counter(&decision).ok_or(Code::InvalidArgument)?;
//! for _row in 0..3 {
//!     counter.charge(&[], &[("calls", 1)], Now::system())?;
//! }
//! # Ok::<(), Code>(())
//! ```

use std::sync::Arc;

use licentia_core::{Code, State};

use crate::{
    account::RateCounter,
    decision::{CHARGES, Decision},
    event::Used,
    gate::Gate,
    licensed::Licensed,
    meter::{Present, QuotaCounter},
    now::Now,
};

/// The rates and meters of a licence that was checked.
pub struct Counter<'g> {
    gate: &'g Gate,
    licensed: Arc<Licensed>,
}

/// What was charged so far, to be taken back where the rest is not granted.
#[derive(Default)]
struct Charged<'c> {
    rates: [Option<(&'c RateCounter, u64)>; CHARGES],
    meters: [Option<(&'c QuotaCounter, Present<'c>, u64)>; CHARGES],
}

impl Gate {
    /// The counters of the licence that a decision has let pass, for work that is counted many times under one check:
    /// the rows of a query, the messages of a connection. None where the decision denies.
    ///
    /// They count, and check nothing else: not whether the licence has ended or was revoked since. Ask the gate again
    /// from time to time.
    pub fn counter(&self, decision: &Decision<'_>) -> Option<Counter<'_>> {
        let licensed = decision.license.share().filter(|_| decision.code().is_allowed())?;
        Some(Counter { gate: self, licensed })
    }
}

impl Counter<'_> {
    /// Counts against rates and charges meters, all of them or none. It says whether a quota is in overage. Sinks are
    /// told of what meters were charged ([`crate::Sink::used`]), and of nothing else.
    ///
    /// # Errors
    /// [`Code::RateLimited`], [`Code::QuotaExceeded`], [`Code::RateNotLicensed`], [`Code::MeterNotLicensed`],
    /// [`Code::InvalidArgument`] for more than 8 rates or meters, and [`Code::StoreUnreachable`]: what the licence's
    /// policy says to that, a check of the gate knows.
    pub fn charge(
        &self,
        rates: &[(&str, u64)],
        meters: &[(&str, u64)],
        now: impl Into<Now>,
    ) -> Result<State, Code> {
        let now = now.into();
        let mut charged = Charged::default();
        let state = self.charge_into(&mut charged, rates, meters, now);
        if state.is_err() {
            charged.undo(now.monotonic_nanos);
        } else if self.gate.has_sinks() {
            for (quota, units, cost) in charged.meters.iter().flatten() {
                let (lineage, meter, window) = (quota.lineage(), quota.name(), units.window());
                self.gate.tell_used(&Used { lineage, meter, window, units: *cost });
            }
        }
        state
    }

    fn charge_into<'c>(
        &'c self,
        charged: &mut Charged<'c>,
        rates: &[(&str, u64)],
        meters: &[(&str, u64)],
        now: Now,
    ) -> Result<State, Code> {
        if rates.len() > CHARGES || meters.len() > CHARGES {
            return Err(Code::InvalidArgument);
        }
        let (counters, store) = (&self.licensed.counters, self.gate.store());
        for ((name, cost), place) in rates.iter().zip(&mut charged.rates) {
            let rate =
                counters.rates.iter().find(|rate| rate.name() == *name).ok_or(Code::RateNotLicensed)?;
            let outcome =
                rate.charge(*cost, now.monotonic_nanos, store).map_err(|_| Code::StoreUnreachable)?;
            if !outcome.granted {
                return Err(Code::RateLimited);
            }
            *place = Some((rate, *cost));
        }
        let mut state = State::Active;
        if meters.is_empty() {
            return Ok(state);
        }
        let seconds = self.gate.time(now).now;
        for ((name, cost), place) in meters.iter().zip(&mut charged.meters) {
            let quota = counters.quotas.iter().find(|quota| quota.name() == *name);
            let quota = quota.ok_or(Code::MeterNotLicensed)?;
            let units = quota.units(seconds);
            let outcome = quota.charge(&units, *cost, (seconds, now.monotonic_nanos), store);
            let outcome = outcome.map_err(|_| Code::StoreUnreachable)?;
            if !outcome.granted {
                return Err(Code::QuotaExceeded);
            }
            if outcome.overage {
                state = State::Overage;
            }
            *place = Some((quota, units, *cost));
        }
        Ok(state)
    }
}

impl Charged<'_> {
    fn undo(&self, now_nanos: u64) {
        self.rates.iter().flatten().for_each(|(rate, cost)| rate.undo(*cost, now_nanos));
        self.meters.iter().flatten().for_each(|(_, units, cost)| units.undo(*cost));
    }
}
