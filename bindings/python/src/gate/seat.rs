//! Seats: how many may use a licence at the same time.

use std::{
    process,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use licentia::{Now, Timestamp, store::Store};
use pyo3::{prelude::*, types::PyDict};

use crate::{
    background::fork::{DropDetached, detached},
    convert::{aware, moment},
    error::error,
    gate::{
        decided::{Call, Decided},
        decision::Decision,
        request::{Request, prepared},
    },
};

/// The arguments of a check-out, which a heartbeat repeats.
#[derive(Clone)]
pub(crate) struct Claim {
    pub(crate) token: String,
    pub(crate) holder: String,
    pub(crate) ttl: u64,
}

/// A decision on a seat. It is true if there is a seat, which is held until its time is over or it is released. The end
/// of a ``with`` statement releases it.
#[pyclass(module = "licentia", frozen)]
pub(crate) struct Seat {
    claim: Claim,
    decided: Arc<Decided>,
    store: DropDetached<Arc<dyn Store>>,
    /// When its time is over, in seconds since 1970; 0 if there is none.
    until: AtomicU64,
    /// The process that took it. A child process does not release its parent's seat.
    process: u32,
}

impl Seat {
    /// Takes a seat.
    pub(crate) fn take(py: Python<'_>, call: Call, claim: Claim, store: Arc<dyn Store>, now: Now) -> Self {
        let (decided, until) = detached(py, || call.check_out(&claim.token, &claim.holder, claim.ttl, now));
        let until = AtomicU64::new(until.map_or(0, Timestamp::as_seconds));
        Self { claim, decided: Arc::new(decided), store: store.into(), until, process: process::id() }
    }
}

#[pymethods]
impl Seat {
    /// The decision.
    #[getter]
    fn decision(&self) -> Decision {
        Decision(Arc::clone(&self.decided))
    }

    fn __bool__(&self) -> bool {
        self.decision().get().is_allowed()
    }

    /// The holder.
    #[getter]
    fn holder(&self) -> &str {
        &self.claim.holder
    }

    /// When its time is over; None if there is no seat.
    #[getter]
    fn until<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let until = self.until.load(Ordering::Acquire);
        (until > 0).then(|| aware(py, until.into())).transpose()
    }

    /// Holds the seat for its whole time from now, if the licence still grants it: the gate decides anew, and charges
    /// the meters of the request.
    #[pyo3(signature = (request=None, *, now=None, **needs))]
    fn heartbeat(
        &self,
        py: Python<'_>,
        request: Option<&Bound<'_, Request>>,
        now: Option<&Bound<'_, PyAny>>,
        needs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Decision> {
        let gate = Arc::clone(&self.decided.borrow_owner().gate);
        let (call, now) = (Call { gate, request: prepared(py, request, needs)? }, moment(now)?);
        let Claim { token, holder, ttl } = &self.claim;
        let (decided, until) = detached(py, || call.check_out(token, holder, *ttl, now));
        if let Some(until) = until {
            self.until.store(until.as_seconds(), Ordering::Release);
        }
        Ok(Decision(Arc::new(decided)))
    }

    /// Releases the seat. Does nothing if there is none, or no longer.
    ///
    /// Raises:
    ///     StoreError: The seat is then free when its time is over.
    fn release(&self, py: Python<'_>) -> PyResult<()> {
        if self.process != process::id() {
            return Ok(());
        }
        let account = self.decided.borrow_dependent().license().map(|license| license.account());
        let Some(account) = account.filter(|_| self.until.swap(0, Ordering::AcqRel) > 0) else {
            return Ok(());
        };
        let store = self.store.get()?;
        let released = detached(py, || store.release_seat(&account, &self.claim.holder));
        released.map_err(|failed| error(licentia::Code::StoreUnreachable, Some(&failed.to_string())))
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, pyo3::types::PyTuple>) -> PyResult<()> {
        self.release(py)
    }

    fn __repr__(&self) -> String {
        let word = if self.until.load(Ordering::Acquire) > 0 { "held" } else { "not held" };
        format!("<Seat of {:?}, {word}>", self.claim.holder)
    }
}
