//! `licentia renew`, `licentia upgrade` and `licentia reissue`

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use licentia_core::{Lineage, Timestamp};
use licentia_issuer::{Draft, Grant, Issued, IssuedLicense, Issuer, Ledger, Order, Renewal, time::Span};
use serde_json::json;

use super::{
    print::Target,
    sink::{Sink, row},
    wanted::Overrides,
};
use crate::{
    ledger::{list::one_lineage, place::Place},
    terminal::{
        input::{self, Clock, Kid, Passphrase, Signer, kid},
        output::{Output, Result, counted, hex, printable},
    },
};

/// Renews a licence: the same terms for another term, in a token that works at
/// once.
///
/// The new term begins when the paid one ends, so that nobody loses time by
/// paying early. If the licence has ended, grace included, it begins now.
#[derive(Args)]
pub(crate) struct Renew {
    /// The lineage, the first digits of it, or those of one of its licences.
    #[arg(value_name = "LINEAGE")]
    lineage: String,
    /// How long it is renewed for, instead of the tier's term: `1 year`.
    #[arg(long, value_name = "SPAN", required_unless_present = "catalogue")]
    term: Option<Span>,
    /// The catalogue, whose tier says the term, the grace and the maintenance.
    /// Without it, the grace stays as long as before.
    #[arg(long, value_name = "FILE")]
    catalogue: Option<PathBuf>,
    #[command(flatten)]
    again: Again,
}

/// Moves a licence to another tier, for the time that is paid.
#[derive(Args)]
pub(crate) struct Upgrade {
    /// The lineage, the first digits of it, or those of one of its licences.
    #[arg(value_name = "LINEAGE")]
    lineage: String,
    /// The tier, `pro` for its newest version or `pro@3`.
    #[arg(long, value_name = "TIER")]
    tier: String,
    /// The catalogue of tiers. Without it, options say what is granted.
    #[arg(long, value_name = "FILE")]
    catalogue: Option<PathBuf>,
    #[command(flatten)]
    overrides: Overrides,
    #[command(flatten)]
    again: Again,
}

/// What signing again needs.
#[derive(Args)]
struct Again {
    /// The issuer's private key.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Whose licence it must be.
    #[arg(long, value_name = "ID")]
    subject: Option<String>,
    /// Revoke the licence that it replaces, as superseded. Otherwise that one
    /// works until it ends; both share the same quotas.
    #[arg(long)]
    replace: bool,
    /// Your own name of the order. The same reference again gives the same
    /// licence again.
    #[arg(long, value_name = "TEXT")]
    reference: Option<String>,
    /// The file to write the licence to, which must not exist, instead of
    /// printing it.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    signer: Signer,
    #[command(flatten)]
    clock: Clock,
}

impl Again {
    /// Issues what follows the current licence of a lineage.
    fn issue(
        self,
        lineage: &str,
        follow: impl FnOnce(&Draft, Timestamp) -> Result<Draft>,
        output: Output,
    ) -> Result {
        let mut ledger = self.place.write()?;
        let target = Target::open(self.out.as_deref())?;
        let lineage = one_lineage(&ledger, lineage)?;
        if let Some(reference) = &self.reference
            && let Some(before) = issued_before(&ledger, &lineage, reference)?
        {
            // The licence that it was renewed from is no longer the current one.
            let issuer = Issuer::new(&before.issuer, self.signer.load(&self.key)?);
            let token = ledger.terms(&before.id)?.sign(&issuer)?;
            return target.show(&token, output);
        }
        let current = ledger.current(&lineage)?;
        if let Some(subject) = &self.subject
            && *subject != current.subject
        {
            let owner = printable(&current.subject);
            return Err(format!("lineage {lineage} belongs to {owner}, not to {}", printable(subject)).into());
        }
        let issuer = Issuer::new(&current.issuer, self.signer.load(&self.key)?);
        let old = ledger.draft_of(&current.id)?;
        let mut order = Order::new(follow(&old, self.clock.now())?);
        order.with_index = old.index.is_some();
        order.reference = self.reference;
        order.replaces = self.replace.then_some(current.id);
        let token = ledger.issue(&issuer, order)?.token;
        target.show(&token, output)
    }
}

/// The licence of a lineage that was issued for a reference.
fn issued_before(ledger: &Ledger, lineage: &Lineage, reference: &str) -> Result<Option<IssuedLicense>> {
    let of_lineage = ledger.of_lineage(lineage)?;
    let Some(first) = of_lineage.first() else { return Ok(None) };
    let id = ledger.of_reference(&first.issuer, reference)?;
    Ok(of_lineage.into_iter().find(|license| Some(license.id) == id))
}

