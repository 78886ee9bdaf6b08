//! Core accepts exactly the signatures that `verify_strict` accepts, with tables and without.
//!
//! `cargo xtask soak acceptance` tries many more.

use curve25519_dalek::{EdwardsPoint, Scalar, constants};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use fastrand::Rng;
use licentia_core::PublicKey;
use licentia_tests::{cases, in_parallel, report, verifies};
use sha2::{Digest as _, Sha512};

type Half = [u8; 32];

/// The order L of the base point, in little-endian bytes.
const ORDER: Half = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// Judges a signature twice, checks that both agree, and gives the verdict.
fn judge(key: &Half, r: &Half, s: &Half, message: &[u8], split: usize) -> bool {
    let signature: [u8; 64] = std::array::from_fn(|at| if at < 32 { r[at] } else { s[at - 32] });
    let (first, second) = message.split_at(split.min(message.len()));
    let ours = verifies(key, &[first, second], &signature);
    let strict = VerifyingKey::from_bytes(key)
        .is_ok_and(|key| key.verify_strict(message, &Signature::from_bytes(&signature)).is_ok());
    assert_eq!(ours, strict, "key {key:02x?}, R {r:02x?}, S {s:02x?}, message {message:02x?}");
    ours
}

fn challenge(r: &Half, key: &Half, message: &[u8]) -> Scalar {
    let hash = Sha512::new().chain_update(r).chain_update(key).chain_update(message).finalize();
    Scalar::from_bytes_mod_order_wide(&hash.into())
}

/// `s` + `times` * L modulo 2^256.
fn plus_order(s: Half, times: u8) -> Half {
    let mut carry = 0_u32;
    let mut sum = s;
    for (byte, order) in sum.iter_mut().zip(ORDER) {
        carry += u32::from(*byte) + u32::from(order) * u32::from(times);
        *byte = carry.to_le_bytes()[0];
        carry >>= 8;
    }
    sum
}

/// All encodings with y below 19 or not reduced, with either sign: the small order ones are among them.
fn low_and_unreduced() -> Vec<Half> {
    let mut encodings = Vec::new();
    for y in 0..19_u8 {
        let mut low = [0; 32];
        low[0] = y;
        let mut unreduced = [0xff; 32];
        (unreduced[0], unreduced[31]) = (0xed + y, 0x7f);
        for mut encoding in [low, unreduced] {
            encodings.push(encoding);
            encoding[31] ^= 0x80;
            encodings.push(encoding);
        }
    }
    encodings
}

/// The eight points of small order and every encoding of them that decodes.
fn small_order() -> Vec<Half> {
    let mut encodings: Vec<Half> =
        constants::EIGHT_TORSION.iter().map(|point| point.compress().to_bytes()).collect();
    let one = |byte: u8, end: u8| -> Half {
        std::array::from_fn(|at| match at {
            0 => byte,
            31 => end,
            _ => 0xff,
        })
    };
    // x = 0 with a sign, and y = p and p + 1.
    let mut identity = [0; 32];
    (identity[0], identity[31]) = (1, 0x80);
    encodings.extend([
        identity,
        one(0xec, 0xff),
        one(0xed, 0x7f),
        one(0xed, 0xff),
        one(0xee, 0x7f),
        one(0xee, 0xff),
    ]);
    encodings
}

