//! How requests come to the gateway, one file or folder for each protocol.

pub mod body;
pub mod check;
pub mod envoy_grpc;
mod envoy_http;
mod forward;
mod forwarded;
mod nginx;
pub mod proxy;
mod terms;
