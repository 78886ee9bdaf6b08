//! What a licence that was verified says: the values of its features.

use core::ptr;

use licentia_core::{Code, FeatureValue, OwnedLicense, Timestamp};

use crate::border::{BareText, Memory, NO_TEXT, NONE, found, kept, place, text};

/// A licence that was verified and allowed, in memory of the caller. Its token's bytes must stay where they are for as
/// long as it is used. What it holds is the library's alone.
#[repr(C)]
pub struct BareLicense {
    /// Not to be read or written.
    pub private_words: [u64; 64],
}

// SAFETY: the size is checked when it is kept, and the value needs no drop.
unsafe impl Memory for BareLicense {
    type Value = OwnedLicense<&'static [u8]>;
    const TAG: u64 = 0x6c69_6365_6e73_6531;
}

/// The value of a feature.
#[repr(C)]
pub struct BareFeature {
    /// 1 if it has no value but that it is licensed, 2 for a number, 3 for a text.
    pub kind: u32,
    /// 1 if it has ended, else 0.
    pub ended: u32,
    /// The number.
    pub number: i64,
    /// When it ends, in seconds since 1970, or LICENTIA_NONE if it ends with the licence.
    pub expires: u64,
    /// The text, which points into the token.
    pub text: BareText,
}

const NO_FEATURE: BareFeature = BareFeature { kind: 0, ended: 0, number: 0, expires: NONE, text: NO_TEXT };

/// Reads the value of a feature of a licence that was allowed. `now` is in seconds since 1970.
///
/// ABSENT if the licence does not have it. Errors: INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_bare_license_feature(
    license: *const BareLicense,
    name: BareText,
    now: u64,
    feature: *mut BareFeature,
) -> u32 {
    // SAFETY: the caller keeps to the header's rules.
    found(unsafe { read(license, name, now, feature) })
}

unsafe fn read(
    license: *const BareLicense,
    name: BareText,
    now: u64,
    feature: *mut BareFeature,
) -> Result<Option<()>, Code> {
    // SAFETY: the caller keeps to the header's rules.
    unsafe {
        let to = place(feature, NO_FEATURE)?;
        let license = kept(license)?.license();
        let name = text(name)?.ok_or(Code::InvalidArgument)?;
        let Some(found) = license.feature(name) else { return Ok(None) };
        let (kind, number, text) = match found.value {
            FeatureValue::Int(number) => (2, number, ""),
            FeatureValue::Text(text) => (3, 0, text),
            _ => (1, 0, ""),
        };
        let data = if kind == 3 { text.as_ptr().cast() } else { ptr::null() };
        to.write(BareFeature {
            kind,
            ended: u32::from(found.is_expired(now)),
            number,
            expires: found.expires.map_or(NONE, Timestamp::as_seconds),
            text: BareText { data, len: text.len() },
        });
        Ok(Some(()))
    }
}
