//! What can be told to be wrong is answered, and outputs are emptied first.

use std::ptr;

use licentia_bare::{
    BareKey, BareRequest, BareText, BareVerdict, licentia_bare_decode, licentia_bare_verify,
};
use licentia_core::{Code, Key};

const OK: u32 = 1;
const ARGUMENT: u32 = Code::InvalidArgument as u32;
const NONE: BareText = BareText { data: ptr::null(), len: 0 };

fn text(text: &str) -> BareText {
    BareText { data: text.as_ptr().cast(), len: text.len() }
}

fn request() -> BareRequest {
    BareRequest {
        now: 1_800_000_000,
        skew: 60,
        release: u64::MAX,
        issuer: NONE,
        audience: NONE,
        features: ptr::null(),
        features_len: 0,
        node: ptr::null(),
        proof: ptr::null(),
    }
}

/// A status, and the verdict's code, where there was `junk` before.
fn verify(keys: &[BareKey], keys_len: usize, token: &[u8], request: &BareRequest) -> (u32, u32) {
    let mut verdict = BareVerdict {
        code: 0,
        state: 1,
        authentic: 1,
        reserved: 0,
        expires: 0,
        tier_version: 0,
        tier: NONE,
        subject: NONE,
        lineage: [0; 16],
    };
    // SAFETY: the pointers are of what is lent, and lengths that are not are refused.
    let status = unsafe {
        licentia_bare_verify(
            keys.as_ptr(),
            keys_len,
            token.as_ptr(),
            token.len(),
            ptr::from_ref(request),
            &raw mut verdict,
        )
    };
    assert_eq!(verdict.state != 0, verdict.code == 0);
    assert_eq!(verdict.authentic != 0, verdict.code == 0 || verdict.code >= 400 && verdict.code < 800);
    (status, verdict.code)
}

