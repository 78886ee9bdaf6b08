//! `licentia bundle build`

use std::path::PathBuf;

use clap::Args;
use licentia_core::{Key, Keyring};
use licentia_issuer::{BundleDraft, Ledger, PublishedBundle, ReplayReport, sign_delta, time::Span};

use super::{read::read, show};
use crate::{
    ledger::open::open,
    terminal::{
        input::{self, Clock, Passphrase},
        output::{Output, Result, advance},
    },
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
    /// The number of the bundle, greater than that of any before: for a ledger that was restored from a backup.
    /// With --since it is always greater than that of the bundle that gates have.
    #[arg(long, value_name = "NUMBER")]
    sequence: Option<u64>,
    /// The share of licences, in percent, that may be newly revoked without --confirm.
    #[arg(long, value_name = "PERCENT", default_value = "0.5", value_parser = percent)]
    cap: f64,
    /// How many licences you expect to be newly revoked, where there is a new rule or where it is more than
    /// --cap permits.
    #[arg(long, value_name = "COUNT")]
    confirm: Option<u64>,
    #[command(flatten)]
    passphrase: Passphrase,
    #[command(flatten)]
    clock: Clock,
}

fn percent(text: &str) -> std::result::Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=100.0).contains(share));
    share.ok_or_else(|| "write a number from 0 to 100".to_owned())
}

impl Build {
    pub(super) fn run(self, output: Output) -> Result {
        let mut ledger = open(&self.ledger)?;
        let (key, now) = (self.passphrase.load(&self.key)?, self.clock.now());
        let keys = [key.public().for_revocation()];
        let since = self.since.as_deref().map(input::bytes).transpose()?;
        let since = since.as_deref().map(|bytes| read(bytes, Keyring::new(&keys))).transpose()?;
        let going_on = PublishedBundle {
            sequence: since
                .map_or(0, |base| base.sequence())
                .max(self.sequence.map_or(0, |next| next.saturating_sub(1))),
            salt: since.map(|base| *base.salt().as_bytes()),
        };
        let progress = output.progress("reading revocations", ledger.revoked()?);
        let mut draft =
            ledger.draft_bundle(&self.issuer, now, going_on, |count| advance(&progress, count))?;
        progress.finish_and_clear();
        if self.sequence.is_some_and(|wanted| wanted != draft.sequence) {
            return Err(format!(
                "nothing was written: {} is the least number that is greater than those before",
                draft.sequence
            )
            .into());
        }
        (draft.next_update, draft.expires) = (self.next_update.after(now)?, self.expires.after(now)?);
        draft.with_bloom = self.with_bloom;
        let bytes = draft.sign(&key)?;
        self.check(&ledger, &draft, &bytes, &keys, output)?;
        let bundle = read(&bytes, Keyring::new(&keys))?;
        if let (Some(base), Some(path)) = (since, &self.delta) {
            input::replace(path, &sign_delta(&base, &bundle, &key)?)?;
        }
        input::replace(&self.out, &bytes)?;
        ledger.published(&self.issuer, draft.sequence)?;
        show::bundle(&bundle, bytes.len(), output)
    }
    /// Holds the bundle against every licence that was issued, and asks about one that newly revokes many.
    fn check(
        &self,
        ledger: &Ledger,
        draft: &BundleDraft,
        bytes: &[u8],
        keys: &[Key],
        output: Output,
    ) -> Result<()> {
        let bundle = read(bytes, Keyring::new(keys))?;
        let progress = output.progress("replaying the ledger", ledger.count()?);
        let replayed = ledger.replay(&draft.issuer, &bundle, |count| advance(&progress, count))?;
        progress.finish_and_clear();
        let ReplayReport { issued, new, new_rules, .. } = replayed;
        #[allow(clippy::cast_precision_loss, reason = "a share of what fits a ledger")]
        let percent = 100.0 * new as f64 / issued.max(1) as f64;
        if (new_rules > 0 || percent > self.cap) && self.confirm != Some(new) {
            let rules =
                if new_rules > 0 { format!(" by {new_rules} new rules among others") } else { String::new() };
            return Err(format!(
                "nothing was written: {new} of {issued} licences are newly revoked{rules} ({percent:.2} %); if that is meant, say --confirm {new}"
            )
            .into());
        }
        Ok(())
    }
}
