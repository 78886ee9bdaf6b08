//! Usage: the receipts of all gateways, merged, and billed.

mod collector;
mod flow;
mod instances;
mod lines;
mod openmeter;
mod report;
mod routes;
mod sheet;

pub(crate) use collector::OpenMeter;
pub use collector::OpenMeterConfig;
pub use lines::{Owners, UsageBy, mixed_issuers, usage_csv, usage_lines};
pub(crate) use report::Reports;
pub(crate) use routes::{findings, routes};
pub use sheet::Sheet;
