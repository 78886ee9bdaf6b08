//! Failure policy: what the vendor wants when a fact cannot be established.
//!
//! It is part of the signed token, so the host cannot widen it.

use core::fmt;

use crate::{
    cbor::{self, Malformed, MapKey, Reader},
    code::Code,
    limits,
    time::timestamp::Timestamp,
};

/// What to do with a request when a fact that it depends on is in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Refuse it.
    Deny,
    /// Allow it, flagged, for at most this many seconds from when the doubt began.
    Warn(u64),
    /// Allow it.
    Allow,
}

/// The policy of a licence. What the token does not state has the safe default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// When the revocation bundle is older than it may be. Default: deny.
    pub stale_revocation: Action,
    /// When the clock looks wrong. Default: deny.
    pub clock_doubt: Action,
    /// When the counter store is out of reach. Default: deny.
    pub store_unreachable: Action,
    /// Oldest revocation bundle that is accepted, in seconds; `None` leaves it to the bundle.
    pub max_revocation_age: Option<u64>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            stale_revocation: Action::Deny,
            clock_doubt: Action::Deny,
            store_unreachable: Action::Deny,
            max_revocation_age: None,
        }
    }
}

impl Policy {
    /// Reads `{?0: action, ?1: action, ?2: action, ?3: uint, * any => any}`.
    ///
    /// As in a grant, an unknown negative key is fatal and any other unknown key is ignored.
    pub(crate) fn read(reader: &mut Reader<'_>) -> cbor::Result<Self> {
        Self::read_with(reader, |key| matches!(key, MapKey::Int(..0)))
    }

    /// Reads the policy that bounds others: there every unknown key is fatal.
    pub(crate) fn read_bound(reader: &mut Reader<'_>) -> cbor::Result<Self> {
        Self::read_with(reader, |_| true)
    }

    fn read_with(reader: &mut Reader<'_>, is_fatal: fn(MapKey<'_>) -> bool) -> cbor::Result<Self> {
        let mut policy = Self::default();
        let mut map = reader.map_within(limits::FEATURES)?;
        loop {
            let offset = reader.offset();
            let Some(key) = map.next_key(reader)? else { break };
            match key {
                MapKey::Int(0) => policy.stale_revocation = Action::read(reader)?,
                MapKey::Int(1) => policy.clock_doubt = Action::read(reader)?,
                MapKey::Int(2) => policy.store_unreachable = Action::read(reader)?,
                MapKey::Int(3) => policy.max_revocation_age = Some(reader.uint_to(limits::INTEGER)?),
                key if is_fatal(key) => return Err(Malformed { code: Code::UnknownCriticalField, offset }),
                _ => reader.skip()?,
            }
        }
        Ok(policy)
    }
}

impl Policy {
    /// Whether it is nowhere more lenient than another one.
    pub(crate) fn is_within(&self, bound: &Self) -> bool {
        let age_fits = match (self.max_revocation_age, bound.max_revocation_age) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(age), Some(most)) => age <= most,
        };
        age_fits
            && self.stale_revocation.is_within(bound.stale_revocation)
            && self.clock_doubt.is_within(bound.clock_doubt)
            && self.store_unreachable.is_within(bound.store_unreachable)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deny => f.write_str("deny"),
            Self::Warn(seconds) => write!(f, "warn for {seconds} s"),
            Self::Allow => f.write_str("allow"),
        }
    }
}

impl Action {
    /// Whether a doubt that began at `since` is tolerated at `now`.
    pub fn tolerates(self, since: Timestamp, now: Timestamp) -> bool {
        match self {
            Self::Deny => false,
            Self::Warn(seconds) => now.seconds_since(since) <= seconds,
            Self::Allow => true,
        }
    }

    fn is_within(self, bound: Self) -> bool {
        match (self, bound) {
            (_, Self::Allow) | (Self::Deny, _) => true,
            (Self::Warn(seconds), Self::Warn(most)) => seconds <= most,
            _ => false,
        }
    }

    /// Reads `0 deny / [1, seconds] warn / 2 allow`.
    fn read(reader: &mut Reader<'_>) -> cbor::Result<Self> {
        if reader.at_array() {
            reader.array_within(2, 2)?;
            reader.uint_within(1, 1)?;
            return reader.uint_to(limits::INTEGER).map(Self::Warn);
        }
        let offset = reader.offset();
        match reader.uint()? {
            0 => Ok(Self::Deny),
            2 => Ok(Self::Allow),
            _ => Err(Malformed { code: Code::InvalidValue, offset }),
        }
    }
}
