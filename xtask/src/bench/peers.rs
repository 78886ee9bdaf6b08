//! The gateway beside its peers: Envoy alone, envoyproxy/ratelimit and Open Policy Agent.

use std::{env, path::PathBuf};

use crate::{
    command::{Result, cargo, command, output, run, target_folder},
    tools::{self, redis::Redis, system},
};

/// Peers in Go, at the versions that are measured: the folder of the program in its module, and the program.
const RATELIMIT: (&str, &str) =
    ("github.com/envoyproxy/ratelimit/src/service_cmd@v1.4.1-0.20260122083618-3fb702589d36", "service_cmd");
const OPA: (&str, &str) = ("github.com/open-policy-agent/opa@v1.22.4", "opa");

/// Runs the benchmark with its peers, and returns its tables. A round takes `LICENTIA_SECONDS`, 5 without it, and there are
/// 72 rounds.
pub(crate) fn compared() -> Result<String> {
    let envoy = tools::envoy::program()?;
    let redis = Redis::start()?;
    let (ratelimit, opa) = (installed(RATELIMIT)?, installed(OPA)?);
    let mut bench = cargo(&["bench", "--quiet", "--locked", "-p", "licentia-benches", "--bench", "gateway"]);
    bench.env("LICENTIA_ENVOY", envoy).env("LICENTIA_REDIS", &redis.url);
    bench.env("LICENTIA_RATELIMIT", ratelimit).env("LICENTIA_OPA", opa);
    output(bench)
}

/// Builds a program in Go from its module, once.
fn installed((module, name): (&str, &str)) -> Result<PathBuf> {
    system::require(&[("go", "golang-go")])?;
    let folder = target_folder().join("go-peers");
    let program = folder.join(name);
    if !program.exists() {
        let folder = env::current_dir().map_err(|error| error.to_string())?.join(folder);
        let mut install = command("go", &["install", module]);
        install.env("GOBIN", folder);
        run(install)?;
    }
    Ok(program)
}
