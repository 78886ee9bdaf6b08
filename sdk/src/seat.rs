//! Seats: how many may use a licence at the same time (concurrent use).
//!
//! A seat is a lease with a time to live in the gate's store. Whoever holds one asks for it again before it
//! ends, and gives it back when done; the seat of one that died is free when its time is over.
//!
//! ```
//! use licentia::{Code, Gate, Key, Request};
//!
//! # let (issuer_key, token) = (
//! #     include_str!("../../core/tests/data/example.pub").trim(),
//! #     include_str!("../../core/tests/data/example.lic").trim(),
//! # );
//! # let gate = Gate::builder().key(Key::from_text(issuer_key)?).audience("api.acme.example").build()?;
//! let (decision, seat) = gate.check_out(token, "ada@laptop", 300, &Request::new(), 1_800_000_000);
//! match seat {
//!     Some(mut seat) => {
//!         let _still_good = seat.heartbeat(&Request::new(), 1_800_000_200); // before 300 seconds are over
//!         seat.release().unwrap();
//!     }
//!     None => assert_eq!(decision.code(), Code::SeatsNotLicensed), // this licence has none
//! }
//! # Ok::<(), Code>(())
//! ```

use std::sync::Arc;

use crate::{
    decision::Decision,
    gate::{Asked, Gate},
    licensed::Licensed,
    now::Now,
    request::Request,
    store::Unreachable,
};

/// Longest name of a holder, in bytes.
pub const HOLDER_BYTES: usize = 256;
/// Longest time to live: 31 days, in seconds.
pub const LONGEST: u64 = 31 * 86_400;

/// A seat that is held. Dropping it leaves it taken until its time is over: see [`Seat::release`].
#[must_use = "a seat that is forgotten stays taken until its time is over"]
pub struct Seat<'g> {
    gate: &'g Gate,
    licensed: Arc<Licensed>,
    holder: String,
    ttl: u64,
    until: u64,
}

/// Who wants a seat, and for how long.
#[derive(Clone, Copy)]
pub(crate) struct Ask<'a> {
    pub(crate) holder: &'a str,
    pub(crate) ttl: u64,
}

impl Ask<'_> {
    /// Whether the call is as it should be.
    pub(crate) fn is_valid(&self) -> bool {
        (1..=HOLDER_BYTES).contains(&self.holder.len()) && (1..=LONGEST).contains(&self.ttl)
    }
}

impl Gate {
    /// Decides as [`Gate::check`] does, and takes a seat for `holder` where everything else is granted: a name
    /// of 1 to 256 bytes, by which the same user, process or machine is known again. The seat is held for
    /// `ttl` seconds, from 1 to 31 days. A holder that has a seat keeps it, for `ttl` seconds from now.
    ///
    /// Where no seat is left the code is [`licentia_core::Code::SeatsTaken`], and [`Decision::retry_after_ms`]
    /// says when one comes free at the latest, if nobody asks for it again. Nothing is charged then.
    pub fn check_out<'a>(
        &'a self,
        token: &str,
        holder: &str,
        ttl: u64,
        request: &Request<'a>,
        now: impl Into<Now>,
    ) -> (Decision<'a>, Option<Seat<'a>>) {
        let now = now.into();
        let asked = Asked { request, seat: Some(Ask { holder, ttl }), held: false, now };
        let mut decision = Decision::undecided();
        let until = self.check_asked(token, asked, &mut decision, |_, _| ());
        let seat = until.zip(decision.license.share()).map(|(until, licensed)| Seat {
            gate: self,
            licensed,
            holder: holder.to_owned(),
            ttl,
            until,
        });
        (decision, seat)
    }
}

impl<'g> Seat<'g> {
    /// When the seat's time is over, in seconds since 1970, by the gate's clock.
    pub fn until(&self) -> u64 {
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
        let seat = Some(Ask { holder: &self.holder, ttl: self.ttl });
        let asked = Asked { request, seat, held: false, now: now.into() };
        let mut decision = Decision::undecided();
        let until = self.gate.check_asked(&self.licensed.text, asked, &mut decision, |_, _| ());
        self.until = until.unwrap_or(self.until);
        decision
    }

    /// Gives the seat back.
    ///
    /// # Errors
    /// [`Unreachable`]; the seat is then free when its time is over.
    pub fn release(self) -> Result<(), Unreachable> {
        let lineage = self.licensed.license().lineage();
        self.gate.store().release_seat(lineage.as_bytes(), &self.holder)
    }
}
