//! Rates against a bucket in integers of any size: every answer, every state, and what is taken back.

#![no_main]

use libfuzzer_sys::{
    arbitrary::{Result, Unstructured},
    fuzz_target,
};
use licentia_core::{
    Rate, limits,
    metering::rate::{Gcra, Tat},
};
use licentia_fuzz::number;
use num_bigint::BigUint;

fuzz_target!(|data: &[u8]| {
    // An input that ends early is none.
    let _ = run(&mut Unstructured::new(data));
});

fn big(value: impl Into<BigUint>) -> BigUint {
    value.into()
}

/// As a word, as all waits are shown.
fn word(value: &BigUint) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

fn run(input: &mut Unstructured<'_>) -> Result<()> {
    let one = |input: &mut Unstructured<'_>| Ok(number(input, limits::INTEGER)?.max(1));
    let rate = Rate { name: "api", count: one(input)?, per_ms: one(input)?, burst: one(input)? };
    let gcra = Gcra::new(&rate);
    // Nanoseconds for each request, rounded up.
    let total = big(rate.per_ms) * 1_000_000_u32;
    let interval = ((&total + big(rate.count) - 1_u32) / big(rate.count)).max(big(1_u32));
    assert_eq!((big(gcra.interval()), gcra.burst()), (interval.clone(), rate.burst));
    let room = &interval * big(rate.burst);
    assert_eq!(big(gcra.tolerance()), room);

    let (mut state, mut now) = (Tat::default(), number(input, u64::MAX)?);
    let start = now;
    // Units that were granted and taken back, and the time that has passed: steps back don't undo it.
    let (mut granted, mut taken_back, mut elapsed) = (big(0_u32), big(0_u32), big(0_u32));
    for _ in 0..input.int_in_range(1..=40)? {
        if input.is_empty() {
            break;
        }
        let before = big(state.as_nanos()).min(big(now) + &room);
        let level = |at: u64| {
            let at = big(at);
            if before > at { &before - at } else { big(0_u32) }
        };
        match input.int_in_range(0..=5)? {
            0 => {
                let later = now.saturating_add(number(input, u64::MAX)?);
                elapsed += big(later - now);
                now = later;
            }
            1 => now = now.saturating_sub(number(input, 1 << 40)?).max(start),
            2 => {
                let (need, want) = (number(input, u64::MAX)?, number(input, u64::MAX)?);
                let (tat, taken) = gcra.take(state, now, need, want);
                let fits = word(&((&room - level(now)) / &interval));
                let units = if fits < need { 0 } else { want.max(need).min(fits) };
                assert_eq!(taken.units, units, "{rate:?} {need} {want}");
                assert_eq!(taken.remaining, fits - units);
                assert_eq!(taken.reset, word(&(level(now) + &interval * big(units))));
                granted += big(units);
                state = tat;
            }
            3 => {
                let cost = number(input, u64::MAX)?;
                let undone = gcra.undo(state, now, cost);
                let charge = &interval * big(cost);
                let least = big(state.as_nanos()).min(big(now));
                let model = if cost > rate.burst {
                    big(state.as_nanos())
                } else {
                    let kept = big(state.as_nanos());
                    (if kept > charge { kept - charge } else { big(0_u32) }).max(least)
                };
                assert_eq!(big(undone.as_nanos()), model);
                if cost <= rate.burst {
                    taken_back += big(cost);
                }
                state = undone;
            }
            _ => {
                let cost = number(input, u64::MAX)?;
                let admission = gcra.admit(state, now, cost);
                let wanted = level(now) + &interval * big(cost);
                let fits = cost <= rate.burst && wanted <= room;
                assert_eq!(admission.granted, fits || cost == 0, "{rate:?} {cost}");
                let after = if fits { wanted.clone() } else { level(now) };
                assert_eq!(admission.remaining, word(&((&room - &after) / &interval)));
                let wait = (!admission.granted && cost <= rate.burst).then(|| word(&(&wanted - &room)));
                assert_eq!(admission.retry_after, wait);
                if admission.granted {
                    granted += big(cost);
                }
                state = admission.tat;
                assert!(big(state.as_nanos()) <= big(now) + &room, "nobody waits for more than a burst");
                assert_eq!(gcra.reset(state, now), word(&after.min(room.clone())));
            }
        }
        // Over any time no more than a burst, what has come back since, and what was taken back.
        assert!(&interval * &granted <= &room + &elapsed + &interval * &taken_back, "{rate:?}");
    }
    assert_eq!(Tat::from_bytes(state.to_bytes()), state);
    Ok(())
}
