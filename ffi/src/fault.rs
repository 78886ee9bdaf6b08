//! Deliberate faults that the tests must find. No package has them.

use std::cell::UnsafeCell;

use crate::{border::enter, status::Status};

struct Count(UnsafeCell<u64>);

// SAFETY: it is none, and that is the purpose.
unsafe impl Sync for Count {}

static COUNT: Count = Count(UnsafeCell::new(0));

/// Panics. The border makes a status of it, also in the library that is installed.
///
/// # Panics
/// Inside of the border.
#[unsafe(no_mangle)]
pub extern "C" fn licentia_fault_panic() -> Status {
    #[allow(clippy::panic, reason = "on purpose")]
    enter(|| panic!("on purpose"))
}

/// Counts without an order: called by two threads, it is a data race.
#[unsafe(no_mangle)]
pub extern "C" fn licentia_fault_race() {
    // SAFETY: it is not, and that is the purpose.
    unsafe { *COUNT.0.get() += 1 }
}
