//! What is allowed, refused and forwarded, over the reverse proxy and the addresses that other proxies ask.

mod common;

use common::{Upstream, World, send, tcp};
use licentia_gateway::decide::fields::names;

const ROUTES: &str = r#"
    [[route]]
    match = "GET /search"
    meters = { calls = 1 }
    rates = { api = 1 }

    [[route]]
    match = "GET /exports/{id}"
    features = ["export"]
    meters = { calls = 10 }

    [[route]]
    match = "* /status"
    access = "open"

    [[route]]
    match = "GET /objects/{*key}"
    allow = ["encoded-slash", "empty-segment"]
"#;

async fn proxy(world: &World, upstream: &Upstream) -> licentia_gateway::Gateway {
    let config = format!(
        "[listen]\nproxy = \"127.0.0.1:0\"\n[proxy]\nupstream = \"http://{}\"\n{ROUTES}",
        upstream.address
    );
    world.start(&config).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reverse_proxy_lets_through_what_the_licence_grants() {
    let (world, upstream) = (World::new(), Upstream::start().await);
    let gateway = proxy(&world, &upstream).await;
    let address = tcp(&gateway.listening.proxy);
    let (free, pro) = (world.license("free", "ada"), world.license("pro", "bob"));
    let bearer = |token: &str| format!("Bearer {token}");

    let answer = send(address, "GET", "/search", &[]).await;
    assert_eq!((answer.status, answer.name()), (401, "missing_token"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));

    for left in (0..5).rev() {
        let answer = send(address, "GET", "/search?q=1", &[("authorization", &bearer(&free))]).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(answer.header("ratelimit").unwrap().contains(&format!("\"calls\";r={left}")));
    }
    let answer = send(address, "GET", "/search", &[("authorization", &bearer(&free))]).await;
    assert_eq!((answer.status, answer.name()), (429, "quota_exceeded"));
    assert!(answer.header("retry-after").is_some());
    let answer = send(address, "GET", "/exports/7", &[("authorization", &bearer(&free))]).await;
    assert_eq!((answer.status, answer.name()), (403, "feature_not_licensed"));
    let answer = send(address, "GET", "/exports/7", &[("authorization", &bearer(&pro))]).await;
    assert_eq!(answer.status, 200, "{}", answer.body);

    let seen = upstream.take();
    assert_eq!(seen.len(), 6, "what is refused is not forwarded");
    let last = seen.last().unwrap();
    assert_eq!(last.target, "/exports/7");
    assert_eq!(last.header("authorization"), None);
    assert_eq!(last.header("x-licentia-subject"), Some("bob"));
    assert_eq!(last.header("x-licentia-tier"), Some("pro"));
    assert_eq!(last.header("x-licentia-tier-version"), Some("3"));
    assert_eq!(last.header("x-licentia-state"), Some("active"));
    assert_eq!(last.header("x-licentia-route"), Some("GET /exports/{id}"));
    assert_eq!(last.header("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(last.header("x-forwarded-host"), Some("api.example"));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn open_routes_preflights_and_unlisted_requests() {
    let (world, upstream) = (World::new(), Upstream::start().await);
    let gateway = proxy(&world, &upstream).await;
    let address = tcp(&gateway.listening.proxy);
    let pro = format!("Bearer {}", world.license("pro", "bob"));

    assert_eq!(send(address, "POST", "/status", &[]).await.status, 200);
    let seen = upstream.take();
    for name in &names::ALL {
        assert_eq!(seen[0].header(name.as_str()), Some(""), "{name}");
    }
    // Other credentials are the upstream's, a licence is not.
    send(address, "GET", "/status", &[("authorization", "Basic YTpi")]).await;
    assert_eq!(upstream.take()[0].header("authorization"), Some("Basic YTpi"));
    send(address, "GET", "/status", &[("authorization", &pro)]).await;
    assert_eq!(upstream.take()[0].header("authorization"), None);

    let preflight = [("origin", "https://shop.example"), ("access-control-request-method", "GET")];
    assert_eq!(send(address, "OPTIONS", "/search", &preflight).await.status, 200);
    assert_eq!(send(address, "OPTIONS", "/search", &preflight[..1]).await.status, 403);
    assert_eq!(send(address, "OPTIONS", "/search", &preflight[1..]).await.status, 403);
    assert_eq!(send(address, "OPTIONS", "/nothing", &preflight).await.status, 403);
    let other = [("origin", "https://shop.example"), ("access-control-request-method", "DELETE")];
    assert_eq!(send(address, "OPTIONS", "/search", &other).await.status, 403);

    for (method, target) in [("GET", "/nothing"), ("POST", "/search"), ("GET", "/"), ("PROPFIND", "/search")]
    {
        let answer = send(address, method, target, &[("authorization", &pro)]).await;
        assert_eq!((answer.status, answer.name()), (403, "route_not_listed"), "{method} {target}");
    }
    gateway.stop().await;
}

/// Each of these is a way to be checked as one path and served as another.
#[tokio::test(flavor = "multi_thread")]
async fn paths_that_servers_read_in_different_ways_are_refused() {
    let (world, upstream) = (World::new(), Upstream::start().await);
    let gateway = proxy(&world, &upstream).await;
    let address = tcp(&gateway.listening.proxy);
    let pro = format!("Bearer {}", world.license("pro", "bob"));
    let fields = [("authorization", &*pro)];
    for (target, name) in [
        ("/status/..%2fsearch", "path_refused"),
        ("/status/..%2Fsearch", "path_refused"),
        ("/status%2f..%2fexports%2f7", "path_refused"),
        ("/status/../search", "path_refused"),
        ("/./search", "path_refused"),
        ("/status/%2e%2e/search", "path_refused"),
        ("/status/%2E./search", "path_refused"),
        ("/status/..", "path_refused"),
        ("//search", "path_refused"),
        ("/exports//7", "path_refused"),
        ("/exports/7%5c..", "path_refused"),
        ("/exports\\7", "path_refused"),
        ("/exports/7%00", "path_refused"),
        ("/exports/7%00.json", "path_refused"),
        ("/exports/7%0d%0a", "path_refused"),
        ("/exports/7;v=1", "path_refused"),
        ("/exports/7%3bv=1", "path_refused"),
        ("/exports;x/7", "path_refused"),
        ("/status;x/..;/search", "path_refused"),
        ("/exports/%252e%252e", "path_refused"),
        ("/exports/%252fetc", "path_refused"),
        ("/exports/%25%32%66etc", "path_refused"),
        ("/Search", "path_ambiguous"),
        ("/SEARCH", "path_ambiguous"),
        ("/search/", "path_ambiguous"),
        ("/EXPORTS/7", "path_ambiguous"),
        ("/%53earch", "path_ambiguous"),
        ("/exports/%c0%ae%c0%ae", "path_malformed"),
        ("/exports/%zz", "path_malformed"),
        ("/exports/%", "path_malformed"),
        ("/exports/%f", "path_malformed"),
        ("/objects/a/../b", "path_refused"),
        ("/objects/a%2f..%2f..%2fb", "path_refused"),
        ("/objects/a;b", "path_refused"),
    ] {
        let answer = send(address, "GET", target, &fields).await;
        let refused = answer.status == 400 || answer.status == 403;
        assert!(refused, "{target}: {} {}", answer.status, answer.body);
        assert_eq!(answer.name(), name, "{target}");
    }
    assert_eq!(upstream.take().len(), 0, "nothing reached the service");

    // What is matched is what is forwarded.
    for (target, forwarded) in [
        ("/%65xports/%37", "/exports/7"),
        ("/search?q=%2f..%2f", "/search?q=%2f..%2f"),
        ("/exports/caf%c3%a9", "/exports/caf%C3%A9"),
        ("/objects/a%2fb//c", "/objects/a%2Fb//c"),
        ("http://other.example/search", "/search"),
    ] {
        let answer = send(address, "GET", target, &fields).await;
        assert_eq!(answer.status, 200, "{target}: {}", answer.body);
        assert_eq!(upstream.take()[0].target, forwarded, "{target}");
    }
    for (method, target) in [("CONNECT", "other.example:443"), ("OPTIONS", "*")] {
        let answer = send(address, method, target, &fields).await;
        assert_eq!(answer.status, 405, "{method} {target}: {}", answer.body);
    }
    gateway.stop().await;
}
