//! Questions to the store, and the holders of units that are looked after beside the requests.

use std::sync::Arc;

use crate::store::{Answer, Op, Unreachable};

/// Something that the store is asked, and what to do with the answer.
pub(crate) trait Ask: Send {
    /// The question.
    fn op(&self) -> Op<'_>;

    /// Takes the answer. `number` counts the answers of the driver. A holder of units that it returns is looked after
    /// from then on.
    fn done(self: Box<Self>, answer: Result<Answer, Unreachable>, number: u64) -> Option<Arc<dyn Holder>>;
}

/// Something that holds units of the store.
pub(crate) trait Holder: Send + Sync {
    /// Fetches more before they are used up, or gives back what nobody uses, if that is due. The time is of the
    /// system's monotonic clock, in nanoseconds.
    fn look_after(self: Arc<Self>, now_nanos: u64) -> Care;
}

/// What a holder of units needs.
pub(crate) enum Care {
    /// The store must be asked.
    Ask(Box<dyn Ask>),
    /// Nothing now.
    Later,
    /// Nothing any more: it holds no units.
    Done,
}
