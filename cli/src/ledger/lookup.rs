//! `licentia ledger`

use clap::Subcommand;

use super::{
    copy::{Backup, Init, Learn, Resend, Restore},
    list::{Find, List, Stats},
    rules::Rules,
    show::Show,
};
use crate::terminal::output::{Output, Result};

/// Creates a ledger, looks up issued licences and rules in it, and copies it.
///
/// A ledger is a file, or a database of PostgreSQL:
/// `postgres://USER@HOST/DATABASE`. Every command takes it as --ledger, from the
/// environment variable `LICENTIA_LEDGER`, or as its first word.
#[derive(Subcommand)]
pub(crate) enum Lookup {
    /// Create an empty ledger.
    Init(Init),
    /// List licences, by any of what the ledger knows of them.
    #[command(visible_alias = "subject")]
    List(Box<List>),
    /// Find licences by the first digits of their identifier or lineage.
    Find(Find),
    /// Show all that is known of a licence, through its renewals.
    Show(Show),
    /// List the rules, which are in every bundle.
    Rules(Rules),
    /// Count licences by tier and state.
    Stats(Stats),
    /// Sign a licence anew, for a customer who lost it.
    Resend(Resend),
    /// Add the terms of a licence that an older version issued.
    Learn(Learn),
    /// Copy the ledger into a file.
    Backup(Backup),
    /// Replace a ledger by a backup.
    Restore(Restore),
}

impl Lookup {
    pub(crate) fn run(self, output: Output) -> Result {
        match self {
            Self::Init(init) => init.run(output),
            Self::List(list) => list.run(output),
            Self::Find(find) => find.run(output),
            Self::Show(show) => show.run(output),
            Self::Rules(rules) => rules.run(output),
            Self::Stats(stats) => stats.run(output),
            Self::Resend(resend) => resend.run(output),
            Self::Learn(learn) => learn.run(output),
            Self::Backup(backup) => backup.run(output),
            Self::Restore(restore) => restore.run(output),
        }
    }
}
