//! Writes the vectors as records that the firmware reads: records FILE EVERY
//!
//! Of licences, one in EVERY cases of a group is taken, and at least its first. A record is its length, 0 and, in order:
//! keys, expectations, time, proof, token, and what is expected. Lengths are u16 and numbers u64, little-endian.
//!
//! Of gates, those tests are taken that a device can do: it has one bundle, merges no delta, and its clock only
//! advances. A record is its length, 1, the root key, keys, and the steps: 0 for a keyset, 1 for a bundle, 2 for a
//! check and 3 for a restart. What the example of a device needs is written beside the records, to device.bin: a key
//! and a licence with a quota of 3 calls a day.

use std::{fs, io::Write, path::Path};

use licentia_core::{Code, Key, revocation::Bundle, text};
use licentia_vectors::{GateTest, LicenseGroup, LicenseTest, Step};

type Anything = Result<(), Box<dyn std::error::Error>>;

fn main() -> Anything {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, every] = arguments.as_slice() else { return Err("usage: records FILE EVERY".into()) };
    let every: usize = every.parse()?;
    let (mut out, mut count) = (Vec::new(), 0_u32);
    let vectors = licentia_vectors::license();
    for group in vectors.test_groups.iter().filter(|group| group.keys.len() <= 4) {
        for test in group.tests.iter().step_by(every) {
            let record = record(group, test)?;
            out.extend(u16::try_from(record.len())?.to_le_bytes());
            out.extend(record);
            count += 1;
        }
    }
    let (gates, mut gate_count) = (licentia_vectors::gate(), 0);
    for test in gates.test_groups.iter().flat_map(|group| &group.tests) {
        if let Some(record) = gate(test)?.filter(|record| record.len() <= LONGEST) {
            out.extend(u16::try_from(record.len())?.to_le_bytes());
            out.extend(record);
            gate_count += 1;
        }
    }
    fs::write(file, out)?;
    fs::write(Path::new(file).with_file_name("device.bin"), device(&gates)?)?;
    let (licenses, gates) = (vectors.number_of_tests, gates.number_of_tests);
    writeln!(
        std::io::stdout(),
        "{count} of {licenses} cases of license.json, {gate_count} of {gates} of gate.json"
    )?;
    Ok(())
}

/// Longest record that the firmware has room for.
const LONGEST: usize = 24_576;

/// A test of a gate; none if a device cannot do it.
fn gate(test: &GateTest) -> Result<Option<Vec<u8>>, Box<dyn std::error::Error>> {
    let mut out = vec![1, u8::from(test.root.is_some())];
    if let Some(root) = &test.root {
        key(&mut out, root)?;
    }
    out.push(u8::try_from(test.keys.len())?);
    for text in &test.keys {
        key(&mut out, text)?;
    }
    out.push(u8::try_from(test.steps.len())?);
    let (mut latest, mut published, mut about) = (0, 0, None);
    for step in &test.steps {
        match step {
            Step::Load { keyset, code } => {
                out.push(0);
                bytes(&mut out, Some(&unhex(keyset)?))?;
                out.extend(number(code)?.to_le_bytes());
            }
            Step::Publish { bundle, code } => {
                let bundle = unhex(bundle)?;
                // One that cannot be read at all is refused whatever it is about.
                if let Ok((of, _)) = Bundle::inspect(&bundle) {
                    published = published.max(of.issued_at().as_seconds());
                    let of = (of.issuer().to_owned(), of.stream(), of.base());
                    if of.2.is_some() || about.as_ref().is_some_and(|about| *about != of) {
                        return Ok(None);
                    }
                    about = Some(of);
                }
                out.push(1);
                bytes(&mut out, Some(&bundle))?;
                out.extend(number(code)?.to_le_bytes());
            }
            Step::Restart => out.push(3),
            Step::Check { token, now, monotonic_ms, rates, meters, code, state, warning } => {
                let Ok(token) = decode(token) else { return Ok(None) };
                let nanos = now * 1_000_000_000 + monotonic_ms % 1000 * 1_000_000;
                // What is signed moves a gate's clock, and no device's.
                if nanos < latest
                    || *now < published
                    || warning.as_deref() == Some("clock_rollback")
                    || code == "clock_rollback"
                {
                    return Ok(None);
                }
                latest = nanos;
                out.push(2);
                bytes(&mut out, Some(&token))?;
                out.extend(now.to_le_bytes());
                out.extend(nanos.to_le_bytes());
                for charges in [rates, meters] {
                    out.push(u8::try_from(charges.len())?);
                    for (name, cost) in charges {
                        bytes(&mut out, Some(name.as_bytes()))?;
                        out.extend(cost.to_le_bytes());
                    }
                }
                out.extend(number(code)?.to_le_bytes());
                out.push(state_number(state.as_deref()));
            }
        }
    }
    Ok(Some(out))
}

