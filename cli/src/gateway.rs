//! `licentia gateway`

use std::process::ExitCode;

use licentia_gateway::command::Command;

use crate::terminal::output::{Output, Result};

pub(crate) fn run(command: &Command, output: Output) -> Result {
    match command.run()? {
        Some(outcome) => output.show(&outcome.json, || outcome.text.clone()),
        None => Ok(ExitCode::SUCCESS),
    }
}
