//! Listeners: TCP and Unix sockets, HTTP/1 and HTTP/2 on each, and a graceful end.

mod serve;
mod socket;

pub use serve::{Serving, serve};
pub use socket::Listener;
