//! Seats: how many may use a licence at the same time (concurrent use).
//!
//! A seat is a lease with a time to live in the gate's store. Whoever holds one asks for it again before it
//! ends, and gives it back when done; the seat of one that died is free when its time is over.
//!
//! ```
//! use licentia::{Code, GateBuilder, Key, Request, Seat};
//!
//! # let (issuer_key, token) = (
//! #     include_str!("../../../core/tests/data/example.pub").trim(),
//! #     include_str!("../../../core/tests/data/example.lic").trim(),
//! # );
//! # let gate = GateBuilder::new().key(Key::from_text(issuer_key)?).audience("api.acme.example").build()?;
//! let (decision, seat) = Seat::check_out(&gate, token, "ada@laptop", 300, &Request::new(), 1_800_000_000);
//! match seat {
//!     Some(mut seat) => {
//!         let _still_good = seat.heartbeat(&Request::new(), 1_800_000_200); // before 300 seconds are over
//!         seat.release().unwrap();
//!     }
//!     None => assert_eq!(decision.code(), Code::SeatsNotLicensed), // this licence has none
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::{fmt, sync::Arc};

use licentia_core::Timestamp;

use crate::{license::Licensed, platform::Now, store::Unreachable};

use super::{
    decision::Decision,
    gate::Gate,
    request::{Inquiry, Request, SeatRequest},
};

/// A seat that is held. Dropping it leaves it taken until its time is over: see [`Seat::release`].
#[must_use = "a seat that is forgotten stays taken until its time is over"]
pub struct Seat<'g> {
    gate: &'g Gate,
    licensed: Arc<Licensed>,
    holder: String,
    ttl: u64,
    until: Timestamp,
}

impl<'g> Seat<'g> {
    /// Decides as [`Gate::check`] does, and takes a seat for `holder` where everything else is granted: a name
    /// of 1 to 256 bytes, by which the same user, process or machine is known again. The seat is held for
    /// `ttl` seconds, from 1 to 31 days. A holder that has a seat keeps it, for `ttl` seconds from now.
    ///
    /// Where no seat is left the code is [`licentia_core::Code::SeatsTaken`], and [`Decision::retry_after_ms`]
    /// says when one comes free at the latest, if nobody asks for it again. Nothing is charged then.
    pub fn check_out(
        gate: &'g Gate,
        token: &str,
        holder: &str,
        ttl: u64,
        request: &Request<'g>,
        now: impl Into<Now>,
    ) -> (Decision<'g>, Option<Self>) {
        let now = now.into();
        let inquiry = Inquiry { request, seat: Some(SeatRequest { holder, ttl }), reserve: false, now };
        let mut decision = Decision::undecided();
        let until = gate.answer(token, inquiry, &mut decision, |_, _| ());
        let seat = until.zip(decision.shared_license()).map(|(until, licensed)| Self {
            gate,
            licensed,
            holder: holder.to_owned(),
            ttl,
            until,
        });
        (decision, seat)
    }

    /// When the seat's time is over, by the gate's clock.
    pub fn until(&self) -> Timestamp {
        self.until
    }

    /// Who holds it.
    pub fn holder(&self) -> &str {
        &self.holder
    }

    /// Keeps the seat for its whole time from now, where the licence still grants it. All of the licence is
    /// decided anew, so that one which ended or was revoked keeps no seat. A request that names meters is
    /// charged, so name none where a heartbeat costs nothing.
    ///
    /// A seat whose time was over is taken again where one is free.
    pub fn heartbeat(&mut self, request: &Request<'g>, now: impl Into<Now>) -> Decision<'g> {
        let seat = Some(SeatRequest { holder: &self.holder, ttl: self.ttl });
        let inquiry = Inquiry { request, seat, reserve: false, now: now.into() };
        let mut decision = Decision::undecided();
        let until = self.gate.answer(&self.licensed.text, inquiry, &mut decision, |_, _| ());
        self.until = until.unwrap_or(self.until);
        decision
    }

    /// Gives the seat back.
    ///
    /// # Errors
    /// [`Unreachable`]; the seat is then free when its time is over.
    pub fn release(self) -> Result<(), Unreachable> {
        let (account, holder) = (self.licensed.license().account(), self.holder);
        self.gate.driver().call(move |store| store.release_seat(&account, &holder))
    }
}

impl fmt::Debug for Seat<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seat")
            .field("holder", &self.holder)
            .field("ttl", &self.ttl)
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}
