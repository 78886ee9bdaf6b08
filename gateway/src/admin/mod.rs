//! The admin address: the live page, and what feeds it. Health and metrics are on an address of their own.

mod access;
mod body;
mod customers;
mod feed;
mod health;
mod page;
mod series;
mod server;
mod state;

pub use access::Token;
pub use server::{serve_health, serve_page};
pub use state::{About, Actions, Admin, Person, Setup};
