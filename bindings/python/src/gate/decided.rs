//! A decision of the sdk together with the gate and the request that it borrows from.

use std::sync::Arc;

use licentia::{Decision as SdkDecision, Gate as SdkGate, Now, Reservation, Timestamp};
use self_cell::self_cell;

use crate::gate::request::Prepared;

/// A gate and a request, which a decision borrows from.
pub(crate) struct Call {
    pub(crate) gate: Arc<SdkGate>,
    pub(crate) request: Arc<Prepared>,
}

self_cell! {
    /// A decision, and what it borrows from.
    pub(crate) struct Decided {
        owner: Call,
        #[covariant]
        dependent: SdkDecision,
    }
}

impl Call {
    /// Checks.
    pub(crate) fn decide(self, token: &str, now: Now) -> Decided {
        Decided::new(self, |call| call.gate.check(token, &call.request.request(), now))
    }

    /// Whether a check would wait for the store.
    pub(crate) fn waits(&self, token: &str, now: Now) -> bool {
        self.gate.may_wait(token, &self.request.request(), now)
    }

    /// Checks, and reserves what the meters may cost.
    pub(crate) fn reserve(self, token: &str, now: Now) -> (Decided, Option<Reservation>) {
        let mut reserved = None;
        let decided = Decided::new(self, |call| {
            let (decision, reservation) = call.gate.reserve(token, &call.request.request(), now);
            reserved = reservation;
            decision
        });
        (decided, reserved)
    }

    /// Checks, and takes a seat; returns until when it is held.
    pub(crate) fn check_out(
        self,
        token: &str,
        holder: &str,
        ttl: u64,
        now: Now,
    ) -> (Decided, Option<Timestamp>) {
        let mut until = None;
        let decided = Decided::new(self, |call| {
            let (decision, seat) =
                licentia::Seat::check_out(&call.gate, token, holder, ttl, &call.request.request(), now);
            until = seat.map(|seat| seat.until());
            decision
        });
        (decided, until)
    }
}
