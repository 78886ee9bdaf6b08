//! A cluster of three nodes: each operation goes to the node that has its slot.

mod common;

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use common::{NOW, builder, licence};
use licentia::{Action, Code, Request, Seat, store};

/// A node that ends with its value.
struct Node {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Node {
    fn start() -> std::io::Result<Self> {
        // The bus takes the port 10,000 above.
        let port = loop {
            let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
            if port < 55_000 && TcpListener::bind(("127.0.0.1", port + 10_000)).is_ok() {
                break port;
            }
        };
        let folder = tempfile::tempdir()?;
        let child = Command::new("redis-server")
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
            .arg("--dir")
            .arg(folder.path())
            .stdout(Stdio::null())
            .spawn()?;
        Ok(Self { child, port, _folder: folder })
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    fn tell<T: redis::FromRedisValue>(&self, words: &[&str]) -> redis::RedisResult<T> {
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

/// Three nodes that share the slots; none where there is no Redis.
fn cluster() -> Option<[Node; 3]> {
    let (Ok(one), Ok(two), Ok(three)) = (Node::start(), Node::start(), Node::start()) else {
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
        nodes[0].tell::<()>(&["CLUSTER", "MEET", "127.0.0.1", &node.port.to_string()]).unwrap();
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

#[test]
fn customers_of_all_nodes_are_served_by_a_gate_that_knows_one() {
    let Some(nodes) = cluster() else { return };
    let gate = builder().store(store::open(&nodes[1].url()).unwrap()).share_rates(true).build().unwrap();
    let tokens: Vec<String> = (0..60)
        .map(|number: u8| {
            licence(|draft| {
                draft.lineage = Some([number; 16].into());
                draft.grant.quotas.insert("calls".into(), "100/day".parse().unwrap());
                draft.grant.seats = Some(1);
                draft.grant.policy.store_unreachable = Action::Deny;
            })
        })
        .collect();
    let meters = [("calls", 2), ("mails", 1)];
    for token in &tokens {
        let one = Request::new().meters(&[("calls", 1)]).rates(&[("api", 1)]);
        assert_eq!(gate.check(token, &one, NOW).code(), Code::Allowed);
        let job = Request::new().meters(&meters).job("render");
        for _ in 0..2 {
            assert_eq!(gate.check(token, &job, NOW).code(), Code::Allowed);
        }
        let (decision, seat) = Seat::check_out(&gate, token, "ada", 60, &Request::new(), NOW);
        assert_eq!(decision.code(), Code::Allowed);
        seat.unwrap().release().unwrap();
    }
    gate.settle().unwrap();
    let keys = nodes.each_ref().map(|node| node.tell::<u64>(&["DBSIZE"]).unwrap());
    assert!(keys.iter().all(|keys| *keys > 20), "all of them have some: {keys:?}");
    // Another gate finds what was counted, by another node.
    let other = builder().store(store::open(&nodes[2].url()).unwrap()).build().unwrap();
    for token in &tokens {
        let decision = other.check(token, &Request::new().meters(&[("calls", 0)]), NOW);
        assert_eq!(decision.quota("calls").unwrap().remaining, 97);
    }
}
