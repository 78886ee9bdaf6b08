//! Verified licences.

use std::ffi::c_char;

use licentia_core::{FeatureValue, Timestamp};

use crate::{
    border::buffer::Owned,
    border::{Lent, Out, Outcome, Refusal, enter, shared, text, value},
    gate::decision::Decision,
    status::{LICENTIA_NONE, Status},
};

/// The feature is licensed and has no other value.
pub const LICENTIA_VALUE_TRUE: u32 = 1;
/// The value of the feature is a number.
pub const LICENTIA_VALUE_INT: u32 = 2;
/// The value of the feature is a text.
pub const LICENTIA_VALUE_TEXT: u32 = 3;

/// A verified licence: a view of its decision, valid as long. Threads may share it.
#[cfg_attr(all(), repr(transparent))] // in this form, the header shows no more than its name
pub struct License(Decision);

/// A feature of a licence.
#[repr(C)]
pub struct Feature {
    /// Kind of the value: one of LICENTIA_VALUE_*.
    pub kind: u32,
    /// 0.
    pub reserved: u32,
    /// The value if it is a number, else 0.
    pub number: i64,
    /// The value if it is a text, valid as long as the decision, else NULL; UTF-8 without a NUL.
    pub text: *const c_char,
    /// Length of the text, in bytes.
    pub text_len: usize,
    /// When the feature ends, in seconds since 1970, if before the licence does; else LICENTIA_NONE.
    pub expires: u64,
}

/// The licence, if its signature is good, whether or not the request is allowed; else NULL. It is valid as long as the
/// decision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_decision_license(decision: *const Decision) -> *const License {
    // SAFETY: the caller keeps to the header's rules.
    value(std::ptr::null(), || unsafe {
        Ok(if shared(decision)?.0.license().is_some() { decision.cast() } else { std::ptr::null() })
    })
}

/// Reads from a licence.
unsafe fn ask(license: *const License, question: impl FnOnce(licentia::License<'_>) -> Outcome) -> Outcome {
    // SAFETY: as the caller says.
    let decision = unsafe { shared(license) }?;
    question(decision.0.0.license().ok_or(Refusal::ARGUMENT)?)
}

/// Returns all claims as a JSON object; free it with licentia_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_license_json(
    license: *const License,
    json: *mut *mut c_char,
    json_len: *mut usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let out = Owned::new(json, json_len)?;
        ask(license, |license| out.give(license.json().to_string().as_bytes()))
    })
}

/// Returns the issuer, valid as long as the decision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_license_issuer(
    license: *const License,
    issuer: *mut *const c_char,
    issuer_len: *mut usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let out = Lent::new(issuer, issuer_len)?;
        ask(license, |license| {
            out.lend(license.issuer().as_bytes());
            Ok(())
        })
    })
}

/// Returns the customer, valid as long as the decision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_license_subject(
    license: *const License,
    subject: *mut *const c_char,
    subject_len: *mut usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let out = Lent::new(subject, subject_len)?;
        ask(license, |license| {
            out.lend(license.subject().as_bytes());
            Ok(())
        })
    })
}

/// Returns the tier's name, valid as long as the decision, and its version.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_license_tier(
    license: *const License,
    name: *mut *const c_char,
    name_len: *mut usize,
    version: *mut u64,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let (name, version) = (Lent::new(name, name_len), Out::new(version, 0));
        let (name, version) = (name?, version?);
        ask(license, |license| {
            name.lend(license.tier().name.as_bytes());
            version.set(license.tier().version);
            Ok(())
        })
    })
}

/// Writes the identifiers of this token and of its lineage, which stays the same through renewals, 16 bytes each.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_license_ids(
    license: *const License,
    id: *mut u8,
    lineage: *mut u8,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let [id, lineage] = Out::all([id, lineage].map(<*mut u8>::cast), [0_u8; 16])?;
        ask(license, |license| {
            id.set(license.id().into());
            lineage.set(license.lineage().into());
            Ok(())
        })
    })
}

/// A time as the ABI has it.
fn seconds(time: Option<Timestamp>) -> u64 {
    time.map_or(LICENTIA_NONE, Timestamp::as_seconds)
}

/// Returns when the licence was issued, starts, when the contract ends and when everything ends, in seconds since 1970.
/// An absent time is LICENTIA_NONE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_license_times(
    license: *const License,
    issued_at: *mut u64,
    not_before: *mut u64,
    term_end: *mut u64,
    expires: *mut u64,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let [issued_at, not_before, term_end, expires] =
            Out::all([issued_at, not_before, term_end, expires], 0)?;
        ask(license, |license| {
            issued_at.set(license.issued_at().as_seconds());
            not_before.set(seconds(license.not_before()));
            term_end.set(seconds(license.term_end()));
            expires.set(license.expires().as_seconds());
            Ok(())
        })
    })
}

/// Returns a feature. `feature_size` is `sizeof(licentia_feature)`.
///
/// Errors: ABSENT if the licence has no feature of this name; INVALID_ARGUMENT if the library knows no struct of this
/// size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_license_feature(
    license: *const License,
    name: *const c_char,
    name_len: usize,
    feature_size: usize,
    feature: *mut Feature,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let out = Out::sized(feature, feature_size)?;
        let name = text(name, name_len)?;
        ask(license, |license| {
            let found = license.feature(name).ok_or(Refusal::ABSENT)?;
            let (kind, number, text) = match found.value {
                FeatureValue::True => (LICENTIA_VALUE_TRUE, 0, None),
                FeatureValue::Int(number) => (LICENTIA_VALUE_INT, number, None),
                FeatureValue::Text(text) => (LICENTIA_VALUE_TEXT, 0, Some(text)),
                _ => return Err(Refusal::INTERNAL),
            };
            out.set(Feature {
                kind,
                reserved: 0,
                number,
                text: text.map_or(std::ptr::null(), |text| text.as_ptr().cast()),
                text_len: text.map_or(0, str::len),
                expires: seconds(found.expires),
            });
            Ok(())
        })
    })
}
