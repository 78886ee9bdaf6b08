//! What is found by a key that others may choose.

pub(crate) use std::collections::HashMap as Table;
