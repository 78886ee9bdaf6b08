//! What the buttons of the page do.

use std::{
    fmt,
    path::PathBuf,
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use licentia_gateway::{
    admin::{Actions, Person},
    trust::Trusted,
};
use ureq::Agent;

use super::{terms::Terms, vendor::Vendor};
use crate::terminal::output::{BAD, GOOD, Output, Result};

/// Requests of a burst.
const BURST: usize = 40;
/// The longest time that a request of a button may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The vendor and the gateway behind the buttons.
pub(super) struct Buttons {
    vendor: Mutex<Vendor>,
    terms: Terms,
    running: OnceLock<(Trusted, String)>,
    agent: Agent,
    calls: AtomicUsize,
    output: Output,
}

/// A customer on the terminal.
pub(super) struct Card {
    pub(super) subject: &'static str,
    pub(super) tier: String,
    pub(super) lineage: String,
    pub(super) header: PathBuf,
    pub(super) terms: String,
}

impl Buttons {
    pub(super) fn new(vendor: Vendor, terms: Terms, output: Output) -> Self {
        let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE));
        Self {
            vendor: Mutex::new(vendor),
            terms,
            running: OnceLock::new(),
            agent: config.build().new_agent(),
            calls: AtomicUsize::new(0),
            output,
        }
    }

    /// The gateway runs: what it trusts, and the address that clients call.
    pub(super) fn attach(&self, trusted: Trusted, api: &str) {
        // It starts once.
        let _ = self.running.set((trusted, api.to_owned()));
    }

    pub(super) fn first_path(&self) -> &str {
        self.terms.paths.first().map_or("/", |path| path)
    }

    pub(super) fn cards(&self) -> Vec<Card> {
        let card = |customer: &super::vendor::Customer| Card {
            subject: customer.subject,
            tier: customer.tier.clone(),
            lineage: customer.lineage.to_string(),
            header: customer.header.clone(),
            terms: self.terms.describe(&customer.tier),
        };
        self.vendor().customers().iter().map(card).collect()
    }

    fn vendor(&self) -> MutexGuard<'_, Vendor> {
        self.vendor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn running(&self) -> Result<&(Trusted, String)> {
        Ok(self.running.get().ok_or("the gateway is still starting")?)
    }

    /// Calls the API through the gateway, as the customer would.
    fn call(&self, customer: &str, path: &str) -> Result<()> {
        let (_, api) = self.running()?;
        let token = self.vendor().customer(customer)?.token.clone();
        let request = self.agent.get(format!("http://{api}{path}"));
        let mut response = request.header("authorization", format!("Bearer {}", *token)).call()?;
        // Read to its end, so that the connection can be used again.
        let _ = response.body_mut().read_to_vec();
        Ok(())
    }

    fn do_it(&self, customer: &str, action: &str) -> Result<()> {
        match action {
            "call" => {
                // Three of four calls go to the first path.
                let call = self.calls.fetch_add(1, Ordering::Relaxed);
                let paths = &self.terms.paths;
                let at = if call % 4 == 3 { (call / 4 + 1) % paths.len().max(1) } else { 0 };
                self.call(customer, paths.get(at).map_or("/", |path| path))
            }
            "burst" => (0..BURST).try_for_each(|_| self.call(customer, self.first_path())),
            "revoke" => {
                let started = Instant::now();
                let (sequence, bundle) = self.vendor().revoke(customer)?;
                let (trusted, _) = self.running()?;
                trusted.load_revocation(&bundle)?;
                let took = started.elapsed().as_millis();
                self.say(&format!(
                    "{customer} is {BAD}revoked{BAD:#}: bundle #{sequence} is in force after {took} ms"
                ));
                self.call(customer, self.first_path())
            }
            "renew" | "upgrade" => {
                let tier = self.vendor().reissue(customer, action == "upgrade")?;
                self.say(&format!("{customer} has a {GOOD}new licence{GOOD:#}: {tier}"));
                self.call(customer, self.first_path())
            }
            _ => Err("no such button".into()),
        }
    }

    fn say(&self, text: &str) {
        if !self.output.json {
            anstream::println!("{text}");
        }
    }
}

impl Actions for Buttons {
    fn customers(&self) -> Vec<Person> {
        let person = |customer: &super::vendor::Customer| Person {
            id: customer.subject.to_owned(),
            lineage: customer.lineage.to_string(),
            subject: customer.subject.to_owned(),
            tier: customer.tier.clone(),
            tier_version: customer.tier_version,
        };
        self.vendor().customers().iter().map(person).collect()
    }

    fn act(&self, customer: &str, action: &str) -> std::result::Result<(), String> {
        self.do_it(customer, action).map_err(|error| error.to_string())
    }
}

impl fmt::Debug for Buttons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Buttons(..)")
    }
}
