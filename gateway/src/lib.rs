//! Protects an HTTP API with licences, without code: it answers the proxies that ask it about each request, or is the
//! reverse proxy itself.
//!
//! A [`Config`] says where it listens, whose licences it accepts, and what each route needs. A [`Gateway`] runs it.
//! Every protocol in [`protocols`] turns what it is told into [`decide::Facts`], and one [`decide::Decider`] answers
//! with a [`decide::Verdict`].

#![cfg_attr(
    not(test),
    deny(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)
)]
#![warn(missing_debug_implementations)]

pub mod admin;
mod client;
pub mod command;
pub mod config;
pub mod decide;
pub mod events;
mod fault;
mod gateway;
pub mod listen;
pub mod protocols;
mod receipts;
pub mod routes;
pub mod trust;

pub use config::Config;
pub use fault::{Fault, Faults};
pub use gateway::{Gateway, Listening};
