//! Takers: who took from a count last, so that an unknown answer can be resolved.
//!
//! A taker is one process (or one gate of it) under a name that nobody else uses, such as 16 random bytes. It
//! numbers its operations on a count from 1, ascending. The count keeps the last operation of each taker until it
//! ends with its period; that of a lifetime ends [`LIFETIME_KEPT`] after its last use.
//!
//! The same operation never takes effect twice, and one that arrives after a later one does nothing. When an answer
//! is lost, the taker sets the units in doubt aside and sends nothing else to this count until [`resolve`] has said
//! what became of the operation. A copy of it that is still under way then finds that its turn is over.

use super::quota::{Count, Taken};

/// How long the takers and jobs of a lifetime's count are kept after their last use, in seconds: 31 days.
pub const LIFETIME_KEPT: u64 = 31 * 86_400;

/// The last operation of a taker on a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Last {
    /// Its number.
    pub sequence: u64,
    /// Units that it took; 0 if it gave some back, or was resolved before it arrived.
    pub units: u64,
}

/// What an operation found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It is new.
    New,
    /// It was done before, and had taken this many units. Nothing changes.
    Again(u64),
    /// A later one of the same taker was done, or this one was resolved. Nothing changes, and nothing is taken.
    Late,
}

/// Whose turn it is.
fn turn(last: Option<Last>, sequence: u64) -> Turn {
    match last {
        Some(last) if last.sequence == sequence => Turn::Again(last.units),
        Some(last) if last.sequence > sequence => Turn::Late,
        _ => Turn::New,
    }
}

/// Takes units as [`Count::take`] does, once for each `sequence`. A refusal is not remembered: it took nothing.
///
/// Returns the states to keep, what was taken, and what the operation found. The units of a late operation are 0.
#[must_use]
pub fn take(
    count: Count,
    last: Option<Last>,
    sequence: u64,
    (need, want, limit): (u64, u64, u64),
) -> (Count, Option<Last>, Taken, Turn) {
    let turn = turn(last, sequence);
    let (after, taken) = match turn {
        Turn::New => count.take(need, want, limit),
        Turn::Again(units) => (count, Taken { units, total: count.taken }),
        Turn::Late => (count, Taken { units: 0, total: count.taken }),
    };
    let last =
        if turn == Turn::New && taken.units > 0 { Some(Last { sequence, units: taken.units }) } else { last };
    (after, last, taken, turn)
}

/// Gives units back as [`Count::give_back`] does, once for each `sequence`.
#[must_use]
pub fn give_back(count: Count, last: Option<Last>, sequence: u64, units: u64) -> (Count, Option<Last>, Turn) {
    let turn = turn(last, sequence);
    match turn {
        Turn::New => (count.give_back(units), Some(Last { sequence, units: 0 }), turn),
        Turn::Again(_) | Turn::Late => (count, last, turn),
    }
}

