//! The signature of an event: `Stripe-Signature: t=TIME,v1=HEX[,v1=HEX…]`, HMAC-SHA256 over `TIME.BODY`.

use data_encoding::HEXLOWER;
use hmac_sha256::HMAC;
use licentia_core::Timestamp;

/// How far the time of a signature may be from ours, in seconds: what Stripe's own libraries take.
const TOLERANCE: u64 = 300;
/// The longest field that is read, in bytes, and the most signatures.
const LONGEST: usize = 4096;
const MOST: usize = 16;

/// Why an event is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsigned {
    /// The field is missing or cannot be read.
    Malformed,
    /// No signature is by one of our secrets.
    Forged,
    /// It was signed too long ago, or our clock or theirs is wrong.
    Old,
}

impl Unsigned {
    /// What is wrong, for a person.
    pub(crate) const fn message(self) -> &'static str {
        match self {
            Self::Malformed => "the field Stripe-Signature is missing or is not `t=TIME,v1=SIGNATURE`",
            Self::Forged => {
                "no signature is by the endpoint's secret: compare `[stripe]` with Stripe's dashboard"
            }
            Self::Old => "the signature is more than 5 minutes from this machine's clock",
        }
    }
}

/// Checks the signature of an event. While a secret is rotated, Stripe signs with both, and we may have both.
pub(crate) fn verify(
    field: &str,
    body: &[u8],
    secrets: &[impl AsRef<str>],
    now: Timestamp,
) -> Result<(), Unsigned> {
    if field.len() > LONGEST {
        return Err(Unsigned::Malformed);
    }
    let (mut time, mut signatures) = (None, Vec::new());
    for part in field.split(',') {
        match part.trim().split_once('=') {
            Some(("t", value)) => {
                // Digits alone: a sign or a second time would be another text than the one that was signed.
                let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
                if time.replace(value).is_some() || !digits {
                    return Err(Unsigned::Malformed);
                }
            }
            Some(("v1", value)) => signatures.extend(HEXLOWER.decode(value.as_bytes()).ok()),
            // `v0` is for tests, and others are of the future.
            _ => {}
        }
    }
    let text = time.ok_or(Unsigned::Malformed)?;
    let time: u64 = text.parse().map_err(|_| Unsigned::Malformed)?;
    if signatures.is_empty() || signatures.len() > MOST {
        return Err(Unsigned::Malformed);
    }
    let is_ours = secrets.iter().any(|secret| {
        let mut mac = HMAC::new(secret.as_ref());
        mac.update(text);
        mac.update(".");
        mac.update(body);
        let expected = mac.finalize();
        signatures.iter().any(|given| equal(given, &expected))
    });
    if !is_ours {
        return Err(Unsigned::Forged);
    }
    if time.abs_diff(now.as_seconds()) > TOLERANCE { Err(Unsigned::Old) } else { Ok(()) }
}

/// Compares in a time that does not depend on where they differ.
fn equal(given: &[u8], expected: &[u8; 32]) -> bool {
    let differs = given.iter().zip(expected).fold(0, |differs, (a, b)| differs | (a ^ b));
    given.len() == expected.len() && std::hint::black_box(differs) == 0
}

#[cfg(test)]
pub(crate) fn sign(body: &str, secret: &str, time: u64) -> String {
    let mut mac = HMAC::new(secret);
    mac.update(format!("{time}.{body}"));
    HEXLOWER.encode(&mac.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn check(field: &str, body: &str, secrets: &[&str], now: u64) -> Result<(), Unsigned> {
        verify(field, body.as_bytes(), secrets, Timestamp::from_seconds(now))
    }

    #[test]
    fn only_what_stripe_signed_now_is_taken() {
        let good = sign("{}", "whsec_a", NOW);
        let field = format!("t={NOW},v1={good},v0=ab");
        assert_eq!(check(&field, "{}", &["whsec_a"], NOW), Ok(()));
        assert_eq!(check(&field, "{}", &["whsec_a"], NOW + 300), Ok(()));
        assert_eq!(check(&field, "{}", &["whsec_a"], NOW + 301), Err(Unsigned::Old));
        assert_eq!(check(&field, "{}", &["whsec_a"], NOW - 301), Err(Unsigned::Old));
        assert_eq!(check(&field, "{ }", &["whsec_a"], NOW), Err(Unsigned::Forged));
        assert_eq!(check(&field, "{}", &["whsec_b"], NOW), Err(Unsigned::Forged));
        assert_eq!(check(&field, "{}", &[], NOW), Err(Unsigned::Forged));
        let moved = format!("t={},v1={good}", NOW + 1);
        assert_eq!(check(&moved, "{}", &["whsec_a"], NOW), Err(Unsigned::Forged));
        let short = format!("t={NOW},v1={}", &good[..62]);
        assert_eq!(check(&short, "{}", &["whsec_a"], NOW), Err(Unsigned::Forged));
    }

    #[test]
    fn while_a_secret_is_rotated_either_one_is_enough() {
        let [old, new] = ["whsec_old", "whsec_new"].map(|secret| sign("{}", secret, NOW));
        let both = format!("t={NOW},v1={old},v1={new}");
        for secrets in [&["whsec_old"][..], &["whsec_new"], &["whsec_other", "whsec_new"]] {
            assert_eq!(check(&both, "{}", secrets, NOW), Ok(()));
        }
        assert_eq!(check(&format!("t={NOW},v1={old}"), "{}", &["whsec_new", "whsec_old"], NOW), Ok(()));
    }

    #[test]
    fn what_is_no_signature_is_malformed() {
        let good = sign("{}", "s", NOW);
        let many = format!("t={NOW}{}", format!(",v1={good}").repeat(17));
        for field in [
            "",
            "t",
            "v1",
            &format!("v1={good}"),
            &format!("t={NOW}"),
            &format!("t={NOW},v0={good}"),
            &format!("t=,v1={good}"),
            &format!("t=-1,v1={good}"),
            &format!("t=+{NOW},v1={good}"),
            &format!("t={NOW},t={NOW},v1={good}"),
            &format!("t={NOW},v1={}", good.to_uppercase()),
            &format!("t=99999999999999999999,v1={good}"),
            &many,
            &"x".repeat(5000),
        ] {
            assert_eq!(check(field, "{}", &["s"], NOW), Err(Unsigned::Malformed), "{field}");
        }
    }
}
