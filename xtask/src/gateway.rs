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
    let mut test = cargo(&["test", "--locked", "-p", "licentia-gateway", "--test", "proxies", "--"]);
    test.args(["--ignored", "--test-threads=2"]).env("LICENTIA_ENVOY", envoy);
    run(test)
}
