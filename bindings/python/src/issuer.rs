//! The vendor's side: keys, catalogues, and licences that are issued.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use licentia_issuer::{
    Catalogue as SdkCatalogue, Confirmation, Draft, Issuer as SdkIssuer, Kind, SigningKey as SdkSigningKey,
    read_policy,
};
use pyo3::prelude::*;

use crate::{
    convert::{Whole, array, optional_seconds, read, table},
    error::{invalid, issuing},
    key::Key,
    request::names,
};

/// A private key that signs licences. Keep it off the machines that check them.
#[pyclass(module = "licentia", frozen)]
pub(crate) struct SigningKey(pub(crate) Arc<SdkSigningKey>);

impl From<SdkSigningKey> for SigningKey {
    fn from(key: SdkSigningKey) -> Self {
        Self(Arc::new(key))
    }
}

#[pymethods]
impl SigningKey {
    /// Makes a new key from the operating system's randomness.
    #[staticmethod]
    fn generate() -> PyResult<Self> {
        SdkSigningKey::generate().map(Self::from).map_err(issuing)
    }

    /// Makes the key of a seed of 32 bytes (RFC 8032, section 5.1.5). The seed is the secret.
    #[staticmethod]
    fn from_seed(seed: &Bound<'_, PyAny>) -> PyResult<Self> {
        SdkSigningKey::from_seed(&array("a seed", seed)?).map(Self::from).map_err(issuing)
    }

    /// Reads PKCS#8 PEM.
    ///
    /// Raises:
    ///     InvalidArgumentError: Which says whether a passphrase is missing, wrong or not needed.
    #[staticmethod]
    #[pyo3(signature = (pem, passphrase=None))]
    fn from_pem(py: Python<'_>, pem: &str, passphrase: Option<&str>) -> PyResult<Self> {
        py.detach(|| SdkSigningKey::from_pem(pem, passphrase)).map(Self::from).map_err(issuing)
    }

    /// Reads a key from a PEM file.
    #[staticmethod]
    #[pyo3(signature = (path, passphrase=None))]
    fn load(py: Python<'_>, path: PathBuf, passphrase: Option<&str>) -> PyResult<Self> {
        py.detach(|| SdkSigningKey::load(&path, passphrase)).map(Self::from).map_err(issuing)
    }

    /// Writes the key to a new PEM file that only its owner can read. Never overwrites.
    #[pyo3(signature = (path, passphrase=None))]
    fn save(&self, py: Python<'_>, path: PathBuf, passphrase: Option<&str>) -> PyResult<()> {
        py.detach(|| self.0.save(&path, passphrase)).map_err(issuing)
    }

    /// The public key, for those who check licences.
    #[getter]
    fn public(&self) -> Key {
        Key(self.0.public())
    }

    fn __repr__(&self) -> String {
        format!("<SigningKey kid={}>", self.0.kid())
    }
}

/// What a vendor sells: every version of every tier.
#[pyclass(module = "licentia", frozen)]
pub(crate) struct Catalogue(SdkCatalogue);

#[pymethods]
impl Catalogue {
    /// Reads a catalogue of TOML.
    ///
    /// Raises:
    ///     InvalidArgumentError: Which names the line.
    #[new]
    fn new(toml: &str) -> PyResult<Self> {
        toml.parse().map(Self).map_err(issuing)
    }

    /// Reads a catalogue from a TOML file.
    #[staticmethod]
    fn load(path: PathBuf) -> PyResult<Self> {
        SdkCatalogue::load(&path).map(Self).map_err(issuing)
    }

    /// Name and version of every tier, and whether it is still sold.
    #[getter]
    fn tiers(&self) -> Vec<(String, u64, bool)> {
        self.0.tiers().iter().map(|tier| (tier.name.clone(), tier.version, !tier.retired)).collect()
    }

