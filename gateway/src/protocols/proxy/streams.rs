//! Streams that are open: web sockets, server-sent events, gRPC. They are closed when their licence is revoked or ends.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame};
use licentia::Timestamp;
use tokio::sync::oneshot;

use crate::decide::{Decider, Held};

/// The streams of a proxy.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    open: Mutex<HashMap<u64, Open>>,
    next: AtomicU64,
}

#[derive(Debug)]
struct Open {
    held: Held,
    close: Option<oneshot::Sender<()>>,
}

impl Streams {
    /// Adds a stream. It stays until what is returned is dropped.
    pub(crate) fn add(self: &Arc<Self>, held: Held) -> Hold {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (close, closed) = oneshot::channel();
        self.lock().insert(id, Open { held, close: Some(close) });
        Hold { id, closed, streams: Arc::downgrade(self) }
    }

    /// Closes the streams whose licence allows them no more. Only licences that end are
    /// asked about, unless `all`, for when keys or revocations have changed.
    pub(crate) fn close_ended(&self, decider: &Decider, now: Timestamp, all: bool) {
        let due: Vec<(u64, Held)> = {
            let open = self.lock();
            let due = open.iter().filter(|(_, open)| all || open.held.expires <= now);
            due.map(|(id, open)| (*id, open.held.clone())).collect()
        };
        for (id, held) in due {
            if decider.still_allows(&held).is_err()
                && let Some(close) = self.lock().get_mut(&id).and_then(|open| open.close.take())
            {
                // The stream may have ended meanwhile.
                let _ = close.send(());
            }
        }
    }

    /// Closes all.
    pub(crate) fn close_all(&self) {
        for open in self.lock().values_mut() {
            if let Some(close) = open.close.take() {
                // The stream may have ended meanwhile.
                let _ = close.send(());
            }
        }
    }

    /// How many are open.
    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream's place among the open ones.
#[derive(Debug)]
pub(crate) struct Hold {
    id: u64,
    closed: oneshot::Receiver<()>,
    streams: Weak<Streams>,
}

impl Hold {
    /// Returns when the stream must be closed.
    pub(crate) async fn closed(&mut self) {
        // The sender goes only with the entry, which goes with this.
        if (&mut self.closed).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(streams) = self.streams.upgrade() {
            streams.lock().remove(&self.id);
        }
    }
}

/// A body that fails when its stream must be closed.
#[derive(Debug)]
pub(super) struct HeldBody<B> {
    pub(super) body: B,
    pub(super) hold: Hold,
}

impl<B> Body for HeldBody<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        if let Poll::Ready(Ok(())) = Pin::new(&mut this.hold.closed).poll(context) {
            return Poll::Ready(Some(Err("the licence allows this stream no more".into())));
        }
        Pin::new(&mut this.body).poll_frame(context).map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}
