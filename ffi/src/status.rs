//! What a function answers, and the table of codes.

use std::{
    ffi::{CStr, CString, c_char},
    sync::OnceLock,
};

/// What a function answers: `LICENTIA_OK`, or why it did nothing. Memory that was only zeroed is no success.
pub type Status = u32;
/// Why a request was allowed or denied, or what is wrong with a call: one of `LICENTIA_CODE_*`.
pub type Code = u32;

/// Number of the ABI: it grows when a function changes or goes.
pub const LICENTIA_ABI_VERSION: u32 = 0;
/// The function did what it says, and wrote its outputs.
pub const LICENTIA_OK: Status = 1;
/// What was asked for is not there, such as a claim that the licence has not.
pub const LICENTIA_ABSENT: Status = 2;
/// An error of the library's own: a panic was stopped. What was passed can only be freed.
pub const LICENTIA_INTERNAL: Status = 900;
/// In place of a number that is not there.
pub const LICENTIA_NONE: u64 = u64::MAX;

struct Row {
    status: Status,
    name: CString,
    message: CString,
    advice: CString,
}

/// The table of codes, with the statuses that C has beside it, ascending.
fn rows() -> &'static [Row] {
    static ROWS: OnceLock<Vec<Row>> = OnceLock::new();
    ROWS.get_or_init(|| {
        let own = [
            (LICENTIA_OK, "ok", "The call succeeded.", "Go on."),
            (LICENTIA_ABSENT, "absent", "What was asked for is not there.", "Go on without it."),
            (
                LICENTIA_INTERNAL,
                "internal",
                "The library has met an error of its own.",
                "Free what was passed, and report it with what was written to the standard error stream.",
            ),
        ];
        let codes = licentia_core::Code::TABLE
            .iter()
            .map(|row| (Status::from(row.code.number()), row.name, row.message, row.advice));
        let text = |text: &str| CString::new(text).unwrap_or_default();
        let row = |(status, name, message, advice): (Status, &str, &str, &str)| Row {
            status,
            name: text(name),
            message: text(message),
            advice: text(advice),
        };
        let mut rows: Vec<Row> = codes.chain(own).map(row).collect();
        rows.sort_by_key(|row| row.status);
        rows
    })
}

fn show(status: Status, part: fn(&Row) -> &CStr) -> *const c_char {
    crate::border::value(c"".as_ptr(), || {
        let rows = rows();
        let found = rows.binary_search_by_key(&status, |row| row.status).ok().and_then(|at| rows.get(at));
        Ok(found.map_or(c"unknown", part).as_ptr())
    })
}

/// Name of a status or code in snake_case; "unknown" for a number that is none. It lives for ever.
#[unsafe(no_mangle)]
pub extern "C" fn licentia_status_name(status: Status) -> *const c_char {
    show(status, |row| &row.name)
}

/// What a status or code says, as a sentence; "unknown" for a number that is none. It lives for ever.
#[unsafe(no_mangle)]
pub extern "C" fn licentia_status_message(status: Status) -> *const c_char {
    show(status, |row| &row.message)
}

/// What to do about a status or code, as a sentence; "unknown" for a number that is none. It lives for ever.
#[unsafe(no_mangle)]
pub extern "C" fn licentia_status_advice(status: Status) -> *const c_char {
    show(status, |row| &row.advice)
}
