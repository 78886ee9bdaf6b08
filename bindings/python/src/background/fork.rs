//! Forks. A child process is a copy, and must not use what belongs to its parent: units that were fetched ahead,
//! reservations, an open log, and locks of threads that the child does not have.
//!
//! So a thread that releases the interpreter is counted (`detached`), and a fork waits until no other thread is counted.
//! While a thread holds the interpreter, no other can fork.

use std::{
    cell::{Cell, RefCell},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak},
};

use licentia::{Code, Gate};
use pyo3::prelude::*;

use crate::error::refused;

/// How many threads are detached, and how many wait to fork.
#[derive(Default)]
struct Threads {
    detached: usize,
    forking: usize,
}

static THREADS: Mutex<Threads> = Mutex::new(Threads { detached: 0, forking: 0 });
static CHANGED: Condvar = Condvar::new();
/// Every live gate of the process.
static GATES: Mutex<Vec<Weak<Gate>>> = Mutex::new(Vec::new());

thread_local! {
    /// How often this thread is counted: values that are dropped while it is detached detach once more.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    /// The lock that keeps other threads out while this one forks.
    static FORKING: RefCell<Option<MutexGuard<'static, Threads>>> = const { RefCell::new(None) };
}

fn threads() -> MutexGuard<'static, Threads> {
    THREADS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wait(threads: MutexGuard<'static, Threads>) -> MutexGuard<'static, Threads> {
    CHANGED.wait(threads).unwrap_or_else(PoisonError::into_inner)
}

/// Counts this thread while it exists.
struct Inside;

impl Inside {
    fn enter() -> Self {
        // The thread that forks may pass: a fork hook of the host may use a gate.
        if DEPTH.replace(DEPTH.get().saturating_add(1)) == 0 && !forks() {
            let mut threads = threads();
            while threads.forking > 0 {
                threads = wait(threads);
            }
            threads.detached = threads.detached.saturating_add(1);
        }
        Self
    }

    /// As `enter`, if it need not wait.
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

/// Whether this thread is forking.
fn forks() -> bool {
    FORKING.with_borrow(Option::is_some)
}

/// Releases the interpreter during `work`. Other threads run, but none forks.
pub(crate) fn detached<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> T {
    py.detach(|| {
        let _inside = Inside::enter();
        work()
    })
}

/// Does not count this thread during `work`, which runs Python and may fork, or wait for a thread that does. The caller
/// holds no lock of this crate.
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

/// A value whose drop may wait for a store. The interpreter is released meanwhile.
pub(crate) struct DropDetached<T: Send>(Option<T>);

impl<T: Send> From<T> for DropDetached<T> {
    fn from(value: T) -> Self {
        Self(Some(value))
    }
}

impl<T: Send> DropDetached<T> {
    /// The value.
    pub(crate) fn get(&self) -> PyResult<&T> {
        // It is present until the drop.
        self.0.as_ref().ok_or_else(|| refused(Code::InvalidArgument))
    }
}

impl<T: Send> Drop for DropDetached<T> {
    fn drop(&mut self) {
        let mut value = self.0.take();
        // If another thread forks, it waits for this one, which may hold a lock that the fork's hooks want. So this
        // thread must not wait for the fork. After the interpreter has ended, no thread is left.
        Python::try_attach(|py| {
            if let Some(_inside) = Inside::try_enter() {
                let value = value.take();
                py.detach(|| drop(value));
            }
        });
    }
}

/// A gate that returns unused units when its Python object ends, even if a decision still holds it.
pub(crate) struct SettlingGate(pub(crate) Arc<Gate>);

impl SettlingGate {
    /// Registers a gate for forks and the end of the interpreter.
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
        // If the store is unreachable, the units are lost, and never granted twice.
        let _ = self.0.settle();
    }
}

/// The live gates.
fn gates() -> Vec<Arc<Gate>> {
    GATES.lock().unwrap_or_else(PoisonError::into_inner).iter().filter_map(Weak::upgrade).collect()
}

/// Waits until no other thread is detached, and keeps them out until the fork is done.
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
        // The threads that ask the stores, which Python does not know.
        licentia::fork::before();
    });
}

/// Releases the threads that waited for a fork.
#[pyfunction]
pub(crate) fn after_fork_in_parent() {
    licentia::fork::after_in_parent();
    drop(FORKING.take());
    CHANGED.notify_all();
}

/// Makes the child forget what belongs to its parent. It has one thread.
#[pyfunction]
pub(crate) fn after_fork_in_child() {
    if let Some(mut threads) = FORKING.take() {
        *threads = Threads::default();
    }
    licentia::fork::after_in_child();
    for gate in gates() {
        gate.after_fork();
    }
}

/// Returns unused units when the interpreter ends: it drops no globals.
#[pyfunction]
pub(crate) fn settle_all(py: Python<'_>) {
    detached(py, || {
        for gate in gates() {
            // If the store is unreachable, the units are lost, and never granted twice.
            let _ = gate.settle();
        }
    });
}
