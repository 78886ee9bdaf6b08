//! The one thread of a service that writes. What many requests want at once is one transaction: a disk that takes ten
//! milliseconds to store one change stores hundreds in the same time.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
    time::Duration,
};

use licentia_issuer::{Ledger, LedgerAccess, LedgerLocation, Result as LedgerResult};
use tokio::sync::{mpsc, oneshot};

use super::guests::ALL;
use crate::http::Problem;

/// How many requests may wait.
const QUEUE: usize = 4096;
/// How many are in one transaction.
const BATCH: usize = 512;
/// How long a request waits for its place in the queue.
const PATIENCE: Duration = Duration::from_secs(5);

/// Writes the ledger for all requests.
#[derive(Clone)]
pub struct Clerk(mpsc::Sender<Box<dyn Job>>);

impl fmt::Debug for Clerk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clerk")
    }
}

/// Something to be done in a transaction.
trait Job: Send {
    /// Does it. Whether it is to be stored.
    fn run(&mut self, ledger: &mut Ledger) -> Result<(), Problem>;
    /// Tells the one that waits how it ended: `stored` is how the transaction did.
    fn finish(self: Box<Self>, stored: &Result<(), Problem>);
}

struct Task<T, F> {
    work: Option<F>,
    done: Option<Result<T, Problem>>,
    answer: oneshot::Sender<Result<T, Problem>>,
}

impl<T: Send, F: FnOnce(&mut Ledger) -> Result<T, Problem> + Send> Job for Task<T, F> {
    fn run(&mut self, ledger: &mut Ledger) -> Result<(), Problem> {
        let Some(work) = self.work.take() else { return Ok(()) };
        let done = catch_unwind(AssertUnwindSafe(|| work(ledger)));
        let done = done.unwrap_or_else(|_| Err(Problem::internal("a request to the ledger panicked")));
        let failed = done.as_ref().err().cloned();
        self.done = Some(done);
        failed.map_or(Ok(()), Err)
    }

    fn finish(self: Box<Self>, stored: &Result<(), Problem>) {
        let done = match (self.done, stored) {
            // What failed by itself is told as it is.
            (Some(Err(problem)), _) => Err(problem),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (_, Err(problem)) => Err(problem.clone()),
            (None, Ok(())) => Err(Problem::internal("a request to the ledger was not done")),
        };
        // The client may have gone.
        let _ = self.answer.send(done);
    }
}

impl Clerk {
    /// Opens the ledger, with the service's tables, and starts the thread.
    ///
    /// # Errors
    /// What is wrong with the ledger.
    pub fn start(location: LedgerLocation) -> LedgerResult<Self> {
        let ledger = open(&location)?;
        let (sender, jobs) = mpsc::channel(QUEUE);
        // It ends when nobody can ask it any more.
        thread::spawn(move || serve(&location, ledger, jobs));
        Ok(Self(sender))
    }

    /// Does something in a transaction, and returns when it is stored. If it fails, nothing of it is stored.
    ///
    /// # Errors
    /// The errors of `work`; 503 if the ledger is out of reach.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Ledger) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let (answer, answered) = oneshot::channel();
        let job = Box::new(Task { work: Some(work), done: None, answer });
        match self.0.send_timeout(job, PATIENCE).await {
            Ok(()) => answered.await.unwrap_or_else(|_| Err(Problem::ledger_unreachable())),
            Err(_) => Err(Problem::busy()),
        }
    }
}

fn open(location: &LedgerLocation) -> LedgerResult<Ledger> {
    let mut ledger = Ledger::connect(location, LedgerAccess::Write)?;
    for tables in ALL {
        ledger.host(tables)?;
    }
    Ok(ledger)
}

fn serve(location: &LedgerLocation, ledger: Ledger, mut jobs: mpsc::Receiver<Box<dyn Job>>) {
    let mut ledger = Some(ledger);
    while let Some(first) = jobs.blocking_recv() {
        let mut batch = vec![first];
        while batch.len() < BATCH
            && let Ok(next) = jobs.try_recv()
        {
            batch.push(next);
        }
        if ledger.is_none() {
            ledger = open(location).inspect_err(|error| eprintln!("licentia-server: {error}")).ok();
        }
        let stored = match &mut ledger {
            Some(open) => run(open, &mut batch),
            None => Err(Problem::ledger_unreachable()),
        };
        if stored.is_err() {
            // The connection may be lost: the next batch begins with a new one.
            ledger = None;
        }
        for job in batch {
            job.finish(&stored);
        }
    }
}

/// Runs a batch in one transaction, in which each request is a part that may fail alone.
fn run(ledger: &mut Ledger, batch: &mut [Box<dyn Job>]) -> Result<(), Problem> {
    ledger.together(|ledger| {
        for job in batch {
            // A failure that is the ledger's shows again at the end of the transaction.
            let _: Result<(), Problem> = ledger.together(|ledger| job.run(ledger));
        }
        Ok(())
    })
}
