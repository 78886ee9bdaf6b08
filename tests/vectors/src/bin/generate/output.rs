//! The files: numbered, checked, and written with one test to a line, so that changes are easy to read.

use std::collections::BTreeSet;

use licentia_vectors::{File, Group};
use serde::Serialize;
use serde_json::Value;

/// Makes a file of groups: numbers the tests and explains their flags.
///
/// # Panics
/// Where a flag has no note, or a note no test.
pub(crate) fn file<G: Group>(schema: &str, notes: &[(&str, &str)], mut groups: Vec<G>) -> File<G> {
    let mut next = 1;
    for group in &mut groups {
        group.number(&mut next);
    }
    let used: BTreeSet<&str> =
        groups.iter().flat_map(Group::tests).flat_map(|(_, flags)| flags).map(String::as_str).collect();
    let explained: BTreeSet<&str> = notes.iter().map(|note| note.0).collect();
    assert_eq!(used, explained, "every flag has a note and every note a test");
    File {
        schema: schema.to_owned(),
        number_of_tests: groups.iter().map(|group| group.tests().count()).sum(),
        notes: notes.iter().map(|&(flag, note)| (flag.to_owned(), note.to_owned())).collect(),
        test_groups: groups,
    }
}

/// The text of a file.
pub(crate) fn json(file: &impl Serialize) -> String {
    let mut out = String::new();
    let value = serde_json::to_value(file).expect("the types are plain data");
    write(&value, true, 0, &mut out);
    out.push('\n');
    out
}

/// Writes an `open` value with a member to a line. Lists of groups, tests and codes stay open; all else is closed.
fn write(value: &Value, open: bool, indent: usize, out: &mut String) {
    let inner = format!("\n{}", "  ".repeat(indent + 1));
    let outer = format!("\n{}", "  ".repeat(indent));
    match value {
        Value::Object(members) if open => {
            out.push('{');
            for (at, (key, member)) in members.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                out.push_str(&inner);
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push_str(": ");
                let open = matches!(key.as_str(), "notes" | "testGroups" | "tests" | "codes");
                write(member, open, indent + 1, out);
            }
            out.push_str(&outer);
            out.push('}');
        }
        Value::Array(items) if open => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                out.push_str(&inner);
                write(item, item.get("tests").is_some(), indent + 1, out);
            }
            out.push_str(&outer);
            out.push(']');
        }
        _ => out.push_str(&value.to_string()),
    }
}
