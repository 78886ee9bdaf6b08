//! How Stripe is reached, what is sold, and how the last sweep went.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, PoisonError},
};

use licentia_core::Timestamp;
use zeroize::Zeroizing;

use super::{
    api::Stripe,
    signature::{self, Unsigned},
};
use crate::outgoing::now;

/// Payments by Stripe.
pub(crate) struct Payments {
    pub(super) stripe: Stripe,
    secrets: Vec<Zeroizing<String>>,
    pub(super) issuer: String,
    pub(super) prices: BTreeMap<String, String>,
    pub(super) meters: BTreeMap<String, String>,
    /// One subscription is read and applied at a time, so that a later state is not followed by an earlier one.
    pub(super) turn: tokio::sync::Mutex<()>,
    status: Mutex<Status>,
}

/// How the last sweep went.
#[derive(Clone, Debug, Default)]
pub(crate) struct Status {
    pub(crate) swept_at: Option<Timestamp>,
    pub(crate) problem: Option<String>,
}

impl fmt::Debug for Payments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payments").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl Payments {
    pub(super) fn new(
        stripe: Stripe,
        secrets: Vec<Zeroizing<String>>,
        issuer: String,
        prices: BTreeMap<String, String>,
        meters: BTreeMap<String, String>,
    ) -> Self {
        let (turn, status) = (tokio::sync::Mutex::default(), Mutex::default());
        Self { stripe, secrets, issuer, prices, meters, turn, status }
    }

    /// The issuer whose licences are paid.
    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// How the last sweep went.
    pub(crate) fn status(&self) -> Status {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Checks that Stripe signed an event.
    pub(super) fn verify(&self, field: &str, body: &[u8], now: Timestamp) -> Result<(), Unsigned> {
        let secrets: Vec<&str> = self.secrets.iter().map(|secret| secret.as_str()).collect();
        signature::verify(field, body, &secrets, now)
    }

    /// Records how a sweep went.
    pub(super) fn swept(&self, problem: Option<String>) {
        *self.status.lock().unwrap_or_else(PoisonError::into_inner) =
            Status { swept_at: Some(now()), problem };
    }
}
