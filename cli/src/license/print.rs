//! A licence that was just signed goes to the terminal or to a file.

use std::path::{Path, PathBuf};

use licentia_issuer::{
    Token,
    file::{Access, Created, create, replace_for},
    time,
};
use serde_json::Value;

use super::record::issued;
use crate::terminal::output::{Output, Result, printable};

/// Where one licence goes: to a new file, or to standard output.
///
/// It is opened before the licence is signed: what cannot be written is not issued. A licence that is recorded and lost
/// is signed again by its reference, or by `ledger resend`.
pub(crate) struct Target {
    file: Option<(PathBuf, Created)>,
}

impl Target {
    pub(crate) fn open(out: Option<&Path>) -> Result<Self> {
        let file = out.map(|path| {
            Ok::<_, licentia_issuer::Error>((path.to_owned(), create(path, b"", Access::Owner)?))
        });
        Ok(Self { file: file.transpose()? })
    }

    /// Prints a licence, or writes it to the file.
    pub(crate) fn show(self, token: &Token, output: Output) -> Result {
        let claims = token.claims().map_err(|malformed| malformed.code)?;
        let (tier, paid) = (claims.tier(), claims.term_end().unwrap_or(claims.expires()));
        let (name, subject) = (printable(tier.name), printable(claims.subject()));
        let about = format!("{name}@{} for {subject}, paid until {}", tier.version, time::show(paid));
        self.show_as(token, &about, None, output)
    }

    /// Prints a licence with what a person should know of it, or writes it to the file.
    pub(super) fn show_as(
        self,
        token: &Token,
        about: &str,
        warning: Option<String>,
        output: Output,
    ) -> Result {
        let text = token.text();
        let mut value = issued(token, self.file.as_ref().map(|(path, _)| &**path))?;
        if let Some(warning) = warning {
            value["warning"] = Value::from(warning);
        }
        if let Some((path, file)) = self.file {
            replace_for(&path, format!("{text}\n").as_bytes(), Access::Owner)?;
            file.keep();
            return output.show(&value, || format!("{}: {about}\n", printable(&path.display().to_string())));
        }
        output.note(about);
        output.show(&value, || format!("{text}\n"))
    }
}
