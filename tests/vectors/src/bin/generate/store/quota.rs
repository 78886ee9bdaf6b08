//! Quotas and takers.

use licentia_vectors::{
    StoreStep, StoreTest,
    store::{By, Taken},
};

use super::{random::Random, test};

const GREATEST: u64 = (1 << 53) - 1;

fn answer(units: u64, total: u64, turn: Option<&str>) -> Taken {
    Taken { units, total, turn: turn.map(str::to_owned) }
}

/// `[need, want, limit]` to `[units, total]`.
fn take([need, want, limit]: [u64; 3], [units, total]: [u64; 2]) -> StoreStep {
    StoreStep::Take {
        count: "calls".to_owned(),
        by: None,
        need,
        want,
        limit,
        expect: answer(units, total, None),
    }
}

/// `[units]` to `[units, total]`.
fn give_back(units: u64, [back, total]: [u64; 2]) -> StoreStep {
    StoreStep::GiveBack { count: "calls".to_owned(), by: None, units, expect: answer(back, total, None) }
}

pub(super) fn quotas() -> Vec<StoreTest> {
    vec![
        test(
            "Plain",
            "as many as are wanted, while there are",
            vec![
                take([1, 4, 10], [4, 4]),
                take([1, 4, 10], [4, 8]),
                take([1, 4, 10], [2, 10]),
                take([1, 4, 10], [0, 10]),
            ],
        ),
        test(
            "Plain",
            "none if fewer are left than are needed",
            vec![take([8, 8, 10], [8, 8]), take([3, 5, 10], [0, 8]), take([2, 5, 10], [2, 10])],
        ),
        test("Plain", "a need above what is wanted counts as wanted", vec![take([5, 1, 10], [5, 5])]),
        test(
            "Plain",
            "a look takes nothing",
            vec![take([0, 0, 10], [0, 0]), take([1, 3, 10], [3, 3]), take([0, 0, 0], [0, 3])],
        ),
        test(
            "Plain",
            "what is wanted and not needed is what is left",
            vec![take([9, 9, 10], [9, 9]), take([0, 5, 10], [1, 10]), take([0, 5, 10], [0, 10])],
        ),
        test(
            "Plain",
            "what is given back can be taken again",
            vec![
                take([10, 10, 10], [10, 10]),
                give_back(4, [4, 6]),
                take([5, 5, 10], [0, 6]),
                take([4, 4, 10], [4, 10]),
            ],
        ),
        test(
            "Plain",
            "no more goes back than is taken",
            vec![
                take([3, 3, 10], [3, 3]),
                give_back(5, [3, 0]),
                give_back(5, [0, 0]),
                take([10, 10, 10], [10, 10]),
            ],
        ),
        test(
            "Limit",
            "an old token of 100 a day is used up, and the new one of 100,000 a day is not",
            vec![
                take([100, 100, 100], [100, 100]),
                take([1, 1, 100], [0, 100]),
                take([1, 1, 100_000], [1, 101]),
                take([1, 1, 100], [0, 101]),
                take([99_899, 99_899, 100_000], [99_899, 100_000]),
                take([1, 1, 100_000], [0, 100_000]),
            ],
        ),
        test(
            "Limit",
            "after a downgrade nothing is left until enough went back",
            vec![
                take([1_000, 1_000, 1_000_000], [1_000, 1_000]),
                take([1, 1, 100], [0, 1_000]),
                give_back(900, [900, 100]),
                take([1, 1, 100], [0, 100]),
                give_back(1, [1, 99]),
                take([1, 1, 100], [1, 100]),
            ],
        ),
        test(
            "Greatest",
            "the greatest limit of a licence",
            vec![
                take([GREATEST, GREATEST, GREATEST], [GREATEST, GREATEST]),
                take([1, 1, GREATEST], [0, GREATEST]),
                give_back(1, [1, GREATEST - 1]),
                take([1, GREATEST, GREATEST], [1, GREATEST]),
            ],
        ),
        test(
            "Greatest",
            "an even number near 2^53 and the odd one after it are told apart",
            vec![
                take([1 << 52, 1 << 52, GREATEST], [1 << 52, 1 << 52]),
                take([(1 << 52) - 2, (1 << 52) - 2, GREATEST], [(1 << 52) - 2, GREATEST - 1]),
                take([2, 2, GREATEST], [0, GREATEST - 1]),
                take([1, 1, GREATEST], [1, GREATEST]),
            ],
        ),
        test("Random", "against taking one by one", random_quota()),
    ]
}

