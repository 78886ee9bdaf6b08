//! One copy of what is the same for many licences, such as what a tier says of a quota.

use std::{collections::HashSet, hash::Hash, sync::Arc};

/// Every copy, once.
#[derive(Debug)]
pub(crate) struct Copies<T>(HashSet<Arc<T>>);

impl<T> Default for Copies<T> {
    fn default() -> Self {
        Self(HashSet::new())
    }
}

impl<T: Eq + Hash> Copies<T> {
    /// The one copy of something.
    pub(crate) fn of(&mut self, new: T) -> Arc<T> {
        if let Some(known) = self.0.get(&new) {
            return Arc::clone(known);
        }
        let new = Arc::new(new);
        self.0.insert(Arc::clone(&new));
        new
    }

    /// Lets go of those that nobody has.
    pub(crate) fn sweep(&mut self) {
        self.0.retain(|copy| Arc::strong_count(copy) > 1);
    }
}