/// A key and a licence with a quota of 3 calls a day.
fn device(
    gates: &licentia_vectors::File<licentia_vectors::GateGroup>,
) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut tests = gates.test_groups.iter().flat_map(|group| &group.tests);
    let test = tests.find(|test| test.comment == "just the limit").ok_or("no test of a quota")?;
    let token = test.steps.iter().find_map(|step| match step {
        Step::Check { token, .. } => Some(token),
        _ => None,
    });
    let mut out = Vec::new();
    key(&mut out, test.keys.first().ok_or("no key")?)?;
    bytes(&mut out, Some(&decode(token.ok_or("no licence")?)?))?;
    Ok(out)
}

fn decode(token: &str) -> Result<Vec<u8>, Code> {
    let mut space = vec![0; 4096];
    text::decode_license_into(token, &mut space).map(<[u8]>::to_vec)
}

fn unhex(digits: &str) -> Result<Vec<u8>, data_encoding::DecodeError> {
    data_encoding::HEXLOWER.decode(digits.as_bytes())
}

fn number(name: &str) -> Result<u16, String> {
    Code::from_name(name).map(Code::number).ok_or_else(|| format!("no such code: {name}"))
}

fn state_number(state: Option<&str>) -> u8 {
    match state {
        Some("active") => 1,
        Some("grace") => 2,
        Some("overage") => 3,
        Some("advisory") => 4,
        _ => 0,
    }
}

fn key(out: &mut Vec<u8>, text: &str) -> Anything {
    let key = Key::from_text(text)?;
    bytes(out, Some(key.kid().as_bytes()))?;
    bytes(out, Some(key.public().as_bytes()))
}

fn record(group: &LicenseGroup, test: &LicenseTest) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut out = vec![0, u8::try_from(group.keys.len())?];
    let hex = |digits: &String| unhex(digits);
    for text in &group.keys {
        key(&mut out, text)?;
    }
    let expect = &group.expect;
    bytes(&mut out, expect.issuer.as_deref().map(str::as_bytes))?;
    bytes(&mut out, expect.audience.as_deref().map(str::as_bytes))?;
    out.push(u8::try_from(expect.features.len())?);
    for feature in &expect.features {
        bytes(&mut out, Some(feature.as_bytes()))?;
    }
    bytes(&mut out, expect.node.as_ref().map(hex).transpose()?.as_deref())?;
    for number in [expect.skew, expect.release.unwrap_or(u64::MAX), test.now] {
        out.extend(number.to_le_bytes());
    }
    out.push(u8::from(test.proof.is_some()));
    if let Some(proof) = &test.proof {
        bytes(&mut out, Some(&data_encoding::BASE64URL_NOPAD.decode(proof.proof.as_bytes())?))?;
        bytes(&mut out, Some(proof.method.as_bytes()))?;
        bytes(&mut out, Some(proof.uri.as_bytes()))?;
        bytes(&mut out, proof.body.as_ref().map(hex).transpose()?.as_deref())?;
        out.extend(proof.max_age.to_le_bytes());
    }
    bytes(&mut out, test.token.as_deref().map(str::as_bytes))?;
    bytes(&mut out, test.token_hex.as_ref().map(hex).transpose()?.as_deref())?;
    out.extend(test.number.unwrap_or(u16::MAX).to_le_bytes());
    out.push(state_number(test.state.as_deref()));
    Ok(out)
}

/// Bytes after their length; `ffff` stands for none.
fn bytes(out: &mut Vec<u8>, bytes: Option<&[u8]>) -> Anything {
    out.extend(bytes.map_or(Ok(u16::MAX), |bytes| u16::try_from(bytes.len()))?.to_le_bytes());
    out.extend(bytes.unwrap_or_default());
    Ok(())
}
