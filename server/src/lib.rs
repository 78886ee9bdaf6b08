//! The vendor's service: issues, renews, revokes and publishes licences over HTTP, and collects receipts.
//!
//! It adds no rule. The ledger and its operations are those of [`licentia_issuer`]; who may do what is decided by the
//! service's own [`Gate`](licentia::Gate), from licences of the vendor's own.
//!
//! | folder | subject |
//! |---|---|
//! | `config` | what a service is started with |
//! | `init` | the folder of a new service |
//! | `server`, `running` | what all requests share; listening and ending |
//! | `store/` | the ledger: one thread that writes in batches, readers, the service's own tables |
//! | `access/` | who calls, and what they may do |
//! | `http/` | bodies, idempotency, problems, pages, the OpenAPI document |
//! | `licenses/` | issue, search, and what is done with a licence |
//! | `activation/` | codes that become licences which are bound to a key or a machine |
//! | `catalogue/` | read, proposed, activated |
//! | `me/` | what a customer has |
//! | `receipts/` | receipts of usage, and their acknowledgements |
//! | `trust/` | the keyset, bundles and deltas, and the stream of what is new |
//! | `audit/` | who did what |
//! | `usage/` | the receipts of all gateways, merged, and billed |
//! | `stripe/` | what is paid renews licences |
//! | `webhooks/`, `outgoing/` | what happens is told to others; requests that the service makes |
//! | `page/` | the page for people |
//!
//! # A new route
//!
//! A handler is a function with `#[utoipa::path]`, and its folder's `routes()` is merged in `http/router.rs`. A handler
//! that only reads takes a [`Caller`](access::Caller) with the feature that it needs. One that changes something takes a
//! [`Post`](http::Post) and calls [`Post::act`](http::Post::act): its work runs in one transaction of the ledger, with
//! the record of the request (so that it acts once) and the line of the audit.
//!
//! # A new table
//!
//! Tables are in the ledger's database, in the steps of `store/tables.rs`: a step in both lists, and a row of the tables
//! that a backup copies. Statements are in the SQL that both databases share, with [`licentia_issuer::sql`], in the
//! folder of their subject.

#![cfg_attr(
    not(test),
    deny(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)
)]
#![warn(missing_debug_implementations)]

pub mod access;
mod activation;
mod audit;
mod catalogue;
mod config;
pub mod http;
mod init;
mod issuer_keys;
mod licenses;
mod me;
mod outgoing;
mod page;
mod receipts;
mod running;
mod server;
pub mod store;
mod stripe;
mod trust;
pub mod usage;
mod webhooks;

pub use audit::{Examination, examine};
pub use config::{Config, IssuerConfig};
pub use init::{Init, Made};
pub use issuer_keys::IssuerKeys;
pub use running::Running;
pub use server::Server;
pub use stripe::StripeConfig;
pub use webhooks::WebhooksConfig;
