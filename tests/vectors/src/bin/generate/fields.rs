//! A map with integer keys, which tests alter field by field.

use crate::cbor::{self, Item};

/// The entries of a map. They are written in canonical order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(Vec<(Item, Item)>);

impl Fields {
    /// Sets the field with the integer key `key`.
    pub(crate) fn set(self, key: i64, value: Item) -> Self {
        self.set_raw(cbor::int(key), value)
    }

    /// Sets the field with any key.
    pub(crate) fn set_raw(mut self, key: Item, value: Item) -> Self {
        self.0.retain(|(other, _)| *other != key);
        self.0.push((key, value));
        self.0.sort();
        self
    }

    pub(crate) fn set_some(self, key: i64, value: Option<Item>) -> Self {
        match value {
            Some(value) => self.set(key, value),
            None => self,
        }
    }

    pub(crate) fn without(mut self, key: i64) -> Self {
        self.0.retain(|(other, _)| *other != cbor::int(key));
        self
    }

    /// The entries in canonical order.
    pub(crate) fn entries(&self) -> Vec<(Item, Item)> {
        self.0.clone()
    }

    pub(crate) fn encode(&self) -> Item {
        cbor::map(&self.0)
    }
}
