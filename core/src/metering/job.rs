//! Jobs: a named piece of work is charged once, over all its meters, however often it is tried.
//!
//! Each count keeps an [`Entry`] for each job that it was charged for, until the count ends with its period. All
//! counts of one question are read, decided and written in one step, so that a job is charged on all its meters or
//! on none, and nobody sees one that is half charged.
//!
//! A job's entry counts the *tries* that were let through on it. The charge goes back when the last of them has
//! cancelled, and not before: so a try that was told "charged before" is never left with work that nobody paid for.
//! A process that dies does not cancel; what it was charged stays charged until the period ends.
//!
//! Cancelling is not repeated when its answer is unknown, for it would count twice. Asking, committing and refunding
//! are safe to repeat: a repeated ask can only leave a try too many, and so a charge too many.

use super::quota::Count;

/// What a count keeps of a job.
///
/// When all of a charge was refunded, the job is charged anew with its next try: that is another *attempt*.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Units of earlier attempts, which were charged and refunded. It also tells this attempt from those.
    pub attempt: u64,
    /// The cost that was asked for; whoever asks for another one makes a mistake.
    pub cost: u64,
    /// Units that are charged: the cost, or less when that was committed.
    pub charged: u64,
    /// Units of them that were refunded.
    pub refunded: u64,
    /// Tries that were let through and have not cancelled.
    pub tries: u64,
    /// How far it is.
    pub stage: Stage,
}

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Its cost is reserved, and may still become less.
    Held,
    /// Its cost is final.
    Final,
    /// Nothing is charged, after an earlier attempt was refunded as a whole: the next try is charged anew.
    Open,
}

/// One meter of a question: the states, the question, and what came of it. No two parts are of the same count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The count's state. Write it if it has changed.
    pub count: Count,
    /// The job's entry in this count. Write it, or delete it if it is `None`.
    pub entry: Option<Entry>,
    /// The units to charge; 0 only reads.
    pub cost: u64,
    /// The quota's hard limit.
    pub limit: u64,
    /// Whether [`charge`] has charged this part: its units were taken by this call, or those that another try had
    /// reserved became final by it. Report them to sinks and receipts then, and only then.
    pub fresh: bool,
}

/// What became of a charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// This call has charged at least one part: see [`Part::fresh`].
    Charged,
    /// All parts were charged before. This call is one more try of the job.
    Before,
    /// The part at this place has too few units left. Nothing has changed.
    Refused(usize),
    /// The part at this place was charged before with another cost ([`crate::Code::JobCostDiffers`]). Nothing has
    /// changed.
    CostDiffers(usize),
}

impl Part {
    /// A part with nothing asked yet: for [`Part::commit`], [`Part::cancel`] and [`Part::refund`].
    pub fn new(count: Count, entry: Option<Entry>) -> Self {
        Self { count, entry, cost: 0, limit: 0, fresh: false }
    }

    /// The entry, unless the job is to be charged anew.
    fn standing(&self) -> Option<Entry> {
        self.entry.filter(|entry| entry.stage != Stage::Open)
    }

    /// Whether the cost is another one than was asked for before.
    fn differs(&self) -> bool {
        self.cost > 0 && self.standing().is_some_and(|entry| entry.cost != self.cost)
    }

    /// Whether too few units are left for what was not charged before.
    fn lacks(&self) -> bool {
        self.standing().is_none() && self.count.left(self.limit) < self.cost
    }

    /// Charges a part that neither differs nor lacks units.
    fn charge(&mut self, stage: Stage) {
        self.fresh = false;
        if self.cost == 0 {
            return;
        }
        let entry = if let Some(entry) = self.standing() {
            self.fresh = entry.stage == Stage::Held && stage == Stage::Final;
            let stage = if self.fresh { Stage::Final } else { entry.stage };
            Entry { tries: entry.tries.saturating_add(1), stage, ..entry }
        } else {
            let (count, taken) = self.count.take(self.cost, self.cost, self.limit);
            (self.count, self.fresh) = (count, true);
            let attempt = self.entry.map_or(0, |open| open.attempt);
            Entry { attempt, cost: self.cost, charged: taken.units, refunded: 0, tries: 1, stage }
        };
        self.entry = Some(entry);
    }

    /// The standing entry of an attempt.
    fn of(&self, attempt: u64) -> Option<Entry> {
        self.standing().filter(|entry| entry.attempt == attempt)
    }

