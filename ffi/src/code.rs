//! The table of codes and statuses.

use std::{
    ffi::{CStr, CString, c_char},
    sync::OnceLock,
};

use licentia_core::Code;

use crate::{
    border::value,
    status::{LICENTIA_ABSENT, LICENTIA_INTERNAL, LICENTIA_OK, Status},
};

struct Row {
    status: Status,
    name: CString,
    message: CString,
    advice: CString,
}

/// The rows of codes, and of the statuses that only C has, in ascending order.
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
        let codes = Code::TABLE
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
    value(c"".as_ptr(), || {
        let rows = rows();
        let found = rows.binary_search_by_key(&status, |row| row.status).ok().and_then(|at| rows.get(at));
        Ok(found.map_or(c"unknown", part).as_ptr())
    })
}

/// Name of a status or code in snake_case; "unknown" for other numbers. Never free it.
#[unsafe(no_mangle)]
pub extern "C" fn licentia_status_name(status: Status) -> *const c_char {
    show(status, |row| &row.name)
}

/// The meaning of a status or code, as a sentence; "unknown" for other numbers. Never free it.
#[unsafe(no_mangle)]
pub extern "C" fn licentia_status_message(status: Status) -> *const c_char {
    show(status, |row| &row.message)
}

/// What to do about a status or code, as a sentence; "unknown" for other numbers. Never free it.
#[unsafe(no_mangle)]
pub extern "C" fn licentia_status_advice(status: Status) -> *const c_char {
    show(status, |row| &row.advice)
}
