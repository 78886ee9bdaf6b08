//! Seats.

use licentia_vectors::{StoreStep, StoreTest, store::Seated};

use super::{random::Random, test};

/// `[limit, ttl, now]` to whether it is granted, how many are taken, and when the first comes free.
fn seat(holder: &str, [limit, ttl, now]: [u64; 3], (granted, taken, free): (bool, u64, u64)) -> StoreStep {
    let expect = Seated { granted, taken, next_free: (free > 0).then_some(free) };
    StoreStep::Seat { holder: holder.to_owned(), limit, ttl, now, expect }
}

fn leave(holder: &str) -> StoreStep {
    StoreStep::Leave { holder: holder.to_owned() }
}

pub(super) fn tests() -> Vec<StoreTest> {
    let mut tests = vec![
        test(
            "Plain",
            "two seats for three holders",
            vec![
                seat("ada", [2, 60, 100], (true, 1, 160)),
                seat("bob", [2, 30, 110], (true, 2, 140)),
                seat("cleo", [2, 60, 139], (false, 2, 140)),
                seat("cleo", [2, 60, 140], (true, 2, 160)),
                seat("bob", [2, 60, 159], (false, 2, 160)),
                seat("bob", [2, 60, 160], (true, 2, 200)),
            ],
        ),
        test(
            "Plain",
            "a heartbeat keeps a seat, and begins its time anew",
            vec![
                seat("ada", [1, 60, 100], (true, 1, 160)),
                seat("ada", [1, 60, 159], (true, 1, 219)),
                seat("bob", [1, 60, 218], (false, 1, 219)),
                seat("ada", [1, 5, 218], (true, 1, 223)),
                seat("bob", [1, 60, 223], (true, 1, 283)),
            ],
        ),
        test(
            "Plain",
            "a seat that was given back is free",
            vec![
                seat("ada", [1, 60, 100], (true, 1, 160)),
                leave("bob"),
                seat("bob", [1, 60, 101], (false, 1, 160)),
                leave("ada"),
                seat("bob", [1, 60, 101], (true, 1, 161)),
                seat("ada", [1, 60, 101], (false, 1, 161)),
            ],
        ),
        test(
            "Limit",
            "if the limit sinks, holders lose theirs as they ask, until they fit",
            vec![
                seat("ada", [3, 60, 100], (true, 1, 160)),
                seat("bob", [3, 60, 100], (true, 2, 160)),
                seat("cleo", [3, 60, 100], (true, 3, 160)),
                seat("bob", [2, 60, 101], (false, 2, 160)),
                seat("ada", [2, 60, 101], (true, 2, 160)),
                seat("cleo", [2, 60, 101], (true, 2, 161)),
            ],
        ),
        test("Limit", "no seats at all", vec![seat("ada", [0, 60, 100], (false, 0, 0))]),
        test(
            "Limit",
            "a time to live is 1 second to 31 days",
            vec![
                seat("ada", [1, 0, 100], (true, 1, 101)),
                seat("ada", [1, 2_678_400, 100], (true, 1, 2_678_500)),
                seat("ada", [1, 2_678_401, 100], (true, 1, 2_678_500)),
            ],
        ),
        test(
            "ClockSetBack",
            "a seat of a clock that was an hour ahead lasts for its time to live",
            vec![
                seat("ada", [1, 60, 10_000], (true, 1, 10_060)),
                seat("bob", [1, 60, 6_400], (false, 1, 6_460)),
                seat("bob", [1, 60, 6_459], (false, 1, 6_460)),
                seat("bob", [1, 60, 6_460], (true, 1, 6_520)),
            ],
        ),
        test(
            "ClockSetBack",
            "twice",
            vec![
                seat("ada", [2, 60, 10_000], (true, 1, 10_060)),
                seat("bob", [2, 90, 9_000], (true, 2, 9_060)),
                seat("bob", [2, 90, 9_010], (true, 2, 9_060)),
                seat("cleo", [2, 60, 4_000], (false, 2, 4_050)),
                seat("cleo", [2, 60, 4_050], (true, 2, 4_090)),
            ],
        ),
    ];
    tests.extend([11, 12].map(|seed| test("Random", "against seconds that are left", random(seed, false))));
    tests.push(test(
        "ClockSetBack",
        "a long random history, also against seconds that are left",
        random(13, true),
    ));
    tests
}

fn random(seed: u64, set_back: bool) -> Vec<StoreStep> {
    const HOLDERS: [&str; 4] = ["ada", "bob", "cleo", "dan"];
    let (mut random, mut steps) = (Random(seed), Vec::new());
    let (mut now, mut left) = (1_000_000_u64, [0_u64; 4]);
    for _ in 0..120 {
        let place = usize::try_from(random.below(4)).expect("four");
        if random.below(6) == 0 {
            left[place] = 0;
            steps.push(leave(HOLDERS[place]));
            continue;
        }
        // What passes while the clock is set back is not seen.
        let passed = random.below(8);
        now += passed;
        if set_back && random.below(8) == 0 {
            now -= passed + random.below(3_000);
        } else {
            left = left.map(|seconds| seconds.saturating_sub(passed));
        }
        let (limit, ttl) = (1 + random.below(3), 1 + random.below(25));
        left[place] = 0;
        let others = left.iter().filter(|seconds| **seconds > 0).count() as u64;
        let granted = others < limit;
        if granted {
            left[place] = ttl;
        }
        let free = left.iter().filter(|seconds| **seconds > 0).min().map_or(0, |seconds| now + seconds);
        steps.push(seat(HOLDERS[place], [limit, ttl, now], (granted, others + u64::from(granted), free)));
    }
    steps
}
