//! Forks. A child has a copy of everything, and must use nothing that is its parent's: units that were taken ahead,
//! work that was reserved, a log that is open, and locks that a thread held which the child does not have.
//!
//! So whoever lets go of the interpreter is counted in (`detached`), and a fork waits until nobody but the thread that
//! forks is in there. With the interpreter held, no other thread can fork.

use std::{
    cell::{Cell, RefCell},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak},
};

use licentia::{Code, Gate};
use pyo3::prelude::*;

use crate::error::refused;

/// Who is in there, and who wants to fork.
#[derive(Default)]
struct Threads {
    detached: usize,
    forking: usize,
}

static THREADS: Mutex<Threads> = Mutex::new(Threads { detached: 0, forking: 0 });
static CHANGED: Condvar = Condvar::new();
/// Every gate of the process that still lives, whatever keeps it alive.
static GATES: Mutex<Vec<Weak<Gate>>> = Mutex::new(Vec::new());

thread_local! {
    /// How often this thread is in there: what is dropped in there enters once more.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    /// What keeps the others out while this thread forks.
    static FORKING: RefCell<Option<MutexGuard<'static, Threads>>> = const { RefCell::new(None) };
}

fn threads() -> MutexGuard<'static, Threads> {
    THREADS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wait(threads: MutexGuard<'static, Threads>) -> MutexGuard<'static, Threads> {
    CHANGED.wait(threads).unwrap_or_else(PoisonError::into_inner)
}

/// Counts this thread in, for as long as it lives.
struct Inside;

impl Inside {
    fn enter() -> Self {
        // The thread that forks is let in: a hook of the host's may ask a gate.
        if DEPTH.replace(DEPTH.get().saturating_add(1)) == 0 && !forks() {
            let mut threads = threads();
            while threads.forking > 0 {
                threads = wait(threads);
            }
            threads.detached = threads.detached.saturating_add(1);
        }
        Self
    }

    /// As `enter`, where nobody has to be waited for.
    fn try_enter() -> Option<Self> {
        if DEPTH.get() == 0 && !forks() {
            let mut threads = THREADS.try_lock().ok().filter(|threads| threads.forking == 0)?;
            threads.detached = threads.detached.saturating_add(1);
        }
        DEPTH.set(DEPTH.get().saturating_add(1));
        Some(Self)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        if DEPTH.replace(DEPTH.get().saturating_sub(1)) == 1 && !forks() {
            let mut threads = threads();
            threads.detached = threads.detached.saturating_sub(1);
            CHANGED.notify_all();
        }
    }
}

/// Whether this thread is about to fork, or just has.
fn forks() -> bool {
    FORKING.with_borrow(Option::is_some)
}

/// Lets other threads of the interpreter run during `work`, but for one that forks.
pub(crate) fn detached<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> T {
    py.detach(|| {
        let _inside = Inside::enter();
        work()
    })
}

/// Counts this thread out during `work`, which runs Python and may fork, or wait for one who does. It holds no lock
/// of ours.
pub(crate) fn outside<T>(work: impl FnOnce() -> T) -> T {
    struct Back(usize);
    impl Drop for Back {
        fn drop(&mut self) {
            std::mem::forget(Inside::enter());
            DEPTH.set(self.0);
        }
    }
    let depth = DEPTH.get();
    if depth == 0 {
        return work();
    }
    DEPTH.set(1);
    drop(Inside);
    let _back = Back(depth);
    work()
}

/// What may wait for a store when it is dropped: other threads of the interpreter run meanwhile.
pub(crate) struct DropDetached<T: Send>(Option<T>);

impl<T: Send> From<T> for DropDetached<T> {
    fn from(value: T) -> Self {
        Self(Some(value))
    }
}

impl<T: Send> DropDetached<T> {
    /// The value.
    pub(crate) fn get(&self) -> PyResult<&T> {
        // It is there until the drop.
        self.0.as_ref().ok_or_else(|| refused(Code::InvalidArgument))
    }
}

impl<T: Send> Drop for DropDetached<T> {
    fn drop(&mut self) {
        let mut value = self.0.take();
        // Where the interpreter has ended, there is nobody to wait for. Where another thread forks, it waits for this
        // one, which may hold a lock that the other's hooks want, and must not wait in its turn.
        Python::try_attach(|py| {
            if let Some(_inside) = Inside::try_enter() {
                let value = value.take();
                py.detach(|| drop(value));
            }
        });
    }
}

/// A gate, which gives everything back when its Python object ends, also where a decision still has it.
pub(crate) struct SettlingGate(pub(crate) Arc<Gate>);

impl SettlingGate {
    /// Takes a gate, and remembers it for forks and the interpreter's end.
    pub(crate) fn new(gate: Gate) -> Self {
        let gate = Arc::new(gate);
        let mut gates = GATES.lock().unwrap_or_else(PoisonError::into_inner);
        gates.retain(|gate| gate.strong_count() > 0);
        gates.push(Arc::downgrade(&gate));
        Self(gate)
    }
}

impl Drop for SettlingGate {
    fn drop(&mut self) {
        // Where the store cannot be reached, what was taken ahead is lost, and never granted twice.
        let _ = self.0.settle();
    }
}

/// The gates that still live.
fn gates() -> Vec<Arc<Gate>> {
    GATES.lock().unwrap_or_else(PoisonError::into_inner).iter().filter_map(Weak::upgrade).collect()
}

/// Waits until no other thread is at work in here, and keeps them out until the fork is done.
#[pyfunction]
pub(crate) fn before_fork(py: Python<'_>) {
    py.detach(|| {
        let mut threads = threads();
        threads.forking = threads.forking.saturating_add(1);
        while threads.detached > 0 {
            threads = wait(threads);
        }
        threads.forking = threads.forking.saturating_sub(1);
        FORKING.set(Some(threads));
    });
}

/// Lets the threads go on that waited for a fork.
#[pyfunction]
pub(crate) fn after_fork_in_parent() {
    drop(FORKING.take());
    CHANGED.notify_all();
}

/// Makes the child forget what is its parent's. It has one thread.
#[pyfunction]
pub(crate) fn after_fork_in_child() {
    if let Some(mut threads) = FORKING.take() {
        *threads = Threads::default();
    }
    for gate in gates() {
        gate.after_fork();
    }
}

/// Gives back what was taken ahead, when the interpreter ends: what is global is not dropped then.
#[pyfunction]
pub(crate) fn settle_all(py: Python<'_>) {
    detached(py, || {
        for gate in gates() {
            // Where the store cannot be reached, these units are lost, and never granted twice.
            let _ = gate.settle();
        }
    });
}
