//! Rates and their slices.

use licentia_vectors::{
    StoreStep, StoreTest,
    store::{RateGiven, SliceLeft},
};

use super::{random::Random, test};

const MOST: u64 = (1 << 53) - 1;
const SECOND: u128 = 1_000_000_000;
const DAY_MS: u64 = 86_400_000;
/// 2027-01-15T08:00:00Z, in nanoseconds.
const NOW: u128 = 1_800_000_000 * SECOND;

/// Requests in milliseconds, and at once.
#[derive(Clone, Copy)]
struct Rate(u64, u64, u64);

/// A bucket that leaks: how full it is, in nanoseconds of work, and when that was.
#[derive(Clone, Copy, Default)]
struct Bucket {
    level: u128,
    at: u128,
}

impl Rate {
    /// Nanoseconds of a request, rounded up.
    fn request(self) -> u128 {
        let (whole, count) = (u128::from(self.1) * 1_000_000, u128::from(self.0));
        whole / count + u128::from(whole % count > 0)
    }

    fn brim(self) -> u128 {
        self.request() * u128::from(self.2)
    }

    fn step(self, now: u128, (need, want): (u64, u64), expect: RateGiven) -> StoreStep {
        let Self(count, per_ms, burst) = self;
        let (rate, now) = ("api".to_owned(), now.to_string());
        StoreStep::Rate { rate, count, per_ms, burst, now, need, want, expect }
    }
}

/// What is written by hand: units, remaining, reset, retry after, TAT.
type Given = (u64, u64, u128, Option<u128>, u128);

fn given((units, remaining, reset, retry_after, tat): Given) -> RateGiven {
    let shown = |nanos: u128| nanos.min(u128::from(u64::MAX)).to_string();
    RateGiven {
        units,
        remaining,
        reset: shown(reset),
        retry_after: retry_after.map(shown),
        tat: tat.to_string(),
    }
}

/// Requests of one size at a time.
fn ask(rate: Rate, now: u128, cost: u64, expect: Given) -> StoreStep {
    rate.step(now, (cost, cost), given(expect))
}

fn undo(rate: Rate, now: u128, cost: u64, tat: u128) -> StoreStep {
    let (Rate(count, per_ms, burst), now) = (rate, now.to_string());
    StoreStep::UndoRate { rate: "api".to_owned(), count, per_ms, burst, now, cost, expect: tat.to_string() }
}

impl Bucket {
    /// The same by a bucket, for long histories.
    fn ask(&mut self, rate: Rate, now: u128, need: u64, want: u64) -> StoreStep {
        let passed = now - self.at;
        let level = self.level.saturating_sub(passed);
        let kept_before = self.at + self.level;
        // Too full for this rate: it overflows, and what is over is lost.
        let over = level > rate.brim();
        let level = level.min(rate.brim());
        let room = (rate.brim() - level) / rate.request();
        let room = u64::try_from(room).expect("at most a burst");
        let units = if need > room { 0 } else { need.max(want).min(room) };
        let after = level + u128::from(units) * rate.request();
        let tat = if units > 0 || over { now + after } else { kept_before };
        let retry =
            (need > room && need <= rate.2).then(|| level + u128::from(need) * rate.request() - rate.brim());
        // The TAT is what is kept: a bucket that ran empty keeps when it did.
        (self.level, self.at) = if tat > now { (tat - now, now) } else { (0, tat) };
        rate.step(now, (need, want), given((units, room - units, after, retry, tat)))
    }
}

