//! `licentia ledger init`, `backup`, `restore`, `resend` and `learn`

use std::path::PathBuf;

use clap::Args;
use licentia_core::{limits, revocation::Bundle};
use licentia_issuer::{Issuer, Ledger, LedgerAccess, LedgerLocation};
use licentia_server::store::{copy_too, restore_too};
use serde_json::json;

use super::{list::with_prefix, place::Place};
use crate::{
    license::print::Target,
    terminal::{
        input::{self, Clock, Signer},
        output::{Output, Result, counted, printable},
    },
};

/// Creates an empty ledger.
#[derive(Args)]
#[command(override_usage = "licentia ledger init [LEDGER] [OPTIONS]")]
pub(crate) struct Init {
    /// The ledger: a file that does not exist, or a database without one. The
    /// default is what --ledger or `LICENTIA_LEDGER` names.
    #[arg(value_name = "LEDGER")]
    words: Vec<String>,
    #[command(flatten)]
    place: Place,
    /// The stream of its indices. Each ledger of an issuer needs one of its
    /// own. Upgrade every verifier before you use another than 0.
    #[arg(long, value_name = "NUMBER", default_value_t = 0,
          value_parser = clap::value_parser!(u64).range(..=limits::INTEGER))]
    stream: u64,
}

impl Init {
    pub(super) fn run(self, output: Output) -> Result {
        let place = match (self.words.as_slice(), &self.place) {
            ([place], _) => place.parse()?,
            ([], place) => place.location()?,
            _ => return Err("name one ledger".into()),
        };
        let mut ledger = Ledger::connect(&place, LedgerAccess::Create)?;
        ledger.set_stream(self.stream)?;
        let place = place.to_string();
        output.show(&json!({ "ledger": place, "stream": self.stream }), || {
            let place = printable(&place);
            format!("created {place}, stream {}; issue with `licentia issue --ledger {place}`\n", self.stream)
        })
    }
}

/// Copies the whole ledger into a new file, also while others write it. The file
/// is a ledger itself. From PostgreSQL too.
#[derive(Args)]
#[command(override_usage = "licentia ledger backup [LEDGER] --out <FILE>")]
pub(crate) struct Backup {
    /// The ledger, unless --ledger or `LICENTIA_LEDGER` names it.
    #[arg(value_name = "LEDGER")]
    words: Vec<String>,
    #[command(flatten)]
    place: Place,
    /// The file to write, which must not exist.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Backup {
    pub(super) fn run(self, output: Output) -> Result {
        let (place, _) = self.place.or_first(&self.words, 0)?;
        let mut ledger = Ledger::connect(&place, LedgerAccess::Read)?;
        copy_too(&mut ledger)?;
        let copied = ledger.backup(&self.out)?;
        output.show(&json!({ "out": self.out, "licenses": copied }), || {
            let out = printable(&self.out.display().to_string());
            format!("{out}: {}; keep it as safe as the ledger\n", counted(copied, "licence"))
        })
    }
}

/// Replaces a ledger by a backup, or creates one from it, also in PostgreSQL.
///
/// It refuses a backup that is behind the last published bundle, or that lacks
/// licences of the ledger. With --older, what came later is forgotten: the next
/// bundle names how many licences are reinstated by that, and asks for a
/// confirmation.
#[derive(Args)]
pub(crate) struct Restore {
    /// The backup.
    backup: PathBuf,
    #[command(flatten)]
    place: Place,
    /// The bundle that gates have, if the ledger is gone and cannot say.
    #[arg(long, value_name = "BUNDLE")]
    published: Option<PathBuf>,
    /// How many indices to leave out if the ledger is gone. It must be more than
    /// the licences that were issued since the backup, because an index that is
    /// handed out twice revokes two licences at once.
    #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
    skip: u64,
    /// Restore although what came later is forgotten.
    #[arg(long)]
    older: bool,
}

