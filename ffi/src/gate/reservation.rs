//! Reservations, for work whose cost is known when it is done.

use std::ffi::c_char;

use licentia::Now;

use crate::{
    border::{Out, Refusal, end, enter, exclusive, foreign, shared, text},
    gate::decision::Decision,
    gate::gate::Gate,
    gate::request::Request,
    status::Status,
};

/// Units of meters that are reserved. It borrows nothing. One thread uses it at a time.
pub struct Reservation {
    reserved: Option<licentia::Reservation>,
    costs: Vec<(String, u64)>,
}

/// Decides now as licentia_gate_check, and reserves what the meters of the request may cost at most, for work whose
/// cost is known when it is done. The reservation is NULL if the request is denied. Free both.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_reserve(
    gate: *const Gate,
    token: *const c_char,
    token_len: usize,
    request: *const Request,
    decision: *mut *mut Decision,
    reservation: *mut *mut Reservation,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    unsafe { reserve(gate, (token, token_len), request, Now::system, decision, reservation) }
}

/// Reserves as licentia_gate_reserve, at a given time: see licentia_gate_check_at.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_reserve_at(
    gate: *const Gate,
    token: *const c_char,
    token_len: usize,
    request: *const Request,
    seconds: u64,
    monotonic_nanos: u64,
    decision: *mut *mut Decision,
    reservation: *mut *mut Reservation,
) -> Status {
    let now = || Now { time: seconds.into(), monotonic_nanos };
    // SAFETY: the caller keeps to the header's rules.
    unsafe { reserve(gate, (token, token_len), request, now, decision, reservation) }
}

unsafe fn reserve(
    gate: *const Gate,
    token: (*const c_char, usize),
    request: *const Request,
    now: impl FnOnce() -> Now,
    decision: *mut *mut Decision,
    reservation: *mut *mut Reservation,
) -> Status {
    // SAFETY: the caller keeps to the header's rules. In particular gate and request outlive the decision.
    enter(|| unsafe {
        let outs = (Out::handle(decision), Out::handle(reservation));
        let (decision, reservation) = (outs.0?, outs.1?);
        let (gate, request): (&'static Gate, &'static Request) = (shared(gate)?, shared(request)?);
        let token = foreign(token.0, token.1)?;
        let (decided, reserved) = gate.gate.reserve(token, &request.borrow(), now());
        decision.give(Decision(decided));
        if reserved.is_some() {
            reservation.give(Reservation { reserved, costs: Vec::new() });
        }
        Ok(())
    })
}

/// Sets the actual cost of the work for a meter. Other meters cost what was reserved.
///
/// Errors: INVALID_ARGUMENT for a meter that is not reserved, or for more than was reserved.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_reservation_set_cost(
    reservation: *mut Reservation,
    meter: *const c_char,
    meter_len: usize,
    cost: u64,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let (it, meter) = (exclusive(reservation)?, text(meter, meter_len)?);
        let reserved = it.reserved.as_ref().and_then(|reserved| reserved.reserved(meter));
        if reserved.is_none_or(|reserved| cost > reserved) {
            return Err(Refusal::ARGUMENT);
        }
        it.costs.retain(|(other, _)| other != meter);
        it.costs.push((meter.to_owned(), cost));
        Ok(())
    })
}

/// Charges the actual costs, and returns the rest. After that it can only be freed.
///
/// Errors: INVALID_ARGUMENT if it was committed before; STORE_UNREACHABLE if the charge of a job cannot be lowered: it
/// then stays, and you may commit the same job again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_reservation_commit(reservation: *mut Reservation) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let it = exclusive(reservation)?;
        let costs: Vec<(&str, u64)> = it.costs.iter().map(|(meter, cost)| (meter.as_str(), *cost)).collect();
        Ok(it.reserved.take().ok_or(Refusal::ARGUMENT)?.commit(&costs)?)
    })
}

/// Frees a reservation. If it was not committed, everything goes back. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_reservation_free(reservation: *mut Reservation) {
    // SAFETY: the caller keeps to the header's rules.
    unsafe { end(reservation) }
}
