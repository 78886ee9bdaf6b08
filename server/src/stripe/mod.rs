//! Stripe: what is paid renews licences, and what is used is billed.

mod account;
mod api;
mod apply;
mod config;
mod payments;
mod routes;
mod signature;
mod subscription;
mod sums;
pub(crate) mod tables;

pub(crate) use account::Payments;
pub use config::StripeConfig;
pub(crate) use routes::{SubscriptionView, routes};
