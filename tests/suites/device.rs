//! A device counts in a block of bytes in flash, through resets in the middle of every write.

use licentia_core::{
    Code, Expect, License, Overage, Period, Timestamp,
    metering::device::{Charge, Charged, Moment, Record, length},
    verify,
};
use licentia_issuer::{Draft, Issuer, Quota, Rate, SigningKey};

/// 2027-01-15T08:00:00Z.
const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const DAY: u64 = 86_400;
const NANOS: u64 = 1_000_000_000;

fn licence(issuer: &str, lineage: u8, quotas: &[(&str, &str)], rates: &[(&str, [u64; 3])]) -> Vec<u8> {
    let mut draft = Draft::new("customer-42", "pro", 3, NOW - DAY, NOW + 365 * DAY);
    draft.lineage = Some([lineage; 16].into());
    for (name, terms) in quotas {
        draft.grant.quotas.insert((*name).into(), terms.parse().unwrap());
    }
    for (name, [count, per_ms, burst]) in rates {
        let terms = Rate { count: *count, per_ms: *per_ms, burst: Some(*burst) };
        draft.grant.rates.insert((*name).into(), terms);
    }
    let issuer = Issuer::new(issuer, SigningKey::from_seed(&[1; 32]).unwrap());
    issuer.issue(&draft).unwrap().as_bytes().to_vec()
}

/// The licence, verified.
fn read(token: &[u8]) -> License<'_> {
    let keys = [SigningKey::from_seed(&[1; 32]).unwrap().public().clone()];
    match verify(token, &keys, &Expect::new(), NOW) {
        Ok(verified) => verified.license,
        Err(denial) => panic!("{}", denial.code),
    }
}

fn meter(name: &str, cost: u64) -> Charge<'_> {
    Charge { name, is_rate: false, cost }
}

fn rate(name: &str, cost: u64) -> Charge<'_> {
    Charge { name, is_rate: true, cost }
}

fn at(time: Timestamp) -> Moment {
    Moment { now_nanos: time.as_seconds() * NANOS, mark: time }
}

/// The code, and what is left.
fn charge(
    record: &mut Record<'_>,
    license: &License<'_>,
    charges: &[Charge<'_>],
    moment: Moment,
) -> (Code, u64) {
    let Charged { code, remaining, .. } = record.charge(license, charges, moment);
    (code, remaining)
}

/// Two places in flash, whose bytes are all ones when they are erased.
struct Flash {
    places: [Vec<u8>; 2],
}

/// What a torn write leaves of the rest.
#[derive(Clone, Copy, Debug)]
enum Rest {
    Erased,
    Old,
    Noise,
}

impl Flash {
    fn new(size: usize) -> Self {
        Self { places: [vec![0xff; size], vec![0xff; size]] }
    }

    fn boot<'s>(&self, space: &'s mut [u8]) -> Result<Record<'s>, Code> {
        Record::newest([&self.places[0], &self.places[1]], space)
    }

    fn write(&mut self, record: &Record<'_>) {
        self.places[record.place()] = record.bytes().to_vec();
    }

    /// The same, with a reset after `cut` bytes.
    fn torn(&self, record: &Record<'_>, cut: usize, rest: Rest) -> Self {
        let mut places = self.places.clone();
        let place = &mut places[record.place()];
        for (at, byte) in place.iter_mut().enumerate() {
            match rest {
                _ if at < cut => *byte = record.bytes()[at],
                Rest::Old => {}
                Rest::Erased => *byte = 0xff,
                Rest::Noise => *byte = u8::try_from((at * 151 + cut * 7) % 256).unwrap(),
            }
        }
        Self { places }
    }
}

