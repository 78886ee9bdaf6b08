//! `licentia server`

mod init;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Subcommand};
use licentia_server::{Config, Running, Server as Service};
use serde_json::json;

use crate::terminal::{
    input::{self, Passphrase},
    interrupt,
    output::{Output, Result, counted},
};

/// Run the vendor's service: issue, renew, revoke, publish and collect over
/// HTTP.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Server {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    run: Run,
}

#[derive(Subcommand)]
enum Action {
    /// Make the folder of a new service: keys, keyset, ledger, catalogue,
    /// configuration, and the administrator's licence.
    Init(init::Init),
    /// Compare what is published with the ledger, and check that the audit is
    /// whole.
    Audit(Audit),
    /// Print the OpenAPI document of the service.
    Openapi,
}

#[derive(Args)]
struct Run {
    /// The configuration, which `licentia server init` writes.
    #[arg(long, value_name = "FILE", default_value = "licentia-server/server.toml")]
    config: PathBuf,
    #[command(flatten)]
    passphrase: Passphrase,
}

#[derive(Args)]
struct Audit {
    #[command(flatten)]
    run: Run,
    /// A bundle as gateways get it, in place of the one that the ledger has. May
    /// be repeated.
    #[arg(long, value_name = "BUNDLE")]
    published: Vec<PathBuf>,
}

impl Audit {
    fn run(&self, output: Output) -> Result {
        let config = Config::load(&self.run.config)?;
        let published = self.published.iter().map(|path| input::bytes(path)).collect::<Result<Vec<_>>>()?;
        let load = |path: &std::path::Path| self.run.passphrase.load(path).map_err(|error| error.to_string());
        let found = licentia_server::examine(&config, &published, load)?;
        let bundles = found.bundles.iter().map(|(issuer, sequence, report)| {
            json!({ "issuer": issuer, "sequence": sequence, "issued": report.issued, "revoked": report.revoked })
        });
        let value = json!({
            "good": found.problems.is_empty(), "bundles": bundles.collect::<Vec<_>>(), "lines": found.lines,
            "problems": found.problems,
        });
        output.show(&value, || {
            let bundles = found.bundles.iter().map(|(issuer, sequence, report)| {
                let (issued, revoked) = (counted(report.issued, "licence"), report.revoked);
                format!(
                    "{issuer}: bundle {sequence} says what the ledger says of {issued}, {revoked} revoked\n"
                )
            });
            let problems = found.problems.iter().map(|problem| format!("wrong: {problem}\n"));
            let lines = format!("audit: {}\n", counted(found.lines, "line"));
            bundles.chain([lines]).chain(problems).collect()
        })?;
        Ok(ExitCode::from(u8::from(!found.problems.is_empty())))
    }
}

impl Server {
    pub(crate) fn run(self, output: Output) -> Result {
        match self.action {
            Some(Action::Init(init)) => {
                interrupt::leaves_nothing_behind();
                init.run(output)
            }
            Some(Action::Audit(audit)) => audit.run(output),
            Some(Action::Openapi) => {
                anstream::print!("{}", licentia_server::http::openapi());
                Ok(ExitCode::SUCCESS)
            }
            None => self.run.run(),
        }
    }
}

impl Run {
    fn run(&self) -> Result {
        let config = Config::load(&self.config)?;
        let load = |path: &std::path::Path| self.passphrase.load(path).map_err(|error| error.to_string());
        let service = Service::open(&config, load)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let running = Running::start(service, config.listen).await?;
            eprintln!("licentia-server: listening on http://{}", running.address);
            interrupt::ended().await?;
            running.stop().await;
            Ok(ExitCode::SUCCESS)
        })
    }
}
