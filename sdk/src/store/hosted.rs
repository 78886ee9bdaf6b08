//! A store that the host of a module asks.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use licentia_core::AccountId;

use super::{Cell, SeatAsk, Seats, Store, Taken, Unreachable};

/// A store for a module that does no I/O, such as one of WebAssembly: the gate's questions are data
/// ([`Gate::take_questions`](crate::Gate::take_questions)), which the host asks a store of its own, and whose answers it
/// brings. Marks are kept here, and the host is told those that changed.
#[derive(Default)]
pub struct Hosted {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    marks: Vec<Mark>,
    /// What the host's store said of a seat that is asked for next.
    seat: Option<Result<Seats, Unreachable>>,
}

struct Mark {
    name: String,
    value: Vec<u8>,
    changed: bool,
}

impl Hosted {
    /// A store without marks.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The names of the marks that were saved since this was called last.
    pub fn changed(&self) -> Vec<String> {
        let mut kept = self.lock();
        let changed = kept.marks.iter_mut().filter_map(|mark| {
            let changed = std::mem::take(&mut mark.changed);
            changed.then(|| mark.name.clone())
        });
        changed.collect()
    }

    /// Sets a mark that the host's store has.
    pub fn bring_mark(&self, name: &str, value: &[u8]) {
        let mut kept = self.lock();
        kept.marks.retain(|mark| mark.name != name);
        kept.marks.push(Mark { name: name.to_owned(), value: value.to_owned(), changed: false });
    }

    /// Says what the host's store answered to a seat that is checked out next.
    pub fn bring_seat(&self, answer: Result<Seats, Unreachable>) {
        self.lock().seat = Some(answer);
    }
}

/// Counts are asked for by the host, and never here.
fn elsewhere<T>() -> Result<T, Unreachable> {
    Err(Unreachable::because("the host asks this store"))
}

impl Store for Hosted {
    fn take(&self, _cell: &Cell<'_>, _need: u64, _want: u64, _limit: u64) -> Result<Taken, Unreachable> {
        elsewhere()
    }

    fn give_back(&self, _cell: &Cell<'_>, _units: u64) -> Result<(), Unreachable> {
        elsewhere()
    }

    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, Unreachable> {
        Ok(self.lock().marks.iter().find(|mark| mark.name == name).map(|mark| mark.value.clone()))
    }

    fn save(&self, name: &str, value: &[u8]) -> Result<(), Unreachable> {
        self.bring_mark(name, value);
        if let Some(mark) = self.lock().marks.last_mut() {
            mark.changed = true;
        }
        Ok(())
    }

    fn take_seat(&self, _ask: &SeatAsk<'_>) -> Result<Seats, Unreachable> {
        self.lock().seat.take().unwrap_or_else(elsewhere)
    }

    fn release_seat(&self, _account: &AccountId, _holder: &str) -> Result<(), Unreachable> {
        elsewhere()
    }

    fn is_hosted(&self) -> bool {
        true
    }
}

impl fmt::Debug for Hosted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hosted").field("marks", &self.lock().marks.len()).finish_non_exhaustive()
    }
}