#[allow(clippy::too_many_lines, reason = "a table of cases")]
pub(super) fn rates() -> Vec<StoreTest> {
    let tenth = SECOND / 10;
    let ten = Rate(10, 1000, 3);
    let centuries = Rate(1, DAY_MS, 250_000);
    let day = 86_400 * SECOND;
    let greatest = Rate(1, MOST, MOST);
    let request = u128::from(MOST) * 1_000_000;
    let (slow, fast) = (Rate(10, DAY_MS, 10), Rate(1000, 1000, 1000));
    let used_up = NOW + day;
    let mut tests = vec![
        test(
            "Plain",
            "a burst, and then the rate",
            vec![
                ask(ten, NOW, 1, (1, 2, tenth, None, NOW + tenth)),
                ask(ten, NOW, 1, (1, 1, 2 * tenth, None, NOW + 2 * tenth)),
                ask(ten, NOW, 1, (1, 0, 3 * tenth, None, NOW + 3 * tenth)),
                ask(ten, NOW, 1, (0, 0, 3 * tenth, Some(tenth), NOW + 3 * tenth)),
                ask(ten, NOW + tenth - 1000, 1, (0, 0, 2 * tenth + 1000, Some(1000), NOW + 3 * tenth)),
                ask(ten, NOW + tenth, 1, (1, 0, 3 * tenth, None, NOW + 4 * tenth)),
            ],
        ),
        test(
            "Plain",
            "more than a burst never comes",
            vec![
                ask(ten, NOW, 4, (0, 3, 0, None, 0)),
                ask(ten, NOW, 3, (3, 0, 3 * tenth, None, NOW + 3 * tenth)),
                ask(ten, NOW, 3, (0, 0, 3 * tenth, Some(3 * tenth), NOW + 3 * tenth)),
            ],
        ),
        test(
            "Plain",
            "a look moves nothing",
            vec![
                ask(ten, NOW, 0, (0, 3, 0, None, 0)),
                ask(ten, NOW, 2, (2, 1, 2 * tenth, None, NOW + 2 * tenth)),
                ask(ten, NOW, 0, (0, 1, 2 * tenth, None, NOW + 2 * tenth)),
                ask(ten, NOW + SECOND, 0, (0, 3, 0, None, NOW + 2 * tenth)),
            ],
        ),
        test(
            "Plain",
            "a slice is what is wanted, or what is there",
            vec![
                ten.step(NOW, (1, 2), given((2, 1, 2 * tenth, None, NOW + 2 * tenth))),
                ten.step(NOW, (1, 2), given((1, 0, 3 * tenth, None, NOW + 3 * tenth))),
                ten.step(NOW, (1, 2), given((0, 0, 3 * tenth, Some(tenth), NOW + 3 * tenth))),
                ten.step(NOW + tenth, (0, 9), given((1, 0, 3 * tenth, None, NOW + 4 * tenth))),
            ],
        ),
        test(
            "Plain",
            "an interval that is no whole number of nanoseconds is rounded up",
            vec![
                ask(Rate(3, 1000, 1), NOW, 1, (1, 0, 333_333_334, None, NOW + 333_333_334)),
                ask(Rate(3, 1000, 1), NOW + 333_333_000, 1, (0, 0, 334, Some(334), NOW + 333_333_334)),
            ],
        ),
        test(
            "Exact",
            "1 a day with a burst of 250,000 is a limit",
            vec![
                ask(centuries, NOW, 249_999, (249_999, 1, 249_999 * day, None, NOW + 249_999 * day)),
                ask(centuries, NOW, 2, (0, 1, 249_999 * day, Some(day), NOW + 249_999 * day)),
                ask(centuries, NOW, 1, (1, 0, 250_000 * day, None, NOW + 250_000 * day)),
                ask(centuries, NOW, 1, (0, 0, 250_000 * day, Some(day), NOW + 250_000 * day)),
                ask(
                    centuries,
                    NOW + day - 1000,
                    1,
                    (0, 0, 249_999 * day + 1000, Some(1000), NOW + 250_000 * day),
                ),
                ask(centuries, NOW + day, 1, (1, 0, 250_000 * day, None, NOW + 250_001 * day)),
                ask(centuries, NOW + day, 250_001, (0, 0, 250_000 * day, None, NOW + 250_001 * day)),
            ],
        ),
        test(
            "Exact",
            "the greatest numbers of a licence",
            vec![
                ask(
                    greatest,
                    NOW,
                    MOST - 1,
                    (MOST - 1, 1, request * u128::from(MOST - 1), None, NOW + request * u128::from(MOST - 1)),
                ),
                ask(
                    greatest,
                    NOW,
                    1,
                    (1, 0, request * u128::from(MOST), None, NOW + request * u128::from(MOST)),
                ),
                ask(
                    greatest,
                    NOW,
                    1,
                    (0, 0, request * u128::from(MOST), Some(request), NOW + request * u128::from(MOST)),
                ),
                undo(greatest, NOW, MOST, NOW),
                ask(
                    greatest,
                    NOW,
                    MOST,
                    (MOST, 0, request * u128::from(MOST), None, NOW + request * u128::from(MOST)),
                ),
            ],
        ),
        test(
            "Exact",
            "the fastest rate",
            vec![
                ask(Rate(MOST, 1, 1), NOW, 1, (1, 0, 1, None, NOW + 1)),
                ask(Rate(MOST, 1, 1), NOW, 1, (0, 0, 1, Some(1), NOW + 1)),
                ask(Rate(MOST, 1, 1), NOW + 1000, 1, (1, 0, 1, None, NOW + 1001)),
            ],
        ),
        test(
            "Clamp",
            "after an upgrade from 10 a day to 1000 a second nobody waits for longer than a second",
            vec![
                ask(slow, NOW, 10, (10, 0, day, None, used_up)),
                ask(slow, NOW, 1, (0, 0, day, Some(8_640 * SECOND), used_up)),
                ask(fast, NOW, 1, (0, 0, SECOND, Some(1_000_000), NOW + SECOND)),
                ask(fast, NOW + 1_000_000, 1, (1, 0, SECOND, None, NOW + SECOND + 1_000_000)),
                ask(
                    fast,
                    NOW + 1_000_000 + SECOND,
                    1000,
                    (1000, 0, SECOND, None, NOW + 2 * SECOND + 1_000_000),
                ),
            ],
        ),
        test(
            "Clamp",
            "a look lowers it, too",
            vec![
                ask(slow, NOW, 10, (10, 0, day, None, used_up)),
                ask(fast, NOW, 0, (0, 0, SECOND, None, NOW + SECOND)),
                ask(fast, NOW + SECOND, 1000, (1000, 0, SECOND, None, NOW + 2 * SECOND)),
            ],
        ),
        test(
            "Clamp",
            "so does a cost that never comes",
            vec![
                ask(slow, NOW, 10, (10, 0, day, None, used_up)),
                ask(fast, NOW, 1001, (0, 0, SECOND, None, NOW + SECOND)),
            ],
        ),
        test(
            "ClockSetBack",
            "a clock that was an hour ahead costs a burst of waiting",
            vec![
                ask(ten, NOW + 3600 * SECOND, 3, (3, 0, 3 * tenth, None, NOW + 3600 * SECOND + 3 * tenth)),
                ask(ten, NOW, 1, (0, 0, 3 * tenth, Some(tenth), NOW + 3 * tenth)),
                ask(ten, NOW + tenth, 1, (1, 0, 3 * tenth, None, NOW + 4 * tenth)),
                ask(ten, NOW + SECOND, 3, (3, 0, 3 * tenth, None, NOW + SECOND + 3 * tenth)),
            ],
        ),
        test(
            "TakenBack",
            "what has come back by itself is not given back once more",
            vec![
                ask(ten, NOW, 3, (3, 0, 3 * tenth, None, NOW + 3 * tenth)),
                undo(ten, NOW, 2, NOW + tenth),
                undo(ten, NOW + tenth / 2, 1, NOW + tenth / 2),
                undo(ten, NOW + SECOND, 1, NOW + tenth / 2),
                undo(ten, NOW, 4, NOW + tenth / 2),
            ],
        ),
    ];
    let many = [
        ten,
        Rate(7, 1001, 20),
        Rate(1, DAY_MS, 250_000),
        Rate(1, MOST, MOST),
        Rate(1_000_000, 1000, 999_999),
    ];
    for (place, rate) in many.into_iter().enumerate() {
        let comment = format!("{} in {} ms, {} at once, against a bucket that leaks", rate.0, rate.1, rate.2);
        tests.push(test("Random", &comment, random(Random(20 + place as u64), &[rate])));
    }
    let changing = [slow, fast, centuries, ten, Rate(1, MOST, 5)];
    tests.push(test(
        "Random",
        "the rate of a name changes, against a bucket that leaks",
        random(Random(30), &changing),
    ));
    tests
}

