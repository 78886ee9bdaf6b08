//! Counts the threads that a fork waits for.

use std::{
    cell::Cell,
    sync::atomic::{AtomicUsize, Ordering},
    thread::sleep,
    time::Duration,
};

/// How many threads use a store.
static INSIDE: AtomicUsize = AtomicUsize::new(0);
/// How many threads fork, or want to.
static FORKING: AtomicUsize = AtomicUsize::new(0);
/// Between two looks. A fork is rare, and takes longer itself.
const PAUSE: Duration = Duration::from_micros(100);

thread_local! {
    /// How often this thread has entered, and not left.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    /// Whether this thread forks: its hooks may use a store.
    static FORKS: Cell<bool> = const { Cell::new(false) };
}

/// A thread that uses a store, until this is dropped.
#[derive(Debug)]
pub(crate) struct Inside;

impl Inside {
    /// Enters, once no thread forks.
    pub(crate) fn enter() -> Self {
        let depth = DEPTH.get();
        DEPTH.set(depth.saturating_add(1));
        if depth > 0 {
            return Self;
        }
        loop {
            INSIDE.fetch_add(1, Ordering::SeqCst);
            if FORKING.load(Ordering::SeqCst) == 0 || FORKS.get() {
                return Self;
            }
            INSIDE.fetch_sub(1, Ordering::SeqCst);
            sleep(PAUSE);
        }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let depth = DEPTH.get().saturating_sub(1);
        DEPTH.set(depth);
        if depth == 0 {
            INSIDE.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

/// Waits until no other thread uses a store, and keeps them out. Call it in the thread that forks, before the fork.
pub fn before() {
    FORKS.set(true);
    FORKING.fetch_add(1, Ordering::SeqCst);
    let own = usize::from(DEPTH.get() > 0);
    while INSIDE.load(Ordering::SeqCst) > own {
        sleep(PAUSE);
    }
}

/// Lets the other threads of the parent use stores again.
pub fn after_in_parent() {
    FORKING.fetch_sub(1, Ordering::SeqCst);
    FORKS.set(false);
}

/// Makes a child forget the threads of its parent, which it does not have.
pub fn after_in_child() {
    INSIDE.store(usize::from(DEPTH.get() > 0), Ordering::SeqCst);
    FORKING.store(0, Ordering::SeqCst);
    FORKS.set(false);
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_fork_waits_for_threads_that_use_a_store_and_keeps_others_out() {
        let (entered, is_in) = mpsc::channel();
        let (leave, may_leave) = mpsc::channel::<()>();
        let user = std::thread::spawn(move || {
            let _inside = Inside::enter();
            let _again = Inside::enter();
            entered.send(()).unwrap();
            may_leave.recv().unwrap();
        });
        is_in.recv().unwrap();
        let (ready, is_ready) = mpsc::channel();
        let (go_on, may_go_on) = mpsc::channel::<()>();
        let forker = std::thread::spawn(move || {
            before();
            // Its own hooks may use a store.
            drop(Inside::enter());
            ready.send(()).unwrap();
            may_go_on.recv().unwrap();
            after_in_parent();
        });
        assert!(is_ready.recv_timeout(Duration::from_millis(50)).is_err());
        leave.send(()).unwrap();
        user.join().unwrap();
        is_ready.recv().unwrap();
        let (entered, is_in) = mpsc::channel();
        let late = std::thread::spawn(move || {
            let _inside = Inside::enter();
            entered.send(()).unwrap();
        });
        assert!(is_in.recv_timeout(Duration::from_millis(50)).is_err());
        go_on.send(()).unwrap();
        is_in.recv().unwrap();
        late.join().unwrap();
        forker.join().unwrap();
    }
}
