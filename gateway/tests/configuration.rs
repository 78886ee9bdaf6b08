//! `gateway.toml`: everything that is wrong is said, with its line.

mod common;

use std::path::Path;

use common::World;
use licentia_gateway::Config;

/// What is wrong, as `line: message`.
fn faults(text: &str) -> Vec<String> {
    let faults = Config::parse(text, "gateway.toml", Path::new("/nowhere")).unwrap_err();
    faults.faults.iter().map(ToString::to_string).collect()
}

#[test]
fn everything_that_is_wrong_is_said_at_once_with_its_line() {
    let found = faults(
        r#"mode = "strict"
[listen]
proxy = "localhost"
[[route]]
match = "get /a"
[[route]]
features = ["x"]
[[route]]
match = "GET /a"
featurs = ["x"]
[[route]]
match = "GET /b/{x}"
features = ["Export"]
allow = ["slashes"]
token = ["header"]
[[route]]
match = "GET /b/{y}"
token = ["cookie:"]
[trust]
root = "missing.pub"
"#,
    );
    for expected in [
        "line 1: ",
        "line 3: `listen`: `localhost` is no address",
        "line 5: `get` is no method",
        "line 6: the route lacks `match`",
        "line 10: `route`: unknown field `featurs`",
        "line 12: `features` names `Export`",
        "line 12: `allow` names `slashes`",
        "line 17: `token`: `` is no name of a cookie",
    ] {
        assert!(found.iter().any(|fault| fault.starts_with(expected)), "{expected}: {found:#?}");
    }
}

#[test]
fn settings_that_exclude_each_other_are_refused() {
    let trust = World::new().trust();
    let listen = "[listen]\ncheck = \"127.0.0.1:9000\"\n";
    let route = "[[route]]\nmatch = \"GET /a\"\nmeters = { calls = 1 }\n";
    for (text, expected) in [
        (
            format!("{listen}{route}charge = \"success\"\n{trust}"),
            "line 4: `GET /a` has `charge = \"success\"`, which needs the response",
        ),
        (
            format!("{listen}{route}cost = \"response\"\n{trust}"),
            "line 4: `GET /a` has `cost = \"response\"`",
        ),
        (
            format!("{listen}{route}access = \"open\"\n{trust}"),
            "line 4: the route is open, so `meters` has no effect",
        ),
        (format!("{listen}{route}{route}{trust}"), "line 7: `GET /a` conflicts with another route"),
        (format!("{listen}[[route]]\nmatch = \"GET /a/%2f\"\n{trust}"), "line 4: `/a/%2f` is encoded"),
        (format!("{listen}{route}"), "no key is trusted"),
        (format!("[listen]\n{trust}"), "nothing listens"),
        (format!("[listen]\nproxy = \"127.0.0.1:1\"\n{trust}"), "`listen.proxy` needs `[proxy]`"),
        (format!("[listen]\nproxy = \"127.0.0.1:1\"\ncheck = \"127.0.0.1:1\"\n{trust}"), "two listeners"),
        (format!("{listen}[proxy]\nupstream = \"http://a/b\"\n{trust}"), "line 4: `upstream` has a path"),
        (format!("store = \"postgres:x\"\n{listen}{trust}"), "line 1: `store`"),
        (format!("{listen}[trust]\nkeyset = \"https://a/k\"\n"), "line 4: `keyset` needs `root`"),
        (format!("{listen}{trust}bundle = \"https://a/b\"\n"), "`bundle` needs `keyset`"),
        (
            format!("openapi = \"none.yaml\"\n{listen}{trust}"),
            "line 1: `openapi` names none.yaml, which cannot be read",
        ),
        ("a = ".to_owned(), "line 1: "),
    ] {
        let found = faults(&text);
        assert!(found.iter().any(|fault| fault.starts_with(expected)), "{expected}: {found:#?}\n{text}");
    }
}

