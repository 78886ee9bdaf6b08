//! Decisions and their charges.

use std::ffi::c_char;

use licentia::{State, Unit};

use crate::{
    border::buffer::Owned,
    border::{Out, Refusal, enter, shared, value},
    status::{Code, LICENTIA_NONE, Status},
};

/// The contract is running.
pub const LICENTIA_STATE_ACTIVE: u32 = 1;
/// The contract has ended, the licence has not: time to renew.
pub const LICENTIA_STATE_GRACE: u32 = 2;
/// A quota is used up, and the contract allows more.
pub const LICENTIA_STATE_OVERAGE: u32 = 3;
/// A gate that enforces would have denied it.
pub const LICENTIA_STATE_ADVISORY: u32 = 4;

/// The charge counts requests against a rate.
pub const LICENTIA_UNIT_RATE: u32 = 1;
/// The charge counts units of a quota.
pub const LICENTIA_UNIT_QUOTA: u32 = 2;
/// The charge counts seats that are taken at the same time.
pub const LICENTIA_UNIT_SEAT: u32 = 3;

/// The answer of a gate to a request: whether it may proceed, and why. It does not change: threads may share it. It
/// borrows from its gate and request: free it first.
#[cfg_attr(all(), repr(transparent))] // in this form, the header shows no more than its name
pub struct Decision(pub(crate) licentia::Decision<'static>);

/// The charge of a rate or meter, and what is left of it. An absent number is LICENTIA_NONE.
#[repr(C)]
pub struct Charge {
    /// Name of the rate or meter, valid as long as the request; UTF-8 without a NUL.
    pub name: *const c_char,
    /// Length of the name, in bytes.
    pub name_len: usize,
    /// What it counts: one of LICENTIA_UNIT_*.
    pub unit: u32,
    /// 0.
    pub reserved: u32,
    /// Cost of the request.
    pub cost: u64,
    /// Requests of a full burst, units of a period, or seats.
    pub limit: u64,
    /// Length of the window in seconds; absent if the length of the period varies.
    pub window: u64,
    /// What is left after this request.
    pub remaining: u64,
    /// Milliseconds until all of the limit is available again; absent for a quota for life.
    pub reset_ms: u64,
    /// Milliseconds until the same request may succeed, if it was refused and waiting helps.
    pub retry_after_ms: u64,
}

/// Whether the request may proceed. False for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_decision_is_allowed(decision: *const Decision) -> bool {
    // SAFETY: the caller keeps to the header's rules.
    value(false, || unsafe { Ok(shared(decision)?.0.is_allowed()) })
}

/// The reason: one of LICENTIA_CODE_*. In advisory mode it is what an enforcing gate would have answered.
/// INVALID_ARGUMENT for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_decision_code(decision: *const Decision) -> Code {
    let otherwise = Code::from(licentia::Code::InvalidArgument.number());
    // SAFETY: the caller keeps to the header's rules.
    value(otherwise, || unsafe { Ok(Code::from(shared(decision)?.0.code().number())) })
}

/// The state in which the licence grants it: one of LICENTIA_STATE_*; 0 for NULL. A denial has no
/// state, and gives 0: ask licentia_decision_is_allowed first.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_decision_state(decision: *const Decision) -> u32 {
    // SAFETY: the caller keeps to the header's rules.
    value(0, || unsafe {
        Ok(match shared(decision)?.0.state() {
            State::Active => LICENTIA_STATE_ACTIVE,
            State::Grace => LICENTIA_STATE_GRACE,
            State::Overage => LICENTIA_STATE_OVERAGE,
            State::Advisory => LICENTIA_STATE_ADVISORY,
            _ => 0,
        })
    })
}

/// The code of a doubt that the licence's policy passed over: the request is allowed, and you should look into it. 0 if
/// there is none, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_decision_warning(decision: *const Decision) -> Code {
    // SAFETY: the caller keeps to the header's rules.
    value(0, || unsafe { Ok(shared(decision)?.0.warning().map_or(0, |code| Code::from(code.number()))) })
}

/// Milliseconds until the same request may succeed, if waiting helps; else LICENTIA_NONE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_decision_retry_after_ms(decision: *const Decision) -> u64 {
    // SAFETY: the caller keeps to the header's rules.
    value(LICENTIA_NONE, || unsafe { Ok(shared(decision)?.0.retry_after_ms().unwrap_or(LICENTIA_NONE)) })
}

/// Status code of the HTTP response: 200, 401, 403 and so on. 500 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_decision_http_status(decision: *const Decision) -> u32 {
    // SAFETY: the caller keeps to the header's rules.
    value(500, || unsafe { Ok(u32::from(shared(decision)?.0.http_status())) })
}

/// Returns the header fields of the HTTP response as lines that end in CRLF, those that apply of `www-authenticate`,
/// `retry-after`, `ratelimit-policy` and `ratelimit`. Free it with licentia_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_decision_http_headers(
    decision: *const Decision,
    headers: *mut *mut c_char,
    headers_len: *mut usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let out = Owned::new(headers, headers_len)?;
        let fields = shared(decision)?.0.http_headers();
        let lines: String = fields.into_iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        out.give(lines.as_bytes())
    })
}

/// Returns the body of a refusal: problem details (RFC 9457), of the media type `application/problem+json`. Free it
/// with licentia_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_decision_problem(
    decision: *const Decision,
    problem: *mut *mut c_char,
    problem_len: *mut usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let out = Owned::new(problem, problem_len)?;
        out.give(shared(decision)?.0.problem().as_bytes())
    })
}

