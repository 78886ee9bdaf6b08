//! Many charges under one check.
//!
//! ```
//! use licentia::{Code, Counter, GateBuilder, Key, Now, Request};
//!
//! # let (issuer_key, token) = (
//! #     include_str!("../../../core/tests/data/example.pub").trim(),
//! #     include_str!("../../../core/tests/data/example.lic").trim(),
//! # );
//! # let gate = GateBuilder::new().key(Key::from_text(issuer_key)?).audience("api.acme.example").build()?;
//! let decision = gate.check(token, &Request::new(), Now::system());
//! let counter = Counter::of(&gate, &decision).ok_or(Code::InvalidArgument)?;
//! for _row in 0..3 {
//!     counter.charge(&[], &[("calls", 1)], Now::system())?;
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::{fmt, sync::Arc};

use licentia_core::{Code, State, Timestamp};

use crate::{
    event::Used,
    license::Licensed,
    metering::{MAX_CHARGES, Wait},
    platform::Now,
};

use super::{decision::Decision, gate::Gate};

/// The rates and meters of a licence that was checked.
pub struct Counter<'g> {
    gate: &'g Gate,
    licensed: Arc<Licensed>,
}

impl<'g> Counter<'g> {
    /// The counters of the licence that a decision of `gate` has let pass, for work that is counted many times under
    /// one check: the rows of a query, the messages of a connection. None if the decision denies.
    ///
    /// They count, and check nothing else: not whether the licence has ended or was revoked since. Check again from
    /// time to time.
    pub fn of(gate: &'g Gate, decision: &Decision<'_>) -> Option<Self> {
        let licensed = decision.shared_license().filter(|_| decision.code().is_allowed())?;
        Some(Self::new(gate, licensed))
    }

    pub(crate) fn new(gate: &'g Gate, licensed: Arc<Licensed>) -> Self {
        Self { gate, licensed }
    }

    /// Counts against rates and charges meters, all of them or none. It says whether a quota is in overage. Sinks are
    /// told of what meters were charged ([`crate::event::Sink::used`]), and of nothing else.
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
        if rates.len() > MAX_CHARGES || meters.len() > MAX_CHARGES {
            return Err(Code::InvalidArgument);
        }
        self.rates(rates, meters, now.into())
    }

    /// Counts against the first rate and charges the rest, and takes the first back where the rest is not granted.
    fn rates(&self, rates: &[(&str, u64)], meters: &[(&str, u64)], now: Now) -> Result<State, Code> {
        let Some(((name, cost), rest)) = rates.split_first() else {
            return if meters.is_empty() {
                Ok(State::Active)
            } else {
                self.meters(meters, self.gate.time(now).now, now.monotonic_nanos)
            };
        };
        let rate = self.licensed.counters.rate(name).ok_or(Code::RateNotLicensed)?;
        let outcome = rate.charge(*cost, now.monotonic_nanos, self.gate.driver(), &Wait::Block);
        if !outcome.map_err(|_| Code::StoreUnreachable)?.granted {
            return Err(Code::RateLimited);
        }
        let state = self.rates(rest, meters, now);
        if state.is_err() {
            rate.undo(*cost, now.monotonic_nanos);
        }
        state
    }

    /// Charges the first meter and the rest, and takes the first back where the rest is not granted.
    fn meters(&self, meters: &[(&str, u64)], seconds: Timestamp, nanos: u64) -> Result<State, Code> {
        let Some(((name, cost), rest)) = meters.split_first() else { return Ok(State::Active) };
        let quota = self.licensed.counters.quota(name).ok_or(Code::MeterNotLicensed)?;
        let units = quota.units(seconds);
        let outcome = quota.charge(&units, *cost, (seconds, nanos), self.gate.driver(), &Wait::Block);
        let outcome = outcome.map_err(|_| Code::StoreUnreachable)?;
        if !outcome.granted {
            return Err(Code::QuotaExceeded);
        }
        let state = self.meters(rest, seconds, nanos);
        if state.is_err() {
            units.undo(*cost);
            return state;
        }
        if *cost > 0 {
            let (lineage, meter, window) = (quota.lineage(), quota.name(), units.window());
            let issuer = self.licensed.license().issuer();
            self.gate.report_used(&Used { issuer, lineage: &lineage, meter, window, units: *cost });
        }
        if outcome.overage { Ok(State::Overage) } else { state }
    }
}

impl fmt::Debug for Counter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counter").field("license", &self.licensed.license()).finish_non_exhaustive()
    }
}
