//! Conversions of times, bytes, texts and JSON between Python and Rust.

use std::{
    borrow::Cow,
    hash::{DefaultHasher, Hash, Hasher},
};

use licentia::Now as SdkNow;
use licentia_core::{
    Buffer, Period, Timestamp, http, limits,
    text::{self, Text},
};
use pyo3::{
    intern,
    prelude::*,
    sync::PyOnceLock,
    types::{PyBool, PyBytes, PyDict, PyInt, PyMemoryView, PyString},
};

use crate::error::{invalid, refused, wrong_type};

/// Both clocks of a simulated moment: the wall clock, and one that only advances.
///
/// Args:
///     at: The wall clock: an aware ``datetime``, or seconds since 1970.
///     monotonic_ns: A clock that only advances, in nanoseconds from any start.
#[pyclass(module = "licentia", frozen, eq)]
#[derive(PartialEq)]
pub(crate) struct Now(pub(crate) SdkNow);

#[pymethods]
impl Now {
    #[new]
    fn new(at: &Bound<'_, PyAny>, monotonic_ns: u64) -> PyResult<Self> {
        Ok(Self(SdkNow { time: time(at)?, monotonic_nanos: monotonic_ns }))
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.0.time.as_seconds(), self.0.monotonic_nanos).hash(&mut hasher);
        hasher.finish()
    }

    fn __getnewargs__(&self) -> (u64, u64) {
        (self.0.time.as_seconds(), self.0.monotonic_nanos)
    }

    fn __repr__(&self) -> String {
        format!("Now({}, monotonic_ns={})", self.0.time.as_seconds(), self.0.monotonic_nanos)
    }
}

/// The time of a call: the given one, or the system's.
pub(crate) fn moment(given: Option<&Bound<'_, PyAny>>) -> PyResult<SdkNow> {
    match given {
        None => Ok(SdkNow::system()),
        Some(given) => match given.cast::<Now>() {
            Ok(now) => Ok(now.get().0),
            // Rates count by the monotonic clock, which a given wall clock does not replace.
            Err(_) => Ok(SdkNow { time: time(given)?, ..SdkNow::system() }),
        },
    }
}

/// The time of an aware `datetime`, or of a number of seconds since 1970.
pub(crate) fn time(given: &Bound<'_, PyAny>) -> PyResult<Timestamp> {
    let py = given.py();
    let range = || invalid("a time is from 0, in 1970, to 2^53 - 1 seconds");
    let found = if given.is_instance_of::<PyInt>() && !given.is_instance_of::<PyBool>() {
        given.extract::<u64>().map_err(|_| range())?
    } else if is_datetime(given)? {
        if given.call_method0(intern!(py, "utcoffset"))?.is_none() {
            return Err(invalid(
                "a datetime without a time zone could mean any moment; add one, such as timezone.utc",
            ));
        }
        let since = given.call_method1(intern!(py, "__sub__"), (epoch(py)?,))?;
        let days: i64 = since.getattr(intern!(py, "days"))?.extract()?;
        let rest: i64 = since.getattr(intern!(py, "seconds"))?.extract()?;
        u64::try_from(days.saturating_mul(86_400).saturating_add(rest)).map_err(|_| range())?
    } else {
        return Err(wrong_type("an aware datetime, or seconds since 1970", given));
    };
    if found <= limits::INTEGER { Ok(found.into()) } else { Err(range()) }
}

/// As [`time`], for an optional time.
pub(crate) fn optional_time(given: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Timestamp>> {
    given.map(time).transpose()
}

/// Whether a value is a `datetime`.
pub(crate) fn is_datetime(given: &Bound<'_, PyAny>) -> PyResult<bool> {
    given.is_instance(datetime(given.py())?)
}

fn datetime(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    CLASS.import(py, "datetime", "datetime")
}

/// 1970 in UTC.
fn epoch(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static EPOCH: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let epoch = EPOCH.get_or_try_init(py, || {
        let utc = py
            .import(intern!(py, "datetime"))?
            .getattr(intern!(py, "timezone"))?
            .getattr(intern!(py, "utc"))?;
        let arguments = PyDict::new(py);
        arguments.set_item("tzinfo", utc)?;
        Ok::<_, PyErr>(datetime(py)?.call((1970, 1, 1), Some(&arguments))?.unbind())
    })?;
    Ok(epoch.bind(py))
}

/// An aware `datetime` in UTC.
pub(crate) fn aware(py: Python<'_>, time: Timestamp) -> PyResult<Bound<'_, PyAny>> {
    static DELTA: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let delta = DELTA.import(py, "datetime", "timedelta")?;
    epoch(py)?.add(delta.call1((0, time.as_seconds().min(limits::TIME)))?)
}

/// Milliseconds as seconds.
#[allow(clippy::cast_precision_loss, reason = "exact for 285,000 years")]
pub(crate) fn from_millis(millis: u64) -> f64 {
    millis as f64 / 1000.0
}

/// The bytes of anything with the buffer protocol.
///
/// The limited API has buffers only from Python 3.11, so that all but `bytes` go through a `memoryview`.
pub(crate) fn bytes(given: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    if let Ok(bytes) = given.cast::<PyBytes>() {
        return Ok(bytes.as_bytes().to_vec());
    }
    let view = PyMemoryView::from(given).map_err(|_| wrong_type("bytes or another buffer", given))?;
    let copy = view.call_method0(intern!(given.py(), "tobytes"))?;
    Ok(copy.cast::<PyBytes>()?.as_bytes().to_vec())
}

/// A whole number that is not negative.
pub(crate) struct Whole(pub(crate) u64);

impl<'py> FromPyObject<'_, 'py> for Whole {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        whole(&given).map(Self)
    }
}

