//! Tokens, keys, periods and proofs: what needs no gate.

use licentia::{Code, Explanation, HolderKey, Key, Now, Timestamp, Unverified, http, limits};
use licentia_core::{
    Buffer, Keyring, Period, Time, authenticate, authorize,
    inner::{Quoted, decode},
    text,
};

use crate::{
    number::operation,
    record::{Reader, Writer},
    request::{Asked, time},
};

/// Runs an operation; `false` if it is none of these.
pub(crate) fn run(number: u32, reader: &mut Reader<'_>, now: Now, out: &mut Writer) -> Result<bool, Code> {
    match number {
        operation::CODES => codes(out),
        operation::DECODE_LICENSE => {
            out.data(text::decode_license(reader.text()?, &mut Buffer::new())?);
        }
        operation::ENCODE_LICENSE => out.shown(&text::Text::license(reader.bytes()?)),
        operation::READ_KEY => {
            let key = Key::from_text(reader.text()?)?;
            out.data(key.kid().as_bytes());
            out.raw(key.public().as_bytes());
        }
        operation::PERIOD_WINDOW => period_window(reader, out)?,
        operation::VERIFY => verify(reader, now, out)?,
        operation::INSPECT => {
            let mut buffer = Buffer::new();
            let bytes = text::decode_license(reader.text()?, &mut buffer)?;
            let claims = Unverified::read(bytes).map_err(|malformed| malformed.code)?;
            out.shown(&claims.json());
        }
        operation::LINEAGE => {
            let mut buffer = Buffer::new();
            let bytes = text::decode_license(reader.text()?, &mut buffer)?;
            out.raw(Unverified::read(bytes).map_err(|malformed| malformed.code)?.lineage().as_bytes());
        }
        operation::PROVE => prove(reader, now, out)?,
        operation::HOLDER_KEY => holder_key(reader, out)?,
        operation::BEARER => out.text(http::bearer(reader.text()?).unwrap_or_default()),
        operation::BUNDLE_MARK => out.text(&licentia::revocation::mark(reader.bytes()?).unwrap_or_default()),
        _ => return Ok(false),
    }
    Ok(true)
}

/// The table of codes as JSON: number, name, message, advice.
fn codes(out: &mut Writer) {
    let mut table = String::new();
    for (at, entry) in Code::TABLE.iter().enumerate() {
        let (before, number, name) = (if at == 0 { '[' } else { ',' }, entry.code.number(), entry.name);
        let (message, advice) = (Quoted(entry.message), Quoted(entry.advice));
        let row = format_args!(
            r#"{before}{{"number":{number},"name":"{name}","message":{message},"advice":{advice}}}"#
        )
        .to_string();
        table.push_str(&row);
    }
    table.push(']');
    out.text(&table);
}

/// A time; a period's name, or an empty text and the number (1 byte) of an object's members, which follow: name, number.
fn period_window(reader: &mut Reader<'_>, out: &mut Writer) -> Result<(), Code> {
    let (at, name) = (time(reader.u64()?)?, reader.text()?);
    let period = if name.is_empty() {
        let mut members = Vec::new();
        for _ in 0..reader.u8()? {
            members.push((reader.text()?, reader.u64()?));
        }
        Period::of_members(members)
    } else {
        Period::named(name)
    };
    let window = period.ok_or(Code::InvalidArgument)?.window(at);
    out.u64(window.start.as_seconds());
    out.optional(window.end.map(Timestamp::as_seconds));
    Ok(())
}

/// A request, the issuer (1 byte says whether there is one), skew, and age of proofs; the number of keys (1 byte) and
/// their texts. Returns code, warning or 0 (2 bytes each), state (1 byte), the claims as JSON or an empty text, and the
/// explanation as JSON.
fn verify(reader: &mut Reader<'_>, now: Now, out: &mut Writer) -> Result<(), Code> {
    let asked = Asked::read(reader)?;
    let issuer = if reader.u8()? == 1 { Some(reader.text()?) } else { None };
    let (skew, proof_age) = (reader.u64()?, reader.u64()?);
    let mut keys = Vec::new();
    for _ in 0..reader.u8()? {
        keys.push(Key::from_text(reader.text()?)?);
    }
    let mut expect = asked.expect(proof_age).skew(skew);
    if let Some(issuer) = issuer {
        expect = expect.issuer(issuer);
    }
    let mut space = vec![0; asked.token.len().min(limits::TOKEN_BYTES)];
    let (mut explanation, mut license) = (Explanation::default(), None);
    let verdict = decode(asked.token, &mut space, &mut explanation)
        .and_then(|token| authenticate(token, Keyring::new(&keys), &mut explanation))
        .and_then(|found| {
            authorize(license.insert(found), &expect, None, Time::from(now.time), &mut explanation)
        });
    out.u16(verdict.err().map_or(0, Code::number));
    out.u16(explanation.warning().map_or(0, Code::number));
    out.u8(verdict.map_or(0, licentia::State::number));
    match &license {
        Some(license) => out.shown(&license.json()),
        None => out.text(""),
    }
    out.shown(&explanation.json());
    Ok(())
}

/// The seed (32 bytes), the token, method, URI, the service's nonce or an empty text, and 1 with the SHA-256 of the body
/// (32 bytes) or 0. Returns the name of the header field, and its value.
fn prove(reader: &mut Reader<'_>, now: Now, out: &mut Writer) -> Result<(), Code> {
    let key = HolderKey::from_seed(reader.array()?);
    let (token, method, uri, nonce) = (reader.text()?, reader.text()?, reader.text()?, reader.text()?);
    let body = if reader.u8()? == 1 { Some(reader.array()?) } else { None };
    let nonce = (!nonce.is_empty()).then_some(nonce);
    let proof = key.prove_with_nonce(token, method, uri, body, nonce, time(now.time.as_seconds())?);
    out.text(http::PROOF_FIELD);
    out.shown(&text::Base64Url(&proof.map_err(Code::from)?));
    Ok(())
}

/// A seed (32 bytes). Returns public key and thumbprint.
fn holder_key(reader: &mut Reader<'_>, out: &mut Writer) -> Result<(), Code> {
    let key = HolderKey::from_seed(reader.array()?);
    out.raw(&key.public());
    out.raw(&key.thumbprint());
    Ok(())
}
