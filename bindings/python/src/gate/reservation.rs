//! Reservations, for work whose cost is known when it is done.

use std::{
    process,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use licentia::Reservation as SdkReservation;
use pyo3::{prelude::*, types::PyDict};

use crate::{
    background::fork::{DropDetached, detached},
    error::{invalid, refused},
    gate::request::costs,
    gate::{decided::Decided, decision::Decision},
};

/// A decision on work whose cost is known when it is done, and the units that are reserved for it. It is true if the
/// work may proceed. The end of a ``with`` statement returns what was not committed.
#[pyclass(module = "licentia", frozen)]
pub(crate) struct Reservation {
    decided: Arc<Decided>,
    held: Mutex<Held>,
    /// The process that reserved. A child process has nothing to commit or to return.
    process: u32,
}

enum Held {
    Units(SdkReservation),
    /// Nothing was reserved: the request was denied, even if an advisory gate allowed it.
    Nothing,
    Ended,
}

impl Reservation {
    pub(crate) fn new(decided: Arc<Decided>, reservation: Option<SdkReservation>) -> Self {
        let held = reservation.map_or(Held::Nothing, Held::Units);
        Self { decided, held: Mutex::new(held), process: process::id() }
    }

    fn place(&self) -> MutexGuard<'_, Held> {
        let mut place = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if self.process != process::id() {
            // It belongs to the parent, which still uses it.
            std::mem::forget(std::mem::replace(&mut *place, Held::Ended));
        }
        place
    }

    fn end(&self) -> Held {
        std::mem::replace(&mut *self.place(), Held::Ended)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Held::Units(reservation) = self.end() {
            drop(DropDetached::from(reservation));
        }
    }
}

#[pymethods]
impl Reservation {
    /// The decision.
    #[getter]
    fn decision(&self) -> Decision {
        Decision(Arc::clone(&self.decided))
    }

    fn __bool__(&self) -> bool {
        self.decision().get().is_allowed()
    }

    /// How many units of a meter are reserved; None if there are none, or no longer.
    fn reserved(&self, meter: &str) -> Option<u64> {
        match &*self.place() {
            Held::Units(reservation) => reservation.reserved(meter),
            _ => None,
        }
    }

    /// Charges the actual cost of the work, and returns the rest.
    ///
    /// Args:
    ///     actual: A dict of costs by meter. Other meters cost what was reserved.
    ///
    /// Raises:
    ///     InvalidArgumentError: For a meter that is not reserved, or for more than was reserved; then all that was
    ///         reserved is charged. Also if the reservation has ended, or was denied.
    ///     StoreError: If a job's charge cannot be lowered. Committing the same job again is safe.
    #[pyo3(signature = (actual=None))]
    fn commit(&self, py: Python<'_>, actual: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let actual = actual.map(costs).transpose()?.unwrap_or_default();
        let reservation = match self.end() {
            Held::Units(reservation) => reservation,
            Held::Nothing if self.__bool__() => return Ok(()),
            Held::Nothing => return Err(invalid("nothing is reserved, for it was denied")),
            Held::Ended => {
                let detail =
                    "the reservation was committed or cancelled before, or is the parent's of this process";
                return Err(invalid(detail));
            }
        };
        detached(py, || {
            let actual: Vec<_> = actual.iter().map(|(meter, cost)| (meter.as_str(), *cost)).collect();
            reservation.commit(&actual)
        })
        .map_err(refused)
    }

    /// Returns all that is reserved. Does nothing after a commit or a cancel.
    fn cancel(&self, py: Python<'_>) {
        let held = self.end();
        detached(py, || drop(held));
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
