//! The algebra of counting gives to every vector the answer that is written there.

use std::collections::BTreeMap;

use licentia_core::{
    Rate,
    metering::{
        job::{self, Entry, Outcome, Part},
        quota::Count,
        rate::{Gcra, Tat},
        seat::{self, Others, Seat, SeatClock},
        shared_rate::Slice,
        taker::{self, Last, Turn},
    },
};
use licentia_tests::report;
use licentia_vectors::{
    Group, StoreStep,
    store::{By, Charged, JobPart, MeterCharged, PartDone, RateGiven, Seated, SliceLeft, Taken},
};

/// A store of the plainest kind: the states by name.
#[derive(Default)]
struct States<'t> {
    counts: BTreeMap<&'t str, Count>,
    takers: BTreeMap<(&'t str, &'t str), Last>,
    jobs: BTreeMap<(&'t str, &'t str), Entry>,
    rates: BTreeMap<&'t str, Tat>,
    slices: BTreeMap<&'t str, Slice>,
    clock: SeatClock,
    seats: BTreeMap<&'t str, Seat>,
}

fn turn(turn: Turn) -> (u64, &'static str) {
    match turn {
        Turn::New => (0, "new"),
        Turn::Again(units) => (units, "again"),
        Turn::Late => (0, "late"),
    }
}

fn gcra(count: u64, per_ms: u64, burst: u64) -> Gcra {
    Gcra::new(&Rate { name: "vector", count, per_ms, burst })
}

fn nanos(text: &str) -> u64 {
    text.parse().expect("nanoseconds")
}

impl<'t> States<'t> {
    fn count(&mut self, name: &'t str) -> &mut Count {
        self.counts.entry(name).or_default()
    }

    fn last(&mut self, count: &'t str, by: &'t By, change: impl FnOnce(Option<Last>) -> Option<Last>) {
        let key = (count, by.taker.as_str());
        let last = change(self.takers.get(&key).copied());
        self.takers.extend(last.map(|last| (key, last)));
    }

    /// Does something to each part of a job that is known.
    fn parts(
        &mut self,
        job: &'t str,
        parts: &'t [JobPart],
        mut work: impl FnMut(&mut Part, &JobPart) -> bool,
    ) -> Vec<PartDone> {
        let done = parts.iter().map(|asked| {
            let key = (job, asked.count.as_str());
            let mut part = Part::new(*self.count(key.1), self.jobs.get(&key).copied());
            let done = work(&mut part, asked);
            self.keep(key, &part);
            PartDone { done, total: part.count.taken, refunded: part.count.refunded }
        });
        done.collect()
    }

    fn keep(&mut self, key: (&'t str, &'t str), part: &Part) {
        *self.count(key.1) = part.count;
        match part.entry {
            Some(entry) => self.jobs.insert(key, entry),
            None => self.jobs.remove(&key),
        };
    }