    /// Makes a reserved charge final and lowers it to `units`, at most what was reserved. `attempt` is that of the
    /// entry when [`charge`] returned it. Returns whether this call did: `false` if the charge was final before, or
    /// is none of this attempt.
    pub fn commit(&mut self, attempt: u64, units: u64) -> bool {
        let Some(entry) = self.of(attempt).filter(|entry| entry.stage == Stage::Held) else { return false };
        let charged = units.min(entry.charged);
        self.count = self.count.give_back(entry.charged.saturating_sub(charged));
        self.entry = Some(Entry { charged, stage: Stage::Final, ..entry });
        true
    }

    /// Ends one try of an attempt that was let through and is not done, and takes the charge back if it was the last
    /// one. Returns whether it was: then this attempt counts as never made.
    pub fn cancel(&mut self, attempt: u64) -> bool {
        let Some(entry) = self.of(attempt) else { return false };
        let tries = entry.tries.saturating_sub(1);
        if tries > 0 {
            self.entry = Some(Entry { tries, ..entry });
            return false;
        }
        self.count = self.count.give_back(entry.charged.saturating_sub(entry.refunded));
        self.open(entry.attempt.saturating_add(entry.refunded));
        true
    }

    /// Refunds a final charge until `units` of this attempt are refunded in all, so that repeating it changes
    /// nothing. Returns how many units this call has refunded.
    pub fn refund(&mut self, attempt: u64, units: u64) -> u64 {
        let Some(entry) = self.of(attempt).filter(|entry| entry.stage == Stage::Final) else { return 0 };
        let due = units.min(entry.charged).saturating_sub(entry.refunded);
        let (count, done) = self.count.refund(due);
        self.count = count;
        let refunded = entry.refunded.saturating_add(done);
        if done > 0 && refunded >= entry.charged {
            self.open(entry.attempt.saturating_add(refunded));
        } else {
            self.entry = Some(Entry { refunded, ..entry });
        }
        done
    }

    /// Leaves nothing charged. A job that never was refunded leaves no trace.
    fn open(&mut self, attempt: u64) {
        let open = Entry { attempt, cost: 0, charged: 0, refunded: 0, tries: 0, stage: Stage::Open };
        self.entry = (attempt > 0).then_some(open);
    }
}

