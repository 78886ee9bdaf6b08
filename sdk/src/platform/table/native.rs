//! The standard library's hash table.

pub(crate) use std::collections::HashMap as Table;
