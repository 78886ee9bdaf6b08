//! Double-scalar multiplication for small targets: a few hundred bytes of stack instead of the six thousand that
//! dalek's tables take, at one and a half times the work.

use curve25519_dalek::{
    constants::ED25519_BASEPOINT_POINT, edwards::EdwardsPoint, scalar::Scalar, traits::Identity,
};

/// `[a]A + [b]B`, where `B` is the base point, in variable time: one bit of both scalars at a time (Straus, 1964).
#[allow(clippy::arithmetic_side_effects, reason = "points are added, which cannot overflow")]
pub(crate) fn double_scalar_mul_basepoint(a: &Scalar, point: &EdwardsPoint, b: &Scalar) -> EdwardsPoint {
    let both = point + ED25519_BASEPOINT_POINT;
    let mut sum = EdwardsPoint::identity();
    for (a, b) in a.as_bytes().iter().zip(b.as_bytes()).rev() {
        for bit in (0..8).rev() {
            sum = sum + sum;
            match ((a >> bit) & 1, (b >> bit) & 1) {
                (1, 1) => sum += both,
                (1, _) => sum += point,
                (_, 1) => sum += ED25519_BASEPOINT_POINT,
                _ => {}
            }
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_dalek_computes() {
        let mut seed = [0_u8; 64];
        for round in 0..200_u8 {
            // Scalars that follow from one another, and the ends of their range.
            let mut next = || {
                for (at, byte) in seed.iter_mut().enumerate() {
                    *byte = byte.wrapping_mul(109).wrapping_add(round ^ u8::try_from(at).unwrap());
                }
                Scalar::from_bytes_mod_order_wide(&seed)
            };
            let (a, b, c) = match round {
                0 => (Scalar::ZERO, Scalar::ZERO, Scalar::ONE),
                1 => (-Scalar::ONE, Scalar::ZERO, next()),
                2 => (Scalar::ZERO, -Scalar::ONE, next()),
                3 => (-Scalar::ONE, -Scalar::ONE, -Scalar::ONE),
                4 => (Scalar::ONE, Scalar::ONE, -Scalar::ONE),
                _ => (next(), next(), next()),
            };
            let point = EdwardsPoint::mul_base(&c);
            let expected = EdwardsPoint::vartime_double_scalar_mul_basepoint(&a, &point, &b);
            assert_eq!(double_scalar_mul_basepoint(&a, &point, &b), expected, "round {round}");
        }
    }

    #[test]
    fn it_is_what_dalek_computes_with_torsion() {
        for torsion in curve25519_dalek::constants::EIGHT_TORSION {
            for n in 1..20_u8 {
                let (a, b) = (-Scalar::from(n), Scalar::from(n) * Scalar::from(1_u64 << 60));
                let point = EdwardsPoint::mul_base(&b) + torsion;
                let expected = EdwardsPoint::vartime_double_scalar_mul_basepoint(&a, &point, &b);
                assert_eq!(double_scalar_mul_basepoint(&a, &point, &b), expected);
            }
        }
    }
}
