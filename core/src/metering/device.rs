//! Counting on a device without an operating system: rates and quotas in one block of bytes of a fixed size.
//!
//! The caller keeps the block and writes it to flash, into two places by turns. It holds a sequence number and a
//! checksum, so that [`Record::newest`] finds the last block that was written whole.
//!
//! **Write before you grant.** [`Record::charge`] changes the block in memory; when it has charged something, write the
//! block into place [`Record::place`] and do the work only when the write is done. A reset in the middle of a write
//! loses that step: the charge is gone and so is the request, which was not served. A reset after it loses the units
//! and grants none twice. A device that wears its flash out too fast charges many units at once and counts them down
//! in its own memory; a reset then loses what was left of them, and [`Record::give_back`] returns them in an orderly
//! stop.
//!
//! | bytes | what, numbers little-endian |
//! |---|---|
//! | 4 | `lcr1` |
//! | 4 | 0 |
//! | 8 | sequence, from 1 |
//! | 8 | the clock's mark: the latest time that is known to have passed |
//! | 48 for each counter | key (16), kind (8: 0 free, 1 rate, 2 quota), three numbers: a TAT (low, high, 0), or start, end and units taken |
//! | 16 | the first bytes of SHA-256 of all before |
//!
//! A counter's key is the first 16 bytes of SHA-256 over issuer, lineage, kind and name, so that no issuer's licence
//! counts on another's. A rate's counter is free again when its TAT has passed, a quota's when its period is over, both
//! by the clock's mark, which no clock that was set ahead can move (see [`crate::Clock`]). So the block needs as many
//! counters as the licence has rates and meters, and one for each that a wrong clock begins.

use crate::{
    code::Code,
    license::{claims::License, quota::Overage},
    metering::{
        quota::Count,
        rate::{Gcra, Tat},
    },
    time::{period::Window, timestamp::Timestamp},
};

/// Length of a block without its counters, in bytes.
pub const HEAD: usize = 24;
/// Length of a counter, in bytes.
pub const COUNTER: usize = 48;
/// Length of the checksum, in bytes.
pub const CHECKSUM: usize = 16;
/// Most rates and meters of one charge.
pub const CHARGES: usize = 8;

const MAGIC: [u8; 8] = *b"lcr1\0\0\0\0";
const NANOS_PER_SECOND: u64 = 1_000_000_000;
/// The end of a lifetime's window.
const NEVER: u64 = u64::MAX;

/// Length of a block with this many counters, in bytes.
pub const fn length(counters: usize) -> usize {
    counters.saturating_mul(COUNTER).saturating_add(HEAD + CHECKSUM)
}

/// What is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge<'a> {
    /// The rate or the meter.
    pub name: &'a str,
    /// Whether it is a rate.
    pub is_rate: bool,
    /// Units; 0 reads.
    pub cost: u64,
}

/// What came of charges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charged {
    /// [`Code::Allowed`], or why not: [`Code::RateLimited`], [`Code::QuotaExceeded`], [`Code::RateNotLicensed`],
    /// [`Code::MeterNotLicensed`], [`Code::StoreUnreachable`] if no counter is free, [`Code::InvalidArgument`] for too
    /// many charges.
    pub code: Code,
    /// What is left of the last one that was looked at.
    pub remaining: u64,
    /// Seconds until it may be asked again, rounded up; `None` if that is never, or does not help.
    pub retry_after: Option<u64>,
    /// Whether a quota's own limit is used up, and the contract lets the work go on.
    pub overage: bool,
    /// Whether the block has changed: write it before anything is granted.
    pub changed: bool,
}

/// The time of a charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Nanoseconds since 1970.
    pub now_nanos: u64,
    /// The latest time that is known to have passed: [`crate::Clock::mark`]. A device whose clock
    /// nobody can set takes its time.
    pub mark: Timestamp,
}

impl Moment {
    /// The second of the charge.
    fn second(self) -> Timestamp {
        Timestamp::from_seconds(self.now_nanos / NANOS_PER_SECOND)
    }
}

/// What one counter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Free,
    Rate(Tat),
    Quota(Window, Count),
}

/// One counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Counter {
    key: [u8; 16],
    state: State,
}

