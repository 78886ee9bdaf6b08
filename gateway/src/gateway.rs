//! The gateway: everything that runs, from a configuration.

use std::{net::IpAddr, sync::Arc};

use hyper::service::service_fn;
use licentia::{Gate, event::Metrics};
use tokio::sync::watch;

use crate::{
    config::{Address, Config},
    decide::{Decider, Settings},
    events::Stream,
    listen::{Listener, Serving, serve},
    protocols::{check, proxy::ReverseProxy},
    trust,
};

/// A gateway that runs. Dropping it stops it at once; [`Gateway::stop`] lets requests end.
#[derive(Debug)]
pub struct Gateway {
    /// What decides, with the gate, the rules and the stream of decisions.
    pub decider: Arc<Decider>,
    /// Counts of decisions.
    pub metrics: Arc<Metrics>,
    /// Where it listens.
    pub listening: Listening,
    stop: watch::Sender<bool>,
    serving: Vec<Serving>,
}

/// Where a gateway listens; ports that the system chose are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listening {
    /// The reverse proxy.
    pub proxy: Option<Address>,
    /// `/envoy`, `/forward` and `/nginx`.
    pub check: Option<Address>,
}

impl Gateway {
    /// Starts everything that a configuration names.
    ///
    /// # Errors
    /// What cannot be started, and why.
    pub async fn start(config: Config) -> Result<Self, String> {
        let metrics = Arc::new(Metrics::new());
        let gate = Arc::new(trust::build(&config, vec![Arc::clone(&metrics) as _])?);
        let settings = Settings {
            origin: config.origin.clone(),
            node: config.node,
            release: config.release,
            mode: config.mode,
        };
        let decider = Arc::new(Decider::new(gate, config.rules, settings, Arc::new(Stream::new())));
        let (stop, stopped) = watch::channel(false);
        let (mut serving, mut listening) = (Vec::new(), Listening::default());
        if let (Some(address), Some(proxy)) = (&config.listen.proxy, &config.proxy) {
            let proxy = Arc::new(ReverseProxy::new(Arc::clone(&decider), proxy.clone())?);
            let started =
                serve(Listener::bind(address).await?, stopped.clone(), move |peer: Option<IpAddr>| {
                    let proxy = Arc::clone(&proxy);
                    service_fn(move |request| Arc::clone(&proxy).answer(request, peer))
                });
            listening.proxy = Some(started.address.clone());
            serving.push(started);
        }
        if let Some(address) = &config.listen.check {
            let decider = Arc::clone(&decider);
            let started =
                serve(Listener::bind(address).await?, stopped.clone(), move |peer: Option<IpAddr>| {
                    let decider = Arc::clone(&decider);
                    service_fn(move |request| check::answer(Arc::clone(&decider), request, peer))
                });
            listening.check = Some(started.address.clone());
            serving.push(started);
        }
        Ok(Self { decider, metrics, listening, stop, serving })
    }

    /// The gate.
    pub fn gate(&self) -> &Arc<Gate> {
        self.decider.gate()
    }

    /// Stops listening, lets requests end, and gives back to the store what was taken ahead.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        for serving in self.serving {
            let _ = serving.ended.await;
        }
        let gate = Arc::clone(self.decider.gate());
        let _ = tokio::task::spawn_blocking(move || gate.settle()).await;
    }
}
