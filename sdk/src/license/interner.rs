//! One copy of what is the same for many licences, such as what a tier says of a quota. A vendor has few of those, so
//! that they are looked through; where there are more than that, some are kept more than once.

use std::sync::Arc;

/// Most copies that are known, so that looking through them takes no time.
const MOST: usize = 128;

/// The copies that were made last.
#[derive(Debug)]
pub(crate) struct Copies<T> {
    known: Vec<Arc<T>>,
    /// The one that goes when another comes.
    oldest: usize,
}

impl<T> Default for Copies<T> {
    fn default() -> Self {
        Self { known: Vec::new(), oldest: 0 }
    }
}

impl<T: Eq> Copies<T> {
    /// A copy of something, which is the one that is known.
    pub(crate) fn of(&mut self, new: T) -> Arc<T> {
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
        let mut copies = Copies::default();
        let first = copies.of(0);
        assert!(Arc::ptr_eq(&first, &copies.of(0)));
        for number in 1..=MOST {
            copies.of(number);
        }
        assert_eq!((copies.known.len(), Arc::strong_count(&first)), (MOST, 1), "the oldest went");
        assert!(!Arc::ptr_eq(&first, &copies.of(0)));
        let last = copies.of(MOST);
        assert!(Arc::ptr_eq(&last, &copies.of(MOST)));
    }
}
