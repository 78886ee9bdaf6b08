//! A Redis server of a test's own, on a socket in a folder of its own.
#![allow(dead_code, unreachable_pub, reason = "each suite uses a part of it")]

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// A server that ends with its value.
pub struct Server {
    folder: tempfile::TempDir,
    child: Child,
}

impl Server {
    /// Starts a server that writes every change to the disk before it answers; none where there is no Redis here.
    ///
    /// With `LICENTIA_REQUIRE_REDIS` in the environment there must be one.
    pub fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        match spawn(&folder) {
            Ok(child) => {
                let server = Self { folder, child };
                server.wait();
                Some(server)
            }
            Err(error) => {
                assert!(std::env::var_os("LICENTIA_REQUIRE_REDIS").is_none(), "redis-server: {error}");
                eprintln!("not run: redis-server: {error}; `cargo xtask test rust` installs it");
                None
            }
        }
    }

    /// Where it keeps its files.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("redis.sock")
    }

    pub fn url(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    fn wait(&self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while licentia::store::open(&self.url()).is_err() {
            assert!(Instant::now() < deadline, "the server starts");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Starts another server that follows this one.
    pub fn replica(&self) -> std::io::Result<Self> {
        let replica = Self::start().ok_or(std::io::ErrorKind::NotFound)?;
        // Replication needs a port; the first one that is free will do.
        let port = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        self.tell(&["CONFIG", "SET", "port", &port.to_string()]);
        replica.tell(&["REPLICAOF", "127.0.0.1", &port.to_string()]);
        Ok(replica)
    }

    /// Gives the server a command.
    pub fn tell(&self, words: &[&str]) {
        let mut connection = redis::Client::open(self.url()).unwrap().get_connection().unwrap();
        let (name, arguments) = words.split_first().unwrap();
        redis::cmd(name).arg(arguments).query::<redis::Value>(&mut connection).unwrap();
    }

    /// The server's process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Kills the server as a power cut would.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again, with what it had written.
    pub fn restart(&mut self) {
        self.kill();
        let _ = std::fs::remove_file(self.socket());
        self.child = spawn(&self.folder).unwrap();
        self.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(folder: &tempfile::TempDir) -> std::io::Result<Child> {
    let folder = folder.path();
    Command::new(crate::common::server_program())
        .args(["--port", "0", "--save", "", "--appendonly", "yes", "--appendfsync", "always"])
        .args(["--enable-protected-configs", "local"])
        .arg("--unixsocket")
        .arg(folder.join("redis.sock"))
        .arg("--dir")
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
}
