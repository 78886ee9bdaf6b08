//! The shared vectors, `tests/vectors/*.json`.

use std::{fs, path::Path};

use crate::{
    command::{Result, command, root, run},
    programs::program,
};

/// Generates the committed vectors.
pub(crate) fn write() -> Result {
    generate("tests/vectors")
}

fn generate(folder: &str) -> Result {
    run(command(program("generate")?, &["--out", folder]))
}

/// The vectors are what their generator makes.
pub(crate) fn check() -> Result {
    let (committed, fresh) = (root().join("tests/vectors"), root().join("target/vectors"));
    let _ = fs::remove_dir_all(&fresh);
    fs::create_dir_all(&fresh).map_err(|error| error.to_string())?;
    generate(&fresh.to_string_lossy())?;
    let (expected, made) = (json_files(&committed)?, json_files(&fresh)?);
    if expected.is_empty() || expected != made {
        return Err(format!("tests/vectors has {expected:?}, the generator made {made:?}"));
    }
    let differs = |name: &&String| fs::read(committed.join(name)).ok() != fs::read(fresh.join(name)).ok();
    let changed: Vec<_> = expected.iter().filter(differs).collect();
    println!("{} files compared", expected.len());
    if changed.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "{changed:?} differ from what the generator makes; run `cargo xtask vectors` and review the change"
        ))
    }
}

fn json_files(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let files = entries.flatten().map(|entry| entry.path());
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let mut names: Vec<_> =
        files.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect();
    names.sort();
    Ok(names)
}
