//! Three implementations of one rule accept the same signatures: with tables, without, and `verify_strict` of dalek.

#![no_main]

use std::sync::LazyLock;

use curve25519_dalek::{EdwardsPoint, Scalar, constants};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use libfuzzer_sys::{arbitrary::Unstructured, fuzz_target};
use licentia_core::{Preparation, PublicKey};
use sha2::{Digest as _, Sha512};

type Half = [u8; 32];

static SMALLEST: LazyLock<Preparation> =
    LazyLock::new(|| Preparation::within(100_000).expect("the smallest tables fit"));

/// The order of the base point.
const ORDER: Half = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

fuzz_target!(|data: &[u8]| {
    // An input that ends early is none.
    let _ = run(&mut Unstructured::new(data));
});

fn run(input: &mut Unstructured<'_>) -> libfuzzer_sys::arbitrary::Result<()> {
    let (how, seed): (u8, Half) = (input.arbitrary()?, input.arbitrary()?);
    let (mut key, mut r, mut s): (Half, Half, Half) =
        (input.arbitrary()?, input.arbitrary()?, input.arbitrary()?);
    let flip: [u8; 4] = input.arbitrary()?;
    let torsion: (u8, u8) = input.arbitrary()?;
    let message: &[u8] = input.arbitrary()?;
    let mut is_honest = false;
    match how % 6 {
        // As given.
        0 => {}
        // An honest signature.
        1 => {
            let secret = SigningKey::from_bytes(&seed);
            let signature = secret.sign(message);
            (key, r, s) = (secret.verifying_key().to_bytes(), *signature.r_bytes(), *signature.s_bytes());
            is_honest = true;
        }
        // One that a signer makes with points outside the subgroup of prime order.
        2 | 3 => {
            let (a, nonce) = (Scalar::from_bytes_mod_order(seed), Scalar::from_bytes_mod_order(r));
            let low = |at: u8| constants::EIGHT_TORSION[usize::from(at % 8)];
            let public = EdwardsPoint::mul_base(&a) + low(torsion.0);
            let commitment = EdwardsPoint::mul_base(&nonce) + low(torsion.1);
            (key, r) = (public.compress().0, commitment.compress().0);
            s = (nonce + challenge(&r, &key, message) * a).to_bytes();
        }
        // A point of small order, or beside one.
        4 => {
            key = constants::EIGHT_TORSION[usize::from(torsion.0 % 8)].compress().0;
            r = constants::EIGHT_TORSION[usize::from(torsion.1 % 8)].compress().0;
        }
        // The prime, its neighbours, and what is not reduced.
        _ => {
            key = [0xff; 32];
            (key[0], key[31]) = (0xe0 | torsion.0, 0x7f | torsion.0 & 0x80);
            r = key;
            (r[0], r[31]) = (0xe0 | torsion.1, 0x7f | torsion.1 & 0x80);
        }
    }
    match how / 6 % 4 {
        1 => s = plus_order(s),
        2 => {
            let part = match flip[0] % 3 {
                0 => &mut key,
                1 => &mut r,
                _ => &mut s,
            };
            part[usize::from(flip[1] % 32)] ^= flip[2];
            is_honest &= flip[2] == 0;
        }
        _ => {}
    }
    is_honest &= how / 6 % 4 != 1;
    let split = usize::from(flip[3]).min(message.len());
    let accepted = judge(&key, &r, &s, message, split);
    assert!(!is_honest || accepted, "an honest signature");
    Ok(())
}

fn challenge(r: &Half, key: &Half, message: &[u8]) -> Scalar {
    let hash = Sha512::new().chain_update(r).chain_update(key).chain_update(message).finalize();
    Scalar::from_bytes_mod_order_wide(&hash.into())
}

/// `s` + L modulo 2^256: the same scalar in another encoding.
fn plus_order(mut s: Half) -> Half {
    let mut carry = 0_u16;
    for (byte, order) in s.iter_mut().zip(ORDER) {
        carry += u16::from(*byte) + u16::from(order);
        *byte = carry.to_le_bytes()[0];
        carry >>= 8;
    }
    s
}

fn judge(key: &Half, r: &Half, s: &Half, message: &[u8], split: usize) -> bool {
    let signature: [u8; 64] = std::array::from_fn(|at| if at < 32 { r[at] } else { s[at - 32] });
    let (first, second) = message.split_at(split);
    let (plain, tables) = match PublicKey::from_bytes(key) {
        Ok(public) => {
            let prepared = SMALLEST.public_key(&public);
            (public.verify(&[first, second], &signature), prepared.verify(&[message], &signature))
        }
        Err(_) => (false, false),
    };
    let strict = VerifyingKey::from_bytes(key)
        .is_ok_and(|key| key.verify_strict(message, &Signature::from_bytes(&signature)).is_ok());
    assert_eq!([plain, tables], [strict; 2], "key {key:02x?}, R {r:02x?}, S {s:02x?}");
    strict
}