#[test]
fn a_write_that_is_torn_anywhere_loses_its_step_and_nothing_is_granted_twice() {
    let token = licence("acme", 7, &[("calls", "9/day")], &[("api", [1, 3_600_000, 9])]);
    let license = read(&token);
    let size = length(2);
    let mut flash = Flash::new(size);
    let both = [rate("api", 1), meter("calls", 1)];
    for step in 1..=9 {
        let (mut before, mut space) = (vec![0; size], vec![0; size]);
        before.copy_from_slice(flash.boot(&mut space).unwrap().bytes());
        let mut record = flash.boot(&mut space).unwrap();
        let charged = record.charge(&license, &both, at(NOW));
        assert_eq!((charged.code, charged.remaining, charged.changed), (Code::Allowed, 9 - step, true));
        for rest in [Rest::Erased, Rest::Old, Rest::Noise] {
            for cut in 0..=size {
                let (torn, mut space) = (flash.torn(&record, cut, rest), vec![0; size]);
                let found =
                    torn.boot(&mut space).unwrap_or_else(|code| panic!("{step} {cut} {rest:?}: {code}"));
                // The bytes that are left may be those that were to be written.
                let whole = torn.places[record.place()] == record.bytes();
                let expected = if whole { record.bytes() } else { &before };
                assert_eq!(found.bytes(), expected, "{step} {cut} {rest:?}");
                assert!(whole || cut < size);
            }
        }
        flash.write(&record);
    }
    let mut space = vec![0; size];
    let mut record = flash.boot(&mut space).unwrap();
    let refused = record.charge(&license, &both, at(NOW));
    assert_eq!((refused.code, refused.retry_after, refused.changed), (Code::RateLimited, Some(3600), false));
    assert_eq!(charge(&mut record, &license, &both[1..], at(NOW)), (Code::QuotaExceeded, 0));
}

#[test]
fn over_random_resets_grants_and_losses_add_up_to_the_limit() {
    let token = licence("acme", 7, &[("calls", "200/day")], &[]);
    let license = read(&token);
    let size = length(1);
    for seed in 0..50 {
        let mut random = fastrand::Rng::with_seed(seed);
        let (mut flash, mut granted, mut lost, mut space) = (Flash::new(size), 0, 0, vec![0; size]);
        let mut record = flash.boot(&mut space).unwrap();
        loop {
            let cost = random.u64(1..5);
            let charged = record.charge(&license, &[meter("calls", cost)], at(NOW));
            if charged.code == Code::QuotaExceeded {
                break;
            }
            match random.u8(..4) {
                // A reset in the middle of the write.
                0 => flash = flash.torn(&record, random.usize(..size), Rest::Erased),
                // A reset between the write and the work.
                1 => {
                    flash.write(&record);
                    lost += cost;
                }
                _ => {
                    flash.write(&record);
                    granted += cost;
                    continue;
                }
            }
            record = flash.boot(&mut space).unwrap();
        }
        assert!((197..=200).contains(&(granted + lost)), "{seed}: {granted} and {lost}");
    }
}

#[test]
fn flash_that_is_damaged_is_not_taken_for_new() {
    let token = licence("acme", 7, &[("calls", "9/day")], &[]);
    let license = read(&token);
    let size = length(1);
    let mut flash = Flash::new(size);
    let mut space = vec![0; size];
    for _ in 0..2 {
        let mut record = flash.boot(&mut space).unwrap();
        assert_eq!(charge(&mut record, &license, &[meter("calls", 1)], at(NOW)).0, Code::Allowed);
        flash.write(&record);
    }
    for place in 0..2 {
        let mut one = Flash { places: flash.places.clone() };
        one.places[place][20] ^= 1;
        assert!(one.boot(&mut space).is_ok(), "the other one is whole");
        one.places[1 - place][20] ^= 1;
        assert_eq!(one.boot(&mut space).unwrap_err(), Code::StoreUnreachable);
    }
    // Each bit that flips is seen.
    for bit in 0..size * 8 {
        let mut bytes = flash.places[0].clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(Record::resume(&mut bytes).unwrap_err(), Code::InvalidArgument, "{bit}");
    }
    for length in [0, 1, 24, 40, 87, 89] {
        assert_eq!(Record::new(&mut vec![0; length]).unwrap_err(), Code::InvalidArgument, "{length}");
        let place: &[u8] = &[0xff; 200];
        assert_eq!(Record::newest([place, place], &mut vec![0; length]).unwrap_err(), Code::InvalidArgument);
    }
    assert_eq!(Record::newest([&[], &[]], &mut space).unwrap().place(), 0, "no flash yet");
}

