//! Signed receipts of what was used, written in the background.
