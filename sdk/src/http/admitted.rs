//! What a service learns of the licence of a request that was allowed, and how it says what the work did cost.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use licentia_core::{Code, State};

use crate::{
    gate::{Counter, Decision, Gate, Reservation},
    license::{License, Licensed},
    metering::{Charge, Unit},
};

/// What is reserved, until somebody takes it.
type Held = Arc<Mutex<Option<Reservation>>>;

/// The licence of an allowed request, in the request's extensions. With the feature `axum` a handler takes it as an
/// argument.
#[derive(Clone)]
pub struct Admitted {
    gate: Arc<Gate>,
    licensed: Option<Arc<Licensed>>,
    /// Whether the licence grants the request, and no advisory gate let it pass.
    is_granted: bool,
    state: State,
    warning: Option<Code>,
    charges: Arc<[(Box<str>, Charge<'static>)]>,
    reserved: Option<Held>,
}

impl Admitted {
    pub(super) fn new(gate: &Arc<Gate>, decision: &Decision<'_>, reservation: Option<Reservation>) -> Self {
        let own = |charge: &Charge<'_>| (charge.name.into(), charge.named(""));
        Self {
            gate: Arc::clone(gate),
            licensed: decision.shared_license(),
            is_granted: decision.code().is_allowed(),
            state: decision.state(),
            warning: decision.warning(),
            charges: decision.charges().map(own).collect(),
            reserved: reservation.map(|held| Arc::new(Mutex::new(Some(held)))),
        }
    }

    /// What the layer has reserved, for a service that knows its cost only after the response has begun, such as one
    /// that streams. It is then the service's to commit; dropping it charges nothing. `None` if nothing is reserved, or
    /// it was taken before. See [`super::LicenseLayer::charge_on_success`].
    pub fn reservation(&self) -> Option<Reservation> {
        take(self.reserved.as_ref()?)
    }

    /// The licence; none if an advisory gate allowed a request without a valid licence.
    pub fn license(&self) -> Option<License<'_>> {
        self.licensed.as_ref().map(|licensed| licensed.license())
    }

    /// The state in which it grants the request.
    pub fn state(&self) -> State {
        self.state
    }

    /// A problem that the licence's policy tolerated: somebody should look into it.
    pub fn warning(&self) -> Option<Code> {
        self.warning
    }

    /// The rates and quotas that were asked for, with what is left of each.
    pub fn charges(&self) -> impl Iterator<Item = Charge<'_>> {
        self.charges.iter().map(|(name, charge)| charge.named(name))
    }

    /// The charge of a rate.
    pub fn rate(&self, name: &str) -> Option<Charge<'_>> {
        self.charges().find(|charge| charge.unit == Unit::Rate && charge.name == name)
    }

    /// The charge of a meter's quota.
    pub fn quota(&self, meter: &str) -> Option<Charge<'_>> {
        self.charges().find(|charge| charge.unit == Unit::Quota && charge.name == meter)
    }

    /// The licence's counters, for work that is counted many times under one check: the rows of a query, the messages of a
    /// connection. None if an advisory gate let a request pass that the licence does not grant.
    ///
    /// [`Counter::charge`] may wait for the store, and blocks: call it on a thread that may block.
    pub fn counter(&self) -> Option<Counter<'_>> {
        let licensed = self.licensed.as_ref().filter(|_| self.is_granted)?;
        Some(Counter::new(&self.gate, Arc::clone(licensed)))
    }

    /// The end of the reservation, for the layer.
    pub(super) fn pending(&self) -> Pending {
        Pending { reserved: self.reserved.clone() }
    }
}

impl fmt::Debug for Admitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admitted")
            .field("license", &self.license())
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

fn take(held: &Held) -> Option<Reservation> {
    held.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// What a request did cost, in the extensions of its response: at most what the layer reserved of each meter. Meters
/// that it does not name cost what was reserved. See [`super::LicenseLayer::charge_on_success`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cost(pub Vec<(String, u64)>);

/// Charges what is reserved when the response is there. If it never comes, because the client has gone, everything is
/// charged; if the service panics, nothing.
pub(super) struct Pending {
    reserved: Option<Held>,
}

impl Pending {
    /// Ends the reservation, unless the service has taken it.
    pub(super) fn end(mut self, charge: bool, cost: &Cost) {
        let Some(reservation) = self.reserved.take().as_ref().and_then(take) else { return };
        if !charge {
            return reservation.cancel();
        }
        let cost: Vec<_> = cost.0.iter().map(|(meter, units)| (meter.as_str(), *units)).collect();
        // A cost above what was reserved charges all of that: no more can be.
        let _ = reservation.commit(&cost);
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some(reservation) = self.reserved.take().as_ref().and_then(take) {
            if std::thread::panicking() {
                reservation.cancel();
            } else {
                let _ = reservation.commit(&[]);
            }
        }
    }
}

/// A handler's argument. A route without the layer answers 500: that is a fault of the service, not of the client.
#[cfg(feature = "axum")]
impl<S: Sync> axum::extract::FromRequestParts<S> for Admitted {
    type Rejection = (http::StatusCode, &'static str);

    async fn from_request_parts(parts: &mut http::request::Parts, _: &S) -> Result<Self, Self::Rejection> {
        parts.extensions.get().cloned().ok_or((
            http::StatusCode::INTERNAL_SERVER_ERROR,
            "the route takes `Admitted`, and no `LicenseLayer` is around it",
        ))
    }
}
