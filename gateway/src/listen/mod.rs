//! Listeners: TCP and Unix sockets, HTTP/1 and HTTP/2 on each, and a graceful end.

mod serve;
mod socket;
mod tls;

pub use serve::{Serving, serve, serve_tls};
pub use socket::Listener;
pub use tls::Tls;
