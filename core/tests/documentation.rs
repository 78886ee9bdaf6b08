//! The documentation says what the code does: codes, limits, the worked example and file names do not drift.

use std::path::Path;

use licentia_core::{Buffer, Code, Key, limits, text};

const README: &str = include_str!("../../README.md");
const FORMAT: &str = include_str!("../../docs/token-format.md");
const ARCHITECTURE: &str = include_str!("../../docs/architecture.md");

/// The lines of the fenced block that is marked with `language`.
fn block<'t>(page: &'t str, language: &str) -> impl Iterator<Item = &'t str> {
    let (_, rest) = page.split_once(&format!("\n```{language}\n")).expect("the block is there");
    rest.split_once("\n```").expect("the block ends").0.lines()
}

/// The bytes of an annotated dump, `offset | hex | meaning`, whose offsets must be right.
fn dump(page: &str, language: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in block(page, language) {
        let mut columns = line.split('|').map(str::trim);
        let (offset, hex) = (columns.next().unwrap(), columns.next().unwrap());
        assert_eq!(offset.parse(), Ok(bytes.len()), "{line}");
        bytes.extend(hex.split(' ').map(|byte| u8::from_str_radix(byte, 16).expect(line)));
    }
    bytes
}

#[test]
fn the_readme_has_every_code_and_no_other() {
    let rows = README.lines().filter(|line| {
        line.strip_prefix("| ").is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
    });
    let expected = Code::TABLE.iter().map(|entry| {
        let (number, name, message) = (entry.code.number(), entry.name, entry.message);
        format!("| {number} | `{name}` | {message} |")
    });
    assert_eq!(rows.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}

#[test]
fn the_format_names_every_code_of_a_token() {
    for entry in Code::TABLE.iter().filter(|entry| (100..500).contains(&entry.code.number())) {
        let named = format!("{} `{}`", entry.code.number(), entry.name);
        assert!(FORMAT.contains(&named), "{named} is missing");
    }
    // What is named together with a number is a code with that number.
    for (at, _) in FORMAT.match_indices(" `") {
        let (before, rest) = (&FORMAT[..at], &FORMAT[at + 2..]);
        let digits = before.bytes().rev().take_while(u8::is_ascii_digit).count();
        let Ok(number) = before[at - digits..].parse::<u16>() else { continue };
        let name = rest.split('`').next().unwrap();
        if digits == 3 && name.contains('_') {
            assert_eq!(Code::from_number(number).map(Code::name), Some(name));
        }
    }
}

#[test]
fn the_format_states_the_limits() {
    let limits = [
        ("TOKEN_BYTES", limits::TOKEN_BYTES as u64),
        ("TOKEN_TEXT", limits::TOKEN_TEXT as u64),
        ("DEPTH", limits::DEPTH as u64),
        ("ITEMS", limits::ITEMS.into()),
        ("KID_BYTES", limits::KID_BYTES as u64),
        ("TEXT_BYTES", limits::TEXT_BYTES as u64),
        ("NAME_BYTES", limits::NAME_BYTES as u64),
        ("AUDIENCES", limits::AUDIENCES as u64),
        ("FEATURES", limits::FEATURES as u64),
        ("QUOTAS", limits::QUOTAS as u64),
        ("RATES", limits::RATES as u64),
        ("NODE_LOCKS", limits::NODE_LOCKS as u64),
        ("META", limits::META as u64),
        ("KEYSET_BYTES", limits::KEYSET_BYTES as u64),
        ("KEYSET_ITEMS", limits::KEYSET_ITEMS.into()),
        ("KEYSET_KEYS", limits::KEYSET_KEYS as u64),
        ("BUNDLE_BYTES", limits::BUNDLE_BYTES as u64),
        ("BUNDLE_ITEMS", limits::BUNDLE_ITEMS.into()),
        ("GROUPS", limits::GROUPS as u64),
        ("REVOKED", limits::REVOKED),
        ("QUERY_MEMBERS", limits::QUERY_MEMBERS),
        ("RULES", limits::RULES as u64),
        ("RULE_LIST", limits::RULE_LIST as u64),
        ("RECEIPT_BYTES", limits::RECEIPT_BYTES as u64),
        ("RECEIPT_ENTRIES", limits::RECEIPT_ENTRIES as u64),
        ("RECEIPT_ITEMS", limits::RECEIPT_ITEMS.into()),
        ("URI_BYTES", limits::URI_BYTES as u64),
        ("INTEGER", limits::INTEGER),
        ("TIME", limits::TIME),
    ];
    for (name, value) in limits {
        assert!(FORMAT.contains(&format!("\n| `{name}` | {value} |")), "{name} is {value}");
    }
    let constants = include_str!("../src/limits.rs").lines().filter(|line| line.starts_with("pub const "));
    assert_eq!(constants.count(), limits.len(), "a limit is missing in this test");
}

#[test]
fn the_worked_example_is_the_example() {
    let example = include_str!("data/example.lic").trim();
    let mut buffer = Buffer::new();
    assert_eq!(dump(FORMAT, "licence-bytes"), text::decode_license(example, &mut buffer).unwrap());
    assert!(FORMAT.contains(example));

    let key = include_str!("data/example.pub").trim();
    assert_eq!(Key::from_cose(&dump(FORMAT, "key-bytes")).unwrap().to_string(), key);
    assert!(FORMAT.contains(key));
}

#[test]
fn every_file_that_the_architecture_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let is_path = |name: &str| {
        let part = |part: &str| part.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        // Names that begin with a folder of a crate are short for those in the crate.
        let first = name.split_once('/').map(|(first, _)| root.join(first));
        first.is_some_and(|folder| folder.is_dir()) && name.split('/').all(part)
    };
    // In a line, every second part between backticks is code.
    let code = ARCHITECTURE.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    let named: Vec<&str> = code.filter(|name| is_path(name)).collect();
    assert!(named.len() > 80, "{} names are not all", named.len());
    for name in named {
        assert!(root.join(name).exists(), "docs/architecture.md names {name}");
    }
}