fn random_quota() -> Vec<StoreStep> {
    let (mut random, mut total, mut steps) = (Random(1), 0, Vec::new());
    for _ in 0..150 {
        if random.below(3) == 0 {
            let units = random.below(8);
            let mut back = 0;
            while back < units && total > 0 {
                (back, total) = (back + 1, total - 1);
            }
            steps.push(give_back(units, [back, total]));
            continue;
        }
        let (need, want, limit) = (random.below(6), random.below(9), 15 + random.below(10));
        let mut units = 0;
        while units < need.max(want) && total + units < limit {
            units += 1;
        }
        if units < need {
            units = 0;
        }
        total += units;
        steps.push(take([need, want, limit], [units, total]));
    }
    steps
}

fn by(taker: &str, sequence: u64) -> By {
    By { taker: taker.to_owned(), sequence }
}

/// Takes with a need of 1 and a limit of 10.
fn take_as(taker: &str, sequence: u64, want: u64, (units, total, turn): (u64, u64, &str)) -> StoreStep {
    let (count, by) = ("calls".to_owned(), Some(by(taker, sequence)));
    StoreStep::Take { count, by, need: 1, want, limit: 10, expect: answer(units, total, Some(turn)) }
}

fn give_back_as(taker: &str, sequence: u64, units: u64, (back, total, turn): (u64, u64, &str)) -> StoreStep {
    let (count, by) = ("calls".to_owned(), Some(by(taker, sequence)));
    StoreStep::GiveBack { count, by, units, expect: answer(back, total, Some(turn)) }
}

fn resolve(taker: &str, sequence: u64, (units, total, turn): (u64, u64, &str)) -> StoreStep {
    let expect = answer(units, total, Some(turn));
    StoreStep::Resolve { count: "calls".to_owned(), by: by(taker, sequence), expect }
}

pub(super) fn takers() -> Vec<StoreTest> {
    vec![
        test(
            "Plain",
            "each taker has numbers of its own",
            vec![
                take_as("a", 1, 3, (3, 3, "new")),
                take_as("b", 1, 3, (3, 6, "new")),
                take_as("a", 2, 3, (3, 9, "new")),
                give_back_as("b", 2, 3, (3, 6, "new")),
            ],
        ),
        test(
            "Doubt",
            "the same take twice takes once and answers the same",
            vec![
                take_as("a", 1, 3, (3, 3, "new")),
                take_as("a", 1, 3, (3, 3, "again")),
                take_as("b", 1, 2, (2, 5, "new")),
                take_as("a", 1, 3, (3, 5, "again")),
            ],
        ),
        test(
            "Doubt",
            "the same give-back twice gives back once",
            vec![
                take_as("a", 1, 5, (5, 5, "new")),
                give_back_as("a", 2, 2, (2, 3, "new")),
                give_back_as("a", 2, 2, (0, 3, "again")),
            ],
        ),
        test(
            "Doubt",
            "what arrives after a later operation does nothing",
            vec![
                take_as("a", 2, 3, (3, 3, "new")),
                take_as("a", 1, 3, (0, 3, "late")),
                give_back_as("a", 1, 3, (0, 3, "late")),
                resolve("a", 1, (0, 3, "late")),
            ],
        ),
        test(
            "Doubt",
            "a lost answer is found",
            vec![
                take_as("a", 1, 3, (3, 3, "new")),
                resolve("a", 1, (3, 3, "again")),
                resolve("a", 1, (3, 3, "again")),
                take_as("a", 2, 3, (3, 6, "new")),
            ],
        ),
        test(
            "Doubt",
            "an operation that was lost stays undone when it arrives after all",
            vec![
                resolve("a", 1, (0, 0, "new")),
                take_as("a", 1, 3, (0, 0, "again")),
                resolve("a", 2, (0, 0, "new")),
                give_back_as("a", 2, 3, (0, 0, "again")),
                take_as("a", 3, 3, (3, 3, "new")),
            ],
        ),
        test(
            "Doubt",
            "the lost answer of a give-back is found",
            vec![
                take_as("a", 1, 3, (3, 3, "new")),
                give_back_as("a", 2, 2, (2, 1, "new")),
                resolve("a", 2, (0, 1, "again")),
            ],
        ),
        test(
            "Doubt",
            "a refusal is not remembered, and its turn can still be closed",
            vec![
                take_as("b", 1, 10, (10, 10, "new")),
                take_as("a", 1, 1, (0, 10, "new")),
                give_back_as("b", 2, 5, (5, 5, "new")),
                resolve("a", 1, (0, 5, "new")),
                take_as("a", 1, 1, (0, 5, "again")),
            ],
        ),
    ]
}
