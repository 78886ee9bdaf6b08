//! Asks for passphrases on the console of Windows.

use std::{fs::File, io::IsTerminal};

use zeroize::Zeroizing;

use super::output::Result;

/// The longest passphrase that is taken, in bytes.
const LONGEST: usize = 1024;

/// Asks for a line that is not shown; `None` if nobody sits at a console.
pub(super) fn ask(question: &str) -> Result<Option<Zeroizing<String>>> {
    // A service has no console.
    if !std::io::stderr().is_terminal() || File::open("CONIN$").is_err() {
        return Ok(None);
    }
    let line = Zeroizing::new(rpassword::prompt_password(format!("{question}: "))?);
    if line.len() > LONGEST {
        return Err(format!("a passphrase has at most {LONGEST} bytes").into());
    }
    Ok(Some(line))
}
