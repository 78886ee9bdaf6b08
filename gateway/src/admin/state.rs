//! What the admin address knows.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use data_encoding::HEXLOWER;
use licentia::event::Metrics;
use serde::Serialize;
use tokio::{
    sync::{Semaphore, broadcast::error::RecvError, watch},
    time::interval,
};

use crate::{decide::Decider, trust::Trusted};

use super::{access::Token, customers::Customers, series::Series};

/// Pages that may be open at once.
pub(super) const PAGES: usize = 32;
/// How often decisions are counted into their second.
const COUNTED: Duration = Duration::from_millis(200);

/// What the page says about the gateway.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// Where clients call.
    pub address: Option<String>,
    /// What stands behind the gateway.
    pub upstream: Option<String>,
    /// Whose bundle is shown.
    pub issuer: Option<String>,
}

/// A customer whom the page may act for.
#[derive(Clone, Debug, Serialize)]
pub struct Person {
    /// A name for URLs.
    pub id: String,
    /// The licence through its renewals, in hexadecimal digits.
    pub lineage: String,
    /// Who it is for.
    pub subject: String,
    /// The tier's name.
    pub tier: String,
    /// The tier's version.
    pub tier_version: u64,
}

/// What the page's buttons do, on a machine for development.
pub trait Actions: fmt::Debug + Send + Sync {
    /// The customers.
    fn customers(&self) -> Vec<Person>;

    /// Does something for a customer: `call`, `burst`, `revoke`, `renew` or `upgrade`. It may block.
    ///
    /// # Errors
    /// Why it was not done, for a person.
    fn act(&self, customer: &str, action: &str) -> Result<(), String>;
}

/// What the admin address serves.
#[derive(Debug)]
pub struct Admin {
    pub(super) token: Token,
    pub(super) hosts: Vec<String>,
    /// Differs in each process, so that a page notices a restart.
    pub(super) boot: String,
    pub(super) started: u64,
    pub(super) about: About,
    pub(super) decider: Arc<Decider>,
    pub(super) trusted: Trusted,
    pub(super) metrics: Arc<Metrics>,
    pub(super) actions: Option<Arc<dyn Actions>>,
    pub(super) customers: Customers,
    pub(super) series: Series,
    pub(super) open: Arc<Semaphore>,
    pub(super) stop: watch::Receiver<bool>,
}

/// What [`Admin::new`] takes.
#[derive(Debug)]
pub struct Setup {
    /// The secret that opens the page.
    pub token: Token,
    /// Names under which the page is reached, besides addresses and `localhost`.
    pub hosts: Vec<String>,
    /// What the page says about the gateway.
    pub about: About,
    /// Whose decisions are shown.
    pub decider: Arc<Decider>,
    /// What is trusted: the gateway is ready when every bundle was loaded once.
    pub trusted: Trusted,
    /// The metrics of its gate.
    pub metrics: Arc<Metrics>,
    /// The buttons, in `licentia dev`.
    pub actions: Option<Arc<dyn Actions>>,
}

impl Admin {
    /// Watches a gateway's decisions until `stop` is true.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn new(setup: Setup, stop: watch::Receiver<bool>) -> Result<Arc<Self>, String> {
        let mut boot = [0; 8];
        getrandom::fill(&mut boot).map_err(|_| "the system gives no random bytes".to_owned())?;
        let Setup { token, hosts, about, decider, trusted, metrics, actions } = setup;
        let admin = Arc::new(Self {
            token,
            hosts,
            boot: HEXLOWER.encode(&boot),
            started: now().as_secs(),
            about,
            decider,
            trusted,
            metrics,
            actions,
            customers: Customers::default(),
            series: Series::default(),
            open: Arc::new(Semaphore::new(PAGES)),
            stop,
        });
        tokio::spawn(watch(Arc::clone(&admin)));
        Ok(admin)
    }

    /// The page's address at an origin such as `http://127.0.0.1:9000`. Whoever has it, has access.
    pub fn url(&self, origin: &str) -> String {
        self.token.url(origin)
    }

    /// Pages that are open.
    pub(super) fn pages(&self) -> u64 {
        (PAGES - self.open.available_permits()) as u64
    }
}

/// Gathers what the page shows from the decisions.
async fn watch(admin: Arc<Admin>) {
    let (_, mut events) = admin.decider.events().subscribe();
    let mut stop = admin.stop.clone();
    let mut counted = interval(COUNTED);
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            _ = counted.tick() => admin.series.update(now().as_secs(), admin.decider.events().totals()),
            event = events.recv() => match event {
                Ok(event) => admin.customers.add(&event.json),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            },
        }
    }
}

/// The time since 1970.
pub(super) fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
