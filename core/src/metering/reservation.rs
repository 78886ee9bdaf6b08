//! A reservation of units that a process holds: work whose cost is known when it is done.
//!
//! With a job's name the store keeps the reservation instead: see [`super::job`].

/// Units that are reserved out of those that the process holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reserved {
    /// The most that the work may cost.
    pub units: u64,
}

impl Reserved {
    /// Units that go back to the process when the work did cost `actual`; `None` if that is more than was reserved:
    /// then all of it is charged.
    pub fn commit(self, actual: u64) -> Option<u64> {
        self.units.checked_sub(actual)
    }

    /// Units that go back when there was no work.
    pub fn cancel(self) -> u64 {
        self.units
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_used_goes_back_and_no_more_than_was_reserved_is_committed() {
        let reserved = Reserved { units: 10 };
        assert_eq!([0, 4, 10, 11].map(|actual| reserved.commit(actual)), [Some(10), Some(6), Some(0), None]);
        assert_eq!(reserved.cancel(), 10);
    }
}
