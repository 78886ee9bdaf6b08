//! `licentia issue`

use std::path::PathBuf;

use clap::Args;
use licentia_issuer::{Issuer, Order, time};

use super::{bulk, print::Target, sink::Sink, wanted::Wanted};
use crate::{
    key::view::View,
    ledger::place::{Place, ToIssue},
    terminal::{
        input::{self, Clock, Signer},
        output::{Output, Result, printable},
    },
};

/// Issues a licence and prints its text, and nothing else, on standard output;
/// or many licences, from a table of customers.
///
/// With a catalogue, the tier says what is granted; options add to it or
/// replace parts of it for this customer. Without a catalogue, name the tier
/// with its version (`pro@3`) and say when the licence ends.
#[derive(Args)]
#[command(
    override_usage = "licentia issue --key <FILE> --issuer <NAME> --tier <TIER>\n                      --subject <ID> [OPTIONS]\n       licentia issue --key <FILE> --issuer <NAME> --from <CSV> [OPTIONS]"
)]
pub(crate) struct Issue {
    /// The issuer's private key.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The issuer's name.
    #[arg(long, value_name = "NAME")]
    issuer: String,
    /// The catalogue of tiers.
    #[arg(long, value_name = "FILE")]
    catalogue: Option<PathBuf>,
    #[command(flatten)]
    wanted: Wanted,
    /// A table of customers in CSV, or `-` for standard input: a line with the
    /// names of the columns, and a line for each licence. The columns are named
    /// as the options. With a column `reference`, a run that was cut off can be
    /// repeated: an order that was issued gives the same licence again.
    #[arg(long, value_name = "CSV", conflicts_with_all = ["subject", "reference"])]
    from: Option<PathBuf>,
    /// Your own name of the order. The same reference again gives the same
    /// licence again.
    #[arg(long, value_name = "TEXT")]
    reference: Option<String>,
    #[command(flatten)]
    place: Place,
    /// The file to write the licence to, which must not exist, instead of
    /// printing it. With --from: a folder, or a file that ends in `.csv`.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The keyset or draft that gates will have: a licence that its keys may not
    /// sign is issued with a warning. A signed keyset needs --root.
    #[arg(long, value_name = "FILE")]
    keyset: Option<PathBuf>,
    /// The public root key that verifies --keyset.
    #[arg(long, value_name = "KEY", requires = "keyset")]
    root: Option<String>,
    #[command(flatten)]
    signer: Signer,
    #[command(flatten)]
    clock: Clock,
}

impl Issue {
    pub(crate) fn run(self, output: Output) -> Result {
        let now = self.clock.now();
        let trusted =
            self.keyset.as_deref().map(|path| View::load(path, self.root.as_deref())).transpose()?;
        let catalogue = self.catalogue.as_deref().map(input::catalogue).transpose()?;
        if let Some(from) = &self.from {
            let lines = bulk::read(from, &self.wanted, catalogue.as_ref(), now)?;
            let ledger = if bulk::renews(&lines) {
                ToIssue::Open(Box::new(self.place.write()?))
            } else {
                self.place.issue()?
            };
            let issuer = Issuer::new(&self.issuer, self.signer.load(&self.key)?);
            let mut ledger = ledger.open()?;
            let sink = Sink::open(self.out.as_deref(), output)?;
            return bulk::issue(&lines, &mut ledger, &issuer, trusted.as_ref(), sink, output);
        }
        let draft = self.wanted.draft(catalogue.as_ref(), now)?;
        let ledger = match &self.wanted.renews {
            // A new ledger has no lineage that could be renewed.
            Some(_) => self.place.write_if_named()?.map(Box::new).map(ToIssue::Open),
            None => self.place.issue_if_named()?,
        };
        if ledger.is_none() && (self.reference.is_some() || self.wanted.renews.is_some()) {
            return Err("--reference and --renews need the ledger; name it with --ledger".into());
        }
        let issuer = Issuer::new(&self.issuer, self.signer.load(&self.key)?);
        let target = Target::open(self.out.as_deref())?;
        let token = match ledger.map(ToIssue::open).transpose()? {
            Some(mut ledger) => {
                let order = Order::new(draft.clone());
                let order = match self.reference {
                    Some(reference) => order.reference(reference),
                    None => order,
                };
                ledger.issue(&issuer, order)?.token
            }
            None => issuer.issue(&draft)?,
        };
        let refusal = trusted.and_then(|trusted| trusted.refusal(&token));
        let warning =
            refusal.map(|refusal| format!("gates with this keyset will refuse the licence: {refusal}"));
        if let Some(warning) = &warning {
            output.warn(warning);
        }
        let about = format!(
            "{} for {}, expires {}: {} bytes",
            draft.tier,
            printable(&draft.subject),
            time::show(draft.expires),
            token.as_bytes().len()
        );
        target.show_as(&token, &about, warning, output)
    }
}