impl Restore {
    pub(super) fn run(self, output: Output) -> Result {
        let mut backup = Ledger::connect(&LedgerLocation::from(&*self.backup), LedgerAccess::Read)?;
        let published = self.published.as_deref().map(input::bytes).transpose()?;
        let published = match &published {
            Some(bytes) => {
                Some(Bundle::inspect(bytes).map_err(|code| format!("--published: {code}"))?.0.sequence())
            }
            None => None,
        };
        let place = self.place.location()?;
        let mut ledger = match Ledger::connect(&place, LedgerAccess::Write) {
            Err(licentia_issuer::Error::Ledger(licentia_issuer::LedgerError::Missing(_))) => {
                Ledger::connect(&place, LedgerAccess::Create)?
            }
            opened => opened?,
        };
        restore_too(&mut ledger, &mut backup)?;
        let restored =
            ledger.restore(&backup, published, self.skip, self.older).map_err(|error| match error {
                licentia_issuer::Error::Ledger(licentia_issuer::LedgerError::OlderBackup { .. }) => {
                    format!("nothing was restored: {error}; to restore it all the same, add --older")
                }
                other => other.to_string(),
            })?;
        let (place, licenses, sequence) = (place.to_string(), restored.licenses, restored.sequence);
        output.show(&json!({ "ledger": place, "licenses": licenses, "sequence": sequence }), || {
            let count = counted(licenses, "licence");
            format!("{}: {count}, the last bundle is {sequence}\n", printable(&place))
        })
    }
}

/// Signs a licence anew, for a customer who lost it: a new token with the same
/// lineage, terms and times.
#[derive(Args)]
pub(crate) struct Resend {
    /// The licence: its identifier, or the first digits of it.
    id: String,
    /// The issuer's private key.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Revoke the lost one, as superseded.
    #[arg(long)]
    replace: bool,
    /// Sign the same licence: the same bytes as the first time, with the same
    /// key.
    #[arg(long, conflicts_with = "replace")]
    same: bool,
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

impl Resend {
    pub(super) fn run(self, output: Output) -> Result {
        let mut ledger = self.place.write()?;
        let now = self.clock.now();
        let mut found = with_prefix(&ledger, &self.id, now)?;
        let prefix = self.id.to_ascii_lowercase();
        if found.len() > 1 {
            found.retain(|one| one.license.id.to_string().starts_with(&prefix));
        }
        let license = match found.as_slice() {
            [one] => &one.license,
            [] => return Err(format!("the ledger has no licence {}", printable(&self.id)).into()),
            _ => {
                return Err(format!(
                    "several licences begin with {}; write more digits",
                    printable(&self.id)
                )
                .into());
            }
        };
        let issuer = Issuer::new(&license.issuer, self.signer.load(&self.key)?);
        let target = Target::open(self.out.as_deref())?;
        let token = if self.same {
            ledger.terms(&license.id)?.sign(&issuer)?
        } else {
            ledger.resend(&issuer, &license.id, now, self.replace)?.token
        };
        target.show(&token, output)
    }
}

/// Adds the terms of a licence that an older version issued, from its token, so
/// that it can be renewed and signed again.
#[derive(Args)]
pub(crate) struct Learn {
    /// The licence, `-` for standard input, or `@FILE` for a file.
    token: String,
    #[command(flatten)]
    place: Place,
}

impl Learn {
    pub(super) fn run(self, output: Output) -> Result {
        let text = input::token(&self.token)?;
        let mut buffer = licentia_core::Buffer::new();
        let bytes = licentia_core::text::decode_license(&text, &mut buffer)
            .map_err(|code| format!("{code} {}", code.advice()))?;
        let learnt = self.place.write()?.learn(bytes)?;
        output.show(&json!({ "learnt": learnt }), || {
            if learnt { "the ledger has its terms now\n" } else { "the ledger had its terms\n" }.to_owned()
        })
    }
}