#[test]
fn a_good_licence_and_what_is_wrong_around_it() {
    let vectors = licentia_vectors::license();
    let group = vectors.test_groups.first().expect("a group");
    let key = Key::from_text(group.keys.first().expect("a key")).expect("a good key");
    let form = group.tests.first().and_then(|test| test.token.clone()).expect("a token");
    let (mut space, mut length) = ([0; 4096], 0);
    // SAFETY: the pointers are of what stands here.
    let decode = |text: &str, space: *mut u8, space_len: usize, length: *mut usize| unsafe {
        licentia_bare_decode(text.as_ptr().cast(), text.len(), space, space_len, length)
    };
    assert_eq!(decode(&form, space.as_mut_ptr(), 4096, &raw mut length), OK);
    let token = space[..length].to_vec();
    assert_eq!(decode(&form, space.as_mut_ptr(), 10, &raw mut length), Code::TokenTooLong as u32);
    assert_eq!(length, 0);
    assert_eq!(decode("lic2_", space.as_mut_ptr(), 4096, &raw mut length), Code::MalformedText as u32);
    assert_eq!(decode(&form, ptr::null_mut(), 4096, &raw mut length), ARGUMENT);
    assert_eq!(decode(&form, space.as_mut_ptr(), usize::MAX, &raw mut length), ARGUMENT);
    assert_eq!(decode(&form, space.as_mut_ptr(), 4096, ptr::null_mut()), ARGUMENT);
    // A text that would be overwritten while it is read.
    let mut both = [0; 4096];
    both[100..100 + form.len()].copy_from_slice(form.as_bytes());
    let (base, end) = (both.as_mut_ptr(), 100 + form.len());
    let mut overlap = |at: usize, room: usize| {
        // SAFETY: all of it is within the array.
        unsafe { licentia_bare_decode(base.add(100).cast(), form.len(), base.add(at), room, &raw mut length) }
    };
    for (at, room) in [(100, form.len()), (0, 101), (end - 1, 10), (110, 1), (0, 4096)] {
        assert_eq!(overlap(at, room), ARGUMENT, "{at}, {room}");
    }
    assert_eq!(overlap(0, 100), Code::TokenTooLong as u32);
    assert_eq!(overlap(end, 4096 - end), OK);
    assert_eq!(length, token.len());

    let good = || {
        let (kid, public) = (key.kid().as_bytes(), key.public().as_bytes());
        BareKey { kid: kid.as_ptr(), kid_len: kid.len(), public_key: public.as_ptr() }
    };
    assert_eq!(verify(&[good()], 1, &token, &request()), (OK, 0));
    assert_eq!(verify(&[good(), good(), good(), good()], 4, &token, &request()), (OK, 0));
    assert_eq!(verify(&[], 0, &token, &request()), (OK, Code::UnknownKey as u32));
    assert_eq!(verify(&[good()], 1, &[], &request()), (OK, Code::Truncated as u32));
    assert_eq!(verify(&[good()], 5, &token, &request()), (ARGUMENT, ARGUMENT));
    assert_eq!(verify(&[good()], usize::MAX, &token, &request()), (ARGUMENT, ARGUMENT));
    assert_eq!(verify(&[BareKey { kid_len: 33, ..good() }], 1, &token, &request()), (ARGUMENT, ARGUMENT));
    assert_eq!(verify(&[BareKey { public_key: ptr::null(), ..good() }], 1, &token, &request()).0, ARGUMENT);
    let weak = [0_u8; 32];
    let weak = BareKey { public_key: weak.as_ptr(), ..good() };
    assert_eq!(verify(&[weak], 1, &token, &request()), (Code::WeakKey as u32, ARGUMENT));

    let features = [text("sso")];
    let asks = BareRequest { features: features.as_ptr(), features_len: 1, ..request() };
    assert_eq!(verify(&[good()], 1, &token, &asks), (OK, Code::FeatureNotLicensed as u32));
    assert_eq!(verify(&[good()], 1, &token, &BareRequest { features: ptr::null(), ..asks }).0, ARGUMENT);
    let many = BareRequest { features: features.as_ptr(), features_len: 9, ..request() };
    assert_eq!(verify(&[good()], 1, &token, &many).0, ARGUMENT);
    let other = BareRequest { issuer: text("somebody else"), ..request() };
    assert_eq!(verify(&[good()], 1, &token, &other), (OK, Code::IssuerMismatch as u32));
    let torn = BareRequest { issuer: BareText { data: ptr::null(), len: 3 }, ..request() };
    assert_eq!(verify(&[good()], 1, &token, &torn).0, ARGUMENT);
    let foreign = BareRequest { audience: BareText { data: b"\xff".as_ptr().cast(), len: 1 }, ..request() };
    assert_eq!(verify(&[good()], 1, &token, &foreign).0, ARGUMENT);
}

#[test]
fn null_and_misaligned_pointers_are_refused() {
    let request = request();
    let mut words = [0_u64; 32];
    let verdict = words.as_mut_ptr().cast::<u8>();
    // SAFETY: all of these are refused before they are read.
    unsafe {
        let keys = ptr::null();
        assert_eq!(
            licentia_bare_verify(keys, 0, ptr::null(), 0, &raw const request, ptr::null_mut()),
            ARGUMENT
        );
        assert_eq!(licentia_bare_verify(keys, 0, ptr::null(), 0, ptr::null(), verdict.cast()), ARGUMENT);
        assert_eq!(
            licentia_bare_verify(keys, 0, ptr::null(), 5, &raw const request, verdict.cast()),
            ARGUMENT
        );
        assert_eq!(
            licentia_bare_verify(keys, 1, ptr::null(), 0, &raw const request, verdict.cast()),
            ARGUMENT
        );
        let odd = verdict.add(1).cast();
        assert_eq!(licentia_bare_verify(keys, 0, ptr::null(), 0, &raw const request, odd), ARGUMENT);
    }
}