/// Charges all parts of a job, or none; with `hold` their units are reserved, and final when they are committed.
pub fn charge(parts: &mut [Part], hold: bool) -> Outcome {
    if let Some(place) = parts.iter().position(Part::differs) {
        return Outcome::CostDiffers(place);
    }
    if let Some(place) = parts.iter().position(Part::lacks) {
        return Outcome::Refused(place);
    }
    let stage = if hold { Stage::Held } else { Stage::Final };
    for part in &mut *parts {
        part.charge(stage);
    }
    if parts.iter().any(|part| part.fresh) { Outcome::Charged } else { Outcome::Before }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    const LIMIT: u64 = 100;

    fn ask(state: (Count, Option<Entry>), cost: u64) -> Part {
        Part { count: state.0, entry: state.1, cost, limit: LIMIT, fresh: false }
    }

    fn taken(taken: u64) -> (Count, Option<Entry>) {
        (Count { taken, refunded: 0 }, None)
    }

    fn state(part: &Part) -> (Count, Option<Entry>) {
        (part.count, part.entry)
    }

    fn attempt(part: &Part) -> u64 {
        part.entry.unwrap().attempt
    }

    #[test]
    fn a_job_is_charged_once() {
        let mut parts = [ask(taken(0), 7)];
        assert_eq!(charge(&mut parts, false), Outcome::Charged);
        assert_eq!((parts[0].count.taken, parts[0].fresh), (7, true));
        assert_eq!(charge(&mut parts, false), Outcome::Before);
        assert_eq!((parts[0].count.taken, parts[0].fresh), (7, false));
    }

    #[test]
    fn the_same_job_with_another_cost_is_an_error_and_changes_nothing() {
        for (hold, again) in [(true, true), (true, false), (false, true), (false, false)] {
            let mut parts = [ask(taken(0), 1), ask(taken(0), 1)];
            charge(&mut parts, hold);
            for cost in [2, 1_000_000] {
                let mut other = [ask(state(&parts[0]), 1), ask(state(&parts[1]), cost)];
                let before = other;
                assert_eq!(charge(&mut other, again), Outcome::CostDiffers(1));
                assert_eq!(other, before);
            }
        }
        // What was committed does not matter, but what was asked for.
        let mut parts = [ask(taken(0), 9)];
        charge(&mut parts, true);
        assert!(parts[0].commit(0, 4));
        assert_eq!(charge(&mut [ask(state(&parts[0]), 4)], true), Outcome::CostDiffers(0));
        assert_eq!(charge(&mut [ask(state(&parts[0]), 9)], true), Outcome::Before);
    }

    #[test]
    fn all_its_meters_are_charged_or_none() {
        let mut parts = [ask(taken(0), 5), ask(taken(98), 3)];
        let before = parts;
        assert_eq!(charge(&mut parts, false), Outcome::Refused(1));
        assert_eq!(parts, before);
        parts[1].count.taken = 97;
        assert_eq!(charge(&mut parts, false), Outcome::Charged);
        assert_eq!((parts[0].count.taken, parts[1].count.taken), (5, 100));
    }

    #[test]
    fn a_meter_whose_period_is_new_is_charged_beside_one_that_was_charged_before() {
        let mut parts = [ask(taken(0), 5), ask(taken(0), 3)];
        charge(&mut parts, false);
        let mut next_day = [ask(taken(0), 5), ask(state(&parts[1]), 3)];
        assert_eq!(charge(&mut next_day, false), Outcome::Charged);
        assert_eq!(next_day.map(|part| (part.count.taken, part.fresh)), [(5, true), (3, false)]);
    }

    #[test]
    fn a_cost_of_zero_only_reads() {
        let mut parts = [ask(taken(LIMIT + 1), 0)];
        assert_eq!(charge(&mut parts, false), Outcome::Before);
        assert_eq!(parts[0].entry, None);
    }

    #[test]
    fn a_job_that_was_taken_back_is_not_charged_before() {
        let mut parts = [ask(taken(0), 5)];
        charge(&mut parts, false);
        assert!(parts[0].cancel(0));
        assert_eq!(state(&parts[0]), taken(0));
        assert_eq!(charge(&mut parts, false), Outcome::Charged);
    }

    #[test]
    fn a_try_that_was_let_through_is_never_left_with_unpaid_work() {
        for hold in [false, true] {
            let mut parts = [ask(taken(0), 5)];
            charge(&mut parts, hold); // the first
            assert_eq!(charge(&mut parts, hold), Outcome::Before); // the second
            assert!(!parts[0].cancel(0), "the first is denied by something else");
            assert_eq!(parts[0].count.taken, 5, "and the second works");
            assert!(parts[0].cancel(0));
            assert_eq!(state(&parts[0]), taken(0));
        }
    }

    #[test]
    fn the_first_that_commits_says_the_cost() {
        let mut parts = [ask(taken(0), 9)];
        charge(&mut parts, true);
        charge(&mut parts, true);
        assert!(parts[0].commit(0, 4));
        assert!(!parts[0].commit(0, 1), "it is final");
        assert!(!parts[0].cancel(0), "and stays");
        assert_eq!(parts[0].count.taken, 4);
        let mut more = [ask(taken(0), 9)];
        charge(&mut more, true);
        assert!(more[0].commit(0, 10), "at most what was reserved");
        assert_eq!(more[0].count.taken, 9);
    }

    #[test]
    fn a_reservation_that_another_try_charges_is_final_and_reported_by_that_one() {
        let mut parts = [ask(taken(0), 9)];
        charge(&mut parts, true);
        assert_eq!(charge(&mut parts, false), Outcome::Charged);
        assert!(parts[0].fresh);
        assert!(!parts[0].commit(0, 1));
        assert_eq!(parts[0].count.taken, 9);
    }

    #[test]
    fn refunds_are_absolute_and_grow() {
        let mut parts = [ask(taken(0), 9)];
        charge(&mut parts, false);
        let part = &mut parts[0];
        assert_eq!(
            (part.refund(0, 4), part.refund(0, 4), part.refund(0, 3), part.refund(0, 6)),
            (4, 0, 0, 2)
        );
        assert_eq!(part.count, Count { taken: 3, refunded: 6 });
        assert_eq!(charge(&mut parts, false), Outcome::Before, "a part was paid");
    }

    #[test]
    fn a_job_that_was_refunded_as_a_whole_is_charged_anew() {
        let mut parts = [ask(taken(0), 9)];
        charge(&mut parts, false);
        assert_eq!(parts[0].refund(0, u64::MAX), 9);
        assert_eq!(parts[0].count, Count { taken: 0, refunded: 9 });
        parts[0].cost = 8;
        assert_eq!(charge(&mut parts, false), Outcome::Charged, "for another cost too");
        let second = attempt(&parts[0]);
        assert_eq!(second, 9);
        // What belongs to the first attempt comes late, and means nothing.
        assert_eq!((parts[0].refund(0, 9), parts[0].commit(0, 0), parts[0].cancel(0)), (0, false, false));
        assert_eq!(parts[0].count, Count { taken: 8, refunded: 9 });
        assert!(parts[0].cancel(second));
        assert_eq!(parts[0].count, Count { taken: 0, refunded: 9 });
        assert_eq!(charge(&mut parts, true), Outcome::Charged);
        assert!(parts[0].commit(second, 0), "work that cost nothing");
        assert_eq!((charge(&mut parts, true), parts[0].refund(second, 5)), (Outcome::Before, 0));
    }

    #[test]
    fn a_reservation_is_not_refunded() {
        let mut parts = [ask(taken(0), 9)];
        charge(&mut parts, true);
        assert_eq!(parts[0].refund(0, 9), 0);
    }

    /// Random tries of one job over two meters of one count each. The model is the tries themselves: as long as one
    /// that was let through stands, its meters hold what it cost; when none does, they hold nothing.
    #[test]
    fn the_counts_hold_what_the_tries_that_stand_did_cost() {
        let mut random = fastrand::Rng::with_seed(7);
        let mut refusals = 0;
        for _ in 0..400 {
            let other = random.u64(..4) * 32;
            let mut states = [taken(other), taken(0)];
            let (mut tries, mut paid): (Vec<[u64; 2]>, Option<[u64; 2]>) = (Vec::new(), None);
            let mut refunded = [0_u64; 2];
            for _ in 0..30 {
                let mut parts = [ask(states[0], 5), ask(states[1], 3)];
                match random.u64(..6) {
                    0..=2 => match charge(&mut parts, random.u64(..2) == 0) {
                        Outcome::Charged | Outcome::Before => {
                            tries.push([attempt(&parts[0]), attempt(&parts[1])]);
                            paid = paid.or(Some([5, 3]));
                        }
                        Outcome::Refused(place) => {
                            assert_eq!((place, paid, other), (0, None, 96));
                            assert_eq!([state(&parts[0]), state(&parts[1])], states);
                            refusals += 1;
                        }
                        Outcome::CostDiffers(_) => panic!("one cost"),
                    },
                    3 if !tries.is_empty() => {
                        let ids = tries.swap_remove(random.usize(..tries.len()));
                        let went = [parts[0].cancel(ids[0]), parts[1].cancel(ids[1])];
                        assert_eq!(went, [tries.is_empty(); 2]);
                        paid = paid.filter(|_| !tries.is_empty());
                    }
                    4 if !tries.is_empty() => {
                        let actual = random.u64(..4);
                        for (place, part) in parts.iter_mut().enumerate() {
                            if part.commit(tries[0][place], actual) {
                                paid.as_mut().unwrap()[place] = [5, 3][place].min(actual);
                            }
                        }
                    }
                    5 if !tries.is_empty() => {
                        for (place, part) in parts.iter_mut().enumerate() {
                            refunded[place] += part.refund(tries[0][place], u64::MAX);
                        }
                        let all = parts.iter().all(|part| part.entry.unwrap().stage == Stage::Open);
                        if all {
                            (paid, tries) = (None, Vec::new());
                        } else if parts.iter().any(|part| part.entry.unwrap().stage == Stage::Open) {
                            break; // one was committed at nothing: the meters go their own ways
                        }
                    }
                    _ => {}
                }
                states = [state(&parts[0]), state(&parts[1])];
                let paid = paid.unwrap_or_default();
                assert_eq!(states.map(|(count, _)| count.taken), [other + paid[0], paid[1]]);
                assert_eq!(states.map(|(count, _)| count.refunded), refunded);
            }
        }
        assert!(refusals > 20);
    }
}
