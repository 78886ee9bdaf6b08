//! Issues licences.

use std::{collections::BTreeMap, sync::Arc};

use licentia_issuer::{Confirmation, Draft, Issuer as SdkIssuer, Kind, read_policy};
use pyo3::prelude::*;

use crate::{
    convert::{Whole, array, optional_time},
    error::{invalid, issuing},
    gate::request::names,
    key::public_key::Key,
    vendor::{
        catalogue::Catalogue,
        signing_key::SigningKey,
        table::{read, table},
    },
};

/// A vendor that issues licences under one name and key.
///
/// Makes an issuer from a name of 1 to 256 bytes (``iss``) and its key.
#[pyclass(module = "licentia", frozen)]
pub(crate) struct Issuer(SdkIssuer);

#[pymethods]
impl Issuer {
    #[new]
    fn new(name: String, key: &Bound<'_, SigningKey>) -> Self {
        Self(SdkIssuer::new(name, Arc::clone(&key.get().0)))
    }

    /// The name.
    #[getter]
    fn name(&self) -> &str {
        self.0.name()
    }

    /// The public key, for services that check licences.
    #[getter]
    fn key(&self) -> Key {
        Key(self.0.key().public())
    }

    /// Signs a licence.
    ///
    /// Args:
    ///     subject: The customer. Use an identifier, not a name: everyone can read a token.
    ///     tier: Name of the tier.
    ///     version: The tier's version; by default the newest that the catalogue sells, or 1.
    ///     catalogue: The terms of the tier. The arguments below replace or add to them.
    ///     issued_at: When it is issued; by default now.
    ///     expires: When everything ends; needed without a catalogue.
    ///     not_before: When it starts, if later.
    ///     term_end: When the contract ends, if the licence continues in grace.
    ///     maintained_until: Releases up to this time stay licensed for ever.
    ///     audiences: The services that it is for; by default all.
    ///     features: A mapping of features: True, a whole number or a text; or with its own end, such as
    ///         ``{"beta": {"value": True, "expires": when}}``.
    ///     quotas: A mapping of quotas by meter, such as ``{"calls": "100000/month"}``, or
    ///         ``{"calls": {"limit": 100000, "per": "month", "overage": 120000}}``.
    ///     rates: A mapping of rates, such as ``{"api": "10/1s"}``, or
    ///         ``{"api": {"count": 10, "per": "1s", "burst": 20}}``.
    ///     policy: What to do in doubt, such as
    ///         ``{"store_unreachable": {"warn": "1 hour"}, "max_revocation_age": "7 days"}``; as in a catalogue.
    ///     seats: How many may use it at once.
    ///     kind: ``paid``, ``trial``, ``developer`` or ``internal``.
    ///     lineage: The licence that this one renews or upgrades: 16 bytes.
    ///     holder: The customer's Ed25519 public key, 32 bytes, to make a stolen copy useless.
    ///     node_locks: SHA-256 fingerprints of the machines that may use it.
    ///     meta: A mapping of free metadata.
    ///     index: Its index in the issuer's revocation stream.
    ///
    /// Returns:
    ///     The token in its text form, ``lic1_...``.
    ///
    /// Raises:
    ///     InvalidArgumentError: For a wrong value; the message names it.
    ///     RejectedError: For a licence that every gate would refuse.
    #[pyo3(signature = (
        subject, tier, *, version=None, catalogue=None, issued_at=None, expires=None, not_before=None, term_end=None,
        maintained_until=None, audiences=None, features=None, quotas=None, rates=None, policy=None, seats=None,
        kind=None, lineage=None, holder=None, node_locks=None, meta=None, index=None
    ))]
    #[allow(clippy::too_many_arguments, reason = "keyword arguments")]
    fn issue(
        &self,
        subject: String,
        tier: &str,
        version: Option<Whole>,
        catalogue: Option<&Bound<'_, Catalogue>>,
        issued_at: Option<&Bound<'_, PyAny>>,
        expires: Option<&Bound<'_, PyAny>>,
        not_before: Option<&Bound<'_, PyAny>>,
        term_end: Option<&Bound<'_, PyAny>>,
        maintained_until: Option<&Bound<'_, PyAny>>,
        audiences: Option<&Bound<'_, PyAny>>,
        features: Option<&Bound<'_, PyAny>>,
        quotas: Option<&Bound<'_, PyAny>>,
        rates: Option<&Bound<'_, PyAny>>,
        policy: Option<&Bound<'_, PyAny>>,
        seats: Option<Whole>,
        kind: Option<&str>,
        lineage: Option<&Bound<'_, PyAny>>,
        holder: Option<&Bound<'_, PyAny>>,
        node_locks: Option<&Bound<'_, PyAny>>,
        meta: Option<&Bound<'_, PyAny>>,
        index: Option<Whole>,
    ) -> PyResult<String> {
        let version = version.map(|Whole(version)| version);
        let start = optional_time(issued_at)?.unwrap_or_else(|| licentia::Now::system().time);
        let end = optional_time(expires)?;
        let mut draft = match (catalogue, end) {
            (Some(catalogue), _) => {
                let tier = catalogue.get().0.tier(tier, version);
                tier.and_then(|tier| tier.draft(subject, start)).map_err(issuing)?
            }
            (None, Some(end)) => Draft::new(subject, tier, version.unwrap_or(1), start, end),
            (None, None) => return Err(invalid("without a catalogue, say when the licence expires")),
        };
        draft.expires = end.unwrap_or(draft.expires);
        draft.not_before = optional_time(not_before)?;
        draft.term_end = optional_time(term_end)?.or(draft.term_end);
        draft.maintained_until = optional_time(maintained_until)?.or(draft.maintained_until);
        draft.audiences = audiences.map(names).transpose()?.unwrap_or_default();
        draft.grant.features.extend(features.map(read::<BTreeMap<_, _>>).transpose()?.unwrap_or_default());
        draft.grant.quotas.extend(quotas.map(read::<BTreeMap<_, _>>).transpose()?.unwrap_or_default());
        draft.grant.rates.extend(rates.map(read::<BTreeMap<_, _>>).transpose()?.unwrap_or_default());
        if let Some(given) = policy {
            let read = read_policy(table(given)?);
            draft.grant.policy = read.map_err(|error: toml::de::Error| invalid(error.message()))?;
        }
        draft.grant.seats = seats.map(|Whole(seats)| seats).or(draft.grant.seats);
        if let Some(kind) = kind {
            draft.grant.kind = self::kind(kind)?;
        }
        draft.lineage = lineage.map(|lineage| array::<16>("a lineage", lineage)).transpose()?.map(Into::into);
        draft.holder = holder.map(|key| array("a holder's key", key)).transpose()?.map(Confirmation::Key);
        for lock in node_locks.map(PyAnyMethods::try_iter).transpose()?.into_iter().flatten() {
            draft.node_locks.push(array("a fingerprint", &lock?)?);
        }
        draft.meta.extend(meta.map(read::<BTreeMap<String, String>>).transpose()?.unwrap_or_default());
        draft.index = index.map(|Whole(index)| index);
        self.0.issue(&draft).map(|token| token.text()).map_err(issuing)
    }

    fn __repr__(&self) -> String {
        format!("<Issuer {:?}>", self.0.name())
    }
}

/// A kind of licence, by its name.
fn kind(name: &str) -> PyResult<Kind> {
    let kinds = [Kind::Paid, Kind::Trial, Kind::Developer, Kind::Internal];
    let found = kinds.into_iter().find(|kind| kind.name() == name);
    found.ok_or_else(|| invalid(&format!("a kind is {}", kinds.map(Kind::name).join(", "))))
}
