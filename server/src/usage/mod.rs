//! Usage: the receipts of all gateways, merged, and billed.

mod flow;
mod lines;
mod report;
mod routes;

pub use lines::{Owners, UsageBy, usage_csv, usage_lines};
pub(crate) use report::Reports;
pub(crate) use routes::{findings, routes};
