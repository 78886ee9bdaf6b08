//! The chapter about refusals, each with its own code.

use licentia::{Code, Request, State};
use licentia_core::{
    Buffer,
    text::{Text, decode_license},
};
use licentia_issuer::{Feature, FeatureValue, Issuer, SigningKey};

use super::{
    vendor::{AUDIENCE, DAY, GRANTED, NOW, Vendor, YEAR},
    walk::Walk,
};
use crate::terminal::output::Result;

pub(super) fn tell(walk: &mut Walk, vendor: &Vendor, licence: &str) -> Result<()> {
    let title = "What was tampered with, or does not fit, is refused";
    walk.chapter(4, title, "identity, authorisation, observability");
    tampered(walk, vendor, licence)?;
    walk.say("");
    times(walk, vendor, licence)?;
    walk.say("");
    misfits(walk, vendor, licence)
}

fn tampered(walk: &mut Walk, vendor: &Vendor, licence: &str) -> Result<()> {
    let mut buffer = Buffer::new();
    let bytes = decode_license(licence, &mut buffer)?;
    let text = |parts: &[&[u8]]| Text::license(&parts.concat()).to_string();
    let changed = |from: &[u8], to: &[u8]| -> Result<String> {
        let at = bytes.windows(from.len()).position(|window| window == from).ok_or("not in the token")?;
        let (before, rest) = bytes.split_at(at);
        Ok(text(&[before, to, rest.get(from.len()..).unwrap_or_default()]))
    };
    let other = vendor.pro(|draft| draft.audiences = vec![AUDIENCE.into()])?;
    let (claims, signature) = bytes.split_at(bytes.len() - 64);
    let foreign = other.as_bytes().last_chunk::<64>().ok_or("no signature")?;
    let stranger = Issuer::new("acme", SigningKey::generate()?);
    let forged = stranger.issue(&vendor.catalogue.tier("pro", None)?.draft("customer-42", NOW)?)?;
    let gate = vendor.gate()?;
    for (what, token, expected) in [
        ("one bit of the claims: customer-43", changed(b"customer-42", b"customer-43")?, Code::BadSignature),
        ("a better tier: pro@4", changed(b"pro\x03", b"pro\x04")?, Code::BadSignature),
        ("the signature of another licence", text(&[claims, foreign]), Code::BadSignature),
        ("signed with a stranger's key", forged.text(), Code::UnknownKey),
        ("half of it", text(&[&claims[..claims.len() / 2]]), Code::Truncated),
        ("a byte too many", text(&[claims, signature, b"!"]), Code::TrailingBytes),
        ("with padding", format!("{licence}="), Code::MalformedText),
        ("nothing at all", String::new(), Code::MissingToken),
    ] {
        walk.refusal(what, &gate.check(&token, &Request::new(), NOW), (expected, State::Active));
    }
    Ok(())
}

fn times(walk: &mut Walk, vendor: &Vendor, licence: &str) -> Result<()> {
    let later = vendor.pro(|draft| draft.not_before = Some(NOW + DAY))?.text();
    for (what, token, now, expected) in [
        ("a day before it was issued", licence, NOW - DAY, (Code::IssuedInFuture, State::Active)),
        ("one that begins tomorrow", &later, NOW, (Code::NotYetValid, State::Active)),
        ("on the last second of the contract", licence, NOW + YEAR - 1, GRANTED),
        ("a second later, in grace", licence, NOW + YEAR, (Code::Allowed, State::Grace)),
        ("after the grace", licence, NOW + YEAR + 14 * DAY, (Code::Expired, State::Active)),
    ] {
        // Each on a gate of its own: a gate remembers the time, and does not go back.
        walk.refusal(what, &vendor.gate()?.check(token, &Request::new(), now), expected);
    }
    Ok(())
}

fn misfits(walk: &mut Walk, vendor: &Vendor, licence: &str) -> Result<()> {
    let beta = vendor.pro(|draft| {
        let ended = Feature { value: FeatureValue::True, expires: Some(NOW - 1) };
        draft.grant.features.insert("beta".into(), ended);
    })?;
    let elsewhere = Request::new().audience("billing.acme.example");
    let gate = vendor.gate()?;
    for (what, token, request, expected) in [
        ("at another service", licence, elsewhere, Code::AudienceMismatch),
        ("a feature not bought", licence, Request::new().features(&["audit"]), Code::FeatureNotLicensed),
        ("a feature that has ended", &beta.text(), Request::new().features(&["beta"]), Code::FeatureExpired),
    ] {
        walk.refusal(what, &gate.check(token, &request, NOW), (expected, State::Active));
    }
    Ok(())
}