/// A block of counters.
#[derive(Debug)]
pub struct Record<'s> {
    bytes: &'s mut [u8],
}

impl<'s> Record<'s> {
    /// A new block in the caller's memory, whose length says how many counters there are: [`length`].
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] for another length.
    pub fn new(space: &'s mut [u8]) -> Result<Self, Code> {
        if !is_length(space.len()) {
            return Err(Code::InvalidArgument);
        }
        space.fill(0);
        if let Some(magic) = space.first_chunk_mut() {
            *magic = MAGIC;
        }
        let mut record = Self { bytes: space };
        record.seal();
        Ok(record)
    }

    /// The newest block of the two places in flash, copied into the caller's memory, or a new one if there is none yet.
    ///
    /// # Errors
    /// [`Code::StoreUnreachable`] if there was one and it is damaged: both places cannot be torn by resets, so this is
    /// worn or altered flash, and what was counted is unknown. [`Code::InvalidArgument`] for another length.
    pub fn newest(places: [&[u8]; 2], space: &'s mut [u8]) -> Result<Self, Code> {
        if !is_length(space.len()) {
            return Err(Code::InvalidArgument);
        }
        let whole = places.map(|place| place.get(..space.len()).and_then(sequence));
        let newest = match whole {
            [Some(even), Some(odd)] if odd > even => places.last(),
            [None, Some(_)] => places.last(),
            [Some(_), _] => places.first(),
            [None, None] => {
                // The first write goes to the odd place: as long as the even one is blank, it may have been torn.
                let blank = |place: &[u8]| {
                    place.iter().all(|byte| *byte == 0xff) || place.iter().all(|byte| *byte == 0)
                };
                let first = places.first().is_some_and(|place| blank(place));
                return if first { Self::new(space) } else { Err(Code::StoreUnreachable) };
            }
        };
        let found = newest.and_then(|place| place.get(..space.len())).ok_or(Code::InvalidArgument)?;
        space.copy_from_slice(found);
        Ok(Self { bytes: space })
    }

    /// A block that the caller kept in memory.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] if it is none, or was changed.
    pub fn resume(space: &'s mut [u8]) -> Result<Self, Code> {
        sequence(space).ok_or(Code::InvalidArgument)?;
        Ok(Self { bytes: space })
    }

    /// What is written to flash.
    pub fn bytes(&self) -> &[u8] {
        self.bytes
    }

    /// The place in flash that the block is written to: 0 or 1. The other one holds the block before, which must stay
    /// until this one is written.
    pub fn place(&self) -> usize {
        usize::from(self.number(8) % 2 == 1)
    }

    /// The latest time that is known to have passed, as it was with the last charge; 1970 at first.
    pub fn mark(&self) -> Timestamp {
        Timestamp::from_seconds(self.number(16))
    }

    /// Charges rates and meters of a licence that was just verified, all or none.
    pub fn charge(&mut self, license: &License<'_>, charges: &[Charge<'_>], moment: Moment) -> Charged {
        let mut outcome =
            Charged { code: Code::Allowed, remaining: 0, retry_after: None, overage: false, changed: false };
        // No time is before the mark: what was over then has lost its counter.
        let mark = moment.mark.max(self.mark());
        let now_nanos = moment.now_nanos.max(mark.as_seconds().saturating_mul(NANOS_PER_SECOND));
        let moment = Moment { now_nanos, mark };
        let mut before: [Option<(usize, Counter)>; CHARGES] = [None; CHARGES];
        if charges.len() > CHARGES {
            return Charged { code: Code::InvalidArgument, ..outcome };
        }
        for (kept, charge) in before.iter_mut().zip(charges) {
            match self.one(license, charge, moment, &mut outcome) {
                Ok(changed) => *kept = changed,
                Err(code) => {
                    outcome.code = code;
                    break;
                }
            }
        }
        if outcome.code != Code::Allowed {
            outcome.overage = false;
            for (at, counter) in before.into_iter().rev().flatten() {
                self.set(at, counter);
            }
            return outcome;
        }
        outcome.changed = before.iter().any(Option::is_some);
        if outcome.changed {
            self.advance(mark);
        }
        outcome
    }

    /// Gives units of a meter back that were charged and not used. Returns whether the block has changed.
    pub fn give_back(&mut self, license: &License<'_>, meter: &str, units: u64, moment: Moment) -> bool {
        let Some(quota) = license.quota(meter) else { return false };
        let mark = moment.mark.max(self.mark());
        let window = quota.period.window(moment.second().max(mark));
        let key = key(license, 2, meter);
        let same = |counter: &Counter| {
            counter.key == key && matches!(counter.state, State::Quota(of, _) if of == window)
        };
        let Some((at, Counter { state: State::Quota(_, count), .. })) = self.find(same) else { return false };
        let after = count.give_back(units);
        self.set(at, Counter { key, state: State::Quota(window, after) });
        if after != count {
            self.advance(mark);
        }
        after != count
    }

    /// Charges one rate or meter. Returns what was there before, if it has changed.
    fn one(
        &mut self,
        license: &License<'_>,
        charge: &Charge<'_>,
        moment: Moment,
        outcome: &mut Charged,
    ) -> Result<Option<(usize, Counter)>, Code> {
        let now = moment.second();
        let kind = if charge.is_rate { 1 } else { 2 };
        let key = key(license, kind, charge.name);
        let (at, before, after) = if charge.is_rate {
            let gcra = Gcra::new(&license.rate(charge.name).ok_or(Code::RateNotLicensed)?);
            let same = |counter: &Counter| counter.key == key && matches!(counter.state, State::Rate(_));
            let (at, before) = self.place_for(same, moment.mark)?;
            let tat = if let State::Rate(tat) = before.state { tat } else { Tat::default() };
            let admission = gcra.admit(tat, moment.now_nanos, charge.cost);
            outcome.remaining = admission.remaining;
            if !admission.granted {
                // What lay too far ahead is lowered, and written with the next charge.
                if admission.tat != tat {
                    self.set(at, Counter { key, state: State::Rate(admission.tat) });
                    self.seal();
                }
                outcome.retry_after = admission.retry_after.map(|nanos| nanos.div_ceil(NANOS_PER_SECOND));
                return Err(Code::RateLimited);
            }
            (at, before, State::Rate(admission.tat))
        } else {
            let quota = license.quota(charge.name).ok_or(Code::MeterNotLicensed)?;
            let limit = match quota.overage {
                Overage::Deny => quota.limit,
                Overage::UpTo(hard) => hard,
                Overage::Unlimited => u64::MAX,
            };
            let window = quota.period.window(now);
            let same = |counter: &Counter| {
                counter.key == key && matches!(counter.state, State::Quota(of, _) if of == window)
            };
            let (at, before) = self.place_for(same, moment.mark)?;
            let count = match before.state {
                State::Quota(of, count) if of == window => count,
                _ => Count::default(),
            };
            let (count, taken) = count.take(charge.cost, charge.cost, limit);
            outcome.remaining = count.left(quota.limit);
            if taken.units < charge.cost {
                let end = window.end.filter(|_| charge.cost <= limit);
                outcome.retry_after = end.map(|end| end.seconds_since(now));
                return Err(Code::QuotaExceeded);
            }
            outcome.overage |= count.taken > quota.limit;
            (at, before, State::Quota(window, count))
        };
        if charge.cost == 0 {
            return Ok(None);
        }
        self.set(at, Counter { key, state: after });
        Ok(Some((at, before)))
    }

    /// The counter that is the same, or one that is free at `mark`.
    fn place_for(&self, same: impl Fn(&Counter) -> bool, mark: Timestamp) -> Result<(usize, Counter), Code> {
        let free = || {
            let (at, counter) = self.find(|counter| counter.state.is_over(mark))?;
            Some((at, Counter { state: State::Free, ..counter }))
        };
        self.find(same).or_else(free).ok_or(Code::StoreUnreachable)
    }

    fn find(&self, is: impl Fn(&Counter) -> bool) -> Option<(usize, Counter)> {
        let counters = self.bytes.get(HEAD..)?.chunks_exact(COUNTER).map(Counter::read);
        counters.enumerate().find(|(_, counter)| is(counter))
    }

    fn set(&mut self, at: usize, counter: Counter) {
        let counters = self.bytes.get_mut(HEAD..).unwrap_or_default();
        if let Some(place) = counters.chunks_exact_mut(COUNTER).nth(at) {
            counter.write(place);
        }
    }

    fn number(&self, at: usize) -> u64 {
        number(self.bytes, at)
    }

    /// Makes it the next block.
    fn advance(&mut self, mark: Timestamp) {
        let sequence = self.number(8).saturating_add(1);
        set_number(self.bytes, 8, sequence);
        set_number(self.bytes, 16, mark.as_seconds());
        self.seal();
    }

    fn seal(&mut self) {
        if let Some((all, place)) = self.bytes.split_last_chunk_mut() {
            *place = checksum(all);
        }
    }
}

