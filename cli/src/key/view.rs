//! Keysets and drafts as people review them: what each key may do, and what has changed.

use std::path::Path;

use licentia_core::{
    Claims, Explanation, Facts, Key, KeyPurpose, KeyStatus, Keyring, Keyset, Timestamp, authenticate,
    proof::thumbprint,
};
use licentia_issuer::{KeysetDraft, Token, file, time};
use serde_json::{Value, json};

use super::scope;
use crate::terminal::{
    input,
    output::{BAD, GOOD, HEADING, NOTE, Refused, Result, counted, hex, printable, table},
};

/// A signed keyset, or the draft of one.
pub(crate) struct View {
    keys: Vec<Key>,
    /// The keyset. Of a draft, it is signed with a key that nobody trusts.
    bytes: Vec<u8>,
    /// The labels of a draft, by the public keys in text form.
    labels: Vec<(String, String)>,
    /// The number that a draft was signed with last.
    sequence: u64,
    /// What only a signed keyset has.
    signed: Option<Signed>,
}

/// The schema and the times of a signed keyset.
struct Signed {
    schema: u64,
    issued_at: Timestamp,
    expires: Timestamp,
}

impl View {
    /// Loads a draft, or a keyset that `root` signed.
    pub(crate) fn load(path: &Path, root: Option<&str>) -> Result<Self> {
        let bytes = input::bytes(path)?;
        // A signed keyset begins with bytes that are no text.
        if file::decode(&bytes).is_some() {
            return Self::of_draft(&KeysetDraft::load(path)?);
        }
        let Some(root) = root else {
            let path = path.display();
            return Err(format!("{path} is signed; name the root key that verifies it with --root").into());
        };
        let untrusted = |code: licentia_core::Code| {
            Refused(format!("keyset {}: {code} {}", path.display(), code.advice()))
        };
        Ok(Self::signed(bytes, &input::public_key(root)?).map_err(untrusted)?)
    }

    pub(crate) fn of_draft(draft: &KeysetDraft) -> Result<Self> {
        let labels = draft.keys.iter().filter_map(|entry| Some((entry.key.clone(), entry.label.clone()?)));
        let labels = labels.collect();
        let empty =
            Self { keys: Vec::new(), bytes: Vec::new(), labels, sequence: draft.sequence, signed: None };
        if draft.keys.is_empty() {
            // No keyset has no keys, so that an empty draft cannot be signed.
            return Ok(empty);
        }
        let (bytes, root) = draft.preview()?;
        let Self { keys, bytes, .. } = Self::signed(bytes, &root)?;
        Ok(Self { keys, bytes, ..empty })
    }

    /// Reads a keyset that `root` signed.
    pub(crate) fn signed(bytes: Vec<u8>, root: &Key) -> std::result::Result<Self, licentia_core::Code> {
        let keyset = Keyset::read(&bytes, root)?;
        let keys = keyset.keys().collect::<std::result::Result<_, _>>()?;
        let (issued_at, expires) = (keyset.issued_at(), keyset.expires());
        let signed = Signed { schema: keyset.schema(), issued_at, expires };
        let sequence = keyset.sequence();
        Ok(Self { keys, bytes, labels: Vec::new(), sequence, signed: Some(signed) })
    }

    /// Takes the labels from another view, such as the draft of this keyset.
    pub(crate) fn label_like(&mut self, other: &Self) {
        if self.labels.is_empty() {
            self.labels.clone_from(&other.labels);
        }
    }

    /// Why a gate with these keys refuses a licence; `None` if it does not.
    pub(crate) fn refusal(&self, token: &Token) -> Option<String> {
        let mut explanation = Explanation::default();
        let keyring = Keyring::of_keyset(&self.keys, &self.bytes);
        let code = authenticate(token.as_bytes(), keyring, &mut explanation).err()?;
        let bound = match explanation.steps().last().map(|step| step.facts) {
            Some(Facts::Scope { bound }) => {
                let claims = token.claims().ok();
                let only = claims.and_then(|claims| self.bound(&claims, bound.name()));
                format!(" Its {}: only {}.", bound.name(), only.unwrap_or_default())
            }
            _ => String::new(),
        };
        Some(format!("{code}{bound} {}", code.advice()))
    }

    /// A bound of the scope of the key that signed a licence, in words.
    pub(crate) fn bound(&self, claims: &Claims<'_>, name: &str) -> Option<String> {
        let key = self.keys.iter().find(|key| key.kid() == claims.kid())?;
        scope::bounds(&key.scope(&self.bytes))
            .into_iter()
            .find_map(|(bound, only)| (bound == name).then_some(only))
    }

