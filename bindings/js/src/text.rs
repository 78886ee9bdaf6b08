//! The table of codes, text forms, keys and periods.

use licentia::Code;
use licentia_core::{Buffer, Key, Period, inner::Quoted, text};

use crate::{
    needs::{time, whole},
    port::{
        call::{Answer, Call, byte_numbers, done},
        words::Told,
    },
};

/// Tells the table of codes as JSON: number, name, message, advice.
pub(crate) fn codes(told: &mut Told) -> Vec<f64> {
    for (at, entry) in Code::TABLE.iter().enumerate() {
        let (before, number, name) = (if at == 0 { '[' } else { ',' }, entry.code.number(), entry.name);
        let (message, advice) = (Quoted(entry.message), Quoted(entry.advice));
        told.part(&format_args!(
            r#"{before}{{"number":{number},"name":"{name}","message":{message},"advice":{advice}}}"#
        ));
    }
    told.part(&']');
    done()
}

/// The bytes of a licence in its text form.
pub(crate) fn decode_license(call: &Call<'_>) -> Answer {
    text::decode_license(call.subject, &mut Buffer::new()).map(byte_numbers)
}

/// Tells the text form of a licence's bytes.
pub(crate) fn encode_license(call: &Call<'_>, told: &mut Told) -> Vec<f64> {
    told.word(&text::Text::license(call.bytes));
    done()
}

/// The length of a public key's kid, its kid, and its 32 bytes.
pub(crate) fn read_key(call: &Call<'_>) -> Answer {
    let key = Key::from_text(call.subject)?;
    let kid = key.kid().as_bytes();
    Ok(byte_numbers(&[&[kid.len() as u8], kid, key.public().as_bytes()].concat()))
}

/// Start and end (seconds since 1970; infinity if it never ends) of the period that contains the time `first`.
///
/// The subject is a period's name, or the names of an object's members between commas; the numbers are theirs.
pub(crate) fn period_window(call: &Call<'_>) -> Answer {
    let numbers = call.numbers.iter().map(|number| whole(*number)).collect::<Result<Vec<_>, _>>()?;
    let period = if numbers.is_empty() {
        Period::named(call.subject)
    } else {
        Period::of_members(call.subject.split(',').zip(numbers))
    };
    let window = period.ok_or(Code::InvalidArgument)?.window(time(call.first)?);
    Ok(vec![
        window.start.as_seconds() as f64,
        window.end.map_or(f64::INFINITY, |end| end.as_seconds() as f64),
    ])
}

/// Tells the name of the mark that a revocation bundle's issuer has; an empty text if it is no bundle.
pub(crate) fn bundle_mark(call: &Call<'_>, told: &mut Told) -> Vec<f64> {
    told.word(&licentia::revocation::mark(call.bytes).unwrap_or_default());
    done()
}
