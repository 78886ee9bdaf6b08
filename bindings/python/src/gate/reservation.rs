//! Units that are reserved for work whose cost is known when it is done.

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

/// What a gate says to work whose cost is known late, and the units that are reserved for it. It is true where the
/// work may go on. In a ``with`` statement, what was not committed is taken back at its end.
#[pyclass(module = "licentia", frozen)]
pub(crate) struct Reservation {
    decided: Arc<Decided>,
    held: Mutex<Held>,
    /// The process that reserved. In a child after a fork there is nothing to commit or to take back.
    process: u32,
}

enum Held {
    Units(SdkReservation),
    /// Nothing was reserved: it was denied, also where an advisory gate let it go on.
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
            // It is the parent's, which is still at work.
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

    /// What is reserved of a meter; None where nothing is, or any more.
    fn reserved(&self, meter: &str) -> Option<u64> {
        match &*self.place() {
            Held::Units(reservation) => reservation.reserved(meter),
            _ => None,
        }
    }

    /// Charges what the work did cost, and takes the rest back.
    ///
    /// Args:
    ///     actual: A dict of costs by meter; meters that are not named cost what was reserved.
    ///
    /// Raises:
    ///     InvalidArgumentError: For a meter that is not reserved, or more than was; then everything that was
    ///         reserved is charged. Also for a reservation that has ended, or never began.
    ///     StoreError: Where a job's charge cannot be lowered; committing the same job again is safe.
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

    /// Takes everything back. Nothing happens where that was done before, or all was committed.
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
