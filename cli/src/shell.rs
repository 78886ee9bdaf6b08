//! `licentia completions` and `licentia man`

use std::path::PathBuf;

use clap::{Args, Command};
use clap_complete::Shell;
use serde_json::json;

use crate::terminal::output::{Output, Result};

/// Prints completions for a shell, for example:
/// `licentia completions bash > /etc/bash_completion.d/licentia`
#[derive(Args)]
pub(crate) struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(&self, mut program: Command, output: Output) -> Result {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut program, "licentia", &mut script);
        let script = String::from_utf8(script)?;
        output.show(&json!({ "shell": self.shell.to_string(), "script": script }), || script.clone())
    }
}

/// Writes a man page for the program and for each command.
#[derive(Args)]
pub(crate) struct Man {
    /// The folder to write to.
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
}

impl Man {
    pub(crate) fn run(&self, program: Command, output: Output) -> Result {
        let failed = |error| format!("{}: {error}", self.out.display());
        std::fs::create_dir_all(&self.out).map_err(failed)?;
        clap_mangen::generate_to(program, &self.out).map_err(failed)?;
        let first = self.out.join("licentia.1");
        output.show(&json!({ "out": self.out }), || {
            format!("man pages written; read the first with `man {}`\n", first.display())
        })
    }
}
