//! The reverse proxy, for who has none: it decides, and forwards what is allowed.

mod forward;

pub use forward::ReverseProxy;
