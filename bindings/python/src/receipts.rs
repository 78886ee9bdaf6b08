//! Receipts of what was used.

use std::{path::PathBuf, process, sync::Arc};

use licentia::receipt::{self, Audit, LogError, Receipt, Receipts as SdkReceipts};
use licentia_core::Code;
use pyo3::{
    prelude::*,
    types::{PyBytes, PyDict},
};

use crate::{
    convert::{bytes, hex, moment, plain},
    error::{error, invalid, issuing, refused},
    fork::detached,
    issuer::SigningKey,
    key::keys,
};

/// Counts what a gate grants, and writes it down as signed receipts in a log of this instance's own.
///
/// Give it to one gate or several (``Gate(receipts=...)``); each process has one of its own. Call ``write`` as often as you can afford to lose what was
/// counted since, and send what it gives to the vendor.
#[pyclass(module = "licentia", frozen)]
pub(crate) struct Receipts {
    pub(crate) sink: Arc<SdkReceipts>,
    /// The process that opened the log, which alone may write it.
    process: u32,
}

impl Receipts {
    fn own(&self) -> PyResult<&SdkReceipts> {
        if self.process == process::id() {
            return Ok(&self.sink);
        }
        let detail =
            "the log was opened by the parent of this process; open one for each process, after the fork";
        Err(error(Code::StoreUnreachable, Some(detail)))
    }
}

#[pymethods]
impl Receipts {
    /// Opens the log of an instance, or begins a new one.
    ///
    /// Args:
    ///     path: The log's file. One process has it open at a time.
    ///     key: The instance's own Ed25519 key in PKCS#8 PEM, not encrypted; another one for each instance.
    ///
    /// Raises:
    ///     StoreError: Where the file cannot be used.
    ///     InvalidArgumentError: For a key that is none.
    ///     RejectedError: For a log that was altered, or is another instance's.
    #[new]
    fn new(py: Python<'_>, path: PathBuf, key: &str) -> PyResult<Self> {
        let holder = licentia::Holder::from_pem(key).map_err(refused)?;
        let receipts = detached(py, || SdkReceipts::open(path, holder)).map_err(failed)?;
        Ok(Self { sink: Arc::new(receipts), process: process::id() })
    }

    /// Identifier of this instance: the thumbprint of its key, 32 bytes.
    #[getter]
    fn instance<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.sink.instance())
    }

    /// Writes what was counted since the last time, durably, and returns the new receipts: none where nothing was.
    ///
    /// Raises:
    ///     StoreError: Where it cannot be written; it is then still counted, and is in the next receipt.
    #[pyo3(signature = (*, now=None))]
    fn write<'py>(
        &self,
        py: Python<'py>,
        now: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Vec<Bound<'py, PyBytes>>> {
        let (now, receipts) = (moment(now)?.seconds, self.own()?);
        let written = detached(py, || receipts.write(now)).map_err(failed)?;
        Ok(written.iter().map(|receipt| PyBytes::new(py, receipt)).collect())
    }

    /// The receipts that the vendor has not acknowledged yet.
    fn unacknowledged<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyBytes>>> {
        let receipts = self.own()?;
        let found = detached(py, || receipts.unacknowledged()).map_err(failed)?;
        Ok(found.iter().map(|receipt| PyBytes::new(py, receipt)).collect())
    }

    /// Keeps the vendor's acknowledgement.
    ///
    /// Raises:
    ///     RejectedError: For one that is not this instance's or not the vendor's, and where it names a receipt that
    ///         this log does not have: then the log was set back, and nothing is written any more.
    fn acknowledge(
        &self,
        py: Python<'_>,
        acknowledgement: &Bound<'_, PyAny>,
        vendor: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let (given, vendor, receipts) = (bytes(acknowledgement)?, keys(vendor)?, self.own()?);
        detached(py, || receipts.acknowledge(&given, &vendor)).map_err(failed)
    }

    fn __repr__(&self) -> String {
        format!("<Receipts of {:.8}>", hex(&self.sink.instance()))
    }
}

/// Adds up receipts of any number of instances, in any order, however often each one is there.
///
/// Args:
///     receipts: The receipts' bytes.
///     instances: The instances that are expected, by their 32 bytes; where it is left out, whichever come.
///
/// Returns:
///     A dict: ``good``, ``usage`` (a list with ``lineage``, ``meter``, ``start``, ``end`` and ``total``), and
///     ``findings`` (a list with ``code``, ``name`` and ``detail``): what is forged, forked, rolled back or missing.
#[pyfunction]
#[pyo3(signature = (receipts, *, instances=None))]
pub(crate) fn audit<'py>(
    py: Python<'py>,
    receipts: &Bound<'py, PyAny>,
    instances: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let mut audit = Audit::new();
    if let Some(instances) = instances {
        for instance in instances.try_iter()? {
            let instance = bytes(&instance?)?;
            audit.expect(instance.try_into().map_err(|_| invalid("an instance has 32 bytes"))?);
        }
    }
    for receipt in receipts.try_iter()? {
        audit.add(&bytes(&receipt?)?);
    }
    let report = py.detach(|| audit.finish());
    let usage = report.usage.iter().map(|(cell, usage)| {
        let row = PyDict::new(py);
        row.set_item("lineage", hex(&cell.lineage))?;
        row.set_item("meter", &cell.meter)?;
        row.set_item("start", cell.window.start)?;
        row.set_item("end", cell.window.end)?;
        row.set_item("total", usage.total())?;
        Ok(row)
    });
    let findings = report.findings.iter().map(|finding| {
        let row = PyDict::new(py);
        row.set_item("code", finding.code.number())?;
        row.set_item("name", finding.code.name())?;
        row.set_item("detail", finding.to_string())?;
        Ok(row)
    });
    let shown = PyDict::new(py);
    shown.set_item("good", report.is_good())?;
    shown.set_item("usage", usage.collect::<PyResult<Vec<_>>>()?)?;
    shown.set_item("findings", findings.collect::<PyResult<Vec<_>>>()?)?;
    Ok(shown)
}

/// Signs the vendor's acknowledgement of an instance's newest receipt, for Receipts.acknowledge. Keep it as well: it
/// shows when the instance is set back.
///
/// Raises:
///     RejectedError: For what is no receipt.
#[pyfunction]
#[pyo3(signature = (receipt, key, *, now=None))]
pub(crate) fn acknowledge<'py>(
    py: Python<'py>,
    receipt: &Bound<'py, PyAny>,
    key: &Bound<'py, SigningKey>,
    now: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyBytes>> {
    let receipt = bytes(receipt)?;
    let receipt = Receipt::read(&receipt).map_err(refused)?;
    let now = moment(now)?.seconds;
    let signed = licentia_issuer::acknowledge(&key.get().0, &receipt.instance(), receipt.link(), now).map_err(issuing)?;
    Ok(PyBytes::new(py, &signed))
}

/// A receipt's entries as CloudEvents 1.0, each a dict. Whoever gets one twice can tell by its ``id``.
///
/// Raises:
///     RejectedError: For what is no receipt.
#[pyfunction]
pub(crate) fn cloud_events<'py>(
    py: Python<'py>,
    receipt: &Bound<'py, PyAny>,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let receipt = bytes(receipt)?;
    let receipt = Receipt::read(&receipt).map_err(refused)?;
    receipt::cloud_events(&receipt).map(|event| plain(py, &event)).collect()
}

fn failed(failed: LogError) -> PyErr {
    match failed {
        LogError::Refused(code) => refused(code),
        _ => error(failed.code(), Some(&failed.to_string())),
    }
}
