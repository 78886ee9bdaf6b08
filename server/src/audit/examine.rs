//! Whether what is published is what the ledger says, and whether the audit is whole.

use licentia_core::{Keyring, revocation::Bundle};
use licentia_issuer::{Ledger, LedgerAccess, ReplayReport, SigningKey};

use super::digest_of;
use crate::{config::Config, store::values};

/// What was found.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Examination {
    /// For each issuer whose bundle is good: its name, the bundle's number, and what the replay counted.
    pub bundles: Vec<(String, u64, ReplayReport)>,
    /// How many lines the audit has.
    pub lines: u64,
    /// What is wrong.
    pub problems: Vec<String>,
}

/// Replays the whole ledger against the bundle of each issuer, and follows the digests of the audit. `published` are
/// bundles as gateways get them, in place of those that the ledger has; `key` loads the key that signs an issuer's.
///
/// # Errors
/// The ledger cannot be read.
pub fn examine(
    config: &Config,
    published: &[Vec<u8>],
    mut key: impl FnMut(&std::path::Path) -> Result<SigningKey, String>,
) -> Result<Examination, String> {
    let said = |error: licentia_issuer::Error| error.to_string();
    let ledger = Ledger::connect(&config.ledger(), LedgerAccess::Read).map_err(said)?;
    let mut found = Examination::default();
    for issuer in &config.issuer {
        let is_of =
            |bytes: &&Vec<u8>| Bundle::inspect(bytes).is_ok_and(|(bundle, _)| bundle.issuer() == issuer.name);
        let bytes = match published.iter().find(is_of) {
            Some(bytes) => Some(bytes.clone()),
            None => ledger.last_published(&issuer.name).map_err(said)?,
        };
        let Some(bytes) = bytes else {
            found.problems.push(format!("{}: no bundle is published", issuer.name));
            continue;
        };
        let keys = [key(&config.path(&issuer.revocation_key))?.public().for_revocation()];
        match replayed(&ledger, &issuer.name, &bytes, &keys) {
            Ok((sequence, report)) => found.bundles.push((issuer.name.clone(), sequence, report)),
            Err(problem) => found.problems.push(format!("{}: {problem}", issuer.name)),
        }
        let sql = "SELECT EXISTS (SELECT 1 FROM pending WHERE issuer = ?1)";
        let row = values![&issuer.name];
        if ledger.database().only(sql, row, |row| row.flag(0)).map_err(said)? {
            found.problems.push(format!("{}: a revocation waits for its publication", issuer.name));
        }
    }
    let mut before = [0; 32];
    let sql = "SELECT at, issuer, lineage, subject, action, target, detail, digest, number FROM audit ORDER BY number";
    let lines = ledger.database().each(sql, &[], |row| {
        let texts = [row.text(1)?, row.text(3)?, row.text(4)?, row.text(5)?, row.text(6)?];
        let digest = digest_of(&before, row.time(0)?, &row.optional_bytes(2)?.unwrap_or_default(), texts);
        let stored = row.array(7)?;
        if digest != stored && found.problems.len() < 100 {
            let number = row.unsigned(8)?;
            found.problems.push(format!("audit: line {number}, or one before it, was changed or removed"));
        }
        before = stored;
        found.lines += 1;
        Ok(())
    });
    lines.map_err(said)?;
    Ok(found)
}

fn replayed(
    ledger: &Ledger,
    issuer: &str,
    bytes: &[u8],
    keys: &[licentia_core::Key],
) -> Result<(u64, ReplayReport), String> {
    let (bundle, _) = Bundle::read(bytes, Keyring::new(keys)).map_err(|code| code.to_string())?;
    let newest = ledger.last_published(issuer).map_err(|error| error.to_string())?;
    let newest = newest.as_deref().and_then(|bytes| Some(Bundle::inspect(bytes).ok()?.0.sequence()));
    if Some(bundle.sequence()) != newest {
        let newest = newest.unwrap_or(0);
        return Err(format!("bundle {} is published, and the ledger is at {newest}", bundle.sequence()));
    }
    let report = ledger.replay(issuer, &bundle, None, |_| ()).map_err(|error| error.to_string())?;
    Ok((bundle.sequence(), report))
}
