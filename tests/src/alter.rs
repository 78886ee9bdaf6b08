//! Random alterations of bytes.

use fastrand::Rng;

/// A place in `bytes`, its end included.
fn place(rng: &mut Rng, bytes: &[u8]) -> usize {
    rng.usize(0..=bytes.len())
}

/// A short range in `bytes`.
fn range(rng: &mut Rng, bytes: &[u8]) -> std::ops::Range<usize> {
    let start = place(rng, bytes);
    start..(start + rng.usize(0..=16)).min(bytes.len())
}

/// One alteration, which may happen to change nothing.
pub fn alter(rng: &mut Rng, bytes: &mut Vec<u8>, other: &[u8]) {
    let at = place(rng, bytes);
    match rng.u8(0..12) {
        0..=2 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << rng.u8(0..8);
            }
        }
        3 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = rng.u8(..);
            }
        }
        // Neighbours matter: a length or a type that is off by one.
        4 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = if rng.bool() { byte.wrapping_add(1) } else { byte.wrapping_sub(1) };
            }
        }
        5 => bytes.insert(at, rng.u8(..)),
        6 => {
            bytes.drain(range(rng, bytes));
        }
        7 => {
            let copy = bytes[range(rng, bytes)].to_vec();
            bytes.splice(at..at, copy);
        }
        8 => {
            let (from, to) = (range(rng, other), range(rng, bytes));
            bytes.splice(to, other[from].iter().copied());
        }
        9 => bytes.truncate(at),
        10 => {
            let (one, two) = (place(rng, bytes), at);
            if one.max(two) < bytes.len() {
                bytes.swap(one, two);
            }
        }
        _ => {
            // Heads that are interesting wherever they turn up.
            const HEADS: [u8; 16] = [
                0x00, 0x17, 0x18, 0x1b, 0x20, 0x3b, 0x40, 0x5f, 0x7f, 0x9f, 0xbf, 0xc1, 0xf6, 0xf7, 0xfb,
                0xff,
            ];
            bytes.insert(at, HEADS[rng.usize(0..HEADS.len())]);
        }
    }
}

/// One of several, altered up to three times.
///
/// # Panics
/// Where there is none.
pub fn altered(rng: &mut Rng, from: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = from[rng.usize(0..from.len())].clone();
    for _ in 0..rng.usize(1..=3) {
        let other = &from[rng.usize(0..from.len())];
        alter(rng, &mut bytes, other);
    }
    bytes
}
