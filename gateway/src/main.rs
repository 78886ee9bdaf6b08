//! The gateway alone: a program that holds no code that signs licences.

use std::process::ExitCode;

use clap::Parser;
use licentia_gateway::command::Command;

/// Protect an HTTP API with licences, without code.
#[derive(Parser)]
#[command(name = "licentia-gateway", version)]
struct Program {
    #[command(flatten)]
    command: Command,
}

fn main() -> ExitCode {
    match Program::parse().command.run() {
        Ok(outcome) => {
            print!("{}", outcome.map(|outcome| outcome.text).unwrap_or_default());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}
