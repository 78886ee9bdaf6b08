//! Work that may wait, done beside an async runtime of any kind.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    thread,
};

/// What becomes of the work. It gives nothing where the work panicked.
pub(crate) struct Aside<T>(Arc<Mutex<State<T>>>);

enum State<T> {
    Working(Option<Waker>),
    Done(Option<T>),
}

/// Says that the work has ended, in whatever way.
struct Worker<T>(Arc<Mutex<State<T>>>);

impl<T: Send + 'static> Aside<T> {
    /// Does `work` in a thread of its own; here, where the system gives none.
    pub(crate) fn start(work: impl FnOnce() -> T + Send + 'static) -> Self {
        let state = Arc::new(Mutex::new(State::Working(None)));
        let worker = Worker(Arc::clone(&state));
        // The work is kept where it can be got at, should there be no thread for it.
        let work = Arc::new(Mutex::new(Some(work)));
        let run = {
            let work = Arc::clone(&work);
            move || {
                let work = lock(&work).take();
                worker.end(work.map(|work| work()));
            }
        };
        if thread::Builder::new().name("licentia-check".into()).spawn(run).is_err() {
            let work = lock(&work).take();
            *lock(&state) = State::Done(work.map(|work| work()));
        }
        Self(state)
    }
}

impl<T> Worker<T> {
    fn end(&self, value: Option<T>) {
        let before = {
            let mut state = lock(&self.0);
            if let State::Done(_) = *state {
                return;
            }
            std::mem::replace(&mut *state, State::Done(value))
        };
        if let State::Working(Some(waker)) = before {
            waker.wake();
        }
    }
}

impl<T> Drop for Worker<T> {
    fn drop(&mut self) {
        self.end(None);
    }
}

impl<T> Future for Aside<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        match &mut *lock(&self.0) {
            State::Done(value) => Poll::Ready(value.take()),
            State::Working(waker) => {
                *waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Unpark(thread::Thread);

    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    fn wait<T>(mut aside: Aside<T>) -> Option<T> {
        let waker = Arc::new(Unpark(thread::current())).into();
        loop {
            match Pin::new(&mut aside).poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(value) => return value,
                Poll::Pending => thread::park(),
            }
        }
    }

    #[test]
    fn the_work_is_done_elsewhere_and_its_end_is_told() {
        let here = thread::current().id();
        assert_eq!(wait(Aside::start(move || thread::current().id() != here)), Some(true));
    }

    #[test]
    fn work_that_panics_leaves_nobody_waiting() {
        assert_eq!(wait(Aside::<()>::start(|| std::panic::resume_unwind(Box::new("told")))), None);
    }
}
