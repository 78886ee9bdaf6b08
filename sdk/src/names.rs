//! The names of rates and meters, of which a vendor has few and a gate very many licences: one copy of each.

use std::{collections::HashSet, sync::Arc};

#[derive(Default)]
pub(crate) struct Names(HashSet<Arc<str>>);

impl Names {
    /// The one copy of a name.
    pub(crate) fn share(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.0.get(name) {
            return Arc::clone(known);
        }
        let name: Arc<str> = name.into();
        self.0.insert(Arc::clone(&name));
        name
    }

    /// Forgets those that nobody uses.
    pub(crate) fn sweep(&mut self) {
        self.0.retain(|name| Arc::strong_count(name) > 1);
    }
}