#[test]
fn several_are_charged_or_none() {
    let token = licence("acme", 7, &[("calls", "9/day"), ("mails", "2/day")], &[("api", [9, 1000, 9])]);
    let license = read(&token);
    let mut space = vec![0; length(3)];
    let mut record = Record::new(&mut space).unwrap();
    let empty = record.bytes().to_vec();
    let all = |mails| [rate("api", 3), meter("calls", 4), meter("mails", mails)];
    assert_eq!(charge(&mut record, &license, &all(3), at(NOW)).0, Code::QuotaExceeded);
    assert_eq!(record.bytes(), empty, "nothing has changed");
    assert_eq!(charge(&mut record, &license, &all(2), at(NOW)), (Code::Allowed, 0));
    assert_eq!(charge(&mut record, &license, &[meter("calls", 0)], at(NOW)), (Code::Allowed, 5));
    assert_eq!(charge(&mut record, &license, &[rate("api", 0)], at(NOW)), (Code::Allowed, 6));
    assert_eq!(charge(&mut record, &license, &[meter("faxes", 1)], at(NOW)).0, Code::MeterNotLicensed);
    assert_eq!(charge(&mut record, &license, &[rate("web", 1)], at(NOW)).0, Code::RateNotLicensed);
    assert_eq!(charge(&mut record, &license, &[rate("api", 0); 9], at(NOW)).0, Code::InvalidArgument);
    // The same meter twice in one charge counts twice, or not at all.
    assert_eq!(
        charge(&mut record, &license, &[meter("calls", 3), meter("calls", 3)], at(NOW)).0,
        Code::QuotaExceeded
    );
    assert_eq!(
        charge(&mut record, &license, &[meter("calls", 3), meter("calls", 2)], at(NOW)),
        (Code::Allowed, 0)
    );
}

#[test]
fn periods_turn_and_their_counters_are_used_again() {
    let token = licence("acme", 7, &[("calls", "3/day")], &[]);
    let license = read(&token);
    let mut space = vec![0; length(1)];
    let mut record = Record::new(&mut space).unwrap();
    let three = [meter("calls", 3)];
    for day in 0..5 {
        let moment = at(NOW + day * DAY);
        assert_eq!(charge(&mut record, &license, &three, moment), (Code::Allowed, 0));
        assert_eq!(charge(&mut record, &license, &[meter("calls", 1)], moment).0, Code::QuotaExceeded);
    }
    let back = at(NOW);
    assert_eq!(
        charge(&mut record, &license, &three, back).0,
        Code::QuotaExceeded,
        "no time is before the mark"
    );
}

#[test]
fn a_clock_that_is_far_ahead_for_a_while_neither_grants_twice_nor_locks_out() {
    let token = licence("acme", 7, &[("calls", "3/day")], &[]);
    let license = read(&token);
    let mut space = vec![0; length(2)];
    let mut record = Record::new(&mut space).unwrap();
    let one = [meter("calls", 1)];
    assert_eq!(charge(&mut record, &license, &one, at(NOW)), (Code::Allowed, 2));
    // The guard believes the clock for now, and does not move the mark.
    let ahead = Moment { now_nanos: (NOW + 300 * DAY).as_seconds() * NANOS, mark: NOW };
    assert_eq!(charge(&mut record, &license, &one, ahead), (Code::Allowed, 2));
    let further = Moment { now_nanos: (NOW + 301 * DAY).as_seconds() * NANOS, mark: NOW };
    assert_eq!(charge(&mut record, &license, &one, further).0, Code::StoreUnreachable, "no counter is free");
    assert_eq!(charge(&mut record, &license, &one, at(NOW + 1)), (Code::Allowed, 1), "and it goes on");
}

