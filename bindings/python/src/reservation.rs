//! Units that are reserved for work whose cost is known when it is done.

use std::{
    process,
    sync::{Mutex, MutexGuard, PoisonError},
};

use licentia::Reservation as SdkReservation;
use pyo3::{prelude::*, types::PyDict};

use crate::{
    error::{invalid, refused},
    fork::{Slow, detached},
    request::costs,
};

/// Units that are reserved. In a ``with`` statement, what was not committed is taken back at its end.
#[pyclass(module = "licentia", frozen)]
pub(crate) struct Reservation {
    held: Mutex<Option<SdkReservation>>,
    /// The process that reserved. In a child after a fork there is nothing to commit or to take back.
    process: u32,
}

impl From<SdkReservation> for Reservation {
    fn from(reservation: SdkReservation) -> Self {
        Self { held: Mutex::new(Some(reservation)), process: process::id() }
    }
}

impl Reservation {
    fn place(&self) -> MutexGuard<'_, Option<SdkReservation>> {
        let mut place = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if self.process != process::id() {
            // It is the parent's, which is still at work.
            std::mem::forget(place.take());
        }
        place
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let reservation = self.place().take();
        drop(Slow::from(reservation));
    }
}

#[pymethods]
impl Reservation {
    /// What is reserved of a meter; None where nothing is, or any more.
    fn reserved(&self, meter: &str) -> Option<u64> {
        self.place().as_ref()?.reserved(meter)
    }

    /// Charges what the work did cost, and takes the rest back.
    ///
    /// Args:
    ///     actual: A dict of costs by meter; meters that are not named cost what was reserved.
    ///
    /// Raises:
    ///     InvalidArgumentError: For a meter that is not reserved, or more than was; then everything that was
    ///         reserved is charged. Also for a reservation that has ended.
    ///     StoreError: Where a job's charge cannot be lowered; committing the same job again is safe.
    #[pyo3(signature = (actual=None))]
    fn commit(&self, py: Python<'_>, actual: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let actual = actual.map(costs).transpose()?.unwrap_or_default();
        let reservation = self.place().take();
        let reservation = reservation.ok_or_else(|| {
            invalid("the reservation was committed or cancelled before, or is the parent's of this process")
        })?;
        detached(py, || {
            let actual: Vec<_> = actual.iter().map(|(meter, cost)| (meter.as_str(), *cost)).collect();
            reservation.commit(&actual)
        })
        .map_err(refused)
    }

    /// Takes everything back. Nothing happens where that was done before, or all was committed.
    fn cancel(&self, py: Python<'_>) {
        let reservation = self.place().take();
        detached(py, || drop(reservation));
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_exception, **_named))]
    fn __exit__(
        &self,
        py: Python<'_>,
        _exception: &Bound<'_, pyo3::types::PyTuple>,
        _named: Option<&Bound<'_, PyDict>>,
    ) {
        self.cancel(py);
    }
}
