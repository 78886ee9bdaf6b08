//! `licentia keyset`

use std::path::{Path, PathBuf};

use clap::Subcommand;
use licentia_core::{Keyset as Signed, Timestamp};
use licentia_issuer::{
    KeyPurpose, KeyScope, KeysetDraft, KeysetEntry,
    file::replace,
    time::{self, Span},
};
use serde_json::json;

use super::view::View;
use crate::terminal::{
    input::{self, Clock, Passphrase},
    output::{HEADING, Output, Result, notice, printable, table},
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
        /// What you call it. Signed keysets have no labels.
        #[arg(long, value_name = "TEXT")]
        label: Option<String>,
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
    /// Remove a key: what it signed is refused, as if nobody knew it.
    ///
    /// To end only what it signs from now on, retire it. If it was stolen,
    /// revoke it, and leave it in the keyset.
    Remove {
        /// The draft.
        draft: PathBuf,
        /// The key's identifier.
        kid: String,
    },
    /// Label a key, for those who review the draft.
    Label {
        /// The draft.
        draft: PathBuf,
        /// The key's identifier.
        kid: String,
        /// What you call it. An empty text removes the label.
        label: String,
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
    /// Show a keyset or a draft: what each key may sign, and what changed.
    Show {
        /// The keyset, which is verified, or the draft.
        keyset: PathBuf,
        /// The root key's public half. Required for a signed keyset.
        #[arg(long, value_name = "KEY")]
        root: Option<String>,
        /// An earlier keyset or draft to compare with. Its labels name the keys of
        /// a signed keyset.
        #[arg(long, value_name = "FILE")]
        against: Option<PathBuf>,
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
                label,
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
                entry.label = label;
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
            Self::Remove { draft: path, kid } => {
                let mut draft = KeysetDraft::load(&path)?;
                draft.remove(&kid)?;
                save(&draft, &path, output)
            }
            Self::Label { draft: path, kid, label } => {
                let mut draft = KeysetDraft::load(&path)?;
                draft.entry(&kid)?.label = Some(label).filter(|label| !label.is_empty());
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
                let mut view = View::signed(bytes, &root.public())?;
                view.label_like(&View::of_draft(&draft)?);
                output.show(&view.json(), || view.text())
            }
            Self::Show { keyset, root, against } => {
                show(&keyset, root.as_deref(), against.as_deref(), output)
            }
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

/// Shows a keyset or a draft, and what changed against an earlier one.
fn show(keyset: &Path, root: Option<&str>, against: Option<&Path>, output: Output) -> Result {
    let mut view = View::load(keyset, root)?;
    let Some(against) = against else { return output.show(&view.json(), || view.text()) };
    let mut earlier = View::load(against, root)?;
    view.label_like(&earlier);
    earlier.label_like(&view);
    let changes = view.changes(&earlier);
    let mut value = view.json();
    value["changes"] = changes.iter().map(|(kid, change)| json!({ "kid": kid, "change": change })).collect();
    output.show(&value, || {
        let name = printable(&against.display().to_string());
        if changes.is_empty() {
            return format!("{}\nno key changed since {name}\n", view.text());
        }
        let rows = changes.iter().map(|(kid, change)| (&**kid, change.clone()));
        format!("{}\n{HEADING}changed since {name}{HEADING:#}\n{}", view.text(), table(rows))
    })
}

/// Saves a draft that can be signed, and shows what was understood of it.
fn save(draft: &KeysetDraft, path: &Path, output: Output) -> Result {
    let view = View::of_draft(draft)?;
    draft.save(path)?;
    let mut value = view.json();
    value["draft"] = json!(path);
    output.show(&value, || {
        let name = printable(&path.display().to_string());
        format!("{name}: {}; sign it with `licentia keyset sign`\n{}", view.count(), view.text())
    })
}
