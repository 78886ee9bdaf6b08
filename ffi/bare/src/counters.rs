//! Counting in a block of bytes that the caller keeps and writes to flash.

use licentia_core::{
    Code,
    metering::device::{self, CHARGES, Charge, Moment, Record},
};

use crate::{
    border::{BareText, NONE, bytes, disjoint, kept, list, place, status, text},
    feature::BareLicense,
};

/// Most rates and meters of one charge.
pub const LICENTIA_BARE_CHARGES: usize = 8;
/// Length of a block of counters without the counters, in bytes.
pub const LICENTIA_BARE_COUNTERS_HEAD: usize = 40;
/// Length of one counter, in bytes. A block has one for each rate and meter of the licences that it counts.
pub const LICENTIA_BARE_COUNTER: usize = 48;

const _: () = assert!(
    LICENTIA_BARE_CHARGES == CHARGES
        && LICENTIA_BARE_COUNTERS_HEAD == device::length(0)
        && LICENTIA_BARE_COUNTERS_HEAD + LICENTIA_BARE_COUNTER == device::length(1)
);

/// A block of counters in memory of the caller. Its length says how many counters it has.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct BareCounters {
    /// The block.
    pub bytes: *mut u8,
    /// Its length: LICENTIA_BARE_COUNTERS_HEAD and LICENTIA_BARE_COUNTER for each counter.
    pub len: usize,
}

/// What is charged.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct BareCharge {
    /// The name of the rate or meter.
    pub name: BareText,
    /// 1 for a rate, 0 for a meter.
    pub is_rate: u32,
    /// 0.
    pub reserved: u32,
    /// Units; 0 only reads.
    pub cost: u64,
}

/// What came of a charge.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct BareCharged {
    /// Why: LICENTIA_CODE_ALLOWED, RATE_LIMITED, QUOTA_EXCEEDED, RATE_NOT_LICENSED, METER_NOT_LICENSED, or
    /// STORE_UNREACHABLE if no counter is free.
    pub code: u32,
    /// 1 if the block has changed: it must be in flash before anything is granted; else 0.
    pub changed: u32,
    /// 1 if a quota's own limit is used up and the contract lets the work go on; else 0.
    pub overage: u32,
    /// 0.
    pub reserved: u32,
    /// What is left of the last rate or meter that was looked at.
    pub remaining: u64,
    /// Seconds until it may be asked again, or LICENTIA_NONE if that does not help.
    pub retry_after: u64,
}

/// The time of a charge.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct BareMoment {
    /// Nanoseconds since 1970.
    pub now_nanos: u64,
    /// The latest time that is known to have passed, in seconds since 1970. A device whose clock nobody can set gives
    /// its time; another one gives what it knows from something signed or from a clock that only advances.
    pub mark: u64,
}

const DENIED: BareCharged = BareCharged {
    code: Code::InvalidArgument as u32,
    changed: 0,
    overage: 0,
    reserved: 0,
    remaining: 0,
    retry_after: NONE,
};

/// Reads the newest of the two blocks in flash into memory, or makes a new one if nothing was written yet. A write that
/// was interrupted loses its step; its charge was not granted.
///
/// Errors: STORE_UNREACHABLE if there were blocks and both are damaged, so that what was counted is unknown;
/// INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_bare_counters_open(
    even: *const u8,
    even_len: usize,
    odd: *const u8,
    odd_len: usize,
    counters: BareCounters,
) -> u32 {
    // SAFETY: the caller keeps to the header's rules.
    status(unsafe { open((even, even_len), (odd, odd_len), counters) })
}

unsafe fn open(
    (even, even_len): (*const u8, usize),
    (odd, odd_len): (*const u8, usize),
    counters: BareCounters,
) -> Result<(), Code> {
    let apart = |place: *const u8, len| disjoint(place.addr(), len, counters.bytes.addr(), counters.len);
    if !apart(even, even_len) || !apart(odd, odd_len) {
        return Err(Code::InvalidArgument);
    }
    // SAFETY: the caller keeps to the header's rules, and no place overlaps with the memory.
    unsafe { Record::newest([bytes(even, even_len)?, bytes(odd, odd_len)?], space(counters)?).map(|_| ()) }
}

