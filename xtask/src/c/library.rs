//! The library as a suite uses it: installed in a folder of the suites, with exactly its functions.

use std::path::{Path, PathBuf};

use super::{
    package::Package,
    parts::symbols,
    toolchain::{needs, work},
};
use crate::command::{Result, command, output};

/// Installs the library below `target/c/usr` and gives that folder.
pub(crate) fn installed() -> Result<PathBuf> {
    needs()?;
    let prefix = work()?.join("usr");
    Package::at(&prefix).install()?;
    Ok(prefix)
}

/// The path of the static library below a prefix.
pub(crate) fn static_library(prefix: &Path) -> String {
    prefix.join("lib/liblicentia.a").to_string_lossy().into_owned()
}

/// Both libraries in a folder export exactly the functions of these features.
pub(crate) fn exports(folder: &Path, features: &str) -> Result {
    let expected = symbols(features)?;
    for (library, listing) in [("liblicentia.so", "-D"), ("liblicentia.a", "-g")] {
        let path = folder.join(library);
        let shown = output(command("nm", &[listing, "--defined-only", &path.to_string_lossy()]))?;
        let mut found: Vec<&str> = shown
            .lines()
            .filter(|line| line.split(' ').count() == 3)
            .filter_map(|line| line.rsplit(' ').next())
            .collect();
        found.sort_unstable();
        if found != expected {
            let odd = |these: &[&str], those: &[String]| {
                let there = |name: &&&str| those.iter().all(|other| other != *name);
                these.iter().filter(there).map(|name| (*name).to_owned()).collect::<Vec<_>>()
            };
            let list: Vec<&str> = expected.iter().map(String::as_str).collect();
            let own: Vec<String> = found.iter().map(|name| (*name).to_owned()).collect();
            return Err(format!(
                "{library} has {:?} that are not in the list, and lacks {:?}",
                odd(&found, &expected),
                odd(&list, &own)
            ));
        }
        println!("{library}: {} functions, and nothing else", found.len());
    }
    Ok(())
}
