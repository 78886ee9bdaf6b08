//! What a counter answers.

/// What a counter answers. Times are in milliseconds from now.
#[derive(Clone, Copy)]
pub(crate) struct Outcome {
    pub(crate) granted: bool,
    pub(crate) remaining: u64,
    pub(crate) reset_ms: Option<u64>,
    pub(crate) retry_after_ms: Option<u64>,
    /// Whether the quota's own limit is used up, and the contract allows overage.
    pub(crate) overage: bool,
    /// Whether the store was asked for this charge, and answered.
    pub(crate) reached: bool,
}
