//! The gateway's configuration: `gateway.toml`.

mod address;
#[allow(clippy::module_inception, reason = "the folder is the subject, the file is the type")]
mod config;
mod duration;
mod file;
mod network;
mod read;

pub use address::Address;
pub use config::{Admin, Config, Listen, Proxy, Receipts, Rules, Trust};
pub use file::{HostField, Mode, Unlisted};
pub use licentia::follow::Place;
pub use network::{Network, TrustedProxies};