fn random(mut random: Random, rates: &[Rate]) -> Vec<StoreStep> {
    let (mut bucket, mut now, mut steps) = (Bucket::default(), NOW, Vec::new());
    for _ in 0..60 {
        let rate = rates[usize::try_from(random.below(rates.len() as u64)).expect("few")];
        // In microseconds, as stores read their clocks.
        let passed = (rate.request() * u128::from(random.below(2_000)) / 1_000).min(1 << 60);
        now += passed / 1000 * 1000;
        now = now.min(18_000_000_000 * SECOND);
        let cost = |random: &mut Random| match random.below(4) {
            0 => 0,
            1 => 1,
            2 => random.below(rate.2.min(1 << 31)) + 1,
            _ => rate.2.min(MOST - 2) - random.below(2) + random.below(3),
        };
        let (need, more) = (cost(&mut random), cost(&mut random));
        let want = if random.below(2) == 0 { need } else { more };
        steps.push(bucket.ask(rate, now, need, want));
    }
    steps
}

/// `[given, cost]` to whether it is spent, and what is left.
fn slice(now: u128, [given, cost]: [u64; 2], (spent, left): (bool, u64)) -> StoreStep {
    StoreStep::Slice {
        slice: "here".to_owned(),
        now: now.to_string(),
        given,
        cost,
        expect: SliceLeft { spent, left },
    }
}

