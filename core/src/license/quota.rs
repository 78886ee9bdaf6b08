//! Quotas: how much of a meter may be used in each period.

use crate::{
    cbor::{self, Malformed, Reader},
    code::Code,
    limits,
    time::period::Period,
};

/// What happens when a quota is used up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overage {
    /// Requests are denied.
    #[default]
    Deny,
    /// Requests go on, flagged, up to this hard limit, which is not below the quota's own.
    UpTo(u64),
    /// Requests go on, flagged.
    Unlimited,
}

/// One quota of a licence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quota<'a> {
    /// The meter's name.
    pub meter: &'a str,
    /// Units per period.
    pub limit: u64,
    /// The period.
    pub period: Period,
    /// What happens beyond the limit.
    pub overage: Overage,
}

impl<'a> Quota<'a> {
    /// Reads `[limit uint, period, ?overage]`.
    pub(crate) fn read(meter: &'a str, reader: &mut Reader<'a>) -> cbor::Result<Self> {
        let length = reader.array_within(2, 3)?;
        let limit = reader.uint_to(limits::INTEGER)?;
        let period = Period::read(reader)?;
        let overage = if length == 3 { Overage::read(reader, limit)? } else { Overage::Deny };
        Ok(Self { meter, limit, period, overage })
    }
}

impl Quota<'_> {
    /// Whether it grants no more than another one, in no shorter a period.
    pub(crate) fn is_within(&self, bound: &Quota<'_>) -> bool {
        self.limit <= bound.limit
            && self.overage.is_within(bound.overage)
            && self.period.is_no_shorter_than(bound.period)
    }
}

impl Overage {
    fn is_within(self, bound: Self) -> bool {
        match (self, bound) {
            (_, Self::Unlimited) | (Self::Deny, _) => true,
            (Self::UpTo(hard), Self::UpTo(most)) => hard <= most,
            _ => false,
        }
    }

    /// Reads `0 deny / [1, hard_limit] / 2 unlimited`.
    fn read(reader: &mut Reader<'_>, limit: u64) -> cbor::Result<Self> {
        if reader.at_array() {
            reader.array_within(2, 2)?;
            reader.uint_within(1, 1)?;
            return reader.uint_within(limit, limits::INTEGER).map(Self::UpTo);
        }
        let offset = reader.offset();
        match reader.uint()? {
            0 => Ok(Self::Deny),
            2 => Ok(Self::Unlimited),
            _ => Err(Malformed { code: Code::InvalidValue, offset }),
        }
    }
}
