//! Writes the vectors of licences as records that the firmware reads: records FILE EVERY
//!
//! One in EVERY cases of a group is taken, and at least its first. A record is its length and, in order: keys,
//! expectations, time, proof, token, and what is expected. Lengths are u16 and numbers u64, little-endian.

use std::{fs, io::Write};

use licentia_core::Key;
use licentia_vectors::{LicenseGroup, LicenseTest};

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
    fs::write(file, out)?;
    writeln!(std::io::stdout(), "{count} of {} cases of license.json", vectors.number_of_tests)?;
    Ok(())
}

fn record(group: &LicenseGroup, test: &LicenseTest) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut out = vec![u8::try_from(group.keys.len())?];
    let hex = |digits: &String| data_encoding::HEXLOWER.decode(digits.as_bytes());
    for key in &group.keys {
        let key = Key::from_text(key)?;
        bytes(&mut out, Some(key.kid().as_bytes()))?;
        bytes(&mut out, Some(key.public().as_bytes()))?;
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
    out.push(match test.state.as_deref() {
        Some("active") => 1,
        Some("grace") => 2,
        _ => 0,
    });
    Ok(out)
}

/// Bytes after their length; `ffff` stands for none.
fn bytes(out: &mut Vec<u8>, bytes: Option<&[u8]>) -> Anything {
    out.extend(bytes.map_or(Ok(u16::MAX), |bytes| u16::try_from(bytes.len()))?.to_le_bytes());
    out.extend(bytes.unwrap_or_default());
    Ok(())
}
