//! The `licentia` program: the vendor's and the holder's side of licences, and a verifier for scripts.

mod bundle;
mod catalogue;
mod codes;
mod demo;
mod dev;
mod gateway;
mod key;
mod ledger;
mod license;
mod receipts;
mod schema;
mod server;
mod shell;
mod terminal;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use key::{keygen::Keygen, keyset::Keyset};
use ledger::{
    lookup::Lookup,
    revoke::{Reinstate, Revoke},
};
use license::{
    inspect::Inspect,
    issue::Issue,
    prove::Prove,
    renew::{Reissue, Renew, Upgrade},
    verify::Verify,
};
use terminal::{
    interrupt,
    output::{self, Output, Result},
};

/// Issue, inspect and verify licences, and protect an API with them. No command
/// makes a network call but `gateway`, `server`, `dev`, and those whose ledger is in a
/// database.
///
/// Exit codes: 0 allowed or done, 1 denied, not found or not trusted, 2 a wrong
/// call or a broken environment, 130 interrupted.
#[derive(Parser)]
#[command(name = "licentia", version, propagate_version = true, arg_required_else_help = true)]
#[command(max_term_width = 80)]
struct Cli {
    /// Print JSON: one object or array on standard output.
    #[arg(long, global = true)]
    json: bool,
    /// When to use colours.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: clap::ColorChoice,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Generate a key pair: NAME.pem is secret, NAME.pub is for verifiers.
    Keygen(Keygen),
    /// Show the public half of a private key, or change its passphrase.
    #[command(subcommand)]
    Key(key::halves::KeyFile),
    /// Issue a licence and print its text.
    Issue(Box<Issue>),
    /// Renew a licence for another term.
    Renew(Box<Renew>),
    /// Move a licence to another tier.
    Upgrade(Box<Upgrade>),
    /// Sign all good licences of a lost key anew.
    Reissue(Box<Reissue>),
    /// Show what a token says, without verifying it.
    Inspect(Inspect),
    /// Verify a token and explain the decision.
    Verify(Verify),
    /// Sign a proof of possession for a request.
    Prove(Prove),
    /// Check and show a catalogue of tiers.
    #[command(subcommand)]
    Catalogue(catalogue::Catalogue),
    /// Create, change and sign the set of keys that services trust.
    #[command(subcommand)]
    Keyset(Keyset),
    /// Create a ledger, look up issued licences in it, copy it.
    #[command(subcommand)]
    Ledger(Lookup),
    /// Revoke licences.
    Revoke(Revoke),
    /// Remove revocations.
    Reinstate(Reinstate),
    /// Build and show the bundles that gates load.
    #[command(subcommand)]
    Bundle(Box<bundle::Bundle>),
    /// Check, sum up, export and acknowledge receipts of usage.
    #[command(subcommand)]
    Receipts(receipts::Receipts),
    /// Protect an HTTP API with licences, without code.
    Gateway(licentia_gateway::command::Command),
    /// Run the vendor's service: issue, renew, revoke, publish and collect over
    /// HTTP.
    Server(server::Server),
    /// Run a vendor, a gateway, an API and three customers, with a live page.
    Dev(dev::Dev),
    /// List the codes of decisions.
    Codes,
    /// Print JSON Schemas of what commands print with --json.
    Schema(schema::Schema),
    /// Walk through the main features, on data that it generates.
    Demo,
    /// Print completions for a shell.
    Completions(shell::Completions),
    /// Write man pages.
    Man(shell::Man),
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return output::usage(error),
    };
    match cli.color {
        clap::ColorChoice::Always => anstream::ColorChoice::Always.write_global(),
        clap::ColorChoice::Never => anstream::ColorChoice::Never.write_global(),
        clap::ColorChoice::Auto => {}
    }
    let output = Output { json: cli.json };
    match run(cli.command, output) {
        Ok(code) => code,
        Err(error) => {
            output.error(&*error);
            output::exit_code(&*error)
        }
    }
}

fn run(command: Command, output: Output) -> Result {
    // A server stops listening first, and lets requests end.
    if !matches!(command, Command::Gateway(_) | Command::Dev(_) | Command::Server(_)) {
        interrupt::leaves_nothing_behind();
    }
    match command {
        Command::Keygen(keygen) => keygen.run(output),
        Command::Key(key) => key.run(output),
        Command::Issue(issue) => issue.run(output),
        Command::Renew(renew) => renew.run(output),
        Command::Upgrade(upgrade) => upgrade.run(output),
        Command::Reissue(reissue) => reissue.run(output),
        Command::Inspect(inspect) => inspect.run(output),
        Command::Verify(verify) => verify.run(output),
        Command::Prove(prove) => prove.run(output),
        Command::Catalogue(catalogue) => catalogue.run(output),
        Command::Keyset(keyset) => keyset.run(output),
        Command::Ledger(lookup) => lookup.run(output),
        Command::Revoke(revoke) => revoke.run(output),
        Command::Reinstate(reinstate) => reinstate.run(output),
        Command::Bundle(bundle) => bundle.run(output),
        Command::Receipts(receipts) => receipts.run(output),
        Command::Gateway(command) => gateway::run(&command, output),
        Command::Server(server) => server.run(output),
        Command::Dev(dev) => dev.run(output),
        Command::Codes => codes::run(output),
        Command::Schema(schema) => schema.run(output),
        Command::Demo => demo::run(output),
        Command::Completions(completions) => completions.run(Cli::command(), output),
        Command::Man(man) => man.run(Cli::command(), output),
    }
}
