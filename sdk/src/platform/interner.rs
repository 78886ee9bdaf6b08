//! Interns values that are the same for many licences, such as the terms of a tier's quota. A vendor has few of those,
//! so a linear search is enough; beyond that, some are stored more than once.

use std::sync::Arc;

/// Most interned values, so that the search stays short.
const MOST: usize = 128;

/// The values interned last.
#[derive(Debug)]
pub(crate) struct Interner<T> {
    known: Vec<Arc<T>>,
    /// The position that is replaced next.
    oldest: usize,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Self { known: Vec::new(), oldest: 0 }
    }
}

impl<T: Eq> Interner<T> {
    /// The interned copy of `new`.
    pub(crate) fn intern(&mut self, new: T) -> Arc<T> {
        if let Some(known) = self.known.iter().find(|known| ***known == new) {
            return Arc::clone(known);
        }
        let new = Arc::new(new);
        if self.known.len() < MOST {
            self.known.push(Arc::clone(&new));
        } else if let Some(oldest) = self.known.get_mut(self.oldest) {
            *oldest = Arc::clone(&new);
            self.oldest = self.oldest.saturating_add(1) % MOST;
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_are_one_and_no_more_are_known_than_may_be() {
        let mut interner = Interner::default();
        let first = interner.intern(0);
        assert!(Arc::ptr_eq(&first, &interner.intern(0)));
        for number in 1..=MOST {
            interner.intern(number);
        }
        assert_eq!((interner.known.len(), Arc::strong_count(&first)), (MOST, 1), "the oldest went");
        assert!(!Arc::ptr_eq(&first, &interner.intern(0)));
        let last = interner.intern(MOST);
        assert!(Arc::ptr_eq(&last, &interner.intern(MOST)));
    }
}
