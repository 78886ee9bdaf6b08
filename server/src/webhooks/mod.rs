//! Webhooks: what happens to licences is told to others, signed as Standard Webhooks says.

mod action;
mod config;
mod message;
pub(crate) mod outbox;
mod routes;
mod schedule;
mod sender;
mod signature;

pub(crate) use action::note as note_action;
pub(crate) use config::Caller;
pub use config::WebhooksConfig;
pub(crate) use routes::routes;
pub(crate) use sender::Sender;
