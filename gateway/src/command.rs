//! The commands `licentia gateway`, `licentia gateway check` and `licentia gateway routes`.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, Subcommand};

use crate::{
    config::{Config, Unlisted},
    gateway::Gateway,
    routes::{Access, Route},
};

/// Protect an HTTP API, without code.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Command {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    file: File,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Say everything that is wrong with a configuration.
    Check(File),
    /// Print the routes that result from a configuration.
    Routes(File),
}

#[derive(Args, Debug)]
struct File {
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "gateway.toml")]
    config: PathBuf,
}

/// What a command prints, and whether all was well.
#[derive(Debug)]
pub struct Outcome {
    /// Text for people.
    pub text: String,
    /// The same as JSON.
    pub json: serde_json::Value,
}

impl Command {
    /// Runs the command. Without a subcommand, it runs the gateway until the process is told to end.
    ///
    /// # Errors
    /// What is wrong.
    pub fn run(&self) -> Result<Option<Outcome>, Box<dyn std::error::Error>> {
        match &self.action {
            None => serve(&self.file).map(|()| None),
            Some(Action::Check(file)) => {
                let config = Config::load(&file.config)?;
                let routes = config.rules.table.routes().len();
                let noun = if routes == 1 { "route" } else { "routes" };
                Ok(Some(Outcome {
                    text: format!("{}: good, {routes} {noun}\n", file.config.display()),
                    json: serde_json::json!({ "good": true, "routes": routes }),
                }))
            }
            Some(Action::Routes(file)) => {
                let config = Config::load(&file.config)?;
                let routes = config.rules.table.routes();
                Ok(Some(Outcome { text: table(routes, config.rules.unlisted), json: json(routes) }))
            }
        }
    }
}

fn serve(file: &File) -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::load(&file.config)?;
    let files: Vec<PathBuf> = [file.config.clone()].into_iter().chain(config.openapi.clone()).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let gateway = Gateway::start(config).await?;
        let listening = &gateway.listening;
        for (what, address) in
            [("proxy", &listening.proxy), ("check", &listening.check), ("grpc", &listening.grpc)]
        {
            if let Some(address) = address {
                eprintln!("licentia-gateway: {what} on {address}");
            }
        }
        if let Some(page) = &gateway.listening.page {
            eprintln!("licentia-gateway: page on {page}");
        }
        if let Some(health) = &gateway.listening.health {
            eprintln!("licentia-gateway: health and metrics on {health}");
        }
        run(&gateway, &file.config, &files).await?;
        gateway.stop().await;
        Ok(())
    })
}

/// Reloads the configuration when it changes or on SIGHUP, until the process is told to end.
async fn run(gateway: &Gateway, path: &Path, files: &[PathBuf]) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut hangup) = (signal(SignalKind::terminate())?, signal(SignalKind::hangup())?);
    // Looked at rather than watched: a folder that Kubernetes mounts changes by links.
    let mut second = tokio::time::interval(Duration::from_secs(1));
    let state = || -> Vec<_> { files.iter().map(|file| version(file)).collect() };
    let mut known = state();
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            interrupted = tokio::signal::ctrl_c() => return interrupted,
            _ = hangup.recv() => {}
            _ = second.tick() => {
                let now = state();
                if now == known {
                    continue;
                }
                known = now;
            }
        }
        match gateway.reload(path) {
            Ok(()) => eprintln!("licentia-gateway: the routes of {} are in use", path.display()),
            Err(faults) => eprintln!("licentia-gateway: the routes stay as they were:\n{faults}"),
        }
    }
}

/// The version of a file that is there.
fn version(path: &Path) -> Option<licentia::follow::FileVersion> {
    std::fs::metadata(path).ok().as_ref().map(Into::into)
}

/// The routes as a table for people.
fn table(routes: &[Route], unlisted: Unlisted) -> String {
    let head = ["METHOD", "PATH", "NEEDS", "METERS", "RATES", "TOKEN"].map(ToOwned::to_owned);
    let mut rows = vec![head];
    rows.extend(routes.iter().map(row));
    let mut widths = [0; 6];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let line = |row: &[String; 6]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    let unlisted = match unlisted {
        Unlisted::Deny => "refused",
        Unlisted::Licence => "passed with any valid licence",
        Unlisted::Open => "passed without a licence",
    };
    rows.iter().map(line).collect::<String>() + &format!("Other requests are {unlisted}.\n")
}

fn row(route: &Route) -> [String; 6] {
    let costs = |costs: &[(Box<str>, u64)]| {
        let costs: Vec<String> = costs.iter().map(|(name, cost)| format!("{name} {cost}")).collect();
        if costs.is_empty() { "-".into() } else { costs.join(", ") }
    };
    let Route { needs, .. } = route;
    let features = match route.access {
        Access::Open => "nothing".to_owned(),
        Access::Licence if needs.features.is_empty() => "a licence".to_owned(),
        Access::Licence => needs.features.join(", "),
    };
    let tokens: Vec<String> = route.needs.tokens.iter().map(ToString::to_string).collect();
    [
        route.method.clone().unwrap_or_else(|| "*".into()),
        route.path.clone(),
        features,
        costs(&needs.meters),
        costs(&needs.rates),
        if route.access == Access::Open { "-".into() } else { tokens.join(", ") },
    ]
}

fn json(routes: &[Route]) -> serde_json::Value {
    let route = |route: &Route| {
        let costs = |costs: &[(Box<str>, u64)]| {
            costs
                .iter()
                .map(|(name, cost)| (name.to_string(), (*cost).into()))
                .collect::<serde_json::Map<_, _>>()
        };
        let needs = &route.needs;
        let tokens: Vec<String> = needs.tokens.iter().map(ToString::to_string).collect();
        serde_json::json!({
            "method": route.method, "path": route.path, "line": route.line,
            "access": if route.access == Access::Open { "open" } else { "licence" },
            "features": needs.features[..], "meters": costs(&needs.meters), "rates": costs(&needs.rates),
            "audience": needs.audience.as_deref(), "token": tokens,
            "uncharged": route.uncharged.iter().map(ToString::to_string).collect::<Vec<_>>(),
        })
    };
    routes.iter().map(route).collect()
}
