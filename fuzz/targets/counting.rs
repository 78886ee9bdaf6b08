//! The algebra of counting against plain models: quotas over a net that loses, repeats and delays; jobs over two
//! meters; seats under a clock that steps back; a rate that processes share.

#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::{
    arbitrary::{Result, Unstructured},
    fuzz_target,
};
use licentia_core::{
    Rate, limits,
    metering::{
        job::{self, Entry, Outcome, Part, Stage},
        quota::{Count, GREATEST, Refusal},
        rate::{Gcra, Tat},
        reservation::Reserved,
        seat::{self, LONGEST, Others, Seat, SeatClock},
        shared_rate::{self, LIFE, MOST, Said, Slice},
        taker::{self, Last, Turn},
    },
};
use licentia_fuzz::number;

fuzz_target!(|data: &[u8]| {
    let mut input = Unstructured::new(data);
    let _ = match input.arbitrary::<u8>().unwrap_or(0) % 5 {
        0 => quotas(&mut input),
        1 => net(&mut input),
        2 => jobs(&mut input),
        3 => seats(&mut input),
        _ => shared(&mut input),
    };
});

/// One count, with limits and costs of any size.
fn quotas(input: &mut Unstructured<'_>) -> Result<()> {
    let mut count = Count { taken: number(input, GREATEST)?, refunded: number(input, GREATEST)? };
    while !input.is_empty() {
        let before = count;
        let limit = number(input, u64::MAX)?;
        let most = u128::from(limit.min(GREATEST));
        match input.int_in_range(0..=2)? {
            0 => {
                let (need, want) = (number(input, u64::MAX)?, number(input, u64::MAX)?);
                let (after, taken) = count.take(need, want, limit);
                let left = most.saturating_sub(count.taken.into());
                let units = if left < need.into() { 0 } else { u128::from(want.max(need)).min(left) };
                assert_eq!(u128::from(taken.units), units);
                assert_eq!((taken.total, after.taken), (after.taken, count.taken + taken.units));
                assert!(u128::from(after.taken) <= most.max(before.taken.into()), "no more than the limit");
                let refusal = Refusal { total: count.taken };
                assert_eq!(refusal.answers(need, limit), left < need.into());
                count = after;
            }
            1 => {
                let units = number(input, u64::MAX)?;
                count = count.give_back(units);
                assert_eq!(count.taken, before.taken - units.min(before.taken));
            }
            _ => {
                let units = number(input, u64::MAX)?;
                let (after, done) = count.refund(units);
                assert!(done <= units && after.refunded >= before.refunded && after.refunded <= GREATEST);
                assert_eq!((before.taken - after.taken, after.refunded - before.refunded), (done, done));
                count = after;
            }
        }
        let (units, actual) = (number(input, u64::MAX)?, number(input, u64::MAX)?);
        assert_eq!(Reserved { units }.commit(actual).is_some(), actual <= units);
    }
    Ok(())
}

/// A message of a taker.
#[derive(Clone, Copy, Debug)]
enum Message {
    Take(u64),
    GiveBack(u64),
}

/// Two takers on one count, whose messages and answers are lost, and delivered again. What a taker knows that it holds,
/// once its doubts are resolved, is what the count says.
fn net(input: &mut Unstructured<'_>) -> Result<()> {
    let limit = number(input, 1_000)?;
    let (mut count, mut lasts): (_, [Option<Last>; 2]) = (Count::default(), [None, None]);
    let (mut holds, mut sequences, mut sent) = ([0_u64; 2], [0_u64; 2], Vec::new());
    while !input.is_empty() && sent.len() < 200 {
        let who: usize = input.int_in_range(0..=1)?;
        let units = number(input, 20)?.max(1);
        let message = if input.arbitrary()? && holds[who] > 0 {
            Message::GiveBack(units.min(holds[who]))
        } else {
            Message::Take(units)
        };
        sequences[who] += 1;
        sent.push((who, sequences[who], message));
        let mut deliver = |(who, sequence, message): (usize, u64, Message)| match message {
            Message::Take(want) => {
                let (after, last, taken, turn) = taker::take(count, lasts[who], sequence, (1, want, limit));
                (count, lasts[who]) = (after, last);
                (turn, taken.units)
            }
            Message::GiveBack(units) => {
                let (after, last, turn) = taker::give_back(count, lasts[who], sequence, units);
                (count, lasts[who]) = (after, last);
                (turn, 0)
            }
        };
        let arrives: bool = input.arbitrary()?;
        let answered: bool = input.arbitrary()?;
        let answer = arrives.then(|| deliver((who, sequences[who], message)));
        // Old copies, of either taker.
        for _ in 0..input.int_in_range(0..=2)? {
            let old = sent[input.choose_index(sent.len())?];
            // A taker's newest message is in doubt only until it is resolved: its copy does the same once.
            let (turn, _) = deliver(old);
            assert!(turn != Turn::New || !arrives || matches!(old.2, Message::Take(_)), "{old:?}");
        }
        match (answer, answered) {
            (Some((Turn::New, units)), true) => match message {
                Message::Take(_) if units > 0 => holds[who] += units,
                // A refusal is not remembered: a copy that comes late may be granted. Ask what became of it.
                Message::Take(_) => holds[who] += resolved(&mut lasts[who], sequences[who]),
                Message::GiveBack(units) => holds[who] -= units,
            },
            _ => {
                let (last, turn) = taker::resolve(lasts[who], sequences[who]);
                lasts[who] = last;
                match (message, turn) {
                    (Message::Take(_), Turn::Again(units)) => holds[who] += units,
                    (Message::GiveBack(units), Turn::Again(_)) => holds[who] -= units,
                    (_, Turn::New) => {}
                    (_, Turn::Late) => panic!("the newest message is never late"),
                }
            }
        }
        assert_eq!(count.taken, holds[0] + holds[1], "nothing is granted twice or lost");
        assert!(count.taken <= limit);
    }
    Ok(())
}

