//! The gateway: everything that runs, from a configuration.

use std::{convert::Infallible, net::IpAddr, path::Path, sync::Arc, time::Duration};

use hyper::service::service_fn;
use licentia::{
    Gate,
    event::{Metrics, Sink},
    follow::Following,
};
use tokio::{sync::watch, task::JoinHandle};

use crate::{
    admin::{self, About, Actions, Admin, Setup, Token},
    config::{Address, Config, Listen},
    decide::{Decider, Settings},
    events::Stream,
    fault::Faults,
    listen::{Listener, Serving, Tls, serve, serve_tls},
    protocols::{check, envoy_grpc, proxy::ReverseProxy},
    receipts::Receipts,
    trust::{self, Trusted},
};

/// A gateway that runs. Dropping it stops it at once; [`Gateway::stop`] lets requests end.
#[derive(Debug)]
pub struct Gateway {
    /// What decides, with the gate, the rules and the stream of decisions.
    pub decider: Arc<Decider>,
    /// What is trusted: the gate, whose keysets and bundles may be loaded by hand too.
    pub trusted: Trusted,
    /// Counts of decisions.
    pub metrics: Arc<Metrics>,
    /// Where it listens.
    pub listening: Listening,
    stop: watch::Sender<bool>,
    serving: Vec<Serving>,
    /// Receipts are written until the last request has ended.
    writing: Option<(watch::Sender<bool>, JoinHandle<()>)>,
    following: Following,
}

/// Where a gateway listens; ports that the system chose are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listening {
    /// The reverse proxy.
    pub proxy: Option<Address>,
    /// `/envoy`, `/forward` and `/nginx`.
    pub check: Option<Address>,
    /// Envoy's `Authorization` service over gRPC.
    pub grpc: Option<Address>,
    /// The live page's URL. It has the token that opens the page.
    pub page: Option<String>,
    /// `/healthz`, `/readyz` and `/metrics`.
    pub health: Option<Address>,
}

impl Gateway {
    /// Starts everything that a configuration names.
    ///
    /// # Errors
    /// What cannot be started, and why.
    pub async fn start(config: Config) -> Result<Self, String> {
        Self::start_with(config, None).await
    }

    /// Starts everything that a configuration names. The live page has buttons for `actions`.
    ///
    /// # Errors
    /// What cannot be started, and why.
    pub async fn start_with(mut config: Config, actions: Option<Arc<dyn Actions>>) -> Result<Self, String> {
        let metrics = Arc::new(Metrics::new());
        let mut sinks: Vec<Arc<dyn Sink>> = vec![Arc::clone(&metrics) as _];
        let receipts = config.receipts.take().map(Receipts::open).transpose()?;
        sinks.extend(receipts.iter().map(|receipts| Arc::clone(receipts.log()) as _));
        // Looking at every place blocks.
        let started = tokio::task::spawn_blocking(move || (trust::start(&config, sinks, log), config));
        let (following, mut config) = started.await.map_err(|error| error.to_string())?;
        let following = following?;
        let trusted = following.trusted().clone();
        let gate = Arc::clone(trusted.gate());
        let settings = Settings {
            origin: config.origin.clone(),
            node: config.node,
            release: config.release,
            mode: config.mode,
        };
        let decider = Arc::new(Decider::new(gate, config.rules, settings, Arc::new(Stream::new())));
        let (stop, stopped) = watch::channel(false);
        let (mut serving, mut listening) = (Vec::new(), Listening::default());
        let writing = receipts.map(|receipts| {
            let (stop, stopped) = watch::channel(false);
            (stop, tokio::spawn(receipts.run(stopped, log)))
        });
        if let (Some(address), Some(proxy)) = (&config.listen.proxy, &config.proxy) {
            let scheme = if config.tls.is_some() { "https" } else { "http" };
            let proxy = Arc::new(ReverseProxy::new(Arc::clone(&decider), proxy.clone(), scheme)?);
            tokio::spawn(close_streams(Arc::clone(&proxy), trusted.loaded(), stopped.clone()));
            if let Some(tls) = &config.tls {
                tokio::spawn(reload_certificate(tls.clone(), stopped.clone()));
            }
            let listener = Listener::bind(address).await?;
            let started =
                serve_tls(listener, config.tls.take(), stopped.clone(), move |peer: Option<IpAddr>| {
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
                    service_fn(move |request| {
                        let decider = Arc::clone(&decider);
                        async move { Ok::<_, Infallible>(check::answer(&decider, request, peer).await) }
                    })
                });
            listening.check = Some(started.address.clone());
            serving.push(started);
        }
        if let Some(address) = &config.listen.grpc {
            let decider = Arc::clone(&decider);
            let started = serve(Listener::bind(address).await?, stopped.clone(), move |_| {
                envoy_grpc::service(Arc::clone(&decider))
            });
            listening.grpc = Some(started.address.clone());
            serving.push(started);
        }
        let clients = listening.proxy.as_ref().or(listening.check.as_ref());
        let about = About {
            address: clients.map(|address| format!("http://{address}")),
            upstream: config
                .proxy
                .as_ref()
                .map(|proxy| proxy.upstream.to_string().trim_end_matches('/').to_owned()),
            issuer: config.issuer.clone(),
        };
        if config.listen.admin.is_some() || config.listen.health.is_some() {
            let token = match &config.admin.token_file {
                Some(path) => Token::load(path)?,
                None => Token::generate()?,
            };
            let (decider, metrics, trusted) = (Arc::clone(&decider), Arc::clone(&metrics), trusted.clone());
            let setup = Setup { token, hosts: config.admin.hosts, about, decider, trusted, metrics, actions };
            serving.extend(start_admin(setup, &config.listen, &mut listening, stopped).await?);
        }
        Ok(Self { decider, trusted, metrics, listening, stop, serving, writing, following })
    }

