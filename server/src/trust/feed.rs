//! The stream of new bundles (`/events`): server-sent events, as a gateway reads them. An event has the issuer, the
//! stream, the sequence and, if it is short, the delta, so that ten thousand gateways need not fetch it.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use data_encoding::BASE64URL_NOPAD;
use http_body::Frame;
use licentia_core::revocation::Bundle;
use tokio::{
    sync::{broadcast, mpsc},
    time::timeout,
};

/// Longer deltas are not in an event.
const LONGEST: usize = 64 << 10;
/// A connection that is silent for longer is taken for dead.
const HEARTBEAT: Duration = Duration::from_secs(20);
/// A reader that reads nothing for so long is gone.
const PATIENCE: Duration = Duration::from_secs(30);
/// Events that a slow reader may miss before it must look for itself.
const BEHIND: usize = 64;

/// Sends what is new to every reader.
#[derive(Clone, Debug)]
pub(crate) struct Feed(broadcast::Sender<Bytes>);

impl Feed {
    pub(crate) fn new() -> Self {
        Self(broadcast::channel(BEHIND).0)
    }

    /// Tells that a bundle was published, and how to get to it.
    pub(super) fn announce(&self, bundle: &Bundle<'_>, delta: Option<&[u8]>) {
        let delta = delta.filter(|delta| delta.len() <= LONGEST).map(|delta| BASE64URL_NOPAD.encode(delta));
        let mut event = serde_json::json!({
            "issuer": bundle.issuer(), "stream": bundle.stream(), "sequence": bundle.sequence(),
        });
        if let (Some(delta), Some(event)) = (delta, event.as_object_mut()) {
            event.insert("delta".into(), delta.into());
        }
        // Nobody may listen.
        let _ = self.0.send(format!("id: {}\nevent: bundle\ndata: {event}\n\n", bundle.sequence()).into());
    }

    /// The stream of one reader.
    pub(super) fn open(&self) -> Stream {
        let mut events = self.0.subscribe();
        let (sender, receiver) = mpsc::channel(1);
        tokio::spawn(async move {
            let mut next = Bytes::from_static(b"retry: 1000\n\n");
            loop {
                match timeout(PATIENCE, sender.send(next)).await {
                    Ok(Ok(())) => {}
                    _ => return,
                }
                next = tokio::select! {
                    () = sender.closed() => return,
                    event = timeout(HEARTBEAT, events.recv()) => match event {
                        Ok(Ok(event)) => event,
                        // It connects again, and looks for itself.
                        Ok(Err(_)) => return,
                        Err(_) => Bytes::from_static(b": heartbeat\n\n"),
                    },
                };
            }
        });
        Stream(receiver)
    }
}

/// The body of a stream.
#[derive(Debug)]
pub(super) struct Stream(mpsc::Receiver<Bytes>);

impl http_body::Body for Stream {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(context).map(|chunk| chunk.map(|chunk| Ok(Frame::data(chunk))))
    }
}
