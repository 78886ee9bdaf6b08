//! Ctrl-C.

use licentia_issuer::file;

/// What a shell sees of a program that was interrupted.
pub(crate) const INTERRUPTED: i32 = 130;

/// From now on, Ctrl-C ends the program and removes the files that are half written.
pub(crate) fn leaves_nothing_behind() {
    // Without a handler the program just ends, which is no reason to refuse a command.
    let _ = ctrlc::set_handler(|| file::abandon(INTERRUPTED));
}
