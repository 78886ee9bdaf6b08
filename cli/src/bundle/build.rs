//! `licentia bundle build`

use std::path::PathBuf;

use clap::Args;
use licentia_core::{Keyring, limits, revocation::Bundle};
use licentia_issuer::{Ledger, PublishedBundle, ReplayReport, file::replace, sign_delta, time::Span};

use super::{read::read, show};
use crate::{
    ledger::place::Place,
    terminal::{
        input::{self, Clock, Signer},
        output::{Output, Result, advance, counted},
    },
};

#[derive(Args)]
#[command(
    override_usage = "licentia bundle build --ledger <LEDGER> --issuer <NAME> --key <FILE>\n                             --out <FILE> [OPTIONS]"
)]
pub(crate) struct Build {
    #[command(flatten)]
    place: Place,
    /// The issuer's name.
    #[arg(long, value_name = "NAME")]
    issuer: String,
    /// The revocation key. It must not be a key that signs licences.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The bundle to write.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The bundle that gates have. The new one keeps its salt, so that a delta
    /// can lead from it.
    #[arg(long, value_name = "BUNDLE")]
    since: Option<PathBuf>,
    /// The delta to write, beside the bundle.
    #[arg(long, value_name = "FILE", requires = "since")]
    delta: Option<PathBuf>,
    /// The time until the next bundle follows, at most.
    #[arg(long, value_name = "SPAN", default_value = "1 day")]
    next_update: Span,
    /// How long the bundle is valid.
    #[arg(long, value_name = "SPAN", default_value = "30 days")]
    expires: Span,
    /// Include the pre-filter. Otherwise each gate derives it.
    #[arg(long)]
    with_bloom: bool,
    /// The bundle's sequence number, greater than any before, for a ledger that
    /// was restored from a backup. --since continues after its bundle anyway.
    #[arg(long, value_name = "NUMBER")]
    sequence: Option<u64>,
    /// The percentage of licences that may become worse or better off without
    /// a confirmation.
    #[arg(long, value_name = "PERCENT", default_value = "0.5", value_parser = percent)]
    cap: f64,
    /// The number of newly revoked licences that you expect. Required for a new
    /// rule, and above --cap.
    #[arg(long, value_name = "COUNT")]
    confirm: Option<u64>,
    /// The number of reinstated licences that you expect. Required if several
    /// are above --cap, if a rule was removed, or if this ledger does not know
    /// why, as after a restore from a backup.
    #[arg(long, value_name = "COUNT")]
    confirm_reinstated: Option<u64>,
    #[command(flatten)]
    signer: Signer,
    #[command(flatten)]
    clock: Clock,
}

fn percent(text: &str) -> std::result::Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=100.0).contains(share));
    share.ok_or_else(|| "write a number from 0 to 100".to_owned())
}

