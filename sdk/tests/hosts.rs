//! Hosts that share one Redis over a network: two network namespaces with a cable between them.
#![cfg(target_os = "linux")]

mod common;

use std::{
    io::Read,
    net::Ipv4Addr,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use common::{NOW, builder, licence};
use licentia::{Code, Now, Refiller, Request, store};

const LIMIT: u64 = 50_000;
const ADDRESSES: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 231, 77, 1), Ipv4Addr::new(10, 231, 77, 2)];
const PORT: u16 = 6390;

/// Two hosts, by the names of their namespaces. They go with the value.
struct Hosts([String; 2]);

fn command(words: &[&str]) -> Command {
    let (program, arguments) = words.split_first().unwrap();
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    command
}

fn run(line: &str) -> Result<(), String> {
    let words: Vec<_> = line.split(' ').collect();
    let output = command(&words).output().map_err(|error| format!("{line}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{line}: {}", String::from_utf8_lossy(&output.stderr)))
}

impl Hosts {
    fn new() -> Result<Self, String> {
        let process = std::process::id();
        let hosts = Self(["a", "b"].map(|end| format!("licentia-{process}-{end}")));
        let cables = ["a", "b"].map(|end| format!("lic{process}{end}"));
        for host in &hosts.0 {
            run(&format!("ip netns add {host}"))?;
        }
        run(&format!("ip link add {} type veth peer name {}", cables[0], cables[1]))?;
        for ((host, cable), address) in hosts.0.iter().zip(&cables).zip(ADDRESSES) {
            run(&format!("ip link set {cable} netns {host}"))?;
            run(&format!("ip -n {host} address add {address}/24 dev {cable}"))?;
            run(&format!("ip -n {host} link set {cable} up"))?;
            run(&format!("ip -n {host} link set lo up"))?;
        }
        Ok(hosts)
    }

    /// Starts a program on a host.
    fn start(&self, host: usize, words: &[&str]) -> Guarded {
        let words = [&["ip", "netns", "exec", &self.0[host]], words].concat();
        Guarded(command(&words).stdout(Stdio::piped()).spawn().unwrap())
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        for host in &self.0 {
            let _ = run(&format!("ip netns delete {host}"));
        }
    }
}

/// A program that ends with its value.
struct Guarded(Child);

impl Drop for Guarded {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What runs on the hosts; it does nothing when it is run as a test.
#[test]
fn worker() {
    let Ok(url) = std::env::var("LICENTIA_TEST_URL") else { return };
    let deadline = Instant::now() + Duration::from_secs(20);
    let store = loop {
        match store::open(&url) {
            Ok(store) => break store,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let gate = Arc::new(builder().store(store).build().unwrap());
    let _keeper = Refiller::start(&gate, Duration::from_millis(10)).unwrap();
    let (token, request) = (token(), Request::new().meters(&[("calls", 1)]));
    let (mut granted, mut denied_since) = (0_u64, None);
    // It goes on for a while after the first denial: others may give back what they hold.
    while denied_since.is_none_or(|since: Instant| since.elapsed() < Duration::from_secs(1)) {
        match gate.check(&token, &request, Now { time: NOW, ..Now::system() }).code() {
            Code::Allowed => (granted, denied_since) = (granted + 1, None),
            Code::QuotaExceeded => {
                denied_since = denied_since.or_else(|| Some(Instant::now()));
                std::thread::sleep(Duration::from_millis(5));
            }
            code => panic!("{code}"),
        }
    }
    println!("\ngranted {granted}");
}

fn token() -> String {
    licence(|draft| {
        draft.id = Some([7; 16].into());
        draft.grant.quotas.insert("calls".into(), format!("{LIMIT}/day").parse().unwrap());
    })
}

#[test]
fn two_hosts_use_one_limit_exactly_and_all_of_it() {
    let hosts = match Hosts::new() {
        Ok(hosts) => hosts,
        Err(error) => {
            assert!(std::env::var_os("LICENTIA_REQUIRE_NETNS").is_none(), "{error}");
            eprintln!("not run: {error}; `cargo xtask test rust` installs what it needs");
            return;
        }
    };
    let folder = tempfile::tempdir().unwrap();
    let (folder, port) = (folder.path().to_string_lossy(), PORT.to_string());
    let bind = ADDRESSES[0].to_string();
    let server = ["redis-server", "--port", &port, "--bind", &bind, "--protected-mode", "no", "--save", ""];
    let _server = hosts.start(0, &[&server[..], &["--dir", &folder]].concat());
    let exe = std::env::current_exe().unwrap();
    let url = format!("LICENTIA_TEST_URL=redis://{bind}:{PORT}/");
    let words = ["env", &url, &exe.to_string_lossy(), "worker", "--exact", "--nocapture"];
    let workers: Vec<_> = [0, 0, 1, 1].map(|host| hosts.start(host, &words)).into();
    let mut granted = Vec::new();
    for mut worker in workers {
        let mut said = String::new();
        worker.0.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(worker.0.wait().unwrap().success(), "{said}");
        let count = said.lines().find_map(|line| line.strip_prefix("granted ")).unwrap();
        granted.push(count.parse::<u64>().unwrap());
    }
    println!("granted by two hosts: {granted:?}");
    assert_eq!(granted.iter().sum::<u64>(), LIMIT, "{granted:?}");
    assert!(granted[..2].iter().sum::<u64>() > 0 && granted[2..].iter().sum::<u64>() > 0, "{granted:?}");
}