/// Returns every check that ran, with its inputs and its result, a line or more each. Free it with
/// licentia_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_decision_explanation(
    decision: *const Decision,
    explanation: *mut *mut c_char,
    explanation_len: *mut usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let out = Owned::new(explanation, explanation_len)?;
        out.give(shared(decision)?.0.explanation().to_string().as_bytes())
    })
}

/// Returns the explanation as a JSON array. Free it with licentia_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_decision_explanation_json(
    decision: *const Decision,
    json: *mut *mut c_char,
    json_len: *mut usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let out = Owned::new(json, json_len)?;
        out.give(shared(decision)?.0.explanation().json().to_string().as_bytes())
    })
}

/// Returns the decision as a JSON object, for a log. It contains no token and no key. Free it with
/// licentia_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_decision_json(
    decision: *const Decision,
    json: *mut *mut c_char,
    json_len: *mut usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let out = Owned::new(json, json_len)?;
        out.give(shared(decision)?.0.json().to_string().as_bytes())
    })
}

/// Returns the charge at an index, from 0; ABSENT ends the list. `charge_size` is `sizeof(licentia_charge)`: a later
/// version of the struct only adds members at its end.
///
/// Errors: INVALID_ARGUMENT if the library knows no struct of this size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_decision_charge(
    decision: *const Decision,
    index: usize,
    charge_size: usize,
    charge: *mut Charge,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let out = Out::sized(charge, charge_size)?;
        let found = shared(decision)?.0.charges().nth(index).ok_or(Refusal::ABSENT)?;
        out.set(Charge {
            name: found.name.as_ptr().cast(),
            name_len: found.name.len(),
            unit: match found.unit {
                Unit::Rate => LICENTIA_UNIT_RATE,
                Unit::Quota => LICENTIA_UNIT_QUOTA,
                Unit::Seat => LICENTIA_UNIT_SEAT,
            },
            reserved: 0,
            cost: found.cost,
            limit: found.limit,
            window: found.window.unwrap_or(LICENTIA_NONE),
            remaining: found.remaining,
            reset_ms: found.reset_ms.unwrap_or(LICENTIA_NONE),
            retry_after_ms: found.retry_after_ms.unwrap_or(LICENTIA_NONE),
        });
        Ok(())
    })
}

/// What a decision says, without its texts: for hosts that copy all of it in one call. Texts are valid as long as the
/// decision, UTF-8 without a NUL. What describes the licence is NULL or 0 if its signature is not good.
#[repr(C)]
pub struct Facts {
    /// 1 if the request may proceed, else 0.
    pub allowed: u32,
    /// The reason: one of LICENTIA_CODE_*.
    pub code: u32,
    /// As licentia_decision_state.
    pub state: u32,
    /// As licentia_decision_warning.
    pub warning: u32,
    /// Status code of the HTTP response.
    pub http_status: u32,
    /// How many charges licentia_decision_charge returns.
    pub charges: u32,
    /// Milliseconds until the same request may succeed; LICENTIA_NONE if waiting does not help.
    pub retry_after_ms: u64,
    /// The issuer, or NULL.
    pub issuer: *const c_char,
    /// Length of the issuer, in bytes.
    pub issuer_len: usize,
    /// The customer, or NULL.
    pub subject: *const c_char,
    /// Length of the customer's name, in bytes.
    pub subject_len: usize,
    /// Name of the tier, or NULL.
    pub tier: *const c_char,
    /// Length of the tier's name, in bytes.
    pub tier_len: usize,
    /// Version of the tier.
    pub tier_version: u64,
    /// The token's identifier.
    pub id: [u8; 16],
    /// Identifier that stays the same through renewals and upgrades.
    pub lineage: [u8; 16],
    /// When it was issued, in seconds since 1970.
    pub issued_at: u64,
    /// When it ends, grace included.
    pub expires: u64,
}

/// Returns what a decision says in one call. `facts_size` is `sizeof(licentia_facts)`: a later version of the struct
/// only adds members at its end.
///
/// Errors: INVALID_ARGUMENT if the library knows no struct of this size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_decision_facts(
    decision: *const Decision,
    facts_size: usize,
    facts: *mut Facts,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let out = Out::sized(facts, facts_size)?;
        let found = &shared(decision)?.0;
        let mut facts = Facts {
            allowed: u32::from(found.is_allowed()),
            code: Code::from(found.code().number()),
            state: licentia_decision_state(decision),
            warning: found.warning().map_or(0, |code| Code::from(code.number())),
            http_status: u32::from(found.http_status()),
            charges: u32::try_from(found.charges().count()).unwrap_or(u32::MAX),
            retry_after_ms: found.retry_after_ms().unwrap_or(LICENTIA_NONE),
            issuer: std::ptr::null(),
            issuer_len: 0,
            subject: std::ptr::null(),
            subject_len: 0,
            tier: std::ptr::null(),
            tier_len: 0,
            tier_version: 0,
            id: [0; 16],
            lineage: [0; 16],
            issued_at: 0,
            expires: 0,
        };
        if let Some(license) = found.license() {
            let tier = license.tier();
            (facts.issuer, facts.issuer_len) = (license.issuer().as_ptr().cast(), license.issuer().len());
            (facts.subject, facts.subject_len) = (license.subject().as_ptr().cast(), license.subject().len());
            (facts.tier, facts.tier_len) = (tier.name.as_ptr().cast(), tier.name.len());
            facts.tier_version = tier.version;
            (facts.id, facts.lineage) = (*license.id().as_bytes(), *license.lineage().as_bytes());
            (facts.issued_at, facts.expires) =
                (license.issued_at().as_seconds(), license.expires().as_seconds());
        }
        out.set(facts);
        Ok(())
    })
}
