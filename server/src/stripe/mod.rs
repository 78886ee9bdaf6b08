//! Stripe: what is paid renews licences, and what is used is billed.

mod api;
mod apply;
mod config;
mod payments;
mod routes;
mod signature;
mod subscription;
mod sums;
pub(crate) mod tables;

pub use config::StripeConfig;
pub(crate) use payments::Payments;
pub(crate) use routes::{SubscriptionView, routes};
