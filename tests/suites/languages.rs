//! The table of what each language can do: `docs/languages.md`.

use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The text of all files of a folder with an ending, or of a file.
fn text(path: &Path, ending: &str) -> String {
    if path.is_file() {
        return fs::read_to_string(path).unwrap();
    }
    let mut all = String::new();
    for entry in fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())) {
        let path = entry.unwrap().path();
        // What is translated or built has no names of its own.
        if path.is_dir() && !path.ends_with("module") && !path.ends_with("generated") {
            all += &text(&path, ending);
        } else if path.is_file() && path.to_string_lossy().ends_with(ending) {
            all += &fs::read_to_string(path).unwrap();
        }
    }
    all
}

/// What a program in each language can call, in the order of the table.
fn surfaces() -> [(&'static str, String); 6] {
    let of = |path: &str, ending: &str| text(&root().join(path), ending);
    [
        ("Rust", of("docs/api", ".txt") + &of("sdk/Cargo.toml", "")),
        ("C", of("include/licentia.h", "")),
        (
            "Python",
            of("bindings/python/python/licentia", ".pyi") + &of("bindings/python/python/licentia", ".py"),
        ),
        ("JavaScript", of("bindings/js/ts", ".ts")),
        ("Go", of("bindings/go", ".go")),
        ("Java", of("bindings/java/src/main", ".java")),
    ]
}

#[test]
fn the_table_of_languages_names_what_is_there() {
    let page = fs::read_to_string(root().join("docs/languages.md")).unwrap();
    let surfaces = surfaces();
    let head: Vec<&str> = surfaces.iter().map(|(language, _)| *language).collect();
    let head = format!("| capability | {} |\n|---|---|---|---|---|---|---|\n", head.join(" | "));
    let (_, table) = page.split_once(&head).unwrap_or_else(|| panic!("docs/languages.md lacks {head}"));
    let mut rows = 0;
    for row in table.lines().take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 7, "{row}");
        for (cell, (language, surface)) in cells.iter().skip(1).zip(&surfaces) {
            if let Some(reason) = cell.strip_prefix("–: ") {
                assert!(!reason.is_empty(), "{row}: {language} needs a reason");
                continue;
            }
            let name = cell.strip_prefix('`').and_then(|cell| cell.strip_suffix('`'));
            let name = name.unwrap_or_else(|| panic!("{row}: {cell:?} is neither a name nor a reason"));
            // The last part stands alone where it is declared.
            let last = name.rsplit(['.', ':']).next().unwrap_or(name);
            let word = |at: usize| {
                let letter = |byte: Option<&u8>| {
                    byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
                };
                !(letter(surface.as_bytes().get(at + last.len()))
                    || at > 0 && letter(surface.as_bytes().get(at - 1)))
            };
            let found = surface.match_indices(last).any(|(at, _)| word(at));
            assert!(found, "docs/languages.md, {:?}: {language} has no {name}", cells[0]);
        }
        rows += 1;
    }
    assert!(rows > 20, "{rows} rows were read");
}
