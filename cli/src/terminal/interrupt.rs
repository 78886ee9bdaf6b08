//! Ctrl-C.

use licentia_issuer::file;

/// What a shell sees of a program that was interrupted.
pub(crate) const INTERRUPTED: i32 = 130;

/// From now on, Ctrl-C ends the program and removes the files that are half written.
pub(crate) fn leaves_nothing_behind() {
    // Without a handler the program just ends, which is no reason to refuse a command.
    let _ = ctrlc::set_handler(|| file::abandon(INTERRUPTED));
}

/// Waits until the process is told to end.
pub(crate) async fn ended() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            _ = terminate.recv() => Ok(()),
            interrupted = tokio::signal::ctrl_c() => interrupted,
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
