//! Counting, in integers, without a heap.

pub(crate) mod rate;
