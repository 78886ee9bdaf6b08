//! `licentia bundle`

mod build;
mod read;
mod show;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use licentia_core::{
    Code, Key, Keyring, Keyset,
    revocation::{Bundle as Signed, merge},
};
use licentia_issuer::{SigningKey, file::replace, sign_delta, sign_state};
use serde_json::json;

use crate::{
    ledger::place::Place,
    terminal::{
        input::{self, Passphrase},
        output::{Output, Result, counted, hex, table},
    },
};
use read::{explain, read};

/// Builds and shows bundles. A gate loads a bundle to know which licences are
/// revoked.
#[derive(Subcommand)]
pub(crate) enum Bundle {
    /// Build and sign the next bundle from the ledger. Every licence is checked
    /// against it before anything is written.
    Build(Box<build::Build>),
    /// Sign the delta from one whole bundle to a later one: a small file for
    /// gates that have the first.
    Delta {
        /// The bundle that gates have.
        base: PathBuf,
        /// The later bundle, which was built with `--since`.
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
    /// Apply deltas to a bundle as a gate does, and show the resulting state.
    #[command(
        override_usage = "licentia bundle apply <--key <KEY>|--keyset <FILE> --root <KEY>>\n                             [OPTIONS] <BASE> <DELTAS>..."
    )]
    Apply {
        /// The bundle.
        base: PathBuf,
        /// The deltas, in order.
        #[arg(required = true)]
        deltas: Vec<PathBuf>,
        #[command(flatten)]
        signer: Signer,
        /// The whole bundle of that state to write, signed again.
        #[arg(long, value_name = "FILE", requires = "sign")]
        out: Option<PathBuf>,
        /// The revocation key to sign it with.
        #[arg(long, value_name = "FILE", requires = "out")]
        sign: Option<PathBuf>,
        #[command(flatten)]
        passphrase: Passphrase,
    },
    /// Verify a bundle or delta and show its content.
    #[command(visible_alias = "show")]
    #[command(
        override_usage = "licentia bundle verify <--key <KEY>|--keyset <FILE> --root <KEY>>\n                              [OPTIONS] <BUNDLE>"
    )]
    Verify {
        /// The bundle.
        bundle: PathBuf,
        #[command(flatten)]
        signer: Signer,
    },
    /// Show the content of a bundle or delta without verifying it.
    Inspect {
        /// The bundle.
        bundle: PathBuf,
    },
    /// Show the sizes of a bundle's parts, beside the theoretical minimum.
    Stats {
        /// The bundle.
        bundle: PathBuf,
        /// How many licences were issued. The default is the ledger's count, or
        /// else the greatest revoked index plus 1.
        #[arg(long, value_name = "COUNT", conflicts_with = "ledger")]
        issued: Option<u64>,
        #[command(flatten)]
        place: Place,
    },
}

/// The key that must have signed a bundle.
#[derive(Args)]
#[group(id = "signer", required = true)]
pub(crate) struct Signer {
    /// The revocation key's public half.
    #[arg(long, value_name = "KEY", conflicts_with = "keyset")]
    key: Option<String>,
    /// The keyset with the revocation key. Its scope, window and state count,
    /// as in a gate.
    #[arg(long, value_name = "FILE", requires = "root")]
    keyset: Option<PathBuf>,
    /// The root key's public half.
    #[arg(long, value_name = "KEY", requires = "keyset")]
    root: Option<String>,
}

impl Signer {
    /// The keys, and the bytes of their keyset.
    fn load(&self) -> Result<(Vec<Key>, Vec<u8>)> {
        match (&self.key, &self.keyset, &self.root) {
            (_, Some(keyset), Some(root)) => {
                let (bytes, root) = (input::bytes(keyset)?, input::public_key(root)?);
                let explain = |code: Code| format!("{}: {code} {}", keyset.display(), code.advice());
                let keys = Keyset::read(&bytes, &root).and_then(|keyset| keyset.keys().collect());
                Ok((keys.map_err(explain)?, bytes))
            }
            (Some(key), ..) => Ok((vec![input::public_key(key)?.for_revocation()], Vec::new())),
            _ => Err("name the signer: --key, or --keyset and --root".into()),
        }
    }
}

impl Bundle {
    pub(crate) fn run(self, output: Output) -> Result {
        match self {
            Self::Build(build) => build.run(output),
            Self::Delta { base, next, key, out, passphrase } => {
                let key = passphrase.load(&key)?;
                let (base, next) = (input::bytes(&base)?, input::bytes(&next)?);
                let keys = [key.public().for_revocation()];
                let keys = Keyring::new(&keys);
                let bytes = sign_delta(&read(&base, keys)?, &read(&next, keys)?, &key)?;
                replace(&out, &bytes)?;
                show::bundle(&read(&bytes, keys)?, bytes.len(), output)
            }
            Self::Apply { base, deltas, signer, out, sign, passphrase } => {
                let sign = sign.map(|path| passphrase.load(&path)).transpose()?;
                apply(&base, &deltas, &signer, out.as_deref().zip(sign.as_ref()), output)
            }
            Self::Verify { bundle, signer } => {
                let (bytes, (keys, keyset)) = (input::bytes(&bundle)?, signer.load()?);
                show::bundle(&read(&bytes, Keyring::of_keyset(&keys, &keyset))?, bytes.len(), output)
            }
            Self::Inspect { bundle } => {
                let bytes = input::bytes(&bundle)?;
                output.note("The signature was not verified: use `licentia bundle verify`.");
                show::bundle(&Signed::inspect(&bytes).map_err(explain)?.0, bytes.len(), output)
            }
            Self::Stats { bundle, issued, place } => {
                let bytes = input::bytes(&bundle)?;
                let (bundle, _) = Signed::inspect(&bytes).map_err(explain)?;
                let issued = match issued {
                    Some(issued) => Some(issued),
                    None => place.read_if_named()?.map(|ledger| ledger.count()).transpose()?,
                };
                show::stats(&bundle, bytes.len(), issued, output)
            }
        }
    }
}

fn apply(
    base: &Path,
    deltas: &[PathBuf],
    signer: &Signer,
    write: Option<(&Path, &SigningKey)>,
    output: Output,
) -> Result {
    let (bytes, (keys, keyset)) = (input::bytes(base)?, signer.load()?);
    let keyring = Keyring::of_keyset(&keys, &keyset);
    let mut state = read(&bytes, keyring)?.keep::<Box<[u8]>>();
    for path in deltas {
        let bytes = input::bytes(path)?;
        let delta = read(&bytes, keyring).map_err(|error| format!("{}: {error}", path.display()))?;
        let merged = merge(&state.bundle(&[]), &delta);
        state = merged.map_err(|code| format!("{}: {code} {}", path.display(), code.advice()))?;
    }
    let state = state.bundle(&[]);
    if let Some((path, key)) = write {
        if !keys.iter().any(|trusted| trusted.public() == key.public().public()) {
            return Err("nothing was written: --sign is not a key that verifies the bundle".into());
        }
        replace(path, &sign_state(&state, key)?)?;
    }
    let (indices, hashes) = state.counts();
    let value = json!({
        "applied": deltas.len(), "sequence": state.sequence(), "indices": indices, "hashes": hashes, "rules": state.rules().count(),
        "root": hex(state.root()),
    });
    output.show(&value, || {
        table([
            (
                "applied",
                format!("{}; the state has the root of the last one", counted(deltas.len(), "delta")),
            ),
            ("sequence", state.sequence().to_string()),
            ("revoked", show::revoked(&state)),
        ])
    })
}
