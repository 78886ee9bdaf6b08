//! `licentia key`

use std::path::PathBuf;

use clap::Subcommand;
use licentia_issuer::file::{Access, create, replace_for};
use serde_json::json;

use super::view::fingerprint;
use crate::terminal::{
    input::{self, Passphrase},
    output::{Output, Result, printable, table},
};

/// Works on private keys.
#[derive(Subcommand)]
pub(crate) enum KeyFile {
    /// Print the public half of a private key, or write it to a file.
    Public {
        /// The private key.
        key: PathBuf,
        /// The file to write, which must not exist.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        passphrase: Passphrase,
    },
    /// Change the passphrase of a private key, set one, or remove it.
    #[command(name = "passphrase")]
    Change {
        /// The private key. Its file is replaced.
        key: PathBuf,
        #[command(flatten)]
        passphrase: Passphrase,
        /// File whose first line is the new passphrase. Without it, the terminal
        /// asks.
        #[arg(long, value_name = "FILE")]
        new_passphrase_file: Option<PathBuf>,
        /// Store the key without encryption.
        #[arg(long, conflicts_with = "new_passphrase_file")]
        remove: bool,
    },
}

impl KeyFile {
    pub(crate) fn run(self, output: Output) -> Result {
        match self {
            Self::Public { key: path, out, passphrase } => {
                let key = passphrase.load(&path)?.public();
                if let Some(out) = &out {
                    create(out, format!("{key}\n").as_bytes(), Access::Umask)?.keep();
                }
                let value = json!({
                    "kid": key.kid().to_string(), "key": key.to_string(), "fingerprint": fingerprint(&key), "public": out,
                });
                output.show(&value, || match &out {
                    None => format!("{key}\n"),
                    Some(out) => table([
                        ("public", printable(&out.display().to_string())),
                        ("kid", key.kid().to_string()),
                        ("fingerprint", fingerprint(&key)),
                    ]),
                })
            }
            Self::Change { key: path, passphrase, new_passphrase_file, remove } => {
                let key = passphrase.load(&path)?;
                let chosen = match &new_passphrase_file {
                    Some(file) => Some(input::first_line(file)?),
                    None if remove => None,
                    None => {
                        let typed = input::new_passphrase(&path)?;
                        let typed = typed
                            .ok_or("say the new passphrase with --new-passphrase-file, or --remove it")?;
                        Some(typed).filter(|typed| !typed.is_empty())
                    }
                };
                let pem = key.to_pem(chosen.as_ref().map(|chosen| chosen.as_str()))?;
                replace_for(&path, pem.as_bytes(), Access::Owner)?;
                let encrypted = chosen.is_some();
                let value = json!({ "kid": key.kid().to_string(), "secret": path, "encrypted": encrypted });
                output.show(&value, || {
                    let state = if encrypted {
                        "encrypted with the new passphrase"
                    } else {
                        "not encrypted; keep it safe"
                    };
                    format!("{}: {state}\n", printable(&path.display().to_string()))
                })
            }
        }
    }
}
