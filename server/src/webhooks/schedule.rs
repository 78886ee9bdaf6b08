//! When a delivery that failed is tried again.

/// Seconds to wait after each failed attempt: over three days, as the Standard Webhooks specification recommends.
const DELAYS: [u64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// The longest wait that a receiver may ask for, in seconds.
const LONGEST: u64 = 86_400;

/// How long to wait after `attempts` failed ones, in seconds; none if that was the last one. `random` spreads the tries
/// of many deliveries by a tenth in either direction. A receiver may ask for a longer wait (`Retry-After`).
pub(super) fn delay(attempts: u64, retry_after: Option<u64>, random: u32) -> Option<u64> {
    let at = usize::try_from(attempts.saturating_sub(1)).ok()?;
    let delay = *DELAYS.get(at)?;
    // From 0.9 to 1.1 times the delay.
    let spread = delay.saturating_mul(u64::from(random)) / u64::from(u32::MAX) / 5;
    let jittered = delay.saturating_sub(delay / 10).saturating_add(spread);
    Some(jittered.max(retry_after.unwrap_or(0).min(LONGEST)).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_waits_longer_each_time_and_gives_up_after_three_days() {
        let mut total = 0;
        for (attempts, expected) in (1..).zip(DELAYS) {
            let [least, middle, most] =
                [0, u32::MAX / 2, u32::MAX].map(|random| delay(attempts, None, random).unwrap());
            assert!(least <= middle && middle <= most, "{attempts}");
            assert!(
                least >= expected * 9 / 10 && most <= expected * 11 / 10 + 1,
                "{attempts}: {least} to {most}"
            );
            total += most;
        }
        assert_eq!(delay(10, None, 0), None, "then it is dead");
        assert_eq!((delay(0, None, 0), delay(u64::MAX, None, 0)), (Some(5), None));
        assert!((3 * 86_400..4 * 86_400).contains(&total));
    }

    #[test]
    fn a_receiver_may_ask_for_more_time_but_not_for_ever() {
        assert_eq!(delay(1, Some(60), 0), Some(60));
        assert_eq!(delay(1, Some(u64::MAX), 0), Some(LONGEST));
        assert_eq!(delay(2, Some(0), 0), Some(270));
    }
}
