//! The vendor's side: keys, catalogues, and licences that are issued.

use std::{path::PathBuf, sync::Arc};

use licentia_issuer::{
    Catalogue as SdkCatalogue, Draft, Feature, Holder, Issuer as SdkIssuer, Kind,
    SigningKey as SdkSigningKey, Value,
};
use pyo3::{
    prelude::*,
    types::{PyBool, PyDict, PyInt, PyString},
};

use crate::{
    convert::{array, optional_seconds, seconds},
    error::{invalid, issuing, wrong_type},
    key::Key,
    request::names,
};

/// A private key that signs licences. Keep it off the machines that check them.
#[pyclass(module = "licentia", frozen)]
pub(crate) struct SigningKey(Arc<SdkSigningKey>);

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
    ///     features: A dict of features: True, a whole number or a text.
    ///     quotas: A dict of quotas by meter, such as ``{"calls": "100000/month"}``.
    ///     rates: A dict of rates, such as ``{"api": "10/1s"}``.
    ///     seats: How many may use it at once.
    ///     kind: ``paid``, ``trial``, ``developer`` or ``internal``.
    ///     lineage: The licence that this one renews or upgrades: 16 bytes.
    ///     holder: The holder's Ed25519 public key, 32 bytes, where a stolen copy shall be useless.
    ///     node_locks: SHA-256 fingerprints of the machines that may use it.
    ///     meta: A dict of free metadata.
    ///     index: Its place in the issuer's revocation stream.
    ///
    /// Returns:
    ///     The token in its text form, ``lic1_...``.
    ///
    /// Raises:
    ///     InvalidArgumentError: For a value that is wrong; it says which.
    ///     RejectedError: For a licence that every verifier would refuse.
    #[pyo3(signature = (subject, tier, **terms))]
    fn issue(&self, subject: String, tier: &str, terms: Option<&Bound<'_, PyDict>>) -> PyResult<String> {
        let mut draft = begin(subject, tier, terms)?;
        for (name, value) in terms.into_iter().flatten() {
            if !value.is_none() {
                set(&mut draft, &name.extract::<String>()?, &value)?;
            }
        }
        self.0.issue(&draft).map(|token| token.text()).map_err(issuing)
    }

    fn __repr__(&self) -> String {
        format!("<Issuer {:?}>", self.0.name())
    }
}

/// A draft of the tier, from the catalogue where there is one.
fn begin(subject: String, tier: &str, terms: Option<&Bound<'_, PyDict>>) -> PyResult<Draft> {
    let named = |name: &str| -> PyResult<Option<Bound<'_, PyAny>>> {
        let value = terms.map(|terms| terms.get_item(name)).transpose()?.flatten();
        Ok(value.filter(|value| !value.is_none()))
    };
    let issued_at =
        optional_seconds(named("issued_at")?.as_ref())?.unwrap_or_else(|| licentia::Now::system().seconds);
    let version = named("version")?.map(|version| version.extract::<u64>()).transpose()?;
    if let Some(catalogue) = named("catalogue")? {
        let catalogue = catalogue.cast::<Catalogue>()?.get();
        return catalogue
            .0
            .tier(tier, version)
            .and_then(|tier| tier.draft(subject, issued_at))
            .map_err(issuing);
    }
    let Some(expires) = named("expires")? else {
        return Err(invalid("without a catalogue, say when the licence expires"));
    };
    Ok(Draft::new(subject, tier, version.unwrap_or(1), issued_at, seconds(&expires)?))
}

/// Sets what one keyword argument says.
fn set(draft: &mut Draft, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
    match name {
        "version" | "catalogue" | "issued_at" => {}
        "expires" => draft.expires = seconds(value)?,
        "not_before" => draft.not_before = Some(seconds(value)?),
        "term_end" => draft.term_end = Some(seconds(value)?),
        "maintained_until" => draft.maintained_until = Some(seconds(value)?),
        "audiences" => draft.audiences = names(value)?,
        "features" => {
            for (name, value) in pairs(value)? {
                draft.terms.features.insert(name, Feature { value: feature(&value)?, expires: None });
            }
        }
        "quotas" => {
            for (meter, quota) in pairs(value)? {
                draft.terms.quotas.insert(meter, quota.extract::<String>()?.parse().map_err(issuing)?);
            }
        }
        "rates" => {
            for (name, rate) in pairs(value)? {
                draft.terms.rates.insert(name, rate.extract::<String>()?.parse().map_err(issuing)?);
            }
        }
        "seats" => draft.terms.seats = Some(value.extract()?),
        "kind" => {
            draft.terms.kind = match &*value.extract::<String>()? {
                "paid" => Kind::Paid,
                "trial" => Kind::Trial,
                "developer" => Kind::Developer,
                "internal" => Kind::Internal,
                _ => return Err(invalid("a kind is paid, trial, developer or internal")),
            }
        }
        "lineage" => draft.lineage = Some(array("a lineage", value)?),
        "holder" => draft.holder = Some(Holder::Key(array("a holder's key", value)?)),
        "node_locks" => {
            let locks = value.try_iter()?.map(|lock| array("a fingerprint", &lock?));
            draft.node_locks = locks.collect::<PyResult<_>>()?;
        }
        "meta" => {
            let texts = pairs(value)?.into_iter().map(|(name, value)| Ok((name, value.extract::<String>()?)));
            draft.meta = texts.collect::<PyResult<_>>()?;
        }
        "index" => draft.index = Some(value.extract()?),
        _ => {
            return Err(pyo3::exceptions::PyTypeError::new_err(format!(
                "a licence has no `{name}`; see help(Issuer.issue)"
            )));
        }
    }
    Ok(())
}

/// The items of a dict with texts as keys.
fn pairs<'py>(given: &Bound<'py, PyAny>) -> PyResult<Vec<(String, Bound<'py, PyAny>)>> {
    let dict = given.cast::<PyDict>().map_err(|_| wrong_type("a dict", given))?;
    dict.iter().map(|(name, value)| Ok((name.extract()?, value))).collect()
}

fn feature(value: &Bound<'_, PyAny>) -> PyResult<Value> {
    if let Ok(flag) = value.cast::<PyBool>() {
        return if flag.is_true() {
            Ok(Value::True)
        } else {
            Err(invalid("leave out a feature that is not granted"))
        };
    }
    if value.is_instance_of::<PyInt>() {
        return value.extract().map(Value::Int).map_err(|_| invalid("a number is at most 2^53 - 1"));
    }
    match value.cast::<PyString>() {
        Ok(text) => Ok(Value::Text(text.to_str()?.to_owned())),
        Err(_) => Err(wrong_type("True, a whole number or a text", value)),
    }
}
