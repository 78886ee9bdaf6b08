//! What the shared vectors hold beside decisions: codes, texts, keys and periods.

use licentia_core::{Code, Key, Period, code, json::Quoted, text};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

use crate::{
    ask::{time, whole},
    thrown,
};

/// The table of codes as JSON: number, name, message, advice.
#[wasm_bindgen]
pub fn codes() -> String {
    let rows = code::TABLE.iter().map(|entry| {
        format!(
            r#"{{"number":{},"name":"{}","message":{},"advice":{}}}"#,
            entry.code.number(),
            entry.name,
            Quoted(entry.message),
            Quoted(entry.advice)
        )
    });
    format!("[{}]", rows.collect::<Vec<_>>().join(","))
}

/// The bytes of a licence in its text form.
///
/// # Errors
/// A code of group 1xx.
#[wasm_bindgen(js_name = decodeLicense)]
pub fn decode_license(text: &str) -> Result<Vec<u8>, JsValue> {
    text::decode_license(text, &mut text::Buffer::new()).map(<[u8]>::to_vec).map_err(thrown)
}

/// The text form of a licence's bytes.
#[wasm_bindgen(js_name = encodeLicense)]
pub fn encode_license(bytes: &[u8]) -> String {
    text::Text::license(bytes).to_string()
}

/// The length of a public key's kid in one byte, its kid, and its 32 bytes.
///
/// # Errors
/// What is wrong with the key.
#[wasm_bindgen(js_name = readKey)]
pub fn read_key(key: &str) -> Result<Vec<u8>, JsValue> {
    let key = Key::from_text(key).map_err(thrown)?;
    let kid = key.kid().as_bytes();
    Ok([&[kid.len() as u8], kid, key.public().as_bytes()].concat())
}

/// Start and end (seconds since 1970; infinity where it never ends) of the period at a time. `kind` is a name
/// of the calendar, or `seconds`, `month_from`, `year_from` with their numbers.
///
/// # Errors
/// [`Code::InvalidArgument`].
#[wasm_bindgen]
pub fn window(kind: &str, seconds: f64, anchor: f64, time: f64) -> Result<Vec<f64>, JsValue> {
    let read = || -> Result<Vec<f64>, Code> {
        let (seconds, anchor, at) = (whole(seconds)?, self::time(anchor)?, self::time(time)?);
        let period = match kind {
            "lifetime" => Period::Lifetime,
            "minute" => Period::Minute,
            "hour" => Period::Hour,
            "day" => Period::Day,
            "week" => Period::Week,
            "month" => Period::Month,
            "year" => Period::Year,
            "seconds" if seconds > 0 => Period::Fixed { seconds, anchor },
            "month_from" => Period::MonthFrom { anchor },
            "year_from" => Period::YearFrom { anchor },
            _ => return Err(Code::InvalidArgument),
        };
        let window = period.window(at);
        Ok(vec![window.start as f64, window.end.map_or(f64::INFINITY, |end| end as f64)])
    };
    read().map_err(thrown)
}