fn resolved(last: &mut Option<Last>, sequence: u64) -> u64 {
    let (now, turn) = taker::resolve(*last, sequence);
    *last = now;
    if let Turn::Again(units) = turn { units } else { 0 }
}

/// A job over two meters: as long as a try stands that was let through, its meters hold what it cost; when none does,
/// they hold nothing of it.
fn jobs(input: &mut Unstructured<'_>) -> Result<()> {
    let costs = [number(input, 20)?.max(1), number(input, 20)?.max(1)];
    let limits = [number(input, 100)?, number(input, 100)?];
    let others = [number(input, 50)?, number(input, 50)?];
    let mut states: [(Count, Option<Entry>); 2] = others.map(|taken| (Count { taken, refunded: 0 }, None));
    let mut tries: Vec<[u64; 2]> = Vec::new();
    let (mut paid, mut refunded) = (None::<[u64; 2]>, [0_u64; 2]);
    while !input.is_empty() && tries.len() < 100 {
        let before = states;
        let mut parts: [Part; 2] = std::array::from_fn(|at| Part {
            cost: costs[at],
            limit: limits[at],
            ..Part::new(states[at].0, states[at].1)
        });
        match input.int_in_range(0..=4)? {
            0 | 1 => {
                if input.int_in_range(0..=7)? == 0 {
                    parts[1].cost += 1;
                    let differs = states[1].1.is_some_and(|entry| entry.stage != Stage::Open);
                    let mut asked = parts;
                    let outcome = job::charge(&mut asked, false);
                    if differs {
                        assert_eq!(outcome, Outcome::CostDiffers(1));
                        assert_eq!(asked, parts, "and nothing has changed");
                    }
                    continue;
                }
                match job::charge(&mut parts, input.arbitrary()?) {
                    Outcome::Charged | Outcome::Before => {
                        tries.push(parts.map(|part| part.entry.expect("it was charged").attempt));
                        paid = paid.or(Some(costs));
                        for (part, limit) in parts.iter().zip(limits) {
                            assert!(!part.fresh || part.count.taken <= limit, "no more than the limit");
                        }
                    }
                    Outcome::Refused(at) => {
                        assert!(paid.is_none() && others[at] + costs[at] > limits[at]);
                        assert_eq!(parts.map(|part| (part.count, part.entry)), before);
                    }
                    Outcome::CostDiffers(_) => panic!("one cost"),
                }
            }
            2 if !tries.is_empty() => {
                let ids = tries.swap_remove(input.choose_index(tries.len())?);
                let went = [parts[0].cancel(ids[0]), parts[1].cancel(ids[1])];
                assert_eq!(went, [tries.is_empty(); 2], "the charge goes with the last try");
                paid = paid.filter(|_| !tries.is_empty());
            }
            3 if !tries.is_empty() => {
                let actual = number(input, 25)?;
                for (at, part) in parts.iter_mut().enumerate() {
                    if part.commit(tries[0][at], actual) {
                        paid.as_mut().expect("a try stands")[at] = costs[at].min(actual);
                    }
                }
            }
            4 if !tries.is_empty() => {
                let units = number(input, 25)?;
                for (at, part) in parts.iter_mut().enumerate() {
                    let done = part.refund(tries[0][at], units);
                    refunded[at] += done;
                    if let Some(paid) = &mut paid {
                        paid[at] -= done;
                    }
                }
                let open = parts
                    .iter()
                    .filter(|part| part.entry.is_some_and(|entry| entry.stage == Stage::Open))
                    .count();
                match open {
                    0 => {}
                    2 => (paid, tries) = (None, Vec::new()),
                    _ => return Ok(()), // the meters go their own ways
                }
            }
            _ => {}
        }
        states = parts.map(|part| (part.count, part.entry));
        let held = paid.unwrap_or_default();
        for at in 0..2 {
            assert_eq!(states[at].0, Count { taken: others[at] + held[at], refunded: refunded[at] });
        }
    }
    Ok(())
}

