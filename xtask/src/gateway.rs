//! The gateway: its generated code, and its tests against real proxies.

use std::{fs, path::Path};

use crate::{
    command::{Result, cargo, command, root, run},
    programs::program,
    tools::{self, system},
};

/// The code that is generated from Envoy's definitions.
const GENERATED: &str = "gateway/src/protocols/envoy_grpc/generated";

/// Generates the code for Envoy's authorization service.
pub(crate) fn write() -> Result {
    generate(&root().join(GENERATED))
}

fn generate(to: &Path) -> Result {
    system::require(&[("protoc", "protobuf-compiler")])?;
    fs::create_dir_all(to).map_err(|error| format!("{}: {error}", to.display()))?;
    run(command(program("licentia-gateway-codegen")?, &[&to.to_string_lossy()]))
}

/// The generated code is what its generator makes, and real proxies protect a service with the configurations of
/// `deploy/`.
pub(crate) fn check() -> Result {
    let fresh = root().join("target/gateway/generated");
    generate(&fresh)?;
    let committed = root().join(GENERATED);
    let files = fs::read_dir(&fresh).map_err(|error| format!("{}: {error}", fresh.display()))?;
    for file in files {
        let name = file.map_err(|error| error.to_string())?.file_name();
        let read = |folder: &Path| fs::read(folder.join(&name)).ok();
        if read(&fresh) != read(&committed) {
            let name = name.to_string_lossy();
            return Err(format!(
                "{GENERATED}/{name} is outdated; run `cargo xtask proto` and look at the change"
            ));
        }
    }
    system::require(&[("nginx", "nginx-light"), ("haproxy", "haproxy"), ("caddy", "caddy")])?;
    let envoy = tools::envoy::program()?;
    system::require(&[("redis-server", "redis-server"), ("systemd-analyze", "systemd")])?;
    unit()?;
    let suites = ["--test", "proxies", "--test", "kills"];
    let mut test = cargo(&[&["test", "--locked", "-p", "licentia-gateway"][..], &suites, &["--"]].concat());
    test.args(["--ignored", "--test-threads=2"]).env("LICENTIA_ENVOY", envoy);
    run(test)?;
    // The commands of the README, from nothing.
    run(cargo(&["test", "--locked", "-p", "licentia-cli", "--test", "start", "--", "--ignored"]))
}

/// systemd finds no fault with the unit in `deploy/`. The program is where the suite has built it.
fn unit() -> Result {
    let path = root().join("deploy/systemd/licentia-gateway.service");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let built = program("licentia-gateway")?;
    let text = text.replace("/usr/local/bin/licentia-gateway", &built.to_string_lossy());
    let copy = root().join("target/gateway/licentia-gateway.service");
    fs::write(&copy, text).map_err(|error| format!("{}: {error}", copy.display()))?;
    run(command("systemd-analyze", &["verify", &copy.to_string_lossy()]))
}
