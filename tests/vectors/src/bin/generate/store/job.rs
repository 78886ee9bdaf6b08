//! Jobs.

use licentia_vectors::{
    StoreStep, StoreTest,
    store::{Charged, JobMeter, JobPart, MeterCharged, PartDone},
};

use super::{random::Random, test};

/// Names of the counts of these tests, in order.
const COUNTS: [&str; 2] = ["calls", "exports"];

/// What a charge is expected to answer.
#[derive(Clone, Copy)]
enum Say {
    Charged,
    Before,
    Refused(usize),
    CostDiffers(usize),
}

/// `meters` are `[cost, limit]` for each count; `after` is total, fresh and attempt for each.
fn charge(
    job: &str,
    hold: bool,
    meters: &[[u64; 2]],
    say: Say,
    after: &[(u64, bool, Option<u64>)],
) -> StoreStep {
    let named = COUNTS.iter().map(|name| (*name).to_owned());
    let meters =
        named.zip(meters).map(|(count, [cost, limit])| JobMeter { count, cost: *cost, limit: *limit });
    let (outcome, place) = match say {
        Say::Charged => ("charged", None),
        Say::Before => ("before", None),
        Say::Refused(place) => ("refused", Some(place)),
        Say::CostDiffers(place) => ("costDiffers", Some(place)),
    };
    let after = after.iter().map(|&(total, fresh, attempt)| MeterCharged { total, fresh, attempt });
    let expect = Charged { outcome: outcome.to_owned(), place, meters: after.collect() };
    StoreStep::Charge { job: job.to_owned(), hold, meters: meters.collect(), expect }
}

/// For a job on one meter.
fn one(
    job: &str,
    hold: bool,
    [cost, limit]: [u64; 2],
    say: Say,
    (total, attempt): (u64, Option<u64>),
) -> StoreStep {
    let fresh = matches!(say, Say::Charged);
    charge(job, hold, &[[cost, limit]], say, &[(total, fresh, attempt)])
}

/// `parts` are `[attempt, units]` for each count; `after` is done, total and refunded for each.
fn parts(parts: &[[u64; 2]]) -> Vec<JobPart> {
    let named = COUNTS.iter().map(|name| (*name).to_owned());
    named
        .zip(parts)
        .map(|(count, [attempt, units])| JobPart { count, attempt: *attempt, units: *units })
        .collect()
}

fn after(after: &[(bool, u64, u64)]) -> Vec<PartDone> {
    after.iter().map(|&(done, total, refunded)| PartDone { done, total, refunded }).collect()
}

fn commit(job: &str, meters: &[[u64; 2]], expect: &[(bool, u64, u64)]) -> StoreStep {
    StoreStep::Commit { job: job.to_owned(), meters: parts(meters), expect: after(expect) }
}

fn cancel(job: &str, meters: &[[u64; 2]], expect: &[(bool, u64, u64)]) -> StoreStep {
    StoreStep::Cancel { job: job.to_owned(), meters: parts(meters), expect: after(expect) }
}

fn refund(job: &str, meters: &[[u64; 2]], expect: &[(bool, u64, u64)]) -> StoreStep {
    StoreStep::Refund { job: job.to_owned(), meters: parts(meters), expect: after(expect) }
}