#[test]
fn a_slow_rate_that_was_used_up_makes_nobody_wait_for_longer_than_a_burst() {
    let slow = licence("acme", 7, &[], &[("api", [10, 86_400_000, 10])]);
    let fast = licence("acme", 7, &[], &[("api", [1000, 1000, 1000])]);
    let (slow, fast) = (read(&slow), read(&fast));
    let mut space = vec![0; length(1)];
    let mut record = Record::new(&mut space).unwrap();
    assert_eq!(charge(&mut record, &slow, &[rate("api", 10)], at(NOW)).0, Code::Allowed);
    let refused = record.charge(&fast, &[rate("api", 1000)], at(NOW));
    assert_eq!((refused.code, refused.retry_after), (Code::RateLimited, Some(1)));
    assert!(Record::resume(&mut record.bytes().to_vec()).is_ok(), "what was lowered is sealed");
    assert_eq!(charge(&mut record, &fast, &[rate("api", 1000)], at(NOW + 1)).0, Code::Allowed);
}

#[test]
fn an_issuer_and_a_lineage_have_counters_of_their_own() {
    let quotas = [("calls", "3/day")];
    let tokens = [
        licence("acme", 7, &quotas, &[]),
        licence("reseller", 7, &quotas, &[]),
        licence("acme", 8, &quotas, &[]),
    ];
    let mut space = vec![0; length(3)];
    let mut record = Record::new(&mut space).unwrap();
    for token in &tokens {
        let license = read(token);
        assert_eq!(charge(&mut record, &license, &[meter("calls", 3)], at(NOW)), (Code::Allowed, 0));
    }
    let fourth = licence("acme", 9, &quotas, &[]);
    let fourth = read(&fourth);
    assert_eq!(charge(&mut record, &fourth, &[meter("calls", 1)], at(NOW)).0, Code::StoreUnreachable);
}

#[test]
fn units_that_were_charged_ahead_go_back_at_an_orderly_stop() {
    let token = licence("acme", 7, &[("calls", "100/day")], &[]);
    let license = read(&token);
    let mut space = vec![0; length(1)];
    let mut record = Record::new(&mut space).unwrap();
    assert_eq!(charge(&mut record, &license, &[meter("calls", 50)], at(NOW)), (Code::Allowed, 50));
    let place = record.place();
    assert!(record.give_back(&license, "calls", 20, at(NOW)));
    assert_ne!(record.place(), place, "it is a block of its own");
    assert_eq!(charge(&mut record, &license, &[meter("calls", 0)], at(NOW)), (Code::Allowed, 70));
    assert!(!record.give_back(&license, "calls", 5, at(NOW + DAY)), "that period has no counter");
    assert!(!record.give_back(&license, "mails", 5, at(NOW)));
}

#[test]
fn an_overage_is_flagged_up_to_its_hard_limit() {
    let mut draft = Draft::new("customer-42", "pro", 3, NOW - DAY, NOW + 365 * DAY);
    let quota = Quota { limit: 3, period: Period::Day, overage: Overage::UpTo(5) };
    draft.grant.quotas.insert("calls".into(), quota);
    let issuer = Issuer::new("acme", SigningKey::from_seed(&[1; 32]).unwrap());
    let token = issuer.issue(&draft).unwrap();
    let license = read(token.as_bytes());
    let mut space = vec![0; length(1)];
    let mut record = Record::new(&mut space).unwrap();
    let said = [3, 1, 1, 1].map(|cost| {
        let charged = record.charge(&license, &[meter("calls", cost)], at(NOW));
        (charged.code, charged.overage, charged.remaining)
    });
    let exceeded = (Code::QuotaExceeded, false, 0);
    assert_eq!(
        said,
        [(Code::Allowed, false, 0), (Code::Allowed, true, 0), (Code::Allowed, true, 0), exceeded]
    );
}
