//! What a person may have meant by a command that does not exist.

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Words that people try, and the command that does it.
const SYNONYMS: &[(&str, &str)] = &[
    ("activate", "issue"),
    ("bundles", "bundle"),
    ("cancel", "revoke"),
    ("catalog", "catalogue"),
    ("check", "verify"),
    ("create", "issue"),
    ("decode", "inspect"),
    ("disable", "revoke"),
    ("explain", "verify"),
    ("extend", "renew"),
    ("find", "ledger"),
    ("gen", "keygen"),
    ("generate", "keygen"),
    ("keys", "keyset"),
    ("list", "ledger"),
    ("new", "issue"),
    ("publish", "bundle"),
    ("restore", "reinstate"),
    ("search", "ledger"),
    ("show", "inspect"),
    ("sign", "issue"),
    ("tiers", "catalogue"),
    ("undo", "reinstate"),
    ("unrevoke", "reinstate"),
    ("usage", "receipts"),
    ("validate", "verify"),
];

/// What takes something away is suggested only for its own misspellings.
const TAKES_AWAY: &[&str] = &["revoke", "remove", "retire"];

/// Replaces clap's suggestion, which compares letters and would offer `revoke` to a person who wants to renew.
pub(super) fn improve(error: &mut clap::Error) {
    if error.kind() != ErrorKind::InvalidSubcommand {
        return;
    }
    let Some(ContextValue::String(given)) = error.get(ContextKind::InvalidSubcommand) else { return };
    let given = given.clone();
    let near: Vec<String> = match error.get(ContextKind::SuggestedSubcommand) {
        Some(ContextValue::Strings(near)) => near.clone(),
        Some(ContextValue::String(near)) => vec![near.clone()],
        _ => Vec::new(),
    };
    let mut offered: Vec<String> = near.into_iter().filter(|name| is_meant(&given, name)).collect();
    if offered.is_empty() {
        let meant = SYNONYMS.iter().filter(|(word, _)| *word == given);
        offered.extend(meant.map(|(_, name)| (*name).to_owned()));
    }
    error.remove(ContextKind::SuggestedSubcommand);
    if !offered.is_empty() {
        error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(offered));
    }
}

/// Whether `given` is a misspelling of `name`.
fn is_meant(given: &str, name: &str) -> bool {
    let most = if TAKES_AWAY.contains(&name) { 1 } else { 2 };
    distance(given, name) <= most
}

/// How many letters must be added, removed, changed or swapped with the next one (optimal string alignment).
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut rows = vec![(0..=to.len()).collect::<Vec<usize>>()];
    let at = |rows: &[Vec<usize>], row: usize, column: usize| {
        rows.get(row).and_then(|row| row.get(column)).copied().unwrap_or(usize::MAX / 2)
    };
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let change = at(&rows, i, j) + usize::from(a != b);
            let mut least = change.min(at(&rows, i, j + 1) + 1).min(row.last().map_or(0, |left| left + 1));
            let swapped = i > 0 && j > 0 && from.get(i - 1) == Some(b) && to.get(j - 1) == Some(a);
            if swapped {
                least = least.min(at(&rows, i - 1, j - 1) + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    at(&rows, from.len(), to.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspellings_are_recognised_and_other_words_are_not() {
        for (given, name) in
            [("verfiy", "verify"), ("isue", "issue"), ("revok", "revoke"), ("keysets", "keyset")]
        {
            assert!(is_meant(given, name), "{given}");
        }
        for (given, name) in [("renew", "revoke"), ("retore", "revoke"), ("issue", "inspect")] {
            assert!(!is_meant(given, name), "{given}");
        }
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("ab", "ba"), 1);
    }
}
