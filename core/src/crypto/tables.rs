//! Tables of multiples of a point, which halve the time of a signature check.
//!
//! A signature is good if `[S]B - [k]A = R`. Both scalars are cut into signed digits of `w` bits, and the table of
//! a point has, for each place of a digit, its multiples from 1 to `2^(w-1)`: then each product is one addition for
//! each digit, and nothing is doubled. Only public data is touched, so that the time may depend on it. The rule of
//! acceptance is that of [`crate::crypto::ed25519`], which compares the same sum in the same way.
//!
//! Needs a heap, and the feature `prepared`.

use alloc::{sync::Arc, vec::Vec};

use curve25519_dalek::{
    constants::ED25519_BASEPOINT_POINT, edwards::EdwardsPoint, scalar::Scalar, traits::Identity,
};

/// Bits of a scalar: it is below the group's order, which is below 2^253; one more takes the last carry.
const SCALAR_BITS: usize = 254;
/// Narrowest and widest digits.
const WIDTHS: core::ops::RangeInclusive<usize> = 4..=10;

/// The tables of one key, `A`, and of the base point, `B`, which all keys share.
#[derive(Clone)]
pub(crate) struct Tables {
    base: Arc<Table>,
    negated: Arc<Table>,
}

impl Tables {
    /// The tables of the key whose negated point is given, with digits as wide as the base point's.
    pub(crate) fn new(base: &Arc<Table>, negated: EdwardsPoint) -> Self {
        Self { base: Arc::clone(base), negated: Arc::new(Table::new(negated, base.width)) }
    }

    /// `[s]B - [k]A`.
    pub(crate) fn sum(&self, s: &Scalar, k: &Scalar) -> EdwardsPoint {
        let sum = self.base.add_multiple(EdwardsPoint::identity(), s);
        self.negated.add_multiple(sum, k)
    }
}

/// Multiples of a point: `2^(width-1)` for each digit.
pub(crate) struct Table {
    width: usize,
    points: Vec<EdwardsPoint>,
}

#[allow(clippy::arithmetic_side_effects, reason = "points and digits of at most 10 bits cannot overflow")]
impl Table {
    fn digits(width: usize) -> usize {
        SCALAR_BITS.div_ceil(width)
    }

    /// Multiples of one place.
    fn per_digit(width: usize) -> usize {
        1 << (width - 1)
    }

    /// The base point's, as large as fits into `bytes`; `None` if even the smallest does not.
    pub(crate) fn of_base_within(bytes: usize) -> Option<Self> {
        let width = WIDTHS.rev().find(|width| Self::bytes_of(*width) <= bytes)?;
        Some(Self::new(ED25519_BASEPOINT_POINT, width))
    }

    /// Its size, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        Self::bytes_of(self.width)
    }

    fn bytes_of(width: usize) -> usize {
        Self::digits(width) * Self::per_digit(width) * size_of::<EdwardsPoint>()
    }

    fn new(point: EdwardsPoint, width: usize) -> Self {
        let mut points = Vec::with_capacity(Self::digits(width) * Self::per_digit(width));
        let mut unit = point;
        for _ in 0..Self::digits(width) {
            let mut multiple = unit;
            for _ in 1..Self::per_digit(width) {
                points.push(multiple);
                multiple += unit;
            }
            points.push(multiple);
            unit = multiple + multiple;
        }
        Self { width, points }
    }

    /// `sum` and the product of the point and a scalar.
    fn add_multiple(&self, mut sum: EdwardsPoint, scalar: &Scalar) -> EdwardsPoint {
        let (bytes, half) = (scalar.as_bytes(), Self::per_digit(self.width));
        let mut carry = 0;
        for (place, multiples) in self.points.chunks_exact(half).enumerate() {
            let digit = bits(bytes, place * self.width, self.width) + carry;
            // Digits above the half are taken from the next place: their negatives are in the table.
            let (negative, magnitude) = if digit > half { (true, 2 * half - digit) } else { (false, digit) };
            carry = usize::from(negative);
            if let Some(multiple) = magnitude.checked_sub(1).and_then(|at| multiples.get(at)) {
                sum = if negative { sum - multiple } else { sum + multiple };
            }
        }
        sum
    }
}

/// `count` bits (at most 10) of a little-endian number, from bit `at` on; zeros follow its end.
fn bits(bytes: &[u8; 32], at: usize, count: usize) -> usize {
    let byte = |at: usize| usize::from(bytes.get(at).copied().unwrap_or(0));
    let first = at / 8;
    let word = byte(first) | byte(first.saturating_add(1)) << 8 | byte(first.saturating_add(2)) << 16;
    (word >> (at % 8)) & ((1_usize << count).saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scalars of all kinds: the least, the greatest, and many between.
    fn scalars() -> impl Iterator<Item = Scalar> {
        let fixed =
            [Scalar::ZERO, Scalar::ONE, -Scalar::ONE, Scalar::from(1_u64 << 63), Scalar::from(u64::MAX)];
        let mut hash = hmac_sha512::Hash::hash(b"scalars");
        let random = core::iter::repeat_with(move || {
            hash = hmac_sha512::Hash::hash(hash);
            Scalar::from_bytes_mod_order_wide(&hash)
        });
        fixed.into_iter().chain(random.take(60))
    }

    #[test]
    fn a_table_gives_the_product_for_every_width() {
        let point = ED25519_BASEPOINT_POINT * Scalar::from(12_345_u64);
        for width in WIDTHS {
            let table = Table::new(point, width);
            assert_eq!(table.points.len() * size_of::<EdwardsPoint>(), Table::bytes_of(width));
            for scalar in scalars() {
                assert_eq!(
                    table.add_multiple(EdwardsPoint::identity(), &scalar),
                    point * scalar,
                    "width {width}"
                );
            }
        }
    }

    #[test]
    fn the_budget_chooses_the_width() {
        let width = |bytes| Table::of_base_within(bytes).map(|table| table.width);
        assert_eq!(width(0), None);
        assert_eq!(width(Table::bytes_of(4)), Some(4));
        assert_eq!(width(220_160), Some(6));
        assert_eq!(width(655_359), Some(7));
        assert_eq!(width(655_360), Some(8));
        assert_eq!(Table::of_base_within(700_000).unwrap().bytes(), 655_360);
    }
}
