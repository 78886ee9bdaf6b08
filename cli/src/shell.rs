//! `licentia completions` and `licentia man`

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::{Cli, output::Result};

/// Prints completions, for example: `licentia completions bash > /etc/bash_completion.d/licentia`
#[derive(Args)]
pub(crate) struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(&self) -> ExitCode {
        clap_complete::generate(self.shell, &mut Cli::command(), "licentia", &mut std::io::stdout());
        ExitCode::SUCCESS
    }
}

/// Writes a man page for the program and for each of its commands.
#[derive(Args)]
pub(crate) struct Man {
    /// The folder to write to.
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
}

impl Man {
    pub(crate) fn run(&self) -> Result {
        std::fs::create_dir_all(&self.out)?;
        clap_mangen::generate_to(Cli::command(), &self.out)?;
        Ok(ExitCode::SUCCESS)
    }
}
