//! `licentia server`

mod init;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Subcommand};
use licentia_server::{Config, Running, Server as Service};

use crate::terminal::{
    input::Passphrase,
    interrupt,
    output::{Output, Result},
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

impl Server {
    pub(crate) fn run(self, output: Output) -> Result {
        match self.action {
            Some(Action::Init(init)) => {
                interrupt::leaves_nothing_behind();
                init.run(output)
            }
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
