//! Questions to a store that the host asks.

use std::fmt;

use licentia_core::{Explanation, Timestamp};

use crate::{
    license::Found,
    metering::Ask,
    platform::Now,
    store::{Answer, Op, SeatAsk, Unreachable},
};

use super::{
    gate::Gate,
    request::{Request, SeatRequest},
};

/// What a gate wants of a [`Hosted`](crate::store::Hosted) store. It must be answered: other requests may wait for the
/// same answer.
#[must_use = "requests wait for the answer"]
pub struct Question(Box<dyn Ask>);

impl Question {
    /// The operation that the host asks its store for.
    pub fn op(&self) -> Op<'_> {
        self.0.op()
    }
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Question").field(&self.op()).finish()
    }
}

impl Gate {
    /// The questions that came up since this was called last: of requests that wait as futures ([`Gate::check_async`]),
    /// and, about every 50 milliseconds by the monotonic clock of `now`, of meters that fetch units ahead or give them
    /// back. Poll the futures again after their answers.
    pub fn take_questions(&self, now: impl Into<Now>) -> Vec<Question> {
        self.driver.take_questions(now.into().monotonic_nanos).into_iter().map(Question).collect()
    }

    /// Brings the answers to questions.
    pub fn bring_answers(&self, answers: impl IntoIterator<Item = (Question, Result<Answer, Unreachable>)>) {
        self.driver.bring(answers.into_iter().map(|(question, answer)| (question.0, answer)).collect());
    }

    /// What the host must ask its store before a seat is checked out, and [`Hosted::bring_seat`] tells. `work` is called
    /// unless the seat would be refused whatever the store says.
    ///
    /// [`Hosted::bring_seat`]: crate::store::Hosted::bring_seat
    pub fn ask_seat<T>(
        &self,
        token: &str,
        (holder, ttl): (&str, u64),
        request: &Request<'_>,
        now: impl Into<Now>,
        work: impl FnOnce(&SeatAsk<'_>) -> T,
    ) -> Option<T> {
        let now = now.into();
        if !(SeatRequest { holder, ttl }).is_valid() {
            return None;
        }
        let time = self.would_admit(token, request, now)?;
        let found = self.licences.find(token, now, &mut Explanation::default()).ok()?;
        let license = Found::get(&found)?.license();
        let (account, limit) = (license.account(), license.seats()?);
        Some(work(&SeatAsk { account, holder, ttl, limit, now: Timestamp::as_seconds(time) }))
    }
}