    #[allow(clippy::too_many_lines, reason = "a table of operations")]
    fn run(&mut self, step: &'t StoreStep) {
        match step {
            StoreStep::Take { count, by: None, need, want, limit, expect } => {
                let (after, taken) = self.count(count).take(*need, *want, *limit);
                *self.count(count) = after;
                assert_eq!(Taken { units: taken.units, total: taken.total, turn: None }, *expect);
            }
            StoreStep::Take { count, by: Some(by), need, want, limit, expect } => {
                let state = *self.count(count);
                let mut said = None;
                self.last(count, by, |last| {
                    let (after, last, taken, turn) =
                        taker::take(state, last, by.sequence, (*need, *want, *limit));
                    said = Some((after, taken, turn));
                    last
                });
                let (after, taken, turned) = said.expect("it ran");
                *self.count(count) = after;
                let turn = Some(turn(turned).1.to_owned());
                assert_eq!(Taken { units: taken.units, total: taken.total, turn }, *expect);
            }
            StoreStep::GiveBack { count, by, units, expect } => {
                let state = *self.count(count);
                let mut said = (state.give_back(*units), None);
                if let Some(by) = by {
                    self.last(count, by, |last| {
                        let (after, last, turned) = taker::give_back(state, last, by.sequence, *units);
                        said = (after, Some(turn(turned).1.to_owned()));
                        last
                    });
                }
                let (after, turn) = said;
                *self.count(count) = after;
                let units = state.taken - after.taken;
                assert_eq!(Taken { units, total: after.taken, turn }, *expect);
            }
            StoreStep::Resolve { count, by, expect } => {
                let total = self.count(count).taken;
                let mut said = (0, "");
                self.last(count, by, |last| {
                    let (last, turned) = taker::resolve(last, by.sequence);
                    said = turn(turned);
                    last
                });
                assert_eq!(Taken { units: said.0, total, turn: Some(said.1.to_owned()) }, *expect);
            }
            StoreStep::Charge { job, hold, meters, expect } => {
                let mut parts: Vec<Part> = meters
                    .iter()
                    .map(|meter| {
                        let entry = self.jobs.get(&(job, &meter.count)).copied();
                        let count = *self.count(&meter.count);
                        Part { cost: meter.cost, limit: meter.limit, ..Part::new(count, entry) }
                    })
                    .collect();
                let (outcome, place) = match job::charge(&mut parts, *hold) {
                    Outcome::Charged => ("charged", None),
                    Outcome::Before => ("before", None),
                    Outcome::Refused(place) => ("refused", Some(place)),
                    Outcome::CostDiffers(place) => ("costDiffers", Some(place)),
                };
                let after = parts.iter().map(|part| MeterCharged {
                    total: part.count.taken,
                    fresh: part.fresh,
                    attempt: part.entry.map(|entry| entry.attempt),
                });
                let said = Charged { outcome: outcome.to_owned(), place, meters: after.collect() };
                for (meter, part) in meters.iter().zip(&parts) {
                    self.keep((job, &meter.count), part);
                }
                assert_eq!(said, *expect);
            }
            StoreStep::Commit { job, meters, expect } => {
                let said = self.parts(job, meters, |part, asked| part.commit(asked.attempt, asked.units));
                assert_eq!(said, *expect);
            }
            StoreStep::Cancel { job, meters, expect } => {
                let said = self.parts(job, meters, |part, asked| part.cancel(asked.attempt));
                assert_eq!(said, *expect);
            }
            StoreStep::Refund { job, meters, expect } => {
                let said = self.parts(job, meters, |part, asked| part.refund(asked.attempt, asked.units) > 0);
                assert_eq!(said, *expect);
            }
            StoreStep::Rate { rate, count, per_ms, burst, now, need, want, expect } => {
                let (gcra, state) = (gcra(*count, *per_ms, *burst), self.rates.entry(rate).or_default());
                if need == want {
                    let admission = gcra.admit(*state, nanos(now), *need);
                    assert_eq!(
                        (admission.granted, admission.remaining),
                        (*need == expect.units, expect.remaining)
                    );
                    assert_eq!(admission.tat.as_nanos().to_string(), expect.tat);
                }
                let (after, taken) = gcra.take(*state, nanos(now), *need, *want);
                *state = after;
                let said = RateGiven {
                    units: taken.units,
                    remaining: taken.remaining,
                    reset: taken.reset.to_string(),
                    retry_after: taken.retry_after.map(|nanos| nanos.to_string()),
                    tat: after.as_nanos().to_string(),
                };
                assert_eq!(said, *expect);
            }
            StoreStep::UndoRate { rate, count, per_ms, burst, now, cost, expect } => {
                let state = self.rates.entry(rate).or_default();
                *state = gcra(*count, *per_ms, *burst).undo(*state, nanos(now), *cost);
                assert_eq!(state.as_nanos().to_string(), *expect);
            }
            StoreStep::Slice { slice, now, given, cost, expect } => {
                let (state, now) = (self.slices.entry(slice).or_default(), nanos(now));
                let filled = state.fill(*given, *cost, now);
                *state = filled.unwrap_or(*state);
                assert_eq!(SliceLeft { spent: filled.is_some(), left: state.left(now) }, *expect);
            }
            StoreStep::Seat { holder, limit, ttl, now, expect } => {
                let (clock, now) = self.clock.read(*now);
                self.clock = clock;
                self.seats.retain(|_, seat| !seat.is_over(now));
                self.seats.remove(holder.as_str());
                let first = self.seats.values().map(|seat| seat.ends).min();
                let others = Others { count: self.seats.len() as u64, first };
                let seating = seat::take(others, *limit, *ttl, now);
                self.seats.extend(seating.seat.map(|seat| (holder.as_str(), seat)));
                let said = Seated {
                    granted: seating.seat.is_some(),
                    taken: seating.taken,
                    next_free: seating.next_free.map(|free| clock.of_store(free)),
                };
                assert_eq!(said, *expect);
            }
            StoreStep::Leave { holder } => {
                self.seats.remove(holder.as_str());
            }
        }
    }
}

#[test]
fn the_algebra_gives_what_the_vectors_say() {
    let file = licentia_vectors::store();
    let (mut tests, mut steps) = (0, 0);
    for group in &file.test_groups {
        for test in &group.tests {
            let mut states = States::default();
            for (place, step) in test.steps.iter().enumerate() {
                let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| states.run(step)));
                assert!(
                    ran.is_ok(),
                    "{} {}, {}, step {place}: {step:?}",
                    group.kind,
                    test.tc_id,
                    test.comment
                );
                steps += 1;
            }
            tests += 1;
        }
    }
    assert_eq!((tests, file.test_groups.len()), (file.number_of_tests, 6));
    for (number, flags) in file.test_groups.iter().flat_map(Group::tests) {
        assert!(flags.iter().all(|flag| file.notes.contains_key(flag)), "{number}");
    }
    report(format_args!("vectors: {tests} cases of store.json, of {steps} steps"));
}
