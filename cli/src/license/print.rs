//! A licence that was just signed goes to the terminal or to a file.

use std::path::Path;

use licentia_issuer::{
    Token,
    file::{Access, create},
    time,
};

use super::record::issued;
use crate::terminal::output::{Output, Result, printable};

/// Prints a licence, or writes it to a new file.
pub(crate) fn show(token: &Token, out: Option<&Path>, output: Output) -> Result {
    let claims = token.claims().map_err(|malformed| malformed.code)?;
    let value = issued(token, out)?;
    let (tier, paid) = (claims.tier(), claims.term_end().unwrap_or(claims.expires()));
    let about = format!(
        "{}@{} for {}, paid until {}",
        tier.name,
        tier.version,
        printable(claims.subject()),
        time::show(paid)
    );
    let text = token.text();
    if let Some(path) = out {
        create(path, format!("{text}\n").as_bytes(), Access::Owner)?.keep();
        let shown = printable(&path.display().to_string());
        return output.show(&value, || format!("{shown}: {about}\n"));
    }
    output.note(&about);
    output.show(&value, || format!("{text}\n"))
}