impl Renew {
    pub(crate) fn run(self, output: Output) -> Result {
        let catalogue = self.catalogue.as_deref().map(input::catalogue).transpose()?;
        let term = self.term;
        self.again.issue(
            &self.lineage,
            |old, now| {
                let Some(catalogue) = &catalogue else {
                    // Without a catalogue the grace stays.
                    let term = term.ok_or("say how long with --term")?;
                    return Ok(old.renewed(now, &Renewal { term, grace: None, maintenance: None })?);
                };
                Ok(catalogue.tier(&old.tier, Some(old.version))?.renew(old, now, term)?)
            },
            output,
        )
    }
}

impl Upgrade {
    pub(crate) fn run(self, output: Output) -> Result {
        let catalogue = self.catalogue.as_deref().map(input::catalogue).transpose()?;
        let (name, version) = input::tier(&self.tier)?;
        let sold = match (&catalogue, version) {
            (Some(catalogue), version) => Some(catalogue.tier(&name, version)?),
            (None, Some(_)) => None,
            (None, None) => {
                return Err("without --catalogue, name the tier's version: --tier NAME@VERSION".into());
            }
        };
        let overrides = self.overrides;
        self.again.issue(
            &self.lineage,
            |old, now| {
                // The months of quotas that begin with the term go on from the same day.
                let start = old.quota_anchor().unwrap_or(now);
                let mut draft = match sold {
                    Some(tier) => tier.upgrade(old, now)?,
                    None => old.upgraded(now, &name, version.unwrap_or_default(), Grant::default())?,
                };
                overrides.apply(&mut draft, start)?;
                Ok(draft)
            },
            output,
        )
    }
}

/// Signs all good licences of a key anew with another key, after the first one
/// was lost or stolen.
///
/// Good are those that are neither revoked nor over, and that no newer licence
/// of their lineage has replaced. Each keeps its lineage, terms and times. The
/// command can be repeated if it was cut off: it gives the same licences again.
#[derive(Args)]
#[command(override_usage = "licentia reissue --kid <HEX> --key <FILE> --out <FOLDER|CSV> [OPTIONS]")]
pub(crate) struct Reissue {
    /// The identifier of the old key.
    #[arg(long, value_name = "HEX", value_parser = kid)]
    kid: Kid,
    /// The new private key.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// A folder for the licences, or a file that ends in `.csv`. The default is a
    /// table on standard output.
    #[arg(long, value_name = "FOLDER|CSV")]
    out: Option<PathBuf>,
    /// Revoke each old licence, as superseded. After a theft of the key, a rule
    /// is better: `licentia revoke --kid`.
    #[arg(long)]
    replace: bool,
    /// Only count them.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    passphrase: Passphrase,
    #[command(flatten)]
    clock: Clock,
}

/// How many licences are in one transaction.
const BATCH: usize = 1000;

impl Reissue {
    pub(crate) fn run(self, output: Output) -> Result {
        let now = self.clock.now();
        let mut ledger = if self.dry_run { self.place.read()? } else { self.place.write()? };
        let Kid(old) = &self.kid;
        let due = ledger.signed_by(old, now)?;
        if due.is_empty() {
            return Err(format!("the ledger has no licence of key {} that has not ended", hex(old)).into());
        }
        let key = self.passphrase.load(&self.key)?;
        if key.kid().as_bytes() == old {
            return Err("--key is the old key; sign with another one".into());
        }
        let key = std::sync::Arc::new(key);
        let (issuers, length) = (ledger.issuers()?, due.len() as u64);
        if self.dry_run {
            let good = ledger.reissuable(&due)?;
            let value = json!({ "licenses": due.len(), "good": good });
            return output.show(&value, || {
                format!("{} of {} would be signed anew\n", good, counted(length, "licence"))
            });
        }
        let mut sink = Sink::open(self.out.as_deref(), output)?;
        let bar = output.progress("signing anew", length);
        let (mut count, mut repeated) = (0, 0);
        for batch in due.chunks(BATCH) {
            for name in &issuers {
                let issuer = Issuer::new(name, key.clone());
                for (_, issued) in ledger.reissue(&issuer, batch, now, self.replace)? {
                    sink.write(&row(None, &issued)?)?;
                    let Issued { is_new, .. } = issued;
                    (count, repeated) = (count + 1, repeated + u64::from(!is_new));
                }
            }
            bar.inc(batch.len() as u64);
        }
        bar.finish_and_clear();
        sink.finish(count, repeated).map(|_| ExitCode::SUCCESS)
    }
}