/// Charges rates and meters of a licence that was allowed, all or none. If the outcome is `changed`, write the block to
/// the place in flash that `licentia_bare_counters_place` names, and do the work when that is done.
///
/// Errors: INVALID_ARGUMENT, also for a block that was changed by others.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_bare_counters_charge(
    counters: BareCounters,
    license: *const BareLicense,
    charges: *const BareCharge,
    charges_len: usize,
    moment: BareMoment,
    outcome: *mut BareCharged,
) -> u32 {
    // SAFETY: the caller keeps to the header's rules.
    status(unsafe { charge(counters, license, (charges, charges_len), moment, outcome) })
}

unsafe fn charge(
    counters: BareCounters,
    license: *const BareLicense,
    (charges, charges_len): (*const BareCharge, usize),
    moment: BareMoment,
    outcome: *mut BareCharged,
) -> Result<(), Code> {
    // SAFETY: the caller keeps to the header's rules.
    unsafe {
        let to = place(outcome, DENIED)?;
        let mut record = Record::resume(space(counters)?)?;
        let license = kept(license)?.license();
        let mut asked = [Charge { name: "", is_rate: false, cost: 0 }; CHARGES];
        let asked = asked.get_mut(..charges_len).ok_or(Code::InvalidArgument)?;
        for (to, from) in asked.iter_mut().zip(list(charges, charges_len)?) {
            let name = text(from.name)?.ok_or(Code::InvalidArgument)?;
            *to = Charge { name, is_rate: from.is_rate != 0, cost: from.cost };
        }
        let outcome = record.charge(&license, asked, moment.into());
        to.write(BareCharged {
            code: outcome.code as u32,
            changed: u32::from(outcome.changed),
            overage: u32::from(outcome.overage),
            reserved: 0,
            remaining: outcome.remaining,
            retry_after: outcome.retry_after.unwrap_or(NONE),
        });
    }
    Ok(())
}

/// Gives units of a meter back that were charged ahead and not used. Writes 1 to `changed` if the block has changed, and
/// is to be written to flash, else 0.
///
/// Errors: INVALID_ARGUMENT, also for a block that was changed by others.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_bare_counters_give_back(
    counters: BareCounters,
    license: *const BareLicense,
    meter: BareText,
    units: u64,
    moment: BareMoment,
    changed: *mut u32,
) -> u32 {
    // SAFETY: the caller keeps to the header's rules.
    status(unsafe { give_back(counters, license, meter, units, moment, changed) })
}

unsafe fn give_back(
    counters: BareCounters,
    license: *const BareLicense,
    meter: BareText,
    units: u64,
    moment: BareMoment,
    changed: *mut u32,
) -> Result<(), Code> {
    // SAFETY: the caller keeps to the header's rules.
    unsafe {
        let changed = place(changed, 0)?;
        let mut record = Record::resume(space(counters)?)?;
        let license = kept(license)?.license();
        let meter = text(meter)?.ok_or(Code::InvalidArgument)?;
        changed.write(u32::from(record.give_back(&license, meter, units, moment.into())));
    }
    Ok(())
}

/// The place in flash that a block is written to: 0 or 1. The other place holds the block before and must stay as it is
/// until this one is written.
///
/// Errors: INVALID_ARGUMENT, also for a block that was changed by others.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_bare_counters_place(counters: BareCounters, to: *mut u32) -> u32 {
    // SAFETY: the caller keeps to the header's rules.
    status(unsafe {
        place(to, 0).and_then(|to| {
            let record = Record::resume(space(counters)?)?;
            to.write(u32::from(record.place() == 1));
            Ok(())
        })
    })
}

impl From<BareMoment> for Moment {
    fn from(moment: BareMoment) -> Self {
        Self { now_nanos: moment.now_nanos, mark: moment.mark.into() }
    }
}

unsafe fn space<'a>(counters: BareCounters) -> Result<&'a mut [u8], Code> {
    if counters.bytes.is_null() || isize::try_from(counters.len).is_err() {
        return Err(Code::InvalidArgument);
    }
    // SAFETY: it is the caller's alone while the call runs.
    Ok(unsafe { core::slice::from_raw_parts_mut(counters.bytes, counters.len) })
}
