//! Usage: the receipts of all gateways, merged, and billed.

mod flow;
mod lines;
mod openmeter;
mod report;
mod routes;
mod sheet;

pub use lines::{Owners, UsageBy, mixed_issuers, usage_csv, usage_lines};
pub(crate) use openmeter::OpenMeter;
pub use openmeter::OpenMeterConfig;
pub(crate) use report::Reports;
pub(crate) use routes::{findings, routes};
pub use sheet::Sheet;