impl Build {
    pub(super) fn run(self, output: Output) -> Result {
        let mut ledger = self.place.write()?;
        let (key, now) = (self.signer.load(&self.key)?, self.clock.now());
        ledger.check_bundle_key(&key)?;
        let keys = [key.public().for_revocation()];
        let keyring = Keyring::new(&keys);
        let since = self.since.as_deref().map(input::bytes).transpose()?;
        let since = since.as_deref().map(|bytes| read(bytes, keyring)).transpose()?;
        let stream = ledger.stream()?;
        if let Some(other) = since.map(|base| base.stream()).filter(|other| *other != stream) {
            return Err(
                format!("--since is a bundle of stream {other}; the ledger is of stream {stream}").into()
            );
        }
        // The bundles that gates may have: the newest of them is compared with the next one.
        let (published, replaced) = (ledger.last_published(&self.issuer)?, input::bytes(&self.out).ok());
        let written = [published, replaced].map(Option::unwrap_or_default);
        let written = written.iter().filter_map(|bytes| Some(Bundle::inspect(bytes).ok()?.0));
        let candidates = since.into_iter().chain(written);
        let before = candidates
            .filter(|bundle| bundle.issuer() == self.issuer && bundle.base().is_none())
            .filter(|bundle| bundle.stream() == stream)
            .max_by_key(Bundle::sequence);
        let drafted = ledger.sequence()?;
        let last = before.map_or(0, |bundle| bundle.sequence()).max(drafted);
        if let Some(wanted) = self.sequence
            && !(last < wanted && wanted <= limits::INTEGER)
        {
            return Err(format!(
                "nothing was written: --sequence {wanted} is not possible; {} is the least number that is greater than those before",
                last.saturating_add(1)
            )
            .into());
        }
        let continued = PublishedBundle {
            sequence: self.sequence.map_or(last, |wanted| wanted.saturating_sub(1)),
            salt: since.map(|base| *base.salt()),
        };
        let progress = output.progress("reading revocations", ledger.revoked()?);
        let mut draft =
            ledger.draft_bundle(&self.issuer, now, continued, |count| advance(&progress, count))?;
        progress.finish_and_clear();
        let signed = (|| {
            (draft.next_update, draft.expires) = (self.next_update.after(now)?, self.expires.after(now)?);
            draft.with_bloom = self.with_bloom;
            let bytes = draft.sign(&key)?;
            let skipped = draft.sequence.saturating_sub(last.saturating_add(1));
            self.check(&ledger, &read(&bytes, keyring)?, before.as_ref(), skipped, output)?;
            Ok(bytes)
        })();
        let bytes = match signed {
            Ok(bytes) => bytes,
            Err(error) => {
                ledger.withdraw(&draft, drafted)?;
                return Err(error);
            }
        };
        let bundle = read(&bytes, keyring)?;
        if let (Some(base), Some(path)) = (since, &self.delta) {
            replace(path, &sign_delta(&base, &bundle, &key)?)?;
        }
        replace(&self.out, &bytes)?;
        ledger.published(&bytes)?;
        show::bundle(&bundle, bytes.len(), output)
    }

    /// Checks the bundle against every licence, and demands a confirmation if it changes the fate of many.
    fn check(
        &self,
        ledger: &Ledger,
        bundle: &Bundle<'_>,
        before: Option<&Bundle<'_>>,
        skipped: u64,
        output: Output,
    ) -> Result<()> {
        let progress = output.progress("replaying the ledger", ledger.count()?);
        let found = ledger.replay(bundle.issuer(), bundle, before, |count| advance(&progress, count))?;
        progress.finish_and_clear();
        let ReplayReport { issued, new, new_rules, reinstated, forgotten, removed_rules, .. } = found;
        #[allow(clippy::cast_precision_loss, reason = "a share of what fits a ledger")]
        let percent = |count: u64| 100.0 * count as f64 / issued.max(1) as f64;
        if (new_rules > 0 || percent(new) > self.cap) && self.confirm != Some(new) {
            let rules = match new_rules {
                0 => String::new(),
                count => format!(" by {} among others", counted(count, "new rule")),
            };
            return Err(format!(
                "nothing was written: {new} of {issued} licences are newly revoked{rules} ({:.2} %); to publish this, add --confirm {new}",
                percent(new)
            )
            .into());
        }
        // `reinstate` names one licence at a time; a set of them may be a mistake.
        let many = reinstated > 1 && percent(reinstated) > self.cap;
        if (many || forgotten > 0 || removed_rules > 0 || skipped > 0)
            && self.confirm_reinstated != Some(reinstated)
        {
            let mut why = Vec::new();
            if forgotten > 0 {
                why.push(format!("this ledger does not know why {forgotten} of them are"));
            }
            if removed_rules > 0 {
                why.push(format!("{} removed", counted(removed_rules, "rule")));
            }
            if skipped > 0 {
                why.push(format!(
                    "{} before this one unknown here; name the newest with --since",
                    counted(skipped, "bundle")
                ));
            }
            let why = if why.is_empty() { String::new() } else { format!(" ({})", why.join("; ")) };
            return Err(format!(
                "nothing was written: {} reinstated{why}; to publish this, add --confirm-reinstated {reinstated}",
                counted(reinstated, "licence")
            )
            .into());
        }
        Ok(())
    }
}