    /// The gate.
    pub fn gate(&self) -> &Arc<Gate> {
        self.decider.gate()
    }

    /// Reads a configuration again, and replaces the rules by which requests are decided: routes, trusted proxies,
    /// what unlisted requests need. Addresses, trust, store and receipts stay as they were when the gateway started.
    ///
    /// # Errors
    /// What is wrong. The rules in use then stay.
    pub fn reload(&self, path: &Path) -> Result<(), Faults> {
        self.decider.replace_rules(Config::load(path)?.rules);
        Ok(())
    }

    /// Returns when every keyset and bundle was looked at once more.
    pub async fn polled(&self) {
        let mut polled = self.trusted.polled();
        // The first may have begun before this call.
        for _ in 0..2 {
            let _ = polled.changed().await;
        }
    }

    /// Stops listening, lets requests end, and gives back to the store what was taken ahead.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        for serving in self.serving {
            let _ = serving.ended.await;
        }
        if let Some((stop, writing)) = self.writing {
            let _ = stop.send(true);
            let _ = writing.await;
        }
        let (gate, following) = (Arc::clone(self.decider.gate()), self.following);
        let settle = move || {
            drop(following);
            gate.settle()
        };
        let _ = tokio::task::spawn_blocking(settle).await;
    }
}

/// Starts the live page, and health and metrics.
async fn start_admin(
    setup: Setup,
    listen: &Listen,
    listening: &mut Listening,
    stop: watch::Receiver<bool>,
) -> Result<Vec<Serving>, String> {
    let admin = Admin::new(setup, stop)?;
    let mut serving = Vec::new();
    if let Some(address) = &listen.admin {
        let started = admin::serve_page(&admin, Listener::bind(address).await?);
        listening.page = Some(admin.url(&format!("http://{}", started.address)));
        serving.push(started);
    }
    if let Some(address) = &listen.health {
        let started = admin::serve_health(&admin, Listener::bind(address).await?);
        listening.health = Some(started.address.clone());
        serving.push(started);
    }
    Ok(serving)
}

/// Tells the operator.
fn log(problem: &str) {
    eprintln!("licentia-gateway: {problem}");
}

/// Reads the certificate again when its files change.
async fn reload_certificate(tls: Tls, mut stop: watch::Receiver<bool>) {
    let mut second = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            _ = second.tick() => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        match tls.reload() {
            Ok(false) => {}
            Ok(true) => log("the new certificate is in use"),
            Err(problem) => log(&format!("the certificate stays as it was: {problem}")),
        }
    }
}

/// Closes streams whose licence ends, and looks at all of them when keys or revocations have changed.
async fn close_streams(
    proxy: Arc<ReverseProxy>,
    mut loaded: watch::Receiver<u64>,
    mut stop: watch::Receiver<bool>,
) {
    let mut second = tokio::time::interval(Duration::from_secs(1));
    loop {
        let all = tokio::select! {
            _ = second.tick() => false,
            changed = loaded.changed() => {
                if changed.is_err() {
                    return;
                }
                true
            }
            _ = stop.wait_for(|stop| *stop) => {
                proxy.close_all_streams();
                return;
            }
        };
        let now = licentia::Now::system().time;
        let proxy = Arc::clone(&proxy);
        // Many streams take a while.
        let _ = tokio::task::spawn_blocking(move || proxy.close_ended_streams(now, all)).await;
    }
}