#[allow(clippy::too_many_lines, reason = "a table of cases")]
pub(super) fn tests() -> Vec<StoreTest> {
    let first = Some(0);
    let mut tests = vec![
        test(
            "Plain",
            "two jobs are charged, each once",
            vec![
                one("j", false, [3, 10], Say::Charged, (3, first)),
                one("k", false, [4, 10], Say::Charged, (7, first)),
                one("j", false, [3, 10], Say::Before, (7, first)),
                one("l", false, [4, 10], Say::Refused(0), (7, None)),
            ],
        ),
        test(
            "Retry",
            "a job that was charged before passes, also when the quota is used up or the limit has sunk",
            vec![
                one("j", false, [10, 10], Say::Charged, (10, first)),
                one("j", false, [10, 10], Say::Before, (10, first)),
                one("j", false, [10, 5], Say::Before, (10, first)),
            ],
        ),
        test(
            "Retry",
            "a job that was refused is charged when there is enough",
            vec![
                one("j", false, [10, 5], Say::Refused(0), (0, None)),
                one("j", false, [10, 10], Say::Charged, (10, first)),
            ],
        ),
        test(
            "SameJobOtherCost",
            "reserve 1, then charge 1,000,000",
            vec![
                one("j", true, [1, 100], Say::Charged, (1, first)),
                one("j", false, [1_000_000, 100], Say::CostDiffers(0), (1, first)),
                one("j", true, [2, 100], Say::CostDiffers(0), (1, first)),
                one("j", false, [1, 100], Say::Charged, (1, first)),
                one("j", false, [2, 100], Say::CostDiffers(0), (1, first)),
            ],
        ),
        test(
            "SameJobOtherCost",
            "what was asked for counts, and not what was committed",
            vec![
                one("j", true, [9, 100], Say::Charged, (9, first)),
                commit("j", &[[0, 4]], &[(true, 4, 0)]),
                one("j", true, [4, 100], Say::CostDiffers(0), (4, first)),
                one("j", true, [9, 100], Say::Before, (4, first)),
            ],
        ),
        test(
            "SameJobOtherCost",
            "one meter with another cost changes none",
            vec![
                charge("j", false, &[[1, 10], [2, 10]], Say::Charged, &[(1, true, first), (2, true, first)]),
                charge(
                    "j",
                    false,
                    &[[1, 10], [3, 10]],
                    Say::CostDiffers(1),
                    &[(1, false, first), (2, false, first)],
                ),
            ],
        ),
        test(
            "SameJobOtherCost",
            "it is an error before it is a refusal",
            vec![
                one("j", false, [1, 10], Say::Charged, (1, first)),
                charge(
                    "j",
                    false,
                    &[[2, 10], [99, 10]],
                    Say::CostDiffers(0),
                    &[(1, false, first), (0, false, None)],
                ),
            ],
        ),
        test(
            "AllOrNone",
            "one meter that lacks units charges none",
            vec![
                charge(
                    "k",
                    false,
                    &[[0, 9], [98, 100]],
                    Say::Charged,
                    &[(0, false, None), (98, true, first)],
                ),
                charge(
                    "j",
                    false,
                    &[[5, 9], [3, 100]],
                    Say::Refused(1),
                    &[(0, false, None), (98, false, None)],
                ),
                charge(
                    "j",
                    false,
                    &[[5, 9], [2, 100]],
                    Say::Charged,
                    &[(5, true, first), (100, true, first)],
                ),
            ],
        ),
        test(
            "AllOrNone",
            "a meter that is new for a job is charged beside one that was charged before",
            vec![
                one("j", false, [5, 9], Say::Charged, (5, first)),
                charge("j", false, &[[5, 9], [3, 9]], Say::Charged, &[(5, false, first), (3, true, first)]),
                charge("j", false, &[[5, 9], [3, 9]], Say::Before, &[(5, false, first), (3, false, first)]),
            ],
        ),
        test(
            "Plain",
            "a cost of 0 reads",
            vec![
                one("k", false, [9, 10], Say::Charged, (9, first)),
                one("j", false, [0, 5], Say::Before, (9, None)),
                one("j", true, [0, 5], Say::Before, (9, None)),
            ],
        ),
        test(
            "Plain",
            "reserved, and committed for less",
            vec![
                one("j", true, [9, 10], Say::Charged, (9, first)),
                commit("j", &[[0, 4]], &[(true, 4, 0)]),
                commit("j", &[[0, 1]], &[(false, 4, 0)]),
                cancel("k", &[[0, 0]], &[(false, 4, 0)]),
                commit("k", &[[0, 1]], &[(false, 4, 0)]),
            ],
        ),
        test(
            "Plain",
            "no more is committed than was reserved",
            vec![one("j", true, [9, 10], Say::Charged, (9, first)), commit("j", &[[0, 10]], &[(true, 9, 0)])],
        ),
        test(
            "Plain",
            "work that did cost nothing is done",
            vec![
                one("j", true, [9, 10], Say::Charged, (9, first)),
                commit("j", &[[0, 0]], &[(true, 0, 0)]),
                one("j", true, [9, 10], Say::Before, (0, first)),
            ],
        ),
        test(
            "Retry",
            "the first try that commits says the cost",
            vec![
                one("j", true, [9, 10], Say::Charged, (9, first)),
                one("j", true, [9, 10], Say::Before, (9, first)),
                commit("j", &[[0, 4]], &[(true, 4, 0)]),
                commit("j", &[[0, 6]], &[(false, 4, 0)]),
            ],
        ),
        test(
            "Retry",
            "what one try has reserved another may charge",
            vec![
                one("j", true, [9, 10], Say::Charged, (9, first)),
                one("j", false, [9, 10], Say::Charged, (9, first)),
                commit("j", &[[0, 4]], &[(false, 9, 0)]),
            ],
        ),
        test(
            "TakenBack",
            "a job that was taken back was not charged before",
            vec![
                one("j", false, [9, 10], Say::Charged, (9, first)),
                cancel("j", &[[0, 0]], &[(true, 0, 0)]),
                one("j", false, [9, 10], Say::Charged, (9, first)),
            ],
        ),
        test(
            "TakenBack",
            "with another cost, too",
            vec![
                one("j", true, [9, 10], Say::Charged, (9, first)),
                cancel("j", &[[0, 0]], &[(true, 0, 0)]),
                one("j", true, [2, 10], Say::Charged, (2, first)),
            ],
        ),
        test(
            "TakenBack",
            "a try that was let through in between keeps the charge",
            vec![
                one("j", false, [9, 10], Say::Charged, (9, first)),
                one("j", false, [9, 10], Say::Before, (9, first)),
                cancel("j", &[[0, 0]], &[(false, 9, 0)]),
                one("k", false, [9, 10], Say::Refused(0), (9, None)),
                cancel("j", &[[0, 0]], &[(true, 0, 0)]),
            ],
        ),
        test(
            "TakenBack",
            "a reservation that another try has committed stays",
            vec![
                one("j", true, [9, 10], Say::Charged, (9, first)),
                one("j", true, [9, 10], Say::Before, (9, first)),
                commit("j", &[[0, 3]], &[(true, 3, 0)]),
                cancel("j", &[[0, 0]], &[(false, 3, 0)]),
            ],
        ),
        test(
            "Refund",
            "it is refunded up to an amount, once",
            vec![
                one("j", false, [9, 10], Say::Charged, (9, first)),
                refund("j", &[[0, 4]], &[(true, 5, 4)]),
                refund("j", &[[0, 4]], &[(false, 5, 4)]),
                refund("j", &[[0, 3]], &[(false, 5, 4)]),
                refund("j", &[[0, 6]], &[(true, 3, 6)]),
                one("j", false, [9, 10], Say::Before, (3, first)),
            ],
        ),
        test(
            "Refund",
            "a job that is refunded as a whole is charged anew, and the first refund is not done twice",
            vec![
                one("j", false, [9, 10], Say::Charged, (9, first)),
                refund("j", &[[0, 100]], &[(true, 0, 9)]),
                one("j", false, [8, 10], Say::Charged, (8, Some(9))),
                refund("j", &[[0, 100]], &[(false, 8, 9)]),
                cancel("j", &[[0, 0]], &[(false, 8, 9)]),
                refund("j", &[[9, 3]], &[(true, 5, 12)]),
                refund("j", &[[9, 8]], &[(true, 0, 17)]),
                one("j", false, [8, 10], Say::Charged, (8, Some(17))),
            ],
        ),
        test(
            "Refund",
            "what is reserved is not refunded",
            vec![one("j", true, [9, 10], Say::Charged, (9, first)), refund("j", &[[0, 9]], &[(false, 9, 0)])],
        ),
        test(
            "Refund",
            "after a refund a charge that is taken back leaves the refund",
            vec![
                one("j", false, [9, 10], Say::Charged, (9, first)),
                refund("j", &[[0, 9]], &[(true, 0, 9)]),
                one("j", false, [9, 10], Say::Charged, (9, Some(9))),
                cancel("j", &[[9, 0]], &[(true, 0, 9)]),
                one("j", false, [9, 10], Say::Charged, (9, Some(9))),
            ],
        ),
    ];
    tests.extend((1..=4).map(|seed| test("Random", "against the list of tries that stand", random(seed))));
    tests
}

