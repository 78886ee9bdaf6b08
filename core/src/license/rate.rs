//! Rates: how fast requests may come.

use crate::{
    cbor::{self, Reader},
    limits,
};

/// One rate of a licence: `count` requests every `per_ms` milliseconds, `burst` of them at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate<'a> {
    /// Its name.
    pub name: &'a str,
    /// Requests per interval; at least 1.
    pub count: u64,
    /// The interval, in milliseconds; at least 1.
    pub per_ms: u64,
    /// Requests that may come at once; at least 1, and `count` where the token does not say.
    pub burst: u64,
}

impl<'a> Rate<'a> {
    /// Reads `[count uint, per_ms uint, ?burst uint]`.
    pub(crate) fn read(name: &'a str, reader: &mut Reader<'a>) -> cbor::Result<Self> {
        let length = reader.array_within(2, 3)?;
        let mut positive = || reader.uint_within(1, limits::INTEGER);
        let (count, per_ms) = (positive()?, positive()?);
        let burst = if length == 3 { positive()? } else { count };
        Ok(Self { name, count, per_ms, burst })
    }
}

impl Rate<'_> {
    /// Whether it is no faster than another one, with no greater burst.
    pub(crate) fn is_within(&self, bound: &Rate<'_>) -> bool {
        let product = |count: u64, per_ms: u64| u128::from(count).saturating_mul(per_ms.into());
        self.burst <= bound.burst && product(self.count, bound.per_ms) <= product(bound.count, self.per_ms)
    }
}