    fn label(&self, key: &Key) -> Option<&str> {
        let key = key.to_string();
        self.labels.iter().find(|(labelled, _)| *labelled == key).map(|(_, label)| &**label)
    }

    /// What it says, for programs.
    pub(crate) fn json(&self) -> Value {
        let keys = self.keys.iter().map(|key| {
            let (from, to) = key.window();
            json!({
                "kid": key.kid().to_string(), "key": key.to_string(), "fingerprint": fingerprint(key),
                "label": self.label(key), "state": state(key.status()), "purpose": purpose(key.purpose()),
                "not_before": from.as_seconds(), "not_after": (to != Timestamp::MAX).then_some(to.as_seconds()),
                "scope": scope::json(&key.scope(&self.bytes)),
            })
        });
        let signed = self.signed.as_ref();
        json!({
            "schema": signed.map(|signed| signed.schema), "sequence": self.sequence,
            "issued_at": signed.map(|signed| signed.issued_at.as_seconds()),
            "expires": signed.map(|signed| signed.expires.as_seconds()),
            "keys": keys.collect::<Vec<_>>(),
        })
    }

    /// What it says, for people.
    pub(crate) fn text(&self) -> String {
        let mut text = match &self.signed {
            Some(Signed { issued_at, expires, .. }) => {
                let (issued, expires) = (time::show(*issued_at), time::show(*expires));
                format!("keyset {}, issued {issued},\n  expires {expires}\n", self.sequence)
            }
            None => String::new(),
        };
        for key in &self.keys {
            let (kid, status) = (key.kid(), key.status());
            let style = match status {
                KeyStatus::Active => GOOD,
                KeyStatus::Revoked => BAD,
                _ => NOTE,
            };
            let label = self.label(key).map_or_else(String::new, |label| format!("  {}", printable(label)));
            text += &format!("\n{HEADING}{kid}{HEADING:#}  {style}{}{style:#}{label}\n", state(status));
            let (first, last) = key.window();
            let what =
                if key.purpose() == KeyPurpose::Revocation { "revocation bundles" } else { "licences" };
            let rows = [
                ("signs", format!("{what} that are issued {}", window(first, last))),
                ("fingerprint", fingerprint(key)),
            ];
            let bounds = scope::bounds(&key.scope(&self.bytes));
            let bounds = bounds.into_iter().map(|(name, only)| ("only", format!("{name}: {only}")));
            text += &table(rows.into_iter().chain(bounds));
        }
        text
    }

    /// What changed since an earlier one: each key's identifier, and what is different.
    pub(crate) fn changes(&self, earlier: &Self) -> Vec<(String, String)> {
        let same = |a: &Key, b: &Key| a.public() == b.public();
        let mut changes = Vec::new();
        for key in &self.keys {
            let name = key.kid().to_string();
            let Some(before) = earlier.keys.iter().find(|before| same(before, key)) else {
                changes.push((name, "added".to_owned()));
                continue;
            };
            let (was, is) = (earlier.traits(before), self.traits(key));
            for ((what, was), (_, is)) in was.into_iter().zip(is).filter(|(was, is)| was.1 != is.1) {
                changes.push((name.clone(), format!("{what}: {was}, now {is}")));
            }
        }
        let gone = earlier.keys.iter().filter(|before| !self.keys.iter().any(|key| same(key, before)));
        let gone = gone.map(|key| (key.kid().to_string(), "removed: what it signed is refused".to_owned()));
        changes.extend(gone);
        changes
    }

    /// What can change about a key.
    fn traits(&self, key: &Key) -> [(&'static str, String); 6] {
        let (first, last) = key.window();
        let bounds = scope::bounds(&key.scope(&self.bytes));
        let bounds: Vec<_> = bounds.into_iter().map(|(name, only)| format!("{name}: {only}")).collect();
        let bounds = if bounds.is_empty() { "everything".to_owned() } else { bounds.join("; ") };
        [
            ("kid", key.kid().to_string()),
            ("state", state(key.status()).to_owned()),
            ("purpose", purpose(key.purpose()).to_owned()),
            ("signs what is issued", window(first, last)),
            ("scope", bounds),
            ("label", self.label(key).map_or_else(|| "none".to_owned(), printable)),
        ]
    }

    /// How many keys it has, in words.
    pub(crate) fn count(&self) -> String {
        counted(self.keys.len(), "key")
    }
}

/// The key's thumbprint (RFC 9679), of which its identifier is the start.
pub(super) fn fingerprint(key: &Key) -> String {
    hex(&thumbprint(key.public().as_bytes()))
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

fn purpose(purpose: KeyPurpose) -> &'static str {
    if purpose == KeyPurpose::Revocation { "revocation" } else { "license" }
}
