//! Receipts: signed counts of usage.

use std::{path::PathBuf, process, sync::Arc};

use licentia::receipt::{self, Audit, LogError, Receipt, Receipts as SdkReceipts};
use licentia_core::{Code, Timestamp};
use pyo3::{
    prelude::*,
    types::{PyBytes, PyDict},
};

use crate::{
    background::fork::detached,
    convert::{bytes, hex, moment, plain},
    error::{error, explained, invalid, issuing, refused},
    key::public_key::keys,
    vendor::signing_key::SigningKey,
};

/// Counts what a gate grants, and writes signed receipts to a log of this instance.
///
/// Pass it to one gate or several (``Gate(receipts=...)``). Each process needs its own. A crash loses what was counted
/// since the last ``write``: call it accordingly often, and send the receipts that it returns to the vendor.
///
/// Opens the log of an instance, or creates it.
///
/// Args:
///     path: The log's file. One process has it open at a time.
///     key: The instance's own Ed25519 key in PKCS#8 PEM, not encrypted. Each instance needs another key.
///
/// Raises:
///     StoreError: If the file cannot be used.
///     InvalidArgumentError: If the key cannot be read.
///     RejectedError: If the log was altered, or belongs to another instance.
#[pyclass(module = "licentia", frozen)]
pub(crate) struct Receipts {
    pub(crate) sink: Arc<SdkReceipts>,
    /// The process that opened the log. No other may write it.
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
    #[new]
    fn new(py: Python<'_>, path: PathBuf, key: &str) -> PyResult<Self> {
        let holder = licentia::HolderKey::from_pem(key).map_err(|error| explained(error.into(), &error))?;
        let receipts = detached(py, || SdkReceipts::open(path, holder)).map_err(failed)?;
        Ok(Self { sink: Arc::new(receipts), process: process::id() })
    }

    /// Identifier of this instance: the thumbprint of its key, 32 bytes.
    #[getter]
    fn instance<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.sink.instance())
    }

    /// Writes what was counted since the last call durably. Returns the new receipts; none if nothing was counted.
    ///
    /// Raises:
    ///     StoreError: If it cannot be written. The counts are kept for the next receipt.
    #[pyo3(signature = (*, now=None))]
    fn write<'py>(
        &self,
        py: Python<'py>,
        now: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Vec<Bound<'py, PyBytes>>> {
        let (now, receipts) = (moment(now)?.time, self.own()?);
        let written = detached(py, || receipts.write(now)).map_err(failed)?;
        Ok(written.iter().map(|receipt| PyBytes::new(py, receipt)).collect())
    }

    /// The receipts that the vendor has not acknowledged yet.
    fn unacknowledged<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyBytes>>> {
        let receipts = self.own()?;
        let found = detached(py, || receipts.unacknowledged()).map_err(failed)?;
        Ok(found.iter().map(|receipt| PyBytes::new(py, receipt)).collect())
    }

    /// Stores the vendor's acknowledgement.
    ///
    /// Raises:
    ///     RejectedError: If it is for another instance or not signed by the vendor, and if it names a receipt that
    ///         this log does not have: the log was set back, and writes nothing from then on.
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

/// Adds up the receipts of any number of instances, in any order; duplicates count once.
///
/// Args:
///     receipts: The receipts' bytes.
///     instances: The expected instances, 32 bytes each; by default any.
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
        let sum = usage.sum();
        row.set_item("issuer", &cell.issuer)?;
        row.set_item("lineage", cell.lineage.to_string())?;
        row.set_item("meter", &cell.meter)?;
        row.set_item("start", cell.window.start.as_seconds())?;
        row.set_item("end", cell.window.end.map(Timestamp::as_seconds))?;
        row.set_item("count", sum.counted)?;
        row.set_item("refunded", sum.refunded)?;
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

/// Signs the vendor's acknowledgement of an instance's newest receipt, for Receipts.acknowledge. Keep it: it shows if
/// the instance is set back later.
///
/// Raises:
///     RejectedError: For bytes that are no receipt.
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
    let now = moment(now)?.time;
    let signed = licentia_issuer::acknowledge(&key.get().0, &receipt.instance(), receipt.link(), now)
        .map_err(issuing)?;
    Ok(PyBytes::new(py, &signed))
}

/// A receipt's entries as CloudEvents 1.0, each a dict. Duplicates have the same ``id``.
///
/// Raises:
///     RejectedError: For bytes that are no receipt.
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
