//! Runs blocking work off an async runtime, of any kind.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    thread,
};

/// The result of the work; none if it panicked.
pub(crate) struct OffThread<T>(Arc<Mutex<Progress<T>>>);

enum Progress<T> {
    Working(Option<Waker>),
    Done(Option<T>),
}

/// Reports that the work has ended, also by a panic.
struct Completion<T>(Arc<Mutex<Progress<T>>>);

impl<T: Send + 'static> OffThread<T> {
    /// Runs `work` in a thread of its own, or in this one if the system starts none.
    pub(crate) fn start(work: impl FnOnce() -> T + Send + 'static) -> Self {
        let state = Arc::new(Mutex::new(Progress::Working(None)));
        let completion = Completion(Arc::clone(&state));
        // Shared, so that this thread can run it if no other one starts.
        let work = Arc::new(Mutex::new(Some(work)));
        let run = {
            let work = Arc::clone(&work);
            move || {
                let work = lock(&work).take();
                completion.end(work.map(|work| work()));
            }
        };
        if thread::Builder::new().name("licentia-check".into()).spawn(run).is_err() {
            let work = lock(&work).take();
            *lock(&state) = Progress::Done(work.map(|work| work()));
        }
        Self(state)
    }
}

impl<T> Completion<T> {
    fn end(&self, value: Option<T>) {
        let before = {
            let mut state = lock(&self.0);
            if let Progress::Done(_) = *state {
                return;
            }
            std::mem::replace(&mut *state, Progress::Done(value))
        };
        if let Progress::Working(Some(waker)) = before {
            waker.wake();
        }
    }
}

impl<T> Drop for Completion<T> {
    fn drop(&mut self) {
        self.end(None);
    }
}

impl<T> Future for OffThread<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        match &mut *lock(&self.0) {
            Progress::Done(value) => Poll::Ready(value.take()),
            Progress::Working(waker) => {
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

    fn wait<T>(mut off_thread: OffThread<T>) -> Option<T> {
        let waker = Arc::new(Unpark(thread::current())).into();
        loop {
            match Pin::new(&mut off_thread).poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(value) => return value,
                Poll::Pending => thread::park(),
            }
        }
    }

    #[test]
    fn the_work_is_done_elsewhere_and_its_end_is_told() {
        let here = thread::current().id();
        assert_eq!(wait(OffThread::start(move || thread::current().id() != here)), Some(true));
    }

    #[test]
    fn work_that_panics_leaves_nobody_waiting() {
        assert_eq!(wait(OffThread::<()>::start(|| std::panic::resume_unwind(Box::new("told")))), None);
    }
}
