//! Asks for passphrases on the terminal.

use std::{
    fs::{File, OpenOptions},
    io::{IsTerminal, Read, Write},
};

use licentia_issuer::file;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use super::{interrupt::INTERRUPTED, output::Result};

/// The longest passphrase that is read. The memory for it is taken once, so that no copy is left behind.
const LONGEST: usize = 1024;
const CTRL_C: u8 = 3;
const CTRL_D: u8 = 4;
const CTRL_U: u8 = 0x15;
const BACKSPACE: [u8; 2] = [8, 0x7f];

/// Asks for a line that is not shown; `None` if nobody sits at a terminal.
pub(super) fn ask(question: &str) -> Result<Option<Zeroizing<String>>> {
    if !std::io::stderr().is_terminal() {
        return Ok(None);
    }
    let Ok(mut terminal) = OpenOptions::new().read(true).write(true).open("/dev/tty") else {
        return Ok(None);
    };
    let mut quiet = Quiet::new(&terminal)?;
    write!(terminal, "{question}: ")?;
    let line = quiet.read_line();
    writeln!(terminal)?;
    drop(quiet);
    match line? {
        Some(line) => Ok(Some(line)),
        // The terminal is itself again before the program ends.
        None => file::abandon(INTERRUPTED),
    }
}

/// A terminal that shows nothing of what is typed, until it is dropped. Its keys send no signals: the program would end
/// and leave the terminal silent.
struct Quiet {
    terminal: File,
    before: Termios,
}

impl Quiet {
    fn new(terminal: &File) -> Result<Self> {
        let terminal = terminal.try_clone()?;
        let before = tcgetattr(&terminal)?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        tcsetattr(&terminal, OptionalActions::Flush, &quiet)?;
        Ok(Self { terminal, before })
    }

    /// The line; `None` for Ctrl-C.
    fn read_line(&mut self) -> Result<Option<Zeroizing<String>>> {
        let mut line = Zeroizing::new(Vec::with_capacity(LONGEST));
        loop {
            let mut byte = [0];
            if self.terminal.read(&mut byte)? == 0 {
                break;
            }
            let [byte] = byte;
            match byte {
                b'\r' | b'\n' | CTRL_D => break,
                CTRL_C => return Ok(None),
                CTRL_U => line.clear(),
                byte if BACKSPACE.contains(&byte) => {
                    // A letter may have several bytes.
                    while line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
                }
                _ if line.len() == LONGEST => {
                    return Err(format!("a passphrase has at most {LONGEST} bytes").into());
                }
                byte if byte < b' ' => {}
                byte => line.push(byte),
            }
        }
        let text = str::from_utf8(&line).map_err(|_| "the passphrase is not UTF-8")?;
        Ok(Some(Zeroizing::new(text.to_owned())))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // A terminal that is gone needs no restoring.
        let _ = tcsetattr(&self.terminal, OptionalActions::Flush, &self.before);
    }
}
