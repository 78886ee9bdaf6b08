//! A Redis server of a suite's own.

use std::{
    net::{TcpListener, TcpStream},
    process::Child,
    thread::sleep,
    time::Duration,
};

use super::system;
use crate::command::{Result, command};

/// A Redis server of a suite's own, which ends with this.
pub(crate) struct Redis {
    server: Child,
    /// Where clients find it.
    pub(crate) url: String,
}

impl Redis {
    /// Starts a server on a free port.
    pub(crate) fn start() -> Result<Self> {
        system::require(&[("redis-server", "redis-server")])?;
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = free.map_err(|error| format!("no free port: {error}"))?;
        let port = address.port().to_string();
        let options = ["--bind", "127.0.0.1", "--port", &port, "--save", "", "--appendonly", "no"];
        let mut server = command("redis-server", &[&options[..], &["--loglevel", "warning"]].concat());
        let server = server.spawn().map_err(|error| format!("redis-server: {error}"))?;
        let it = Self { server, url: format!("redis://127.0.0.1:{port}/0") };
        for _ in 0..1000 {
            if TcpStream::connect(address).is_ok() {
                return Ok(it);
            }
            sleep(Duration::from_millis(10));
        }
        Err("redis-server does not answer".to_owned())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