pub(super) fn slices() -> Vec<StoreTest> {
    let milli = SECOND / 1000;
    let wrap = (1 << 40) * milli;
    vec![
        test(
            "Plain",
            "it is spent, and ends after a tenth of a second",
            vec![
                slice(NOW, [0, 1], (false, 0)),
                slice(NOW, [10, 3], (true, 7)),
                slice(NOW + 99 * milli, [0, 3], (true, 4)),
                slice(NOW + 99 * milli, [0, 5], (false, 4)),
                slice(NOW + 100 * milli, [0, 1], (false, 0)),
            ],
        ),
        test(
            "Plain",
            "what is added begins its time anew",
            vec![
                slice(NOW, [10, 0], (true, 10)),
                slice(NOW + 60 * milli, [5, 0], (true, 15)),
                slice(NOW + 159 * milli, [0, 15], (true, 0)),
            ],
        ),
        test(
            "Plain",
            "what is given and what is there are spent together",
            vec![
                slice(NOW, [4, 0], (true, 4)),
                slice(NOW, [3, 8], (false, 4)),
                slice(NOW, [4, 8], (true, 0)),
            ],
        ),
        test(
            "Exact",
            "a cost above 2^24 - 1",
            vec![
                slice(NOW, [1 << 24, 1 << 24], (true, 0)),
                slice(NOW, [(1 << 24) + 5, 1 << 24], (true, 5)),
                slice(NOW, [MOST, MOST], (true, 5)),
            ],
        ),
        test(
            "Greatest",
            "a slice holds 2^24 - 1, and what is more is lost",
            vec![slice(NOW, [1 << 30, 0], (true, (1 << 24) - 1))],
        ),
        test(
            "Wrap",
            "the clock's milliseconds need more than 40 bits",
            vec![
                slice(wrap - 2 * milli, [10, 1], (true, 9)),
                slice(wrap - milli, [0, 1], (true, 8)),
                slice(wrap, [0, 1], (true, 7)),
                slice(wrap + 97 * milli, [0, 1], (true, 6)),
                slice(wrap + 98 * milli, [0, 1], (false, 0)),
            ],
        ),
    ]
}
