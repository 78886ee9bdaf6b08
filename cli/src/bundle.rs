//! `licentia bundle`

use std::path::PathBuf;

use clap::Subcommand;
use licentia_core::{Key, Keyring, revocation::Bundle as Signed};
use licentia_issuer::{BundleDraft, Ledger, moment, moment::Span};
use serde_json::json;

use crate::{
    input::{self, Clock, Passphrase},
    output::{Output, Result, printable, table},
};

/// Bundles are what gates load to know which licences are revoked.
#[derive(Subcommand)]
#[allow(clippy::large_enum_variant, reason = "there is one, and it is boxed")]
pub(crate) enum Bundle {
    /// Build and sign the next bundle from the ledger. Every licence is replayed before anything is signed.
    Build {
        /// The ledger.
        #[arg(long, value_name = "FILE")]
        ledger: PathBuf,
        /// The issuer's name.
        #[arg(long, value_name = "NAME")]
        issuer: String,
        /// The revocation key, which is another one than the keys that sign licences.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The bundle to write.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// How long until the next bundle comes at the latest.
        #[arg(long, value_name = "SPAN", default_value = "1 day")]
        next_update: Span,
        /// How long the bundle can be used.
        #[arg(long, value_name = "SPAN", default_value = "30 days")]
        expires: Span,
        /// Put the pre-filter on the wire; else each gate derives it when it loads the bundle.
        #[arg(long)]
        with_bloom: bool,
        /// The number of revoked licences that you expect, where it is more than one in 200.
        #[arg(long, value_name = "COUNT")]
        confirm: Option<u64>,
        #[command(flatten)]
        passphrase: Passphrase,
        #[command(flatten)]
        clock: Clock,
    },
    /// Verify a bundle and show what is in it.
    Show {
        /// The bundle.
        bundle: PathBuf,
        /// The revocation key's public half.
        #[arg(long, value_name = "KEY")]
        key: String,
    },
}

/// A bundle that revokes more than one in so many licences needs to be confirmed.
const BLAST_RADIUS: u64 = 200;

impl Bundle {
    pub(crate) fn run(self, output: Output) -> Result {
        match self {
            Self::Build {
                ledger,
                issuer,
                key,
                out,
                next_update,
                expires,
                with_bloom,
                confirm,
                passphrase,
                clock,
            } => {
                if !ledger.exists() {
                    return Err(format!("{}: no such ledger", ledger.display()).into());
                }
                let mut ledger = Ledger::open(&ledger)?;
                let (key, now) = (passphrase.load(&key)?, clock.now());
                let mut draft = ledger.draft_bundle(&issuer, now)?;
                (draft.next_update, draft.expires) = (next_update.after(now)?, expires.after(now)?);
                draft.with_bloom = with_bloom;
                let bytes = draft.sign(&key)?;
                check(&ledger, &draft, &bytes, &key.public(), confirm)?;
                input::replace(&out, &bytes)?;
                show(&bytes, key.public(), output)
            }
            Self::Show { bundle, key } => show(&input::bytes(&bundle)?, input::public_key(&key)?, output),
        }
    }
}

/// Holds the bundle against every licence that was issued, and asks about one that revokes many.
fn check(ledger: &Ledger, draft: &BundleDraft, bytes: &[u8], key: &Key, confirm: Option<u64>) -> Result<()> {
    let keys = [key.clone().for_revocation()];
    let (bundle, _) = Signed::read(bytes, Keyring::new(&keys))?;
    let (issued, revoked) = ledger.replay(&draft.issuer, &bundle, |_| ())?;
    if revoked.saturating_mul(BLAST_RADIUS) > issued && confirm != Some(revoked) {
        let percent = revoked.saturating_mul(100) / issued.max(1);
        return Err(format!(
            "nothing was written: {revoked} of {issued} licences are revoked ({percent} %); if that is meant, say --confirm {revoked}"
        )
        .into());
    }
    Ok(())
}

fn show(bytes: &[u8], key: Key, output: Output) -> Result {
    let keys = [key.for_revocation()];
    let (bundle, _) = Signed::read(bytes, Keyring::new(&keys))
        .map_err(|code| format!("bundle: {code} {}", code.advice()))?;
    let (indices, hashes) = (bundle.exact().count(), bundle.hashes().len() / 8);
    let (section, bloom) = (bundle.exact_section().len(), bundle.bloom().len());
    let value = json!({
        "issuer": bundle.issuer(), "stream": bundle.stream(), "sequence": bundle.sequence(),
        "base": bundle.base(), "issued_at": bundle.issued_at(), "next_update": bundle.next_update(),
        "expires": bundle.expires(), "bytes": bytes.len(), "indices": indices, "exact_bytes": section,
        "bloom_bytes": bloom, "hashes": hashes, "rules": bundle.rules().count(),
    });
    output.show(&value, || {
        let kind = bundle.base().map_or_else(|| "whole".to_owned(), |base| format!("a delta on {base}"));
        #[allow(clippy::cast_precision_loss, reason = "a figure for people")]
        let bits = section as f64 * 8.0 / (indices.max(1) as f64);
        table([
            (
                "bundle",
                format!(
                    "{} of {}, {kind}, {} bytes",
                    bundle.sequence(),
                    printable(bundle.issuer()),
                    bytes.len()
                ),
            ),
            ("issued", moment::show(bundle.issued_at())),
            ("next", moment::show(bundle.next_update())),
            ("expires", moment::show(bundle.expires())),
            (
                "revoked",
                format!(
                    "{indices} by index ({bits:.2} bits each), {hashes} by hash, {} rules",
                    bundle.rules().count()
                ),
            ),
            (
                "pre-filter",
                if bloom == 0 { "derived when it is loaded".to_owned() } else { format!("{bloom} bytes") },
            ),
        ])
    })
}
