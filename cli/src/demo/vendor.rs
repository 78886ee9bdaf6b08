//! The demo's vendor and its world.

use licentia::{Code, Gate, GateBuilder, Key, State, Timestamp};
use licentia_issuer::{Catalogue, Draft, Issuer, Token};

use crate::terminal::output::Result;

pub(super) const CATALOGUE: &str = include_str!("tiers.toml");

/// 2027-01-15 08:00:00 UTC: the demo lives on a day of its own, so that it tells the same story every time.
pub(super) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
pub(super) const DAY: u64 = 86_400;
pub(super) const YEAR: u64 = 365 * DAY;
pub(super) const AUDIENCE: &str = "api.acme.example";
pub(super) const URI: &str = "https://api.acme.example/export";
pub(super) const GRANTED: (Code, State) = (Code::Allowed, State::Active);

/// The vendor's side.
pub(super) struct Vendor {
    pub(super) issuer: Issuer,
    pub(super) catalogue: Catalogue,
}

impl Vendor {
    pub(super) fn public(&self) -> Key {
        self.issuer.key().public()
    }

    pub(super) fn gate(&self) -> Result<Gate> {
        Ok(GateBuilder::new().key(self.public()).issuer("acme").audience(AUDIENCE).build()?)
    }

    /// A licence of the newest `pro`, with a change.
    pub(super) fn pro(&self, change: impl FnOnce(&mut Draft)) -> Result<Token> {
        let mut draft = self.catalogue.tier("pro", None)?.draft("customer-42", NOW)?;
        change(&mut draft);
        Ok(self.issuer.issue(&draft)?)
    }
}
