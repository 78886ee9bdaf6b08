//! What is measured: processes of their own, which end with this.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};

/// A process that is killed when this is dropped.
pub(crate) struct Server(Child);

impl Server {
    /// Starts a command, and waits until it listens.
    pub(crate) fn start(mut command: Command, listens: SocketAddr) -> Self {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
        let mut server = Self(child.unwrap_or_else(|error| panic!("{command:?}: {error}")));
        for _ in 0..3000 {
            if TcpStream::connect(listens).is_ok() {
                return server;
            }
            if let Ok(Some(status)) = server.0.try_wait() {
                panic!("{command:?} has ended: {status}");
            }
            sleep(Duration::from_millis(10));
        }
        panic!("{command:?} does not listen on {listens}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An address that nobody listens on.
pub(crate) fn free() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    listener.local_addr().expect("an address")
}

/// Runs this program in a role.
pub(crate) fn role(words: &[&str], listens: SocketAddr) -> Server {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(words);
    Server::start(command, listens)
}

/// Open Policy Agent, with a policy that compares a token, a method and a path.
pub(crate) fn opa(program: &str, folder: &Path) -> (Server, SocketAddr) {
    let policy = "package api\n\nallow if {\n\tinput.method == \"GET\"\n\tinput.path == \"/search\"\n\tinput.token in data.tokens\n}\n";
    let data = "{\"tokens\": [\"customer-1\", \"customer-2\"]}";
    let (rules, tokens) = (folder.join("api.rego"), folder.join("tokens.json"));
    fs::write(&rules, policy).expect("a file");
    fs::write(&tokens, data).expect("a file");
    let address = free();
    let mut command = Command::new(program);
    command.args(["run", "--server", "--log-level", "error", "--disable-telemetry"]);
    command.args(["--addr", &address.to_string()]).args([rules, tokens]).stderr(Stdio::null());
    (Server::start(command, address), address)
}

/// Envoy's own rate limiter, with its Redis.
pub(crate) fn ratelimit(program: &str, redis: &str, folder: &Path) -> (Server, SocketAddr) {
    let config = folder.join("ratelimit/config");
    fs::create_dir_all(&config).expect("a folder");
    let rules = "domain: api\ndescriptors:\n  - key: customer\n    rate_limit: { unit: second, requests_per_unit: 1000000 }\n";
    fs::write(config.join("api.yaml"), rules).expect("a file");
    let (grpc, http, debug) = (free(), free(), free());
    let mut command = Command::new(program);
    command.envs([
        ("RUNTIME_ROOT", folder.display().to_string()),
        ("RUNTIME_SUBDIRECTORY", "ratelimit".into()),
        ("RUNTIME_WATCH_ROOT", "false".into()),
        ("RUNTIME_IGNOREDOTFILES", "true".into()),
        ("REDIS_SOCKET_TYPE", "tcp".into()),
        ("REDIS_URL", redis.trim_start_matches("redis://").trim_end_matches("/0").into()),
        ("USE_STATSD", "false".into()),
        ("USE_PROMETHEUS", "false".into()),
        ("LOG_LEVEL", "error".into()),
        ("HOST", "127.0.0.1".into()),
        ("GRPC_HOST", "127.0.0.1".into()),
        ("DEBUG_HOST", "127.0.0.1".into()),
        ("PORT", http.port().to_string()),
        ("GRPC_PORT", grpc.port().to_string()),
        ("DEBUG_PORT", debug.port().to_string()),
    ]);
    command.stderr(Stdio::null());
    (Server::start(command, grpc), grpc)
}

/// One Envoy with three listeners in front of the same service: one asks nobody, one asks the gateway, one the rate
/// limiter.
pub(crate) fn envoy(
    program: &str,
    folder: &Path,
    upstream: SocketAddr,
    gateway: &Path,
    ratelimit: SocketAddr,
) -> (Server, [SocketAddr; 3]) {
    let router = r#"{ name: envoy.filters.http.router, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router } }"#;
    let authz = r#"{ name: envoy.filters.http.ext_authz, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz, transport_api_version: V3, failure_mode_allow: false, encode_raw_headers: true, grpc_service: { envoy_grpc: { cluster_name: licentia }, timeout: 1s } } }, "#;
    let limit = r#"{ name: envoy.filters.http.ratelimit, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.ratelimit.v3.RateLimit, domain: api, failure_mode_deny: true, timeout: 1s, rate_limit_service: { transport_api_version: V3, grpc_service: { envoy_grpc: { cluster_name: ratelimit } } } } }, "#;
    let listeners = [free(), free(), free()];
    let listener = |address: SocketAddr, filter: &str| {
        let name = address.port();
        format!(
            r#"  - name: "{name}"
    address: {{ socket_address: {{ address: 127.0.0.1, port_value: {name} }} }}
    filter_chains:
      - filters:
          - name: envoy.filters.network.http_connection_manager
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
              stat_prefix: "{name}"
              use_remote_address: true
              route_config:
                virtual_hosts:
                  - name: api
                    domains: ["*"]
                    routes:
                      - match: {{ prefix: "/" }}
                        route:
                          cluster: api
                          rate_limits: [{{ actions: [{{ request_headers: {{ header_name: x-customer, descriptor_key: customer }} }}] }}]
              http_filters: [{filter}{router}]
"#
        )
    };
    let http2 = r#"typed_extension_protocol_options: { envoy.extensions.upstreams.http.v3.HttpProtocolOptions: { "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions, explicit_http_config: { http2_protocol_options: {} } } }, "#;
    let cluster = |name: &str, options: &str, address: &str| {
        format!(
            "  - {{ name: {name}, connect_timeout: 1s, {options}load_assignment: {{ cluster_name: {name}, endpoints: [{{ lb_endpoints: [{{ endpoint: {{ address: {{ {address} }} }} }}] }}] }} }}\n"
        )
    };
    let tcp = |address: SocketAddr| {
        format!("socket_address: {{ address: 127.0.0.1, port_value: {} }}", address.port())
    };
    let text = format!(
        "static_resources:\n listeners:\n{}{}{} clusters:\n{}{}{}",
        listener(listeners[0], ""),
        listener(listeners[1], authz),
        listener(listeners[2], limit),
        cluster("api", "", &tcp(upstream)),
        cluster("licentia", http2, &format!("pipe: {{ path: \"{}\" }}", gateway.display())),
        cluster("ratelimit", http2, &tcp(ratelimit)),
    );
    let file = folder.join("envoy.yaml");
    fs::write(&file, text).expect("a file");
    let mut command = Command::new(program);
    command.args(["--concurrency", "1", "--log-level", "error", "--use-dynamic-base-id", "-c"]).arg(file);
    (Server::start(command, listeners[2]), listeners)
}
