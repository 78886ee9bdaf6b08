//! The gate decides: what it is asked, what it answers, and how it is built.

mod builder;
mod clock_guard;
mod counter;
mod decision;
#[allow(clippy::module_inception, reason = "the folder is the subject, the file is the type")]
mod gate;
mod mode;
#[cfg(feature = "hosted")]
mod question;
mod refund;
mod replay;
mod request;
mod reservation;
mod seat;
mod settle_error;

pub use builder::{BuildError, GateBuilder};
pub use counter::Counter;
pub use decision::Decision;
pub use gate::Gate;
pub use mode::Mode;
#[cfg(feature = "hosted")]
pub use question::Question;
pub use request::{Proof, Request};
pub use reservation::Reservation;
pub use seat::Seat;
pub use settle_error::SettleError;
