//! `licentia keyset`

use std::path::PathBuf;

use clap::Subcommand;
use licentia_core::{Keyset as Signed, Timestamp};
use licentia_issuer::{
    KeyPurpose, KeyScope, KeyStatus, KeysetDraft, KeysetEntry,
    file::replace,
    time::{self, Span},
};
use serde_json::json;

use super::scope;
use crate::terminal::{
    input::{self, Clock, Passphrase},
    output::{HEADING, Output, Result, counted, notice},
};

/// Changes and signs keysets. A draft is a TOML file; services load the keyset
/// that the root key signed.
#[derive(Subcommand)]
pub(crate) enum Keyset {
    /// Create a draft.
    New {
        /// The draft, which must not exist.
        draft: PathBuf,
        /// A first public key. May be repeated.
        #[arg(long, value_name = "KEY")]
        key: Vec<String>,
    },
    /// Add a key to a draft.
    Add {
        /// The draft.
        draft: PathBuf,
        /// The public key: its text or a file.
        #[arg(long, value_name = "KEY")]
        key: String,
        /// The key signs revocation bundles, not licences.
        #[arg(long)]
        revocation: bool,
        /// The first `iat` of what it may sign.
        #[arg(long, value_name = "TIME")]
        not_before: Option<String>,
        /// The last `iat` of what it may sign. A date includes that day, in UTC.
        #[arg(long, value_name = "TIME")]
        not_after: Option<String>,
        /// An issuer that it may sign for. May be repeated.
        #[arg(long, value_name = "NAME")]
        issuer: Vec<String>,
        /// An audience that it may sign for. May be repeated.
        #[arg(long, value_name = "NAME")]
        audience: Vec<String>,
        /// A tier that it may sign. May be repeated.
        #[arg(long, value_name = "NAME")]
        tier: Vec<String>,
        /// The longest term of a licence that it may sign.
        #[arg(long, value_name = "SPAN")]
        longest_term: Option<String>,
        /// What it may sign, as a TOML file with any of the bounds of a scope.
        #[arg(long, value_name = "FILE", conflicts_with_all = ["issuer", "audience", "tier", "longest_term"])]
        scope: Option<PathBuf>,
    },
    /// Retire a key: what it signed until now stays valid, and nothing later.
    Retire {
        /// The draft.
        draft: PathBuf,
        /// The key's identifier.
        kid: String,
        #[command(flatten)]
        clock: Clock,
    },
    /// Revoke a stolen key: nothing that it signed stays valid.
    Revoke {
        /// The draft.
        draft: PathBuf,
        /// The key's identifier.
        kid: String,
    },
    /// Sign a draft with the root key under the next sequence number.
    Sign {
        /// The draft.
        draft: PathBuf,
        /// The root key's private half.
        #[arg(long, value_name = "FILE")]
        root: PathBuf,
        /// When services stop trusting it; a year from now by default. A date is
        /// included, in UTC.
        #[arg(long, value_name = "TIME", value_parser = time::parse_end)]
        expires: Option<Timestamp>,
        /// The keyset to write.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        passphrase: Passphrase,
        #[command(flatten)]
        clock: Clock,
    },
    /// Verify a signed keyset and show it.
    Show {
        /// The keyset.
        keyset: PathBuf,
        /// The root key's public half.
        #[arg(long, value_name = "KEY")]
        root: String,
    },
}

impl Keyset {
    pub(crate) fn run(self, output: Output) -> Result {
        match self {
            Self::New { draft: path, key } => {
                if path.exists() {
                    return Err(
                        format!("{} exists; change it with `licentia keyset add`", path.display()).into()
                    );
                }
                let mut draft = KeysetDraft::default();
                for key in &key {
                    add(&mut draft, KeysetEntry::new(&input::public_key(key)?))?;
                }
                save(&draft, &path, output)
            }
            Self::Add {
                draft: path,
                key,
                revocation,
                not_before,
                not_after,
                issuer,
                audience,
                tier,
                longest_term,
                scope: file,
            } => {
                let mut draft = KeysetDraft::load(&path)?;
                let some = |texts: Vec<String>| (!texts.is_empty()).then_some(texts);
                let scope = match file {
                    Some(file) => KeyScope::load(&file)?,
                    None => KeyScope {
                        issuers: some(issuer),
                        audiences: some(audience),
                        tiers: some(tier),
                        longest_term,
                        ..KeyScope::default()
                    },
                };
                let mut entry = KeysetEntry::new(&input::public_key(&key)?);
                entry.scope = (scope != KeyScope::default()).then_some(scope);
                entry.purpose = if revocation { KeyPurpose::Revocation } else { KeyPurpose::License };
                (entry.not_before, entry.not_after) = (not_before, not_after);
                add(&mut draft, entry)?;
                save(&draft, &path, output)
            }
            Self::Retire { draft: path, kid, clock } => {
                let mut draft = KeysetDraft::load(&path)?;
                draft.retire(&kid, clock.now())?;
                save(&draft, &path, output)
            }
            Self::Revoke { draft: path, kid } => {
                let mut draft = KeysetDraft::load(&path)?;
                draft.revoke(&kid)?;
                save(&draft, &path, output)
            }
            Self::Sign { draft: path, root, expires, out, passphrase, clock } => {
                let mut draft = KeysetDraft::load(&path)?;
                let (root, now) = (passphrase.load(&root)?, clock.now());
                // This bounds how long somebody can withhold a newer keyset.
                let expires = expires.map_or_else(|| "1 year".parse::<Span>()?.after(now), Ok)?;
                if let Ok(before) = input::bytes(&out)
                    && let Ok(before) = Signed::read(&before, &root.public())
                {
                    draft.follows(&before)?;
                }
                let bytes = draft.sign(&root, now, expires)?;
                // Nobody may see the keyset before its number is used up.
                draft.save(&path)?;
                replace(&out, &bytes)?;
                show(&bytes, &root.public(), output)
            }
            Self::Show { keyset, root } => show(&input::bytes(&keyset)?, &input::public_key(&root)?, output),
        }
    }
}