    fn __repr__(&self) -> String {
        format!("<Catalogue of {} tiers>", self.0.tiers().len())
    }
}

/// A vendor that issues licences under one name and key.
#[pyclass(module = "licentia", frozen)]
pub(crate) struct Issuer(SdkIssuer);

#[pymethods]
impl Issuer {
    /// Makes an issuer of a name of 1 to 256 bytes (``iss``) and its key.
    #[new]
    fn new(name: String, key: &Bound<'_, SigningKey>) -> Self {
        Self(SdkIssuer::new(name, Arc::clone(&key.get().0)))
    }

    /// The name.
    #[getter]
    fn name(&self) -> &str {
        self.0.name()
    }

    /// The public key, for those who check licences.
    #[getter]
    fn key(&self) -> Key {
        Key(self.0.key().public())
    }

    /// Signs a licence.
    ///
    /// Args:
    ///     subject: Whom it is for. Use an identifier and not a name: everybody can read a token.
    ///     tier: Name of the tier.
    ///     version: The tier's version; where it is not said, the newest that the catalogue sells, or 1.
    ///     catalogue: What the tier grants. What the arguments below say replaces or adds to it.
    ///     issued_at: When it is issued; now, where it is not said.
    ///     expires: When everything ends; needed without a catalogue.
    ///     not_before: When it starts, if later.
    ///     term_end: When the contract ends, if the licence goes on in grace.
    ///     maintained_until: Releases up to this time stay licensed for ever.
    ///     audiences: Which services it is for; all, where none is named.
    ///     features: A mapping of features: True, a whole number or a text; or with an end of its own, such as
    ///         ``{"beta": {"value": True, "expires": when}}``.
    ///     quotas: A mapping of quotas by meter, such as ``{"calls": "100000/month"}``, or
    ///         ``{"calls": {"limit": 100000, "per": "month", "overage": 120000}}``.
    ///     rates: A mapping of rates, such as ``{"api": "10/1s"}``, or
    ///         ``{"api": {"count": 10, "per": "1s", "burst": 20}}``.
    ///     policy: What to do when something cannot be known, such as
    ///         ``{"store_unreachable": {"warn": "1 hour"}, "max_revocation_age": "7 days"}``; as in a catalogue.
    ///     seats: How many may use it at once.
    ///     kind: ``paid``, ``trial``, ``developer`` or ``internal``.
    ///     lineage: The licence that this one renews or upgrades: 16 bytes.
    ///     holder: The holder's Ed25519 public key, 32 bytes, where a stolen copy shall be useless.
    ///     node_locks: SHA-256 fingerprints of the machines that may use it.
    ///     meta: A mapping of free metadata.
    ///     index: Its place in the issuer's revocation stream.
    ///
    /// Returns:
    ///     The token in its text form, ``lic1_...``.
    ///
    /// Raises:
    ///     InvalidArgumentError: For a value that is wrong; it says which.
    ///     RejectedError: For a licence that every verifier would refuse.
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
        let start = optional_seconds(issued_at)?.unwrap_or_else(|| licentia::Now::system().seconds);
        let end = optional_seconds(expires)?;
        let mut draft = match (catalogue, end) {
            (Some(catalogue), _) => {
                let tier = catalogue.get().0.tier(tier, version);
                tier.and_then(|tier| tier.draft(subject, start)).map_err(issuing)?
            }
            (None, Some(end)) => Draft::new(subject, tier, version.unwrap_or(1), start, end),
            (None, None) => return Err(invalid("without a catalogue, say when the licence expires")),
        };
        draft.expires = end.unwrap_or(draft.expires);
        draft.not_before = optional_seconds(not_before)?;
        draft.term_end = optional_seconds(term_end)?.or(draft.term_end);
        draft.maintained_until = optional_seconds(maintained_until)?.or(draft.maintained_until);
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
        draft.lineage = lineage.map(|lineage| array("a lineage", lineage)).transpose()?;
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