impl State {
    /// Whether it says nothing any more at `mark`.
    fn is_over(&self, mark: Timestamp) -> bool {
        match self {
            Self::Free => true,
            Self::Rate(tat) => {
                tat.as_nanos() <= u128::from(mark.as_seconds()).saturating_mul(NANOS_PER_SECOND.into())
            }
            Self::Quota(window, _) => window.end.is_some_and(|end| end <= mark),
        }
    }
}

impl Counter {
    fn read(bytes: &[u8]) -> Self {
        let mut key = [0; 16];
        for (to, from) in key.iter_mut().zip(bytes) {
            *to = *from;
        }
        let [kind, one, two, three] = [16, 24, 32, 40].map(|at| number(bytes, at));
        let state = match kind {
            1 => State::Rate(Tat::from_nanos(u128::from(two) << 64 | u128::from(one))),
            2 => {
                let end = Some(two).filter(|end| *end != NEVER).map(Timestamp::from_seconds);
                let window = Window { start: Timestamp::from_seconds(one), end };
                State::Quota(window, Count { taken: three, refunded: 0 })
            }
            _ => State::Free,
        };
        Self { key, state }
    }

    fn write(&self, bytes: &mut [u8]) {
        for (to, from) in bytes.iter_mut().zip(self.key) {
            *to = from;
        }
        let numbers = match self.state {
            State::Free => [0; 4],
            State::Rate(tat) => {
                let nanos = tat.as_nanos();
                let low = u64::try_from(nanos & u128::from(u64::MAX)).unwrap_or(u64::MAX);
                [1, low, u64::try_from(nanos >> 64).unwrap_or(u64::MAX), 0]
            }
            State::Quota(window, count) => {
                let end = window.end.map_or(NEVER, Timestamp::as_seconds);
                [2, window.start.as_seconds(), end, count.taken]
            }
        };
        for (at, value) in [16, 24, 32, 40].into_iter().zip(numbers) {
            set_number(bytes, at, value);
        }
    }
}