/// Adds a key, and says so if it gets another identifier than its owner knows.
fn add(draft: &mut KeysetDraft, entry: KeysetEntry) -> Result<()> {
    let own = *entry.read()?.kid();
    let kid = draft.add(entry)?;
    if kid != own {
        notice(&format!(
            "another key has the identifier {own}: this one is listed as {kid}, and its owner signs with --kid {kid}"
        ));
    }
    Ok(())
}

fn save(draft: &KeysetDraft, path: &std::path::Path, output: Output) -> Result {
    let keys = draft.keys.iter().map(described).collect::<licentia_issuer::Result<Vec<_>>>()?;
    draft.save(path)?;
    let value = json!({ "draft": path, "sequence": draft.sequence, "keys": draft.keys.len() });
    output.show(&value, || {
        let count = counted(keys.len(), "key");
        let next = "sign it with `licentia keyset sign`";
        format!("{}: {count}; {next}\n{}", path.display(), keys.concat())
    })
}

/// One key of a draft, and what was understood of its window.
fn described(entry: &KeysetEntry) -> licentia_issuer::Result<String> {
    let (kid, (first, last)) = (entry.read()?.kid().to_string(), entry.window()?);
    let window = window(first.unwrap_or_default(), last.unwrap_or(Timestamp::MAX));
    Ok(format!("  {kid} {}, signs what is issued {window}\n", state(entry.status)))
}

/// The times between which a key signs.
fn window(first: Timestamp, last: Timestamp) -> String {
    match (first, last) {
        (Timestamp::EPOCH, Timestamp::MAX) => "at any time".to_owned(),
        (Timestamp::EPOCH, to) => format!("until {}", time::show(to)),
        (from, Timestamp::MAX) => format!("from {}", time::show(from)),
        (from, to) => format!("from {} until {}", time::show(from), time::show(to)),
    }
}

/// The name of a key's status.
fn state(status: KeyStatus) -> &'static str {
    match status {
        KeyStatus::Retired => "retired",
        KeyStatus::Revoked => "revoked",
        _ => "active",
    }
}

fn show(bytes: &[u8], root: &licentia_core::Key, output: Output) -> Result {
    let keyset = Signed::read(bytes, root).map_err(|code| format!("keyset: {code} {}", code.advice()))?;
    let keys = keyset.keys().collect::<std::result::Result<Vec<_>, _>>()?;
    let purpose = |purpose| if purpose == KeyPurpose::Revocation { "revocation" } else { "license" };
    let rows: Vec<_> = keys
        .iter()
        .map(|key| {
            let (from, to) = key.window();
            json!({
                "kid": key.kid().to_string(), "key": key.to_string(), "state": state(key.status()),
                "purpose": purpose(key.purpose()), "not_before": from.as_seconds(),
                "not_after": (to != Timestamp::MAX).then_some(to.as_seconds()),
                "scope": scope::json(&key.scope(keyset.bytes())),
            })
        })
        .collect();
    let value = json!({
        "schema": keyset.schema(), "sequence": keyset.sequence(), "issued_at": keyset.issued_at().as_seconds(),
        "expires": keyset.expires().as_seconds(), "keys": rows,
    });
    output.show(&value, || {
        let mut text = format!(
            "keyset {}, issued {}, expires {}\n\n{HEADING}{:<12} {:<10} {:<11} signs what was issued{HEADING:#}\n",
            keyset.sequence(),
            time::show(keyset.issued_at()),
            time::show(keyset.expires()),
            "kid",
            "state",
            "purpose"
        );
        for key in &keys {
            let (first, last) = key.window();
            let window = window(first, last);
            let (kid, state, purpose) = (key.kid().to_string(), state(key.status()), purpose(key.purpose()));
            text += &format!("{kid:<12} {state:<10} {purpose:<11} {window}\n");
            for (name, bound) in scope::bounds(&key.scope(keyset.bytes())) {
                text += &format!("{:<12} only {name}: {bound}\n", "");
            }
        }
        text
    })
}
