//! A service that listens.

use std::net::SocketAddr;

use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use crate::{http, server::Server, webhooks::Sender};

/// A service that listens. Dropping it stops it at once; [`Running::stop`] lets requests end.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl Running {
    /// Starts listening.
    ///
    /// # Errors
    /// What the system says, with the address.
    pub async fn start(server: Server, listen: SocketAddr) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("cannot listen on {listen}: {error}");
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (stop, stopped) = watch::channel(false);
        let caller = server.webhooks();
        let (client, master) = (caller.client.clone(), std::sync::Arc::clone(&caller.master));
        let sender = Sender { server: server.clone(), client, master };
        tokio::spawn(sender.run(stopped.clone()));
        let (this, mut ended) = (server.clone(), stopped.clone());
        tokio::spawn(async move {
            if let Some(payments) = this.payments() {
                payments.run(&this, &mut ended).await;
            }
        });
        let (this, mut ended) = (server.clone(), stopped.clone());
        tokio::spawn(async move {
            if let Some(openmeter) = this.openmeter() {
                openmeter.run(&this, &mut ended).await;
            }
        });
        let serving = tokio::spawn(http::serve(listener, http::router(server), stopped));
        Ok(Self { address, stop, serving })
    }

    /// Stops listening, and lets requests end.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let _ = self.serving.await;
    }
}
