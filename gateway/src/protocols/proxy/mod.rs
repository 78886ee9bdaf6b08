//! The reverse proxy, for who has none: it decides, and forwards what is allowed.

mod cost;
mod forward;
mod streams;

pub use forward::ReverseProxy;
