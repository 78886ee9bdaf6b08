//! A bound on guesses.

use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

/// How many wrong codes are taken at once, and how many more in a second.
const WRONG: (f64, f64) = (50.0, 5.0);

/// Bounds how often codes can be guessed.
#[derive(Debug)]
pub(crate) struct Guesses(Mutex<(f64, Instant)>);

impl Default for Guesses {
    fn default() -> Self {
        Self(Mutex::new((WRONG.0, Instant::now())))
    }
}

impl Guesses {
    /// Whether a code may be tried; `wrong` counts one that was wrong.
    pub(super) fn allow(&self, wrong: bool) -> bool {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let more = now.duration_since(left.1).as_secs_f64() * WRONG.1;
        *left = ((left.0 + more).min(WRONG.0) - f64::from(u8::from(wrong)), now);
        left.0 >= 0.0
    }
}
