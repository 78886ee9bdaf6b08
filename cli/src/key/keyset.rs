//! `licentia keyset`

use std::path::PathBuf;

use clap::Subcommand;
use licentia_core::Keyset as Signed;
use licentia_issuer::{
    KeyPurpose, KeyScope, KeyStatus, KeysetDraft, KeysetEntry,
    time::{self, Span},
};
use serde_json::json;

use crate::terminal::{
    input::{self, Clock, Passphrase},
    output::{HEADING, Output, Result},
};

/// Drafts are TOML files; what services load is signed with the root key.
#[derive(Subcommand)]
pub(crate) enum Keyset {
    /// Start a draft.
    New {
        /// The draft, which must not exist.
        draft: PathBuf,
        /// A public key to begin with.
        #[arg(long, value_name = "KEY")]
        key: Vec<String>,
    },
    /// Add a key to a draft.
    Add {
        /// The draft.
        draft: PathBuf,
        /// The public key: its text, or a file.
        #[arg(long, value_name = "KEY")]
        key: String,
        /// It signs revocation bundles, and no licences.
        #[arg(long)]
        revocation: bool,
        /// The first `iat` of what it may sign.
        #[arg(long, value_name = "TIME")]
        not_before: Option<String>,
        /// The last `iat` of what it may sign.
        #[arg(long, value_name = "TIME")]
        not_after: Option<String>,
        /// An issuer that it may sign for.
        #[arg(long, value_name = "NAME")]
        issuer: Vec<String>,
        /// An audience that it may sign for.
        #[arg(long, value_name = "NAME")]
        audience: Vec<String>,
        /// A tier that it may sign.
        #[arg(long, value_name = "NAME")]
        tier: Vec<String>,
        /// How long its licences may last.
        #[arg(long, value_name = "SPAN")]
        longest_term: Option<String>,
    },
    /// Let a key sign no more. What it signed until now stays good.
    Retire {
        /// The draft.
        draft: PathBuf,
        /// The key's identifier.
        kid: String,
        #[command(flatten)]
        clock: Clock,
    },
    /// Revoke a key that is in wrong hands. Nothing that it signed stays good.
    Revoke {
        /// The draft.
        draft: PathBuf,
        /// The key's identifier.
        kid: String,
    },
    /// Sign a draft with the root key, under the next sequence number.
    Sign {
        /// The draft.
        draft: PathBuf,
        /// The root key's private half.
        #[arg(long, value_name = "FILE")]
        root: PathBuf,
        /// When services stop to trust it.
        #[arg(long, value_name = "TIME", value_parser = time::parse)]
        expires: Option<u64>,
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
                    draft.add(KeysetEntry::new(&input::public_key(key)?))?;
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
            } => {
                let mut draft = KeysetDraft::load(&path)?;
                let some = |texts: Vec<String>| (!texts.is_empty()).then_some(texts);
                let scope = KeyScope {
                    issuers: some(issuer),
                    audiences: some(audience),
                    tiers: some(tier),
                    longest_term,
                };
                let mut entry = KeysetEntry::new(&input::public_key(&key)?);
                let limited = scope.issuers.is_some()
                    || scope.audiences.is_some()
                    || scope.tiers.is_some()
                    || scope.longest_term.is_some();
                entry.scope = limited.then_some(scope);
                entry.purpose = if revocation { KeyPurpose::Revocation } else { KeyPurpose::License };
                (entry.not_before, entry.not_after) = (not_before, not_after);
                draft.add(entry)?;
                save(&draft, &path, output)
            }
            Self::Retire { draft: path, kid, clock } => {
                let mut draft = KeysetDraft::load(&path)?;
                let entry = draft.entry(&kid)?;
                (entry.status, entry.not_after) = (KeyStatus::Retired, Some(clock.now().to_string()));
                save(&draft, &path, output)
            }
            Self::Revoke { draft: path, kid } => {
                let mut draft = KeysetDraft::load(&path)?;
                draft.entry(&kid)?.status = KeyStatus::Revoked;
                save(&draft, &path, output)
            }
            Self::Sign { draft: path, root, expires, out, passphrase, clock } => {
                let mut draft = KeysetDraft::load(&path)?;
                let (root, now) = (passphrase.load(&root)?, clock.now());
                // A year bounds how long somebody can withhold a newer one.
                let expires = expires.map_or_else(|| "1 year".parse::<Span>()?.after(now), Ok)?;
                let bytes = draft.sign(&root, now, expires)?;
                // The number is used up before anybody can see the keyset.
                draft.save(&path)?;
                input::replace(&out, &bytes)?;
                show(&bytes, &root.public(), output)
            }
            Self::Show { keyset, root } => show(&input::bytes(&keyset)?, &input::public_key(&root)?, output),
        }
    }
}

fn save(draft: &KeysetDraft, path: &std::path::Path, output: Output) -> Result {
    draft.save(path)?;
    let value = json!({ "draft": path, "sequence": draft.sequence, "keys": draft.keys.len() });
    output.show(&value, || {
        format!("{}: {} keys; sign it with `licentia keyset sign`\n", path.display(), draft.keys.len())
    })
}

fn show(bytes: &[u8], root: &licentia_core::Key, output: Output) -> Result {
    let keyset = Signed::read(bytes, root).map_err(|code| format!("keyset: {code} {}", code.advice()))?;
    let keys = keyset.keys().collect::<std::result::Result<Vec<_>, _>>()?;
    let state = |standing| match standing {
        KeyStatus::Retired => "retired",
        KeyStatus::Revoked => "revoked",
        _ => "active",
    };
    let purpose = |purpose| if purpose == KeyPurpose::Revocation { "revocation" } else { "license" };
    let rows: Vec<_> = keys
        .iter()
        .map(|key| {
            let (from, to) = key.window();
            json!({
                "kid": key.kid().to_string(), "key": key.to_string(), "state": state(key.status()),
                "purpose": purpose(key.purpose()), "not_before": from, "not_after": (to != u64::MAX).then_some(to),
            })
        })
        .collect();
    let value = json!({
        "sequence": keyset.sequence(), "issued_at": keyset.issued_at(), "expires": keyset.expires(), "keys": rows,
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
            let window = match key.window() {
                (0, u64::MAX) => "at any time".to_owned(),
                (0, to) => format!("until {}", time::show(to)),
                (from, u64::MAX) => format!("from {}", time::show(from)),
                (from, to) => format!("from {} until {}", time::show(from), time::show(to)),
            };
            let (kid, state, purpose) = (key.kid().to_string(), state(key.status()), purpose(key.purpose()));
            text += &format!("{kid:<12} {state:<10} {purpose:<11} {window}\n");
        }
        text
    })
}