/// Seats of a few holders: never more than the limit, and each ends when its time is over.
fn seats(input: &mut Unstructured<'_>) -> Result<()> {
    let (mut clock, mut wall) = (SeatClock::default(), number(input, limits::TIME)?);
    let mut held: BTreeMap<u8, Seat> = BTreeMap::new();
    // Seconds that each seat has left: what passes while nobody looks before a step back is not seen.
    let mut left: BTreeMap<u8, u64> = BTreeMap::new();
    let mut last_read = None;
    while !input.is_empty() {
        wall = if input.int_in_range(0..=5)? == 0 {
            wall.saturating_sub(number(input, 1 << 32)?)
        } else {
            wall.saturating_add(number(input, 1 << 24)?)
        };
        let seen = last_read.map_or(0, |before: u64| wall.saturating_sub(before));
        last_read = Some(wall);
        left.retain(|_, seconds| {
            *seconds = seconds.saturating_sub(seen);
            *seconds > 0
        });
        let (after, now) = clock.read(wall);
        clock = after;
        held.retain(|_, seat| !seat.is_over(now));
        let (holder, limit, ttl) = (input.int_in_range(0..=5)?, number(input, 4)?, number(input, u64::MAX)?);
        held.remove(&holder);
        left.remove(&holder);
        let others = Others { count: held.len() as u64, first: held.values().map(|seat| seat.ends).min() };
        let seating = seat::take(others, limit, ttl, now);
        assert_eq!(seating.seat.is_some(), (left.len() as u64) < limit);
        if let Some(seat) = seating.seat {
            assert_eq!(seat.ends - now, ttl.clamp(1, LONGEST));
            held.insert(holder, seat);
            left.insert(holder, ttl.clamp(1, LONGEST));
        }
        assert_eq!(seating.taken, held.len() as u64);
        assert_eq!(held.len(), left.len());
        assert_eq!(seating.next_free, held.values().map(|seat| seat.ends).min());
        if let Some(free) = seating.next_free {
            assert_eq!(clock.of_store(free) - wall, left.values().min().copied().expect("a seat"));
        }
    }
    Ok(())
}

/// Processes that share a rate: together they never use more than a burst and what has come since.
fn shared(input: &mut Unstructured<'_>) -> Result<()> {
    let rate = Rate {
        name: "api",
        count: number(input, 1 << 20)?.max(1),
        per_ms: number(input, 100_000)?.max(1),
        burst: number(input, 1 << 26)?.max(1),
    };
    let gcra = Gcra::new(&rate);
    let (mut tat, mut now) = (Tat::default(), number(input, 1 << 62)?);
    let start = now;
    let (mut slices, mut said) = ([Slice::default(); 3], None::<Said>);
    let mut used = 0_u128;
    while !input.is_empty() && now < 1 << 63 {
        now += number(input, 1 << 36)?;
        let who: usize = input.int_in_range(0..=2)?;
        let (slice, cost) = (slices[who], number(input, 1 << 27)?);
        assert_eq!(Slice::from_word(slice.word()), slice);
        assert!(slice.left(now) <= MOST && slice.left(now + LIFE * 1_000_000) == 0, "it ends");
        if let Some(spent) = slice.spend(cost, now) {
            assert_eq!(slice.left(now) - spent.left(now), cost);
            slices[who] = spent;
            used += u128::from(cost);
            if input.arbitrary()? {
                slices[who] = spent.undo(cost, now);
                used -= u128::from(cost);
                assert!(slices[who].left(now) <= slice.left(now));
            }
        } else {
            let missing = slice.missing(cost, now);
            assert!(missing > 0 && missing <= cost);
            let want = shared_rate::want(gcra, missing, number(input, 1 << 40)?, number(input, 1 << 40)?);
            assert!(want >= missing && want <= missing.max(MOST));
            let (after, taken) = gcra.take(tat, now, missing, want);
            tat = after;
            if let Some(said) = said.filter(|said| said.answers(gcra, missing, now)) {
                assert!(taken.units == 0 || said.at > now, "it said no, and means it");
            }
            said = Some(Said { gcra, need: missing, taken, at: now });
            if let Some(filled) = slice.fill(taken.units, cost, now) {
                slices[who] = filled;
                used += u128::from(cost);
            } else {
                assert_eq!(taken.units, 0, "what was needed is enough");
            }
        }
        let come = u128::from(now - start) / gcra.interval() + u128::from(rate.burst);
        assert!(used <= come, "{used} of {come}");
    }
    Ok(())
}