/// Which counter is of a licence's rate (1) or meter (2).
fn key(license: &License<'_>, kind: u8, name: &str) -> [u8; 16] {
    let mut hash = hmac_sha256::Hash::new();
    let issuer = license.issuer();
    hash.update(u64::try_from(issuer.len()).unwrap_or(u64::MAX).to_le_bytes());
    hash.update(issuer);
    hash.update(license.lineage().as_bytes());
    hash.update([kind]);
    hash.update(name);
    first(&hash.finalize())
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM] {
    first(&hmac_sha256::Hash::hash(bytes))
}

fn first(digest: &[u8; 32]) -> [u8; 16] {
    digest.first_chunk().copied().unwrap_or_default()
}

fn is_length(length: usize) -> bool {
    length.checked_sub(HEAD + CHECKSUM).is_some_and(|counters| counters > 0 && counters % COUNTER == 0)
}

/// The sequence number of a block that is whole.
fn sequence(bytes: &[u8]) -> Option<u64> {
    let (all, sum) = bytes.split_last_chunk()?;
    let whole = is_length(bytes.len()) && all.starts_with(&MAGIC) && *sum == checksum(all);
    whole.then(|| number(bytes, 8))
}

fn number(bytes: &[u8], at: usize) -> u64 {
    let word = bytes.get(at..).and_then(|rest| rest.first_chunk());
    u64::from_le_bytes(word.copied().unwrap_or_default())
}

fn set_number(bytes: &mut [u8], at: usize, value: u64) {
    if let Some(word) = bytes.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
        *word = value.to_le_bytes();
    }
}
