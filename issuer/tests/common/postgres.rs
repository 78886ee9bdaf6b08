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
    port: String,
    databases: AtomicU32,
}

impl Postgres {
    /// Starts a server; none where there is no PostgreSQL here.
    ///
    /// With `LICENTIA_REQUIRE_POSTGRES` in the environment there must be one.
    pub fn start() -> Option<Self> {
        Self::start_with(|_| Vec::new())
    }

    /// Starts a server that also listens at a port of this machine, with TLS. Returns the port, and the certificate of
    /// the authority that its own is from.
    pub fn start_with_tls() -> Option<(Self, u16, PathBuf)> {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let server = Self::start_with(|folder| {
            certify(folder);
            let port = port.to_string();
            let file = |name: &str| folder.join(name).display().to_string();
            [
                ("listen_addresses", "127.0.0.1".to_owned()),
                ("port", port),
                ("ssl", "on".to_owned()),
                ("ssl_cert_file", file("server.pem")),
                ("ssl_key_file", file("server.key")),
            ]
            .into_iter()
            .flat_map(|(name, value)| ["-c".to_owned(), format!("{name}={value}")])
            .collect()
        })?;
        let authority = server.folder.path().join("ca.pem");
        Some((server, port, authority))
    }

    fn start_with(options: impl FnOnce(&Path) -> Vec<String>) -> Option<Self> {
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
        server.args(options(folder.path()));
        let child = server.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut server = Self { folder, child, port: String::new(), databases: AtomicU32::new(0) };
        let deadline = Instant::now() + Duration::from_mins(1);
        while server.socket().is_none() {
            assert!(Instant::now() < deadline, "the server starts");
            std::thread::sleep(Duration::from_millis(20));
        }
        server.port = server.socket().unwrap_or_default();
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

    /// Kills the server and all its processes, as a machine that loses power does.
    pub fn crash(&mut self) {
        let pid = std::fs::read_to_string(self.folder.path().join("data/postmaster.pid")).unwrap();
        let pid = pid.lines().next().unwrap().to_owned();
        // Its processes end when they see that it is gone.
        assert!(Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
        let _ = self.child.wait();
    }

    /// Starts the server again, on what is on disk.
    pub fn restart(&mut self) {
        let programs = programs().unwrap();
        let data = self.folder.path().join("data");
        let port = self.port.clone();
        // While a process of the killed one lives, the new one refuses to start.
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            let mut server = unprivileged(&programs.join("postgres"), self.folder.path());
            server.arg("-D").arg(&data).arg("-k").arg(self.folder.path());
            server.args([
                "-c",
                "listen_addresses=",
                "-c",
                "fsync=off",
                "-c",
                "max_connections=50",
                "-p",
                &port,
            ]);
            self.child = server.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            while self.child.try_wait().unwrap().is_none() {
                if postgres::Client::connect(&self.url("postgres"), postgres::NoTls).is_ok() {
                    return;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            assert!(Instant::now() < deadline, "the server starts again");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn client(&self) -> postgres::Client {
        postgres::Client::connect(&self.url("postgres"), postgres::NoTls).unwrap()
    }

    /// The port that the socket is named after.
    fn socket(&self) -> Option<String> {
        let files = std::fs::read_dir(self.folder.path()).ok()?;
        let names = files.filter_map(|file| file.ok()?.file_name().into_string().ok());
        let mut ports = names.filter_map(|name| {
            let port = name.strip_prefix(".s.PGSQL.")?.to_owned();
            port.parse::<u16>().is_ok().then_some(port)
        });
        ports.next()
    }

    fn url(&self, database: &str) -> String {
        let socket = self.folder.path().to_string_lossy().replace('/', "%2F");
        let port = &self.port;
        format!("postgres://licentia@{socket}:{port}/{database}")
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

/// Makes an authority and the certificate of `localhost`.
fn certify(folder: &Path) {
    let openssl = |arguments: &str| {
        let done = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().unwrap();
        assert!(done.status.success(), "openssl: {}", String::from_utf8_lossy(&done.stderr));
    };
    std::fs::write(folder.join("names"), "subjectAltName=DNS:localhost").unwrap();
    openssl("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=authority -days 1");
    openssl("req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=localhost");
    openssl(
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names -out server.pem -days 1",
    );
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
