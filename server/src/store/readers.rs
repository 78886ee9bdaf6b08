//! Connections that read the ledger, beside the one that writes.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use licentia_issuer::{Ledger, LedgerAccess, LedgerLocation};
use tokio::sync::Semaphore;

use crate::http::Problem;

/// How many requests read at once.
const MOST: usize = 8;

/// Reads the ledger for all requests.
#[derive(Clone)]
pub struct Readers {
    location: LedgerLocation,
    free: Arc<Mutex<Vec<Ledger>>>,
    turns: Arc<Semaphore>,
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Readers({})", self.location)
    }
}

impl Readers {
    /// Reads the ledger at a place.
    pub fn new(location: LedgerLocation) -> Self {
        Self { location, free: Arc::default(), turns: Arc::new(Semaphore::new(MOST)) }
    }

    /// Reads on a thread that may wait.
    ///
    /// # Errors
    /// The errors of `work`; 503 if the ledger is out of reach.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Ledger) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let Ok(_turn) = self.turns.acquire().await else { return Err(Problem::busy()) };
        let this = self.clone();
        let read = tokio::task::spawn_blocking(move || {
            let free = this.free().pop();
            let ledger = match free {
                Some(ledger) => ledger,
                None => Ledger::connect(&this.location, LedgerAccess::Read)?,
            };
            let read = work(&ledger);
            // A connection that failed may be lost.
            if !read.as_ref().is_err_and(Problem::is_outage) {
                this.free().push(ledger);
            }
            read
        });
        read.await.unwrap_or_else(|_| Err(Problem::internal("a reader of the ledger panicked")))
    }

    fn free(&self) -> std::sync::MutexGuard<'_, Vec<Ledger>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