/// Says what became of an operation whose answer was lost, and closes its turn: if it was not done, it never will
/// be. Returns the state to keep, and whether it was done and with how many units.
#[must_use]
pub fn resolve(last: Option<Last>, sequence: u64) -> (Option<Last>, Turn) {
    match turn(last, sequence) {
        Turn::New => (Some(Last { sequence, units: 0 }), Turn::New),
        found => (last, found),
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    const LIMIT: u64 = 9;

    #[test]
    fn the_same_take_is_done_once() {
        let count = Count::default();
        let (once, last, taken, turn) = take(count, None, 1, (2, 4, LIMIT));
        assert_eq!((once.taken, taken.units, turn), (4, 4, Turn::New));
        assert_eq!(take(once, last, 1, (2, 4, LIMIT)), (once, last, taken, Turn::Again(4)));
        let (back, last, _) = give_back(once, last, 2, 3);
        assert_eq!(give_back(back, last, 2, 3), (back, last, Turn::Again(0)));
        assert_eq!(back.taken, 1);
        let (_, after, late, turn) = take(back, last, 1, (2, 4, LIMIT));
        assert_eq!((after, late.units, turn), (last, 0, Turn::Late));
        assert_eq!(give_back(back, last, 1, 1), (back, last, Turn::Late));
    }

    #[test]
    fn a_turn_that_was_resolved_is_closed() {
        let (last, turn) = resolve(None, 1);
        assert_eq!(turn, Turn::New, "it was not done");
        let (count, _, taken, turn) = take(Count::default(), last, 1, (1, 1, LIMIT));
        assert_eq!((count, taken.units, turn), (Count::default(), 0, Turn::Again(0)), "and never will be");
        let (count, last, ..) = take(Count::default(), last, 2, (1, 3, LIMIT));
        assert_eq!(resolve(last, 2), (last, Turn::Again(3)));
        let (back, last, _) = give_back(count, last, 3, 3);
        assert_eq!(resolve(last, 3), (last, Turn::Again(0)));
        assert_eq!(back.taken, 0);
    }

    #[test]
    fn a_refusal_is_not_remembered() {
        let full = Count { taken: LIMIT, refunded: 0 };
        assert_eq!(take(full, None, 1, (1, 1, LIMIT)).1, None);
    }

    /// A message that a taker has sent: take, give back, resolve.
    #[derive(Clone, Copy)]
    enum Message {
        Take(u64),
        GiveBack(u64),
        Resolve,
    }

    /// One taker and a net that loses answers, and delivers again what it has delivered or lost before. What the taker
    /// knows that it holds is what the count says, after each answer; so nothing is granted twice and nothing is lost.
    #[test]
    fn over_a_net_that_loses_repeats_and_delays_nothing_is_granted_twice_or_lost() {
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..300 {
            let (mut count, mut last) = (Count { taken: 2, refunded: 0 }, None); // 2 are another's
            let mut sent: Vec<(u64, Message)> = Vec::new();
            let (mut holds, mut sequence) = (0_u64, 0);
            for _ in 0..60 {
                let mut deliver = |sequence, message| match message {
                    Message::Take(want) => {
                        let (after, now, taken, turn) = take(count, last, sequence, (1, want, LIMIT));
                        (count, last) = (after, now);
                        (turn, taken.units)
                    }
                    Message::GiveBack(units) => {
                        let (after, now, turn) = give_back(count, last, sequence, units);
                        (count, last) = (after, now);
                        (turn, 0)
                    }
                    Message::Resolve => {
                        let (now, turn) = resolve(last, sequence);
                        last = now;
                        (turn, 0)
                    }
                };
                sequence += 1;
                let message = if holds > 0 && random.u64(..2) == 0 {
                    Message::GiveBack(1 + random.u64(..holds))
                } else {
                    Message::Take(1 + random.u64(..4))
                };
                sent.push((sequence, message));
                let arrives = random.u64(..3) > 0;
                let mut answer = arrives.then(|| deliver(sequence, message));
                if random.u64(..3) == 0 {
                    answer = None; // lost
                }
                for _ in 0..random.u64(..3) {
                    let (sequence, message) = sent[random.usize(..sent.len())];
                    deliver(sequence, message); // an old copy
                }
                // What is in doubt is asked for until there is an answer.
                let (turn, units) = answer.unwrap_or_else(|| deliver(sequence, Message::Resolve));
                match (message, turn, answer) {
                    (Message::Take(_), Turn::New, Some(_)) => holds += units,
                    (Message::Take(_), Turn::Again(units), None) => holds += units,
                    (Message::GiveBack(units), Turn::New, Some(_))
                    | (Message::GiveBack(units), Turn::Again(_), None) => {
                        holds -= units;
                    }
                    (_, Turn::New, None) => {} // it was not done
                    (_, turn, _) => panic!("{turn:?}"),
                }
                assert_eq!(count.taken, 2 + holds, "at {sequence}");
                assert!(count.taken <= LIMIT);
            }
        }
    }
}
