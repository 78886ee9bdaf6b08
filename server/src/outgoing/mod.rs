//! Requests that the server makes: to webhooks, to a payment provider, and to a collector of usage.
//!
//! No redirect is followed, and time and size are bounded. A webhook's address is checked after its name is resolved,
//! and the address that was checked is the one that is called.

mod client;
mod guard;

pub(crate) use client::{Answer, Client, Outgoing};
pub(crate) use guard::Networks;

/// The machine's time: what a receiver compares a signature's with.
pub(crate) fn now() -> licentia_core::Timestamp {
    licentia::Now::system().time
}