#[test]
fn small_order_and_non_canonical_encodings() {
    let small = small_order();
    assert_eq!(small.len(), 14);
    for encoding in &small {
        assert!(VerifyingKey::from_bytes(encoding).is_ok_and(|key| key.is_weak()), "{encoding:02x?}");
        assert_eq!(PublicKey::from_bytes(encoding).err(), Some(licentia_core::Code::WeakKey));
    }
    let signer = SigningKey::from_bytes(&[1; 32]);
    let honest = signer.verifying_key().to_bytes();
    let mixed = (signer.verifying_key().to_edwards() + constants::EIGHT_TORSION[1]).compress().to_bytes();
    let mut points = small;
    points.extend(low_and_unreduced());
    points.extend([honest, mixed, [0xff; 32]]);
    let (mut ran, mut accepted) = (0_u64, 0_u64);
    for key in &points {
        for r in &points {
            for message in [&b""[..], b"a", b"message"] {
                let k = challenge(r, key, message);
                // What makes the equation hold where nothing but small order is left.
                let fitting = (k * signer.to_scalar()).to_bytes();
                for s in [[0; 32], ORDER, Scalar::ONE.to_bytes(), fitting, plus_order(fitting, 1), [0xff; 32]]
                {
                    accepted += u64::from(judge(key, r, &s, message, 1));
                    ran += 1;
                }
            }
        }
    }
    assert_eq!(accepted, 0);
    report(format_args!("acceptance: {ran} cases with small order or odd encodings, none accepted"));
}

/// Signatures of one signer, whose tables are made once.
const SIGNATURES: u64 = 256;

/// A random case of one of several kinds, and its verdict.
fn random_case(rng: &mut Rng, signer: &SigningKey, odd: &[Half]) -> bool {
    let mut bytes = |length: usize| -> Vec<u8> { (0..length).map(|_| rng.u8(..)).collect() };
    let half = |bytes: Vec<u8>| -> Half { bytes.try_into().expect("32 bytes") };
    let message = bytes(40);
    let noise = half(bytes(32));
    let message = &message[..rng.usize(0..=40)];
    let mut key = signer.verifying_key().to_bytes();
    let signature = signer.sign(message);
    let (mut r, mut s) = (*signature.r_bytes(), *signature.s_bytes());
    let torsion = constants::EIGHT_TORSION;
    match rng.u8(0..12) {
        0 => {}
        1 => flip(rng, &mut key),
        2 => flip(rng, &mut r),
        3 => flip(rng, &mut s),
        4 => s = plus_order(s, rng.u8(1..16)),
        5 => r = noise,
        6 => s = noise,
        7 => key = noise,
        8 => r = odd[rng.usize(0..odd.len())],
        9 => key = odd[rng.usize(0..odd.len())],
        // Parts of small order in key and R: about one in eight fits exactly, all fit when multiplied by 8.
        10 => {
            key = (signer.verifying_key().to_edwards() + torsion[rng.usize(0..8)]).compress().to_bytes();
            let nonce = Scalar::from_bytes_mod_order(noise);
            r = (EdwardsPoint::mul_base(&nonce) + torsion[rng.usize(0..8)]).compress().to_bytes();
            s = (nonce + challenge(&r, &key, message) * signer.to_scalar()).to_bytes();
        }
        // R of small order with the S that fits.
        _ => {
            r = torsion[rng.usize(0..8)].compress().to_bytes();
            s = (challenge(&r, &key, message) * signer.to_scalar()).to_bytes();
        }
    }
    judge(&key, &r, &s, message, rng.usize(0..=40))
}

fn flip(rng: &mut Rng, half: &mut Half) {
    half[rng.usize(0..32)] ^= 1 << rng.u8(0..8);
}

#[test]
fn random_and_altered_signatures() {
    let cases = cases(100_000);
    let mut odd = small_order();
    odd.extend(low_and_unreduced());
    let accepted: u64 = in_parallel("acceptance", cases, |rng, count| {
        let mut signer = SigningKey::from_bytes(&[1; 32]);
        let mut next = |number: u64| {
            if number.is_multiple_of(SIGNATURES) {
                signer = SigningKey::from_bytes(&std::array::from_fn(|_| rng.u8(..)));
            }
            u64::from(random_case(rng, &signer, &odd))
        };
        (0..count).map(&mut next).sum::<u64>()
    })
    .into_iter()
    .sum();
    report(format_args!("  {accepted} accepted, {} refused, all as by verify_strict", cases - accepted));
    assert!(accepted > cases / 20 && accepted < cases / 2);
}
