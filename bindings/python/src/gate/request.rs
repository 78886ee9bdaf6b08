//! What a request needs, in owned memory, so that a decision can keep it.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use licentia::{Proof as SdkProof, Request as SdkRequest, Timestamp};
use pyo3::{
    exceptions::PyTypeError,
    prelude::*,
    sync::PyOnceLock,
    types::{IntoPyDict, PyBytes, PyDict, PyString, PyTuple},
};
use self_cell::self_cell;

use crate::{
    convert::{array, bytes, optional_time, time},
    error::{invalid, wrong_type},
};

/// A proof of possession, and the request that it came with.
///
/// Args:
///     proof: The proof's bytes.
///     method: The request's method.
///     uri: The request's URI, in the form that service and customer agree on.
///     body_digest: SHA-256 of its body, if the body must be signed too.
#[pyclass(module = "licentia", frozen, eq, hash)]
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Proof {
    bytes: Vec<u8>,
    method: String,
    uri: String,
    body: Option<[u8; 32]>,
}

#[pymethods]
impl Proof {
    #[new]
    #[pyo3(signature = (proof, *, method, uri, body_digest=None))]
    fn new(
        proof: &Bound<'_, PyAny>,
        method: String,
        uri: String,
        body_digest: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let body = body_digest.map(|digest| array("a digest", digest)).transpose()?;
        Ok(Self { bytes: bytes(proof)?, method, uri, body })
    }

    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        let named = PyDict::new(py);
        named.set_item("method", &self.method)?;
        named.set_item("uri", &self.uri)?;
        named.set_item("body_digest", self.body.as_ref().map(|digest| PyBytes::new(py, digest)))?;
        Ok((PyTuple::new(py, [PyBytes::new(py, &self.bytes)])?, named))
    }

    fn __repr__(&self) -> String {
        format!("Proof(method={:?}, uri={:?})", self.method, self.uri)
    }
}

/// What a request needs.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Needs {
    action: String,
    source: String,
    audience: Option<String>,
    features: Vec<String>,
    meters: Vec<(String, u64)>,
    rates: Vec<(String, u64)>,
    job: Option<String>,
    node: Option<[u8; 32]>,
    release: Option<Timestamp>,
    proof: Option<Proof>,
}

/// Views into [`Needs`], in the form that the gate takes.
struct Views<'n> {
    features: Vec<&'n str>,
    meters: Vec<(&'n str, u64)>,
    rates: Vec<(&'n str, u64)>,
}

self_cell! {
    /// What a request needs, ready for any number of checks.
    pub(crate) struct Prepared {
        owner: Needs,
        #[covariant]
        dependent: Views,
    }
}

impl From<Needs> for Prepared {
    fn from(needs: Needs) -> Self {
        Self::new(needs, |needs| Views {
            features: needs.features.iter().map(String::as_str).collect(),
            meters: borrowed(&needs.meters),
            rates: borrowed(&needs.rates),
        })
    }
}

fn borrowed(pairs: &[(String, u64)]) -> Vec<(&str, u64)> {
    pairs.iter().map(|(name, cost)| (name.as_str(), *cost)).collect()
}

impl Prepared {
    /// The request in the form of the sdk.
    pub(crate) fn request(&self) -> SdkRequest<'_> {
        let (needs, views) = (self.borrow_owner(), self.borrow_dependent());
        let mut request = SdkRequest::new()
            .action(&needs.action)
            .source(&needs.source)
            .features(&views.features)
            .meters(&views.meters)
            .rates(&views.rates);
        if let Some(audience) = &needs.audience {
            request = request.audience(audience);
        }
        if let Some(job) = &needs.job {
            request = request.job(job);
        }
        if let Some(node) = &needs.node {
            request = request.node(node);
        }
        if let Some(release) = needs.release {
            request = request.release(release);
        }
        if let Some(Proof { bytes, method, uri, body }) = &needs.proof {
            request = request.proof(SdkProof { bytes, method, uri, body: body.as_ref() });
        }
        request
    }
}

/// What a request needs of a licence. Make one per route, and use it for every request.
///
/// All arguments are optional keywords.
///
/// Args:
///     features: Names of features, all of which must be licensed; or one name.
///     meters: Quotas to charge: a dict of costs by meter, all charged or none; or one name, at cost 1. A cost of 0
///         reads without charging.
///     rates: Rates to count against: a dict of costs by name; or one name, at cost 1.
///     job: Name of the work, at most 256 bytes. Its meters are charged once, however often it is tried.
///     action: The operation or route, for events, such as ``GET /exports``.
///     source: The caller, for events: an address. It does not affect the decision.
///     audience: The service's name, in place of the gate's.
///     node: SHA-256 of this machine's fingerprint, 32 bytes.
///     release: Date of the running release.
///     proof: A proof of possession.
#[pyclass(module = "licentia", frozen)]
pub(crate) struct Request(pub(crate) Arc<Prepared>);

#[pymethods]
impl Request {
    #[new]
    #[pyo3(
        signature = (**needs),
        text_signature = "(*, features=None, meters=None, rates=None, job=None, action=None, source=None, audience=None, node=None, release=None, proof=None)"
    )]
    fn new(needs: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let mut made = Needs::default();
        made.set(needs)?;
        Ok(Self(Arc::new(made.into())))
    }

    /// Returns a copy with some arguments replaced.
    #[pyo3(signature = (**needs))]
    fn replace(&self, needs: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let mut made = self.0.borrow_owner().clone();
        made.set(needs)?;
        Ok(Self(Arc::new(made.into())))
    }

    #[pyo3(signature = (**needs))]
    fn __replace__(&self, needs: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        self.replace(needs)
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.0.borrow_owner() == other.0.borrow_owner()
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.0.borrow_owner().hash(&mut hasher);
        hasher.finish()
    }

    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        Ok((PyTuple::empty(py), self.0.borrow_owner().arguments(py)?))
    }

    fn __repr__(&self) -> String {
        let Needs { features, meters, rates, .. } = self.0.borrow_owner();
        format!("Request(features={features:?}, meters={meters:?}, rates={rates:?})")
    }
}

