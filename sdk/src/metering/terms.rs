//! What a licence says of its rates and quotas. A vendor sells few kinds of them to very many customers, so that
//! licences that say the same share it.

use licentia_core::{Overage, Period, Quota, Rate, metering::rate::Gcra};

/// What a licence says of a rate.
#[derive(PartialEq, Eq)]
pub(crate) struct RateTerms {
    pub(crate) name: Box<str>,
    pub(crate) burst: u64,
    /// Seconds in which a whole burst comes back.
    pub(crate) burst_seconds: u64,
    pub(crate) gcra: Gcra,
}

/// What a licence says of a quota.
#[derive(PartialEq, Eq)]
pub(crate) struct QuotaTerms {
    pub(crate) name: Box<str>,
    pub(crate) limit: u64,
    /// The limit with its overage.
    pub(crate) hard: u64,
    pub(crate) period: Period,
    /// Length of the period in seconds, if it is fixed.
    pub(crate) length: Option<u64>,
}

impl RateTerms {
    pub(crate) fn of(rate: &Rate<'_>) -> Self {
        let gcra = Gcra::new(rate);
        let burst_seconds = u64::try_from(gcra.tolerance().div_ceil(1_000_000_000)).unwrap_or(u64::MAX);
        Self { name: rate.name.into(), burst: rate.burst, burst_seconds, gcra }
    }
}

impl QuotaTerms {
    pub(crate) fn of(quota: &Quota<'_>) -> Self {
        let hard = match quota.overage {
            Overage::UpTo(hard) => hard,
            Overage::Unlimited => u64::MAX,
            _ => quota.limit,
        };
        let Quota { meter, limit, period, .. } = *quota;
        Self { name: meter.into(), limit, hard, period, length: length(period) }
    }
}

/// Length of a fixed period in seconds; calendar months and years have none.
fn length(period: Period) -> Option<u64> {
    match period {
        Period::Minute | Period::Hour | Period::Day | Period::Week | Period::Fixed { .. } => {
            let window = period.window(4_000_000_000);
            window.end.map(|end| end.seconds_since(window.start))
        }
        _ => None,
    }
}
