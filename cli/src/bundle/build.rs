//! `licentia bundle build`

use std::path::PathBuf;

use clap::Args;
use licentia_core::{Keyring, revocation::Bundle as Signed};
use licentia_issuer::{BundleDraft, Ledger, SigningKey, bundle::delta, ledger::Replayed, moment::Span};

use super::{open, read, show};
use crate::{
    input::{self, Clock, Passphrase},
    output::{Output, Result},
};

#[derive(Args)]
pub(crate) struct Build {
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
    /// The bundle that gates have, so that a delta can lead from it to the new one.
    #[arg(long, value_name = "BUNDLE")]
    since: Option<PathBuf>,
    /// The delta to write beside the bundle.
    #[arg(long, value_name = "FILE", requires = "since")]
    delta: Option<PathBuf>,
    /// How long until the next bundle comes at the latest.
    #[arg(long, value_name = "SPAN", default_value = "1 day")]
    next_update: Span,
    /// How long the bundle can be used.
    #[arg(long, value_name = "SPAN", default_value = "30 days")]
    expires: Span,
    /// Put the pre-filter on the wire; else each gate derives it when it loads the bundle.
    #[arg(long)]
    with_bloom: bool,
    /// How many licences you expect to be newly revoked, where there is a new rule or where it is more than one
    /// in 200.
    #[arg(long, value_name = "COUNT")]
    confirm: Option<u64>,
    #[command(flatten)]
    passphrase: Passphrase,
    #[command(flatten)]
    clock: Clock,
}

/// A bundle that newly revokes more than one in so many licences needs to be confirmed.
const BLAST_RADIUS: u64 = 200;

impl Build {
    pub(super) fn run(self, output: Output) -> Result {
        let mut ledger = open(&self.ledger)?;
        let (key, now) = (self.passphrase.load(&self.key)?, self.clock.now());
        let keys = [key.public().for_revocation()];
        let since = self.since.as_deref().map(input::bytes).transpose()?;
        let since = since.as_deref().map(|bytes| read(bytes, &keys)).transpose()?;
        let mut draft = ledger.draft_bundle(&self.issuer, now, since.map(|base| *base.salt()))?;
        (draft.next_update, draft.expires) = (self.next_update.after(now)?, self.expires.after(now)?);
        draft.with_bloom = self.with_bloom;
        let bytes = draft.sign(&key)?;
        check(&ledger, &draft, &bytes, &key, self.confirm, output)?;
        let bundle = read(&bytes, &keys)?;
        if let (Some(base), Some(path)) = (since, &self.delta) {
            input::replace(path, &delta(&base, &bundle, &key)?)?;
        }
        input::replace(&self.out, &bytes)?;
        ledger.published(draft.sequence)?;
        show::bundle(&bundle, bytes.len(), output)
    }
}

/// Holds the bundle against every licence that was issued, and asks about one that newly revokes many.
fn check(
    ledger: &Ledger,
    draft: &BundleDraft,
    bytes: &[u8],
    key: &SigningKey,
    confirm: Option<u64>,
    output: Output,
) -> Result<()> {
    let keys = [key.public().for_revocation()];
    let (bundle, _) = Signed::read(bytes, Keyring::new(&keys))?;
    let progress = output.progress("replaying the ledger", ledger.count()?);
    let replayed = ledger.replay(&draft.issuer, &bundle, |count| {
        // A bar that is drawn for each licence would take longer than the replay.
        if count.is_multiple_of(4096) {
            progress.set_position(count);
        }
    })?;
    progress.finish_and_clear();
    let Replayed { issued, new, new_rules, .. } = replayed;
    let asks = new_rules > 0 || new.saturating_mul(BLAST_RADIUS) > issued;
    if asks && confirm != Some(new) {
        let percent = new.saturating_mul(100) / issued.max(1);
        let rules =
            if new_rules > 0 { format!(" by {new_rules} new rules among others") } else { String::new() };
        return Err(format!(
            "nothing was written: {new} of {issued} licences are newly revoked{rules} ({percent} %); if that is meant, say --confirm {new}"
        )
        .into());
    }
    Ok(())
}
