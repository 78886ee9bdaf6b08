//! Metering counts: rates, quotas, jobs and seats.

mod account;
mod charge;
mod charges;
#[cfg_attr(
    all(target_family = "wasm", not(feature = "hosted")),
    allow(dead_code, reason = "no store of such a module waits")
)]
mod driver;
mod job;
mod leased;
#[cfg_attr(
    all(target_family = "wasm", not(feature = "hosted")),
    allow(dead_code, reason = "no store of such a module waits")
)]
mod meter;
mod outage;
mod outcome;
mod shared_rate;
mod terms;
#[cfg_attr(
    all(target_family = "wasm", not(feature = "hosted")),
    allow(dead_code, reason = "no store of such a module waits")
)]
mod units;

pub(crate) use account::{Accounts, Counters};
pub use charge::{Charge, Unit};
pub(crate) use charge::{ChargeList, MAX_CHARGES, SEATS};
pub(crate) use charges::Charges;
#[cfg(feature = "hosted")]
pub(crate) use driver::Ask;
pub(crate) use driver::{Driver, Kept, Slot, Wait, Waiting};
pub(crate) use job::{ChargedMeter, finish as finish_job};
pub use leased::{Leased, Wish};
pub(crate) use meter::QuotaCounter;
pub(crate) use outage::{Outage, Unanswered};
pub(crate) use units::Units;
