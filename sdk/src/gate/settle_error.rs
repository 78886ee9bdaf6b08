//! Why a gate was not settled.

use std::{error, fmt};

use licentia_core::Code;

use crate::store::Unreachable;

/// The store did not take everything back that was taken ahead and not used.
#[derive(Debug)]
#[non_exhaustive]
pub struct SettleError {
    /// How many meters could not be settled.
    pub failed: usize,
    /// Of how many.
    pub meters: usize,
    /// What the store said first.
    pub error: Unreachable,
}

impl SettleError {
    /// The failures of so many meters, or success if there are none.
    pub(super) fn of(
        mut failures: impl Iterator<Item = Unreachable>,
        meters: usize,
    ) -> Result<(), SettleError> {
        match failures.next() {
            None => Ok(()),
            Some(error) => Err(Self { failed: failures.count().saturating_add(1), meters, error }),
        }
    }

    /// [`Code::StoreUnreachable`].
    pub fn code(&self) -> Code {
        Code::StoreUnreachable
    }
}

impl fmt::Display for SettleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { failed, meters, error } = self;
        write!(f, "{failed} of {meters} meters gave nothing back: {error}; settle again when it answers")
    }
}

impl error::Error for SettleError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&self.error)
    }
}

impl From<SettleError> for Code {
    fn from(error: SettleError) -> Self {
        error.code()
    }
}
