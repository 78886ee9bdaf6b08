//! `licentia bundle`

mod build;
mod show;

use std::path::{Path, PathBuf};

use clap::Subcommand;
use licentia_core::{
    Key, Keyring,
    revocation::{Bundle as Signed, merge},
};
use licentia_issuer::{Ledger, bundle::delta};
use serde_json::json;

use crate::{
    input::{self, Passphrase},
    output::{Output, Result, table},
};

/// Bundles are what gates load to know which licences are revoked.
#[derive(Subcommand)]
pub(crate) enum Bundle {
    /// Build and sign the next bundle from the ledger. Every licence is replayed before anything is written.
    Build(Box<build::Build>),
    /// Sign what leads from one whole bundle to a later one: a small file for gates that have the first.
    Delta {
        /// The bundle that gates have.
        base: PathBuf,
        /// The later one, which was built with `--since`.
        next: PathBuf,
        /// The revocation key.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The delta to write.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        passphrase: Passphrase,
    },
    /// Apply deltas to a bundle, as a gate does, and show the state that they lead to.
    Apply {
        /// The bundle.
        base: PathBuf,
        /// The deltas, in their order.
        #[arg(required = true)]
        deltas: Vec<PathBuf>,
        /// The revocation key's public half.
        #[arg(long, value_name = "KEY")]
        key: String,
    },
    /// Verify a bundle or delta, and show what is in it.
    #[command(visible_alias = "show")]
    Verify {
        /// The bundle.
        bundle: PathBuf,
        /// The revocation key's public half.
        #[arg(long, value_name = "KEY")]
        key: String,
    },
    /// Show what a bundle or delta says, without verifying it.
    Inspect {
        /// The bundle.
        bundle: PathBuf,
    },
    /// Show the sizes of a bundle's parts, beside the least that a set of its size takes.
    Stats {
        /// The bundle.
        bundle: PathBuf,
        /// How many licences were issued; else the ledger's number, or the greatest revoked index.
        #[arg(long, value_name = "COUNT", conflicts_with = "ledger")]
        issued: Option<u64>,
        /// The ledger.
        #[arg(long, value_name = "FILE")]
        ledger: Option<PathBuf>,
    },
}

impl Bundle {
    pub(crate) fn run(self, output: Output) -> Result {
        match self {
            Self::Build(build) => build.run(output),
            Self::Delta { base, next, key, out, passphrase } => {
                let key = passphrase.load(&key)?;
                let (base, next) = (input::bytes(&base)?, input::bytes(&next)?);
                let keys = [key.public().for_revocation()];
                let bytes = delta(&read(&base, &keys)?, &read(&next, &keys)?, &key)?;
                input::replace(&out, &bytes)?;
                show::bundle(&read(&bytes, &keys)?, bytes.len(), output)
            }
            Self::Apply { base, deltas, key } => apply(&base, &deltas, &key, output),
            Self::Verify { bundle, key } => {
                let (bytes, keys) = (input::bytes(&bundle)?, [input::public_key(&key)?.for_revocation()]);
                show::bundle(&read(&bytes, &keys)?, bytes.len(), output)
            }
            Self::Inspect { bundle } => {
                let bytes = input::bytes(&bundle)?;
                output.note("The signature was not verified: use `licentia bundle verify`.");
                show::bundle(&Signed::inspect(&bytes).map_err(explain)?.0, bytes.len(), output)
            }
            Self::Stats { bundle, issued, ledger } => {
                let bytes = input::bytes(&bundle)?;
                let (bundle, _) = Signed::inspect(&bytes).map_err(explain)?;
                let issued = match (issued, ledger) {
                    (Some(issued), _) => Some(issued),
                    (None, Some(ledger)) => Some(open(&ledger)?.count()?),
                    (None, None) => None,
                };
                show::stats(&bundle, bytes.len(), issued, output)
            }
        }
    }
}

/// Opens a ledger that exists.
pub(crate) fn open(path: &Path) -> Result<Ledger> {
    if path.exists() {
        Ok(Ledger::open(path)?)
    } else {
        Err(format!("{}: no such ledger", path.display()).into())
    }
}

fn explain(code: licentia_core::Code) -> Box<dyn std::error::Error> {
    format!("bundle: {code} {}", code.advice()).into()
}

/// Reads a bundle as a gate does: a whole one's root is that of its content.
fn read<'a>(bytes: &'a [u8], keys: &[Key]) -> Result<Signed<'a>> {
    let (bundle, _) = Signed::read(bytes, Keyring::new(keys)).map_err(explain)?;
    if bundle.base().is_none() {
        bundle.check_root().map_err(explain)?;
    }
    Ok(bundle)
}

fn apply(base: &Path, deltas: &[PathBuf], key: &str, output: Output) -> Result {
    let (bytes, keys) = (input::bytes(base)?, [input::public_key(key)?.for_revocation()]);
    let base = read(&bytes, &keys)?;
    let mut state = base.keep::<Box<[u8]>>();
    for path in deltas {
        let bytes = input::bytes(path)?;
        let delta = read(&bytes, &keys).map_err(|error| format!("{}: {error}", path.display()))?;
        let merged = merge(&state.bundle(&[]), &delta);
        state = merged.map_err(|code| format!("{}: {code} {}", path.display(), code.advice()))?;
    }
    let state = state.bundle(&[]);
    let value = json!({
        "applied": deltas.len(), "sequence": state.sequence(), "indices": state.exact().count(),
        "hashes": state.hashes().len() / 8, "rules": state.rules().count(),
        "root": crate::output::hex(state.root()),
    });
    output.show(&value, || {
        table([
            ("applied", format!("{} deltas; the state has the root that the last one names", deltas.len())),
            ("sequence", state.sequence().to_string()),
            ("revoked", show::revoked(&state)),
        ])
    })
}
