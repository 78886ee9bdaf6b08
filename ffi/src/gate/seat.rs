//! Seats: how many may use a licence at the same time.

use std::ffi::c_char;

use licentia::Now;

use crate::{
    border::{Out, Refusal, end, enter, exclusive, foreign, shared, text, value},
    gate::decision::Decision,
    gate::gate::Gate,
    gate::request::Request,
    status::{LICENTIA_NONE, Status},
};

/// A seat of a licence that is held. It borrows from its gate: free it first. One thread uses it at a time.
pub struct Seat(Option<licentia::Seat<'static>>);

/// Decides now as licentia_gate_check, and takes a seat for `holder` if all else is granted. `holder` is a name of 1 to
/// 256 bytes that identifies a user, process or machine. The seat is held for `ttl` seconds, from 1 to 31 days; a
/// holder that has a seat keeps it, for that long from now. The seat is NULL if the request is denied;
/// LICENTIA_CODE_SEATS_TAKEN means that none is left. Free both, before the gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_check_out(
    gate: *const Gate,
    token: *const c_char,
    token_len: usize,
    holder: *const c_char,
    holder_len: usize,
    ttl: u64,
    request: *const Request,
    decision: *mut *mut Decision,
    seat: *mut *mut Seat,
) -> Status {
    let (token, holder) = ((token, token_len), (holder, holder_len));
    // SAFETY: the caller keeps to the header's rules.
    unsafe { check_out(gate, token, holder, ttl, request, Now::system, decision, seat) }
}

/// Takes a seat as licentia_gate_check_out, at a given time: see licentia_gate_check_at.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_check_out_at(
    gate: *const Gate,
    token: *const c_char,
    token_len: usize,
    holder: *const c_char,
    holder_len: usize,
    ttl: u64,
    request: *const Request,
    seconds: u64,
    monotonic_nanos: u64,
    decision: *mut *mut Decision,
    seat: *mut *mut Seat,
) -> Status {
    let (token, holder, now) =
        ((token, token_len), (holder, holder_len), || Now { time: seconds.into(), monotonic_nanos });
    // SAFETY: the caller keeps to the header's rules.
    unsafe { check_out(gate, token, holder, ttl, request, now, decision, seat) }
}

#[allow(clippy::too_many_arguments, reason = "those of two functions of the header")]
unsafe fn check_out(
    gate: *const Gate,
    token: (*const c_char, usize),
    holder: (*const c_char, usize),
    ttl: u64,
    request: *const Request,
    now: impl FnOnce() -> Now,
    decision: *mut *mut Decision,
    seat: *mut *mut Seat,
) -> Status {
    // SAFETY: the caller keeps to the header's rules. In particular the gate outlives the seat.
    enter(|| unsafe {
        let outs = (Out::handle(decision), Out::handle(seat));
        let (decision, seat) = (outs.0?, outs.1?);
        let (gate, request): (&'static Gate, &'static Request) = (shared(gate)?, shared(request)?);
        let (token, holder) = (foreign(token.0, token.1)?, text(holder.0, holder.1)?);
        let (decided, held) =
            licentia::Seat::check_out(&gate.gate, token, holder, ttl, &request.borrow(), now());
        decision.give(Decision(decided));
        if held.is_some() {
            seat.give(Seat(held));
        }
        Ok(())
    })
}

/// Holds a seat for its whole time from now, if the licence still grants it: the gate decides anew, and charges the
/// meters of the request. A seat whose time was over is taken again if one is free.
///
/// Errors: INVALID_ARGUMENT if it was released.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_seat_heartbeat(
    seat: *mut Seat,
    request: *const Request,
    decision: *mut *mut Decision,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    unsafe { heartbeat(seat, request, Now::system, decision) }
}

/// Holds a seat as licentia_seat_heartbeat, at a given time: see licentia_gate_check_at.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_seat_heartbeat_at(
    seat: *mut Seat,
    request: *const Request,
    seconds: u64,
    monotonic_nanos: u64,
    decision: *mut *mut Decision,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    unsafe { heartbeat(seat, request, || Now { time: seconds.into(), monotonic_nanos }, decision) }
}

unsafe fn heartbeat(
    seat: *mut Seat,
    request: *const Request,
    now: impl FnOnce() -> Now,
    decision: *mut *mut Decision,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let out = Out::handle(decision)?;
        let request: &'static Request = shared(request)?;
        let seat = exclusive(seat)?.0.as_mut().ok_or(Refusal::ARGUMENT)?;
        out.give(Decision(seat.heartbeat(&request.borrow(), now())));
        Ok(())
    })
}

/// When the seat's time is over, in seconds since 1970. LICENTIA_NONE if it was released, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_seat_until(seat: *const Seat) -> u64 {
    // SAFETY: the caller keeps to the header's rules.
    value(LICENTIA_NONE, || unsafe {
        Ok(shared(seat)?.0.as_ref().map_or(LICENTIA_NONE, |seat| seat.until().as_seconds()))
    })
}

/// Releases the seat. After that it can only be freed.
///
/// Errors: INVALID_ARGUMENT if it was released before; STORE_UNREACHABLE: the seat is then free when its time is over.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_seat_release(seat: *mut Seat) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let seat = exclusive(seat)?.0.take().ok_or(Refusal::ARGUMENT)?;
        seat.release().map_err(|_| licentia::Code::StoreUnreachable.into())
    })
}

/// Frees a seat. If it was not released, it stays taken until its time is over. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_seat_free(seat: *mut Seat) {
    // SAFETY: the caller keeps to the header's rules.
    unsafe { end(seat) }
}