#[test]
fn routes_of_an_openapi_document_stand_beside_those_of_the_file() {
    let world = World::new();
    let document = "openapi: 3.1.0\npaths: { /search: { get: { x-licentia: { meters: { calls: 2 } } } } }\n";
    common::write(world.folder.path(), "api.yaml", document);
    let text = format!(
        "openapi = \"api.yaml\"\n[listen]\ncheck = \"127.0.0.1:0\"\n[[route]]\nmatch = \"GET /a\"\n{}",
        world.trust()
    );
    let config = Config::parse(&text, "gateway.toml", world.folder.path()).unwrap();
    let names: Vec<&str> = config.rules.table.routes().iter().map(|route| &*route.name).collect();
    assert_eq!(names, ["GET /a", "GET /search"]);
}

#[test]
fn the_shipped_configuration_is_good() {
    let world = World::new();
    common::write(world.folder.path(), "root.pub", common::key(9).public().to_string());
    let text = include_str!("../../deploy/gateway.toml");
    let config = Config::parse(text, "gateway.toml", world.folder.path()).unwrap();
    assert_eq!(config.rules.table.routes().len(), 3);
    assert_eq!(config.trust.bundles.len(), 1);
}

/// The program's arguments.
#[derive(clap::Parser)]
struct Program {
    #[command(flatten)]
    command: licentia_gateway::command::Command,
}

fn run(arguments: &[&str]) -> Result<String, String> {
    use clap::Parser;
    let program = Program::parse_from([&["licentia-gateway"], arguments].concat());
    match program.command.run() {
        Ok(outcome) => Ok(outcome.unwrap().text),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn check_and_routes_say_what_a_configuration_means() {
    let world = World::new();
    let path = world.folder.path().join("gateway.toml");
    let file = path.to_str().unwrap();
    let text = format!(
        "[listen]\ncheck = \"127.0.0.1:0\"\n[[route]]\nmatch = \"GET /exports/{{id}}\"\nfeatures = [\"export\"]\n\
         meters = {{ calls = 10 }}\n[[route]]\nmatch = \"* /status\"\naccess = \"open\"\n{}",
        world.trust()
    );
    std::fs::write(&path, &text).unwrap();
    assert_eq!(run(&["check", "--config", file]).unwrap(), format!("{file}: good, 2 routes\n"));
    let routes = run(&["routes", "--config", file]).unwrap();
    let lines: Vec<Vec<&str>> = routes.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[1], ["GET", "/exports/{id}", "export", "calls", "10", "-", "authorization"]);
    assert_eq!(lines[2], ["*", "/status", "nothing", "-", "-", "-"]);
    assert_eq!(routes.lines().last(), Some("Other requests are refused."));

    std::fs::write(&path, text.replace("\"open\"", "\"closed\"").replace("GET /exports", "get /exports"))
        .unwrap();
    let wrong = run(&["check", "--config", file]).unwrap_err();
    assert!(wrong.contains(&format!("{file}:4: `get` is no method")), "{wrong}");
    assert!(wrong.contains(&format!("{file}:9: `route`: ")), "{wrong}");
    assert!(run(&["routes", "--config", "/nowhere"]).unwrap_err().contains("/nowhere: cannot be read"));
}

/// The gateway's files in the manifests of Kubernetes are good.
#[test]
fn the_files_in_the_manifests_are_good() {
    let world = World::new();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/kubernetes");
    common::write(world.folder.path(), "root.pub", world.issuer.key().public().to_string());
    let mut found = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        for document in text.split("\n---\n") {
            // A block of the map `data`, which is indented by four spaces.
            let Some((_, block)) = document.split_once("  gateway.toml: |\n") else { continue };
            let lines = block.lines().map_while(|line| line.strip_prefix("    "));
            let text = lines.collect::<Vec<_>>().join("\n");
            Config::parse(&text, "gateway.toml", world.folder.path())
                .unwrap_or_else(|faults| panic!("{}: {faults}\n{text}", path.display()));
            found += 1;
        }
    }
    assert_eq!(found, 2);
}