/// A whole number that is not negative.
pub(crate) fn whole(given: &Bound<'_, PyAny>) -> PyResult<u64> {
    if !given.is_instance_of::<PyInt>() || given.is_instance_of::<PyBool>() {
        return Err(wrong_type("a whole number", given));
    }
    given.extract().map_err(|_| invalid("a number is from 0 to 2^64 - 1"))
}

impl Whole {
    /// As a size in memory.
    pub(crate) fn size(self) -> PyResult<usize> {
        self.0.try_into().map_err(|_| invalid("a number is larger than any memory"))
    }
}

/// Bytes of a fixed number.
pub(crate) fn array<const N: usize>(what: &str, given: &Bound<'_, PyAny>) -> PyResult<[u8; N]> {
    let given = bytes(given)?;
    let length = given.len();
    given.try_into().map_err(|_| invalid(&format!("{what} has {N} bytes, not {length}")))
}

/// The text form of a token, from text, bytes or None. Text that is not Unicode becomes one that the gate refuses.
pub(crate) fn token<'t>(given: &'t Bound<'_, PyAny>) -> PyResult<Cow<'t, str>> {
    if let Ok(text) = given.cast::<PyString>() {
        return Ok(text
            .to_str()
            .map_or_else(|_| Cow::Owned(text.to_string_lossy().into_owned()), Cow::Borrowed));
    }
    if given.is_none() {
        return Ok(Cow::Borrowed(""));
    }
    Ok(Cow::Owned(Text::license(&bytes(given)?).to_string()))
}

/// The bytes of a token in either form.
pub(crate) fn token_bytes(given: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    if given.is_instance_of::<PyString>() {
        let text = token(given)?;
        return text::decode_license(&text, &mut Buffer::new()).map(<[u8]>::to_vec).map_err(refused);
    }
    bytes(given)
}

/// Plain dicts, lists and values of a JSON text.
pub(crate) fn plain<'py>(py: Python<'py>, json: &str) -> PyResult<Bound<'py, PyAny>> {
    static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    LOADS.import(py, "json", "loads")?.call1((json,))
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Decodes the text form of a token, ``lic1_...``, strictly.
///
/// Raises:
///     RejectedError: ``malformed_text`` or ``token_too_long``.
#[pyfunction]
pub(crate) fn decode_token<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyBytes>> {
    let mut buffer = Buffer::new();
    text::decode_license(text, &mut buffer).map(|bytes| PyBytes::new(py, bytes)).map_err(refused)
}

/// Encodes the bytes of a token to its text form, ``lic1_...``.
#[pyfunction]
pub(crate) fn encode_token(token: &Bound<'_, PyAny>) -> PyResult<String> {
    Ok(Text::license(&bytes(token)?).to_string())
}

/// Decodes base64url without padding, strictly. Returns ``b""`` for other text, which no check accepts.
#[pyfunction]
pub(crate) fn decode_base64url<'py>(py: Python<'py>, text: &str) -> Bound<'py, PyBytes> {
    let mut buffer = Buffer::new();
    PyBytes::new(py, text::decode_base64url(text, &mut buffer).unwrap_or_default())
}

/// The token of an ``Authorization: Bearer`` field, or None.
#[pyfunction]
pub(crate) fn bearer(authorization: &str) -> Option<&str> {
    http::bearer(authorization)
}

/// The window of a period that contains a time: its first second, and the first second after it.
#[pyfunction]
pub(crate) fn period_window(period: &Bound<'_, PyAny>, at: u64) -> PyResult<(u64, Option<u64>)> {
    let window = read_period(period)?.window(at);
    Ok((window.start.as_seconds(), window.end.map(Timestamp::as_seconds)))
}

/// Reads a period in the form of a licence's JSON.
fn read_period(period: &Bound<'_, PyAny>) -> PyResult<Period> {
    let unknown =
        || invalid("a period is lifetime, minute, hour, day, week, month, year, or a dict as in a licence");
    if let Ok(name) = period.extract::<String>() {
        return Period::named(&name).ok_or_else(unknown);
    }
    let table = period.cast::<PyDict>().map_err(|_| unknown())?;
    let members = table.iter().map(|(name, number)| Ok((name.extract::<String>()?, number.extract()?)));
    let members = members.collect::<PyResult<Vec<_>>>()?;
    Period::of_members(members.iter().map(|(name, number)| (name.as_str(), *number))).ok_or_else(unknown)
}
