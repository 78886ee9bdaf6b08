//! A PostgreSQL server of a test's own, on a socket in a folder of its own.
#![allow(dead_code, unreachable_pub, reason = "each suite uses a part of it")]

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

/// A server that ends with its value.
#[derive(Debug)]
pub struct Postgres {
    folder: tempfile::TempDir,
    child: Child,
    databases: AtomicU32,
}

impl Postgres {
    /// Starts a server; none where there is no PostgreSQL here.
    ///
    /// With `LICENTIA_REQUIRE_POSTGRES` in the environment there must be one.
    pub fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            assert!(std::env::var_os("LICENTIA_REQUIRE_POSTGRES").is_none(), "PostgreSQL is not installed");
            eprintln!("not run: PostgreSQL is not installed; `cargo xtask test rust` installs it");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let mut init = unprivileged(&programs.join("initdb"), folder.path());
        init.args(["-U", "licentia", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C", "-D"])
            .arg(&data);
        let done = init.output().unwrap();
        assert!(done.status.success(), "initdb: {}", String::from_utf8_lossy(&done.stderr));
        let mut server = unprivileged(&programs.join("postgres"), folder.path());
        server.arg("-D").arg(&data).arg("-k").arg(folder.path());
        server.args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=50"]);
        let child = server.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let server = Self { folder, child, databases: AtomicU32::new(0) };
        let deadline = Instant::now() + Duration::from_mins(1);
        while postgres::Client::connect(&server.url("postgres"), postgres::NoTls).is_err() {
            assert!(Instant::now() < deadline, "the server starts");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(server)
    }

    /// The URL of an empty database of its own.
    pub fn database(&self) -> String {
        let name = format!("ledger{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.client().batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
        self.url(&name)
    }

    fn client(&self) -> postgres::Client {
        postgres::Client::connect(&self.url("postgres"), postgres::NoTls).unwrap()
    }

    fn url(&self, database: &str) -> String {
        let socket = self.folder.path().to_string_lossy().replace('/', "%2F");
        format!("postgres://licentia@{socket}/{database}")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // An immediate shutdown. The child may be a shell around the server, so the server's own number is used.
        let pid = std::fs::read_to_string(self.folder.path().join("data/postmaster.pid")).unwrap_or_default();
        if let Some(pid) = pid.lines().next() {
            let _ = Command::new("kill").args(["-QUIT", pid]).status();
        }
        let _ = self.child.wait();
    }
}

/// The folder of the newest server's programs, as Debian installs them.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let folders = versions.filter_map(|version| Some(version.ok()?.path().join("bin")));
    folders.filter(|folder| folder.join("initdb").exists()).max()
}

/// A command as somebody who is not root, which PostgreSQL insists on.
fn unprivileged(program: &Path, folder: &Path) -> Command {
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout.starts_with(b"0"));
    if !is_root {
        return Command::new(program);
    }
    let renamed = ["--user", "--map-user=1000", "--map-group=1000", "--"];
    let can_rename = Command::new("unshare").args(renamed).arg("true").status();
    if can_rename.is_ok_and(|status| status.success()) {
        let mut command = Command::new("unshare");
        command.args(renamed).arg(program);
        return command;
    }
    let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    let owned = Command::new("chown").args(["-R", "65534:65534"]).arg(folder).status();
    assert!(owned.is_ok_and(|status| status.success()), "chown");
    let mut command = Command::new("setpriv");
    command.args(nobody).arg(program);
    command
}
