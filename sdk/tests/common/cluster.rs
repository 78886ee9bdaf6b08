//! A cluster of a test's own: three nodes of Redis.
#![allow(dead_code, unreachable_pub, reason = "each suite uses a part of it")]

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// A node that ends with its value.
pub struct Node {
    child: Child,
    pub port: u16,
    /// The port of TLS, if the nodes talk to each other by it.
    tls: Option<u16>,
    _folder: tempfile::TempDir,
}

impl Node {
    /// Starts it with options besides those of a cluster.
    fn start(options: &[String]) -> std::io::Result<Self> {
        let port = port()?;
        let folder = tempfile::tempdir()?;
        let child = Command::new(crate::common::server_program())
            .args([
                "--port",
                &port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--cluster-enabled",
                "yes",
            ])
            .args(options)
            .arg("--dir")
            .arg(folder.path())
            .stdout(Stdio::null())
            .spawn()?;
        let tls = options.iter().skip_while(|option| *option != "--tls-port").nth(1);
        let tls = tls.and_then(|port| port.parse().ok());
        Ok(Self { child, port, tls, _folder: folder })
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// Gives the node a command.
    pub fn tell<T: redis::FromRedisValue>(&self, words: &[&str]) -> redis::RedisResult<T> {
        let mut connection = redis::Client::open(self.url())?.get_connection()?;
        redis::cmd(words[0]).arg(&words[1..]).query(&mut connection)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A free port. The nodes talk to each other by the port 10,000 above.
pub fn port() -> std::io::Result<u16> {
    loop {
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        if port < 55_000 && TcpListener::bind(("127.0.0.1", port + 10_000)).is_ok() {
            return Ok(port);
        }
    }
}

/// Three nodes that share the slots; none where there is no Redis.
pub fn cluster(options: [&[String]; 3]) -> Option<[Node; 3]> {
    let [Ok(one), Ok(two), Ok(three)] = options.map(Node::start) else {
        assert!(std::env::var_os("LICENTIA_REQUIRE_REDIS").is_none(), "redis-server is missing");
        eprintln!("not run: redis-server is missing; `cargo xtask test rust` installs it");
        return None;
    };
    let nodes = [one, two, three];
    let deadline = Instant::now() + Duration::from_secs(30);
    let wait = |what: &dyn Fn() -> bool| {
        while !what() {
            assert!(Instant::now() < deadline, "the cluster forms");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    for (node, slots) in nodes.iter().zip([["0", "5460"], ["5461", "10922"], ["10923", "16383"]]) {
        wait(&|| node.tell::<String>(&["PING"]).is_ok());
        node.tell::<()>(&["CLUSTER", "ADDSLOTSRANGE", slots[0], slots[1]]).unwrap();
        nodes[0]
            .tell::<()>(&["CLUSTER", "MEET", "127.0.0.1", &node.tls.unwrap_or(node.port).to_string()])
            .unwrap();
    }
    for node in &nodes {
        let is_up = || {
            node.tell::<String>(&["CLUSTER", "INFO"])
                .is_ok_and(|info| info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3"))
        };
        wait(&is_up);
    }
    Some(nodes)
}
