//! The addresses that other proxies ask: what they must send, what they get, and what clients may not supply.

mod common;

use std::net::SocketAddr;

use common::{Answer, Upstream, World, send, tcp};
use licentia_gateway::{Gateway, decide::fields::names};

const ROUTES: &str = r#"
    [[route]]
    match = "GET /search"
    meters = { calls = 1 }

    [[route]]
    match = "GET /exports/{id}"
    features = ["export"]

    [[route]]
    match = "POST /upload"
    token = ["x-api-key", "cookie:licence"]

    [[route]]
    match = "GET /unreachable"
    meters = { calls = 1 }
    "#;

async fn check(world: &World) -> Gateway {
    world.start(&format!("[listen]\ncheck = \"127.0.0.1:0\"\n{ROUTES}")).await
}

/// Asks `/forward` or `/nginx` about a request.
async fn ask(
    address: SocketAddr,
    endpoint: &str,
    method: &str,
    target: &str,
    fields: &[(&str, &str)],
) -> Answer {
    let mut all = vec![("x-forwarded-method", method), ("x-forwarded-uri", target)];
    all.extend(fields);
    send(address, "GET", endpoint, &all).await
}

#[tokio::test(flavor = "multi_thread")]
async fn forward_answers_with_the_fields_to_set() {
    let world = World::new();
    let gateway = check(&world).await;
    let address = tcp(&gateway.listening.check);
    let bearer = format!("Bearer {}", world.license("pro", "Bob & Co. café"));

    let answer = ask(address, "/forward", "GET", "/exports/7?x=1", &[("authorization", &bearer)]).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("x-licentia-subject"), Some("Bob & Co. caf%C3%A9"));
    assert_eq!(answer.header("x-licentia-route"), Some("GET /exports/{id}"));
    assert_eq!(answer.header("x-licentia-warning"), Some(""));
    for name in &names::ALL {
        assert!(answer.header(name.as_str()).is_some(), "{name} is set, if only to nothing");
    }
    assert_eq!(answer.header("cache-control"), Some("no-store"));

    let answer = ask(address, "/forward", "GET", "/search", &[]).await;
    assert_eq!((answer.status, answer.name()), (401, "missing_token"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let answer = ask(address, "/forward", "DELETE", "/search", &[("authorization", &bearer)]).await;
    assert_eq!((answer.status, answer.name()), (403, "route_not_listed"));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_gets_401_or_403_and_the_real_status_beside() {
    let world = World::new();
    let gateway = check(&world).await;
    let address = tcp(&gateway.listening.check);
    let bearer = format!("Bearer {}", world.license("free", "ada"));
    let fields = [("authorization", &*bearer)];

    for _ in 0..5 {
        assert_eq!(ask(address, "/nginx", "GET", "/search", &fields).await.status, 200);
    }
    for (method, target, fields, shown, status, name) in [
        ("GET", "/search", &fields[..], 403, "429", "quota_exceeded"),
        ("GET", "/exports/7", &fields, 403, "403", "feature_not_licensed"),
        ("GET", "/search", &[], 401, "401", "missing_token"),
        ("GET", "/search/..", &fields, 403, "400", "path_refused"),
    ] {
        let answer = ask(address, "/nginx", method, target, fields).await;
        assert_eq!(answer.status, shown, "{target}");
        assert_eq!(answer.header("x-licentia-status"), Some(status), "{target}");
        assert_eq!(answer.header("x-licentia-code"), Some(name), "{target}");
        assert!(answer.header("x-licentia-problem").unwrap().contains(name), "{target}");
        assert_eq!(answer.header("retry-after").is_some(), status == "429", "{target}");
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn envoy_over_http_gets_the_path_after_the_prefix_and_never_5xx() {
    let world = World::new();
    // Nothing listens there: a store that is out of reach is a refusal of 503.
    let config = format!("store = \"redis://127.0.0.1:1/0\"\n[listen]\ncheck = \"127.0.0.1:0\"\n{ROUTES}");
    let gateway = world.start(&config).await;
    let address = tcp(&gateway.listening.check);
    let bearer = format!("Bearer {}", world.license("pro", "bob"));
    let fields = [("authorization", &*bearer)];

    let answer = send(address, "GET", "/envoy/exports/7?x=1", &fields).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let removed = answer.header("x-envoy-auth-headers-to-remove").unwrap();
    assert!(removed.contains("authorization") && removed.contains("licentia-proof"), "{removed}");
    let answer = send(address, "GET", "/envoy/unreachable", &fields).await;
    assert_eq!((answer.status, answer.header("x-licentia-status")), (403, Some("503")));
    assert_eq!(answer.name(), "store_unreachable");
    assert_eq!(send(address, "GET", "/envoy/exports%2f7", &fields).await.name(), "path_refused");
    assert_eq!(send(address, "GET", "/envoy//exports/7", &fields).await.name(), "path_refused");
    assert_eq!(send(address, "GET", "/envoy", &fields).await.name(), "route_not_listed");
    assert_eq!(send(address, "GET", "/elsewhere", &fields).await.status, 404);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_says_too_little_is_told_its_setting() {
    let world = World::new();
    let gateway = check(&world).await;
    let address = tcp(&gateway.listening.check);
    let bearer = format!("Bearer {}", world.license("pro", "bob"));
    let authorization = ("authorization", &*bearer);
    let method = ("x-forwarded-method", "GET");
    let uri = ("x-forwarded-uri", "/search");
    for (endpoint, setting) in
        [("/nginx", "proxy_set_header X-Forwarded-Uri $request_uri;"), ("/forward", "forward_auth")]
    {
        let answer = send(address, "GET", endpoint, &[authorization, method]).await;
        assert_eq!((answer.status, answer.name()), (403, "forwarded_missing"), "{endpoint}");
        assert!(answer.body.contains(setting), "{}", answer.body);
    }
    // What is there twice is the client's and the proxy's, or two clients'.
    for fields in [[authorization, method, uri, uri], [authorization, method, method, uri]] {
        assert_eq!(send(address, "GET", "/forward", &fields).await.name(), "forwarded_missing");
    }
    // `Forwarded` counts for nothing.
    let forwarded = ("forwarded", "for=1.2.3.4;host=a;proto=https");
    assert_eq!(
        send(address, "GET", "/forward", &[authorization, forwarded]).await.name(),
        "forwarded_missing"
    );
    gateway.stop().await;

    let config = format!("trusted_proxies = [\"192.0.2.0/24\"]\n[listen]\ncheck = \"127.0.0.1:0\"\n{ROUTES}");
    let gateway = world.start(&config).await;
    let address = tcp(&gateway.listening.check);
    for (endpoint, target) in [("/nginx", "/nginx"), ("/forward", "/forward"), ("/envoy", "/envoy/search")] {
        let answer = send(address, "GET", target, &[authorization, method, uri]).await;
        assert_eq!((answer.status, answer.name()), (403, "forwarded_untrusted"), "{endpoint}");
        assert!(answer.body.contains("trusted_proxies"), "{}", answer.body);
    }
    gateway.stop().await;
}

/// No client can supply a field of the gateway, whichever way it spells it, and whichever way the request comes.
#[tokio::test(flavor = "multi_thread")]
async fn fields_of_the_gateway_cannot_be_smuggled() {
    let (world, upstream) = (World::new(), Upstream::start().await);
    let config = format!(
        "[listen]\nproxy = \"127.0.0.1:0\"\ncheck = \"127.0.0.1:0\"\n[proxy]\nupstream = \"http://{}\"\n{ROUTES}",
        upstream.address
    );
    let gateway = world.start(&config).await;
    let (proxy, check) = (tcp(&gateway.listening.proxy), tcp(&gateway.listening.check));
    let bearer = format!("Bearer {}", world.license("pro", "bob"));
    let authorization = ("authorization", &*bearer);
    for name in names::ALL.iter().map(http::HeaderName::as_str) {
        let (under, dot) = (name.replace('-', "_"), name.replace('-', "."));
        let close = format!("close, {name}");
        let close_under = format!("close, {under}");
        let attacks: [&[(&str, &str)]; 6] = [
            &[(&under, "evil")],
            &[(&dot, "evil")],
            &[(name, "evil"), (name, "evil")],
            &[(name, "evil"), (&under, "evil")],
            &[("connection", &close)],
            &[("connection", &close_under)],
        ];
        for attack in attacks {
            let fields: Vec<(&str, &str)> =
                [authorization].into_iter().chain(attack.iter().copied()).collect();
            let answer = send(proxy, "GET", "/search", &fields).await;
            assert_eq!((answer.status, answer.name()), (400, "field_refused"), "proxy: {attack:?}");
            let answer = ask(check, "/forward", "GET", "/search", &fields).await;
            assert_eq!((answer.status, answer.name()), (400, "field_refused"), "forward: {attack:?}");
            let answer = ask(check, "/nginx", "GET", "/search", &fields).await;
            assert_eq!(
                (answer.status, answer.header("x-licentia-status")),
                (403, Some("400")),
                "nginx: {attack:?}"
            );
            let answer = send(check, "GET", "/envoy/search", &fields).await;
            assert_eq!((answer.status, answer.name()), (400, "field_refused"), "envoy: {attack:?}");
        }
        assert_eq!(upstream.take().len(), 0, "{name}");
        // Spelt as the gateway spells it, in any case, it is replaced.
        let upper = name.to_uppercase();
        let answer = send(proxy, "GET", "/search", &[authorization, (&upper, "evil")]).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let seen = upstream.take();
        let values: Vec<_> = seen[0].headers.iter().filter(|(known, _)| known == name).collect();
        assert_eq!(values.len(), 1, "{name}");
        assert_ne!(values[0].1, "evil", "{name}");
    }
    // Nor can what was checked be replaced afterwards, or what a proxy says about the client be made up.
    for field in
        [("x-http-method-override", "DELETE"), ("x-original-url", "/exports/7"), ("licentia-cost", "calls=0")]
    {
        let answer = send(proxy, "GET", "/search", &[authorization, field]).await;
        assert_eq!(answer.name(), "field_refused", "{field:?}");
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_cannot_say_where_it_comes_from() {
    let (world, upstream) = (World::new(), Upstream::start().await);
    let config = format!(
        "trusted_proxies = []\n[listen]\nproxy = \"127.0.0.1:0\"\n[proxy]\nupstream = \"http://{}\"\n{ROUTES}",
        upstream.address
    );
    let gateway = world.start(&config).await;
    let bearer = format!("Bearer {}", world.license("pro", "bob"));
    let fields = [
        ("authorization", &*bearer),
        ("x-forwarded-for", "6.6.6.6"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
        ("forwarded", "for=6.6.6.6"),
        ("proxy-authorization", "Basic YTpi"),
        ("connection", "close, x-hop"),
        ("x-hop", "1"),
    ];
    assert_eq!(send(tcp(&gateway.listening.proxy), "GET", "/search", &fields).await.status, 200);
    let seen = upstream.take();
    assert_eq!(seen[0].header("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(seen[0].header("x-forwarded-host"), Some("api.example"));
    assert_eq!(seen[0].header("x-forwarded-proto"), Some("http"));
    for name in ["forwarded", "proxy-authorization", "x-hop"] {
        assert_eq!(seen[0].header(name), None, "{name}");
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_taken_from_where_the_route_says() {
    let (world, upstream) = (World::new(), Upstream::start().await);
    let config = format!(
        "[listen]\nproxy = \"127.0.0.1:0\"\n[proxy]\nupstream = \"http://{}\"\n{ROUTES}",
        upstream.address
    );
    let gateway = world.start(&config).await;
    let address = tcp(&gateway.listening.proxy);
    let (one, two) = (world.license("pro", "bob"), world.license("pro", "eve"));
    let cookie = format!("a=1; licence={one}; b=2");
    for (field, kept) in [(("x-api-key", &*one), None), (("cookie", &*cookie), Some("a=1; b=2"))] {
        assert_eq!(
            send(address, "POST", "/upload", &[field, ("authorization", "Basic YTpi")]).await.status,
            200
        );
        let seen = upstream.take();
        assert_eq!(seen[0].header(field.0), kept);
        assert_eq!(seen[0].header("authorization"), Some("Basic YTpi"));
        assert!(seen[0].headers.iter().all(|(_, value)| !value.contains("lic1_")));
    }
    let bearer = format!("Bearer {one}");
    assert_eq!(send(address, "POST", "/upload", &[("authorization", &bearer)]).await.name(), "missing_token");
    let answer = send(address, "POST", "/upload", &[("x-api-key", &two), ("cookie", &cookie)]).await;
    assert_eq!(answer.status, 401, "two licences are none: {}", answer.body);
    gateway.stop().await;
}

/// The proxy's operator may write what a route needs into the URL that the proxy asks.
#[tokio::test(flavor = "multi_thread")]
async fn the_url_that_the_proxy_asks_may_say_what_the_route_needs() {
    let world = World::new();
    let gateway = world.start("[listen]\ncheck = \"127.0.0.1:0\"\n").await;
    let bearer = format!("Bearer {}", world.license("free", "ada"));
    let ask = |url: &'static str| {
        let fields = [
            ("authorization", &*bearer),
            ("x-forwarded-method", "GET"),
            ("x-forwarded-uri", "/any?licentia.access=open"),
        ];
        let address = tcp(&gateway.listening.check);
        async move { send(address, "GET", url, &fields).await }
    };
    for endpoint in ["/forward", "/nginx"] {
        let urls = match endpoint {
            "/forward" => [
                "/forward?licentia.meters=calls%3D2",
                "/forward?licentia.features=export",
                "/forward?licentia.meter=1",
                "/forward",
            ],
            _ => [
                "/nginx?licentia.meters=calls%3D2",
                "/nginx?licentia.features=export",
                "/nginx?licentia.meter=1",
                "/nginx",
            ],
        };
        let allowed = ask(urls[0]).await;
        assert_eq!(allowed.status, 200, "{allowed:?}");
        assert!(allowed.header("ratelimit").is_some_and(|left| left.contains("\"calls\";r=")), "{allowed:?}");
        assert_eq!(ask(urls[1]).await.name(), "feature_not_licensed");
        assert_eq!(ask(urls[2]).await.name(), "terms_malformed");
        assert_eq!(ask(urls[3]).await.name(), "route_not_listed", "the client's own query says nothing");
    }
}
