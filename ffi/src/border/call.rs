//! Panics and refusals: how a function's body becomes a status.

use std::panic::{AssertUnwindSafe, catch_unwind};

use licentia::Code;

use crate::status::{LICENTIA_ABSENT, LICENTIA_INTERNAL, LICENTIA_OK, Status};

/// Why a function did nothing: a status other than `LICENTIA_OK`.
pub(crate) struct Refusal(Status);

impl Refusal {
    /// The value does not exist.
    pub(crate) const ABSENT: Self = Self(LICENTIA_ABSENT);
    /// No memory is left, or the library has failed.
    pub(crate) const INTERNAL: Self = Self(LICENTIA_INTERNAL);
    /// An argument is wrong.
    pub(crate) const ARGUMENT: Self = Self(Code::InvalidArgument as Status);
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Self(code as Status)
    }
}

/// The result of a function's body.
pub(crate) type Outcome = Result<(), Refusal>;

/// Runs the body of a function, and stops a panic.
pub(crate) fn enter(body: impl FnOnce() -> Outcome) -> Status {
    // A panic drops the values of this call. Values that threads share belong to the sdk, which keeps them consistent.
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => LICENTIA_OK,
        Ok(Err(Refusal(status))) => status,
        Err(payload) => {
            // Dropping the payload could panic again.
            std::mem::forget(payload);
            LICENTIA_INTERNAL
        }
    }
}

/// Runs the body of a function that returns a plain value. Returns `otherwise` after a panic or a refusal.
pub(crate) fn value<T>(otherwise: T, body: impl FnOnce() -> Result<T, Refusal>) -> T {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(value)) => value,
        Ok(Err(_)) => otherwise,
        Err(payload) => {
            std::mem::forget(payload);
            otherwise
        }
    }
}
