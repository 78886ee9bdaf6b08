//! Where the ledger of a command is.

use std::{env, path::Path};

use clap::Args;
use licentia_issuer::{Error, Ledger, LedgerAccess, LedgerError, LedgerLocation};

use crate::terminal::output::{Result, notice, printable};

/// The variable that names the ledger of every command.
const VARIABLE: &str = "LICENTIA_LEDGER";

/// The ledger of a command, as an option.
#[derive(Args, Clone)]
pub(crate) struct Place {
    /// The ledger: a file, or `postgres://USER@HOST/DATABASE`. The default is
    /// the environment variable `LICENTIA_LEDGER`. `licentia ledger init`
    /// creates one, or the first licence that is issued.
    #[arg(long, value_name = "LEDGER")]
    ledger: Option<LedgerLocation>,
}

impl Place {
    fn named(&self) -> Result<Option<LedgerLocation>> {
        match &self.ledger {
            Some(ledger) => Ok(Some(ledger.clone())),
            None => variable(),
        }
    }

    /// The ledger that is named.
    pub(crate) fn location(&self) -> Result<LedgerLocation> {
        Ok(self.named()?.ok_or("name the ledger: --ledger, or the environment variable LICENTIA_LEDGER")?)
    }

    /// Opens the ledger to read it.
    pub(crate) fn read(&self) -> Result<Ledger> {
        Ok(Ledger::connect(&self.location()?, LedgerAccess::Read)?)
    }

    /// Opens the ledger to change it.
    pub(crate) fn write(&self) -> Result<Ledger> {
        Ok(Ledger::connect(&self.location()?, LedgerAccess::Write)?)
    }

    /// Opens the ledger to issue licences, if one is named. If there is none, the first licence may create it.
    pub(crate) fn issue_if_named(&self) -> Result<Option<ToIssue>> {
        self.named()?.map(to_issue).transpose()
    }

    /// Opens the ledger to issue licences.
    pub(crate) fn issue(&self) -> Result<ToIssue> {
        to_issue(self.location()?)
    }

    /// Opens the ledger to change it, if one is named.
    pub(crate) fn write_if_named(&self) -> Result<Option<Ledger>> {
        let place = self.named()?;
        Ok(place.map(|place| Ledger::connect(&place, LedgerAccess::Write)).transpose()?)
    }

    /// Opens the ledger to read it, if one is named.
    pub(crate) fn read_if_named(&self) -> Result<Option<Ledger>> {
        let place = self.named()?;
        Ok(place.map(|place| Ledger::connect(&place, LedgerAccess::Read)).transpose()?)
    }

    /// The ledger, which may also be the first of a command's words, and the words after it, of which there can be
    /// `most`.
    pub(crate) fn or_first(&self, words: &[String], most: usize) -> Result<(LedgerLocation, Vec<String>)> {
        let (named, rest) = match (&self.ledger, words.split_first()) {
            (None, Some((first, rest)))
                if words.len() > most || is_ledger(first) || variable()?.is_none() =>
            {
                (first.parse()?, rest)
            }
            _ => (self.location()?, words),
        };
        if rest.len() > most {
            return Err(format!("{:?} is one word too many", rest.last().map_or("", String::as_str)).into());
        }
        Ok((named, rest.to_vec()))
    }
}

/// A ledger that licences are issued from: one that is there, or one that the first licence creates.
pub(crate) enum ToIssue {
    Open(Box<Ledger>),
    New(LedgerLocation),
}

impl ToIssue {
    /// The ledger. A new one is named on standard error: a name that was mistyped must not go unnoticed.
    pub(crate) fn open(self) -> Result<Ledger> {
        match self {
            Self::Open(ledger) => Ok(*ledger),
            Self::New(place) => {
                let mut ledger = Ledger::connect(&place, LedgerAccess::Create)?;
                ledger.set_stream(0)?;
                let name = printable(&place.to_string());
                notice(&format!(
                    "created the ledger {name}, stream 0: nothing was there; pass the same --ledger from now on"
                ));
                Ok(ledger)
            }
        }
    }
}

fn to_issue(place: LedgerLocation) -> Result<ToIssue> {
    match Ledger::connect(&place, LedgerAccess::Write) {
        Err(Error::Ledger(LedgerError::Missing(missing))) => {
            if let LedgerLocation::Sqlite(path) = &place {
                let folder = path.parent().filter(|folder| *folder != Path::new(""));
                if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
                    let folder = printable(&folder.display().to_string());
                    return Err(format!(
                        "{missing}: there is no folder {folder}; create it, or correct --ledger"
                    )
                    .into());
                }
            }
            // Two ledgers of one issuer hand out the same indices.
            match &*Ledger::beside(&place) {
                [] => Ok(ToIssue::New(place)),
                beside => {
                    let names: Vec<_> =
                        beside.iter().map(|path| printable(&path.display().to_string())).collect();
                    Err(format!(
                        "{missing}: there is no such ledger, but there is {}; name that one, or create another with `licentia ledger init {missing} --stream 1`",
                        names.join(" and ")
                    )
                    .into())
                }
            }
        }
        opened => Ok(ToIssue::Open(Box::new(opened?))),
    }
}

/// Whether a word can only be meant as a ledger.
fn is_ledger(word: &str) -> bool {
    matches!(word.parse(), Ok(LedgerLocation::Postgres(_))) || std::path::Path::new(word).is_file()
}

/// The ledger of the environment.
fn variable() -> Result<Option<LedgerLocation>> {
    match env::var(VARIABLE) {
        Ok(place) if !place.is_empty() => Ok(Some(place.parse()?)),
        Ok(_) | Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Err(format!("{VARIABLE} is not UTF-8").into()),
    }
}