/// One job of 5 calls and 3 exports, with reservations, charges, commits and cancels.
fn random(seed: u64) -> Vec<StoreStep> {
    const COSTS: [u64; 2] = [5, 3];
    let (mut random, mut steps) = (Random(seed), Vec::new());
    // How many tries stand, what they hold, and whether that is reserved.
    let (mut tries, mut taken, mut reserved) = (0_u64, [0, 0], false);
    for _ in 0..60 {
        match random.below(5) {
            0..=2 => {
                let reserving = random.below(2) == 0;
                let say = match (tries, reserved, reserving) {
                    (0, ..) | (_, true, false) => Say::Charged,
                    _ => Say::Before,
                };
                if tries == 0 {
                    (taken, reserved) = (COSTS, reserving);
                }
                let fresh = matches!(say, Say::Charged);
                reserved &= reserving;
                tries += 1;
                let after = taken.map(|total| (total, fresh, Some(0)));
                steps.push(charge("j", reserving, &COSTS.map(|cost| [cost, 5]), say, &after));
            }
            3 if tries > 0 => {
                tries -= 1;
                let last = tries == 0;
                if last {
                    taken = [0, 0];
                }
                steps.push(cancel("j", &[[0, 0]; 2], &taken.map(|total| (last, total, 0))));
            }
            4 if tries > 0 => {
                let units = random.below(7);
                let done = reserved;
                if done {
                    taken = COSTS.map(|cost| cost.min(units));
                }
                reserved = false;
                steps.push(commit("j", &[[0, units]; 2], &taken.map(|total| (done, total, 0))));
            }
            _ => {}
        }
    }
    steps
}
