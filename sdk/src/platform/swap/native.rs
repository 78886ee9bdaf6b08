//! `arc_swap`, as it is.

pub(crate) use arc_swap::{ArcSwap, ArcSwapOption, Guard};