impl Needs {
    /// The needs of a verification without a gate.
    pub(crate) fn to_verify(
        audience: Option<String>,
        features: Option<&Bound<'_, PyAny>>,
        node: Option<&Bound<'_, PyAny>>,
        release: Option<&Bound<'_, PyAny>>,
        proof: Option<&Bound<'_, Proof>>,
    ) -> PyResult<Self> {
        Ok(Self {
            audience,
            features: features.map(names).transpose()?.unwrap_or_default(),
            node: node.map(|node| array("a fingerprint", node)).transpose()?,
            release: optional_time(release)?,
            proof: proof.map(|proof| proof.get().clone()),
            ..Self::default()
        })
    }

    /// The keyword arguments that make the same needs.
    fn arguments<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let Self { action, source, audience, features, meters, rates, job, node, release, proof } = self;
        let named = PyDict::new(py);
        named.set_item("features", features)?;
        named.set_item("meters", meters.clone().into_py_dict(py)?)?;
        named.set_item("rates", rates.clone().into_py_dict(py)?)?;
        named.set_item("action", action)?;
        named.set_item("source", source)?;
        named.set_item("audience", audience)?;
        named.set_item("job", job)?;
        named.set_item("node", node.as_ref().map(|node| PyBytes::new(py, node)))?;
        named.set_item("release", release.map(Timestamp::as_seconds))?;
        named.set_item("proof", proof.clone())?;
        Ok(named)
    }

    /// Reads keyword arguments.
    pub(crate) fn set(&mut self, given: Option<&Bound<'_, PyDict>>) -> PyResult<()> {
        for (name, value) in given.into_iter().flatten() {
            let name = name.cast::<PyString>()?.to_string_lossy().into_owned();
            let value = Some(value).filter(|value| !value.is_none());
            let value = value.as_ref();
            match &*name {
                "features" => self.features = value.map(names).transpose()?.unwrap_or_default(),
                "meters" => self.meters = value.map(costs).transpose()?.unwrap_or_default(),
                "rates" => self.rates = value.map(costs).transpose()?.unwrap_or_default(),
                "action" => self.action = value.map(PyAnyMethods::extract).transpose()?.unwrap_or_default(),
                "source" => self.source = value.map(PyAnyMethods::extract).transpose()?.unwrap_or_default(),
                "audience" => self.audience = value.map(PyAnyMethods::extract).transpose()?,
                "job" => self.job = value.map(PyAnyMethods::extract).transpose()?,
                "node" => self.node = value.map(|value| array("a fingerprint", value)).transpose()?,
                "release" => self.release = value.map(time).transpose()?,
                "proof" => {
                    self.proof = value
                        .map(|value| value.cast::<Proof>().map(|proof| proof.get().clone()))
                        .transpose()?;
                }
                _ => {
                    return Err(PyTypeError::new_err(format!(
                        "a request has no argument `{name}`; it has features, meters, rates, job, action, source, audience, node, release, proof"
                    )));
                }
            }
        }
        Ok(())
    }
}

/// One name, or several.
pub(crate) fn names(given: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    if let Ok(name) = given.cast::<PyString>() {
        return Ok(vec![name.to_str()?.to_owned()]);
    }
    given.try_iter()?.map(|name| name?.extract::<String>()).collect()
}

/// One name at cost 1, several names, or a dict of costs by name.
pub(crate) fn costs(given: &Bound<'_, PyAny>) -> PyResult<Vec<(String, u64)>> {
    if given.is_instance_of::<PyString>() {
        return Ok(names(given)?.into_iter().map(|name| (name, 1)).collect());
    }
    let Ok(items) = given.call_method0(pyo3::intern!(given.py(), "items")) else {
        return Err(wrong_type("a name, or a dict of costs by name", given));
    };
    let pair = |item: PyResult<Bound<'_, PyAny>>| {
        let item = item?;
        let (name, cost) = item.cast::<PyTuple>()?.extract::<(String, Bound<'_, PyAny>)>()?;
        let cost = cost.extract().map_err(|_| invalid("a cost is a whole number, at least 0"))?;
        Ok((name, cost))
    };
    items.try_iter()?.map(pair).collect()
}

/// The request of a call: a Request, or keyword arguments.
pub(crate) fn prepared(
    py: Python<'_>,
    request: Option<&Bound<'_, Request>>,
    needs: Option<&Bound<'_, PyDict>>,
) -> PyResult<Arc<Prepared>> {
    static NOTHING: PyOnceLock<Arc<Prepared>> = PyOnceLock::new();
    match (request, needs.filter(|needs| !needs.is_empty())) {
        (Some(request), None) => Ok(Arc::clone(&request.get().0)),
        (None, None) => Ok(Arc::clone(NOTHING.get_or_init(py, || Arc::new(Needs::default().into())))),
        (None, needs) => {
            let mut made = Needs::default();
            made.set(needs)?;
            Ok(Arc::new(made.into()))
        }
        (Some(_), Some(_)) => {
            Err(PyTypeError::new_err("pass a Request or keyword arguments, not both; see Request.replace"))
        }
    }
}
