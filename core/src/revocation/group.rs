//! Groups: the licences that were revoked by themselves, by what their revocation says.
//!
//! ```text
//! reason u8, effect u8, effective u64, until u64   the terms; `until` is 0 if the effect is to deny
//! exact u32, hashes u32                            lengths of what follows
//! exact set, hashes                                who is revoked on these terms, with an index and without
//! ```
//! Integers are little-endian. So a reason or a date costs a group and not each licence, and a delta has what
//! changes in each group. A licence is in one group; if a signer puts it into several, the strictest counts.

use super::{
    exact::{Census, Exact},
    rule::{Effect, Reason, RevocationTerms},
};
use crate::{code::Code, limits, time::timestamp::Timestamp};

/// Bytes of the terms, and of the head with the lengths.
const TERMS: usize = 18;
const HEAD: usize = TERMS + 8;
/// Bytes of a hash in the list of identifiers without an index.
const HASH: usize = 8;

/// What a section says of its terms, also of a reason that is not known here.
pub(super) type EncodedTerms = [u8; TERMS];

/// Licences that were revoked on the same terms; of a delta, those that change.
#[derive(Clone, Copy, Debug)]
pub struct Group<'a> {
    pub(super) key: &'a EncodedTerms,
    exact: &'a [u8],
    hashes: &'a [u8],
}

impl<'a> Group<'a> {
    /// Takes the first group off a section.
    fn split(section: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (head, rest) = section.split_first_chunk::<HEAD>()?;
        let (key, lengths) = head.split_first_chunk::<TERMS>()?;
        let (exact, hashes) = lengths.split_first_chunk::<4>()?;
        let length = |bytes| usize::try_from(u32::from_le_bytes(bytes)).ok();
        let (exact, rest) = rest.split_at_checked(length(*exact)?)?;
        let (hashes, rest) = rest.split_at_checked(length(*hashes.first_chunk()?)?)?;
        Some((Self { key, exact, hashes }, rest))
    }

    /// What the revocations say.
    pub fn terms(&self) -> RevocationTerms {
        let [reason, effect, times @ ..] = self.key;
        let (times, _) = times.as_chunks::<8>();
        let read = |bytes| Timestamp::from_seconds(u64::from_le_bytes(bytes));
        let (effective, until) = match times {
            [effective, until] => (read(*effective), read(*until)),
            _ => (Timestamp::EPOCH, Timestamp::EPOCH),
        };
        let effect = match effect {
            1 => Effect::WarnUntil(until),
            2 => Effect::GraceUntil(until),
            _ => Effect::Deny,
        };
        RevocationTerms { reason: Reason::from_number(u64::from(*reason)), effective, effect }
    }

    /// The revoked indices.
    pub fn exact(&self) -> Exact<'a> {
        Exact::read(self.exact).unwrap_or_default()
    }

    /// The sorted hashes of revoked identifiers without an index.
    pub fn hashes(&self) -> &'a [[u8; HASH]] {
        self.hashes.as_chunks().0
    }

    /// Checks all that it says of itself, and counts its indices.
    fn check(&self, most: u64) -> Result<Census, Code> {
        let terms = self.terms();
        let [_, effect, ..] = self.key;
        let until = match terms.effect {
            Effect::Deny => {
                self.key.last_chunk::<8>().is_some_and(|until| *until == [0; 8]).then_some(Timestamp::EPOCH)
            }
            Effect::WarnUntil(until) | Effect::GraceUntil(until) => Some(until),
        };
        let known = |time: Timestamp| time.as_seconds() <= limits::TIME;
        let times = until.is_some_and(known) && known(terms.effective);
        let whole = self.hashes.as_chunks::<HASH>().1.is_empty();
        let sorted = self.hashes().is_sorted_by(|a, b| a < b);
        let census = Exact::read(self.exact)?.check(most)?;
        let empty = census.count == 0 && self.hashes.is_empty();
        if *effect > 2 || !times || !whole || !sorted || empty {
            Err(Code::BundleMalformed)
        } else {
            Ok(census)
        }
    }
}

/// The groups of a section that was checked.
pub(super) fn groups(section: &[u8]) -> impl Iterator<Item = Group<'_>> + Clone {
    let mut rest = section;
    core::iter::from_fn(move || {
        let (group, after) = Group::split(rest)?;
        rest = after;
        Some(group)
    })
}

/// Checks a section: every group is good, no two have the same terms, a query decodes no more members than
/// [`limits::QUERY_MEMBERS`], and nothing is left over.
pub(super) fn check(section: &[u8]) -> Result<(), Code> {
    let (mut rest, mut left, mut count) = (section, limits::REVOKED, 0_usize);
    let mut decoded = limits::QUERY_MEMBERS;
    while !rest.is_empty() {
        let (group, after) = Group::split(rest).ok_or(Code::BundleMalformed)?;
        let again = groups(section).take(count).any(|before| before.key == group.key);
        count = count.saturating_add(1);
        if again || count > limits::GROUPS {
            return Err(Code::BundleMalformed);
        }
        let census = group.check(left)?;
        left = left.saturating_sub(census.count);
        decoded = decoded.checked_sub(census.crowd).ok_or(Code::BundleMalformed)?;
        rest = after;
    }
    Ok(())
}

#[cfg(feature = "alloc")]
pub(super) mod write {
    //! The other direction, which needs a heap.

    use alloc::vec::Vec;

    use super::{EncodedTerms, TERMS};
    use crate::{
        revocation::rule::{Effect, RevocationTerms},
        time::timestamp::Timestamp,
    };

    /// A group before it is written: its exact set and its hashes.
    pub(crate) struct Parts {
        pub(crate) key: EncodedTerms,
        pub(crate) exact: Vec<u8>,
        pub(crate) hashes: Vec<u8>,
    }

    /// The terms as a section has them.
    pub(crate) fn key(terms: RevocationTerms) -> EncodedTerms {
        let (effect, until) = match terms.effect {
            Effect::Deny => (0, Timestamp::EPOCH),
            Effect::WarnUntil(until) => (1, until),
            Effect::GraceUntil(until) => (2, until),
        };
        let [effective, until] = [terms.effective, until].map(|time| time.as_seconds().to_le_bytes());
        let bytes = [terms.reason.number(), effect].into_iter().chain(effective).chain(until);
        let mut key = [0; TERMS];
        key.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        key
    }

    /// The one section for some groups: those that are empty left out, the longest first, so that most
    /// questions end there, and of equals by their terms.
    pub(crate) fn section(mut groups: Vec<Parts>) -> Vec<u8> {
        groups.retain(|group| !group.exact.is_empty() || !group.hashes.is_empty());
        let length = |group: &Parts| group.exact.len().saturating_add(group.hashes.len());
        groups.sort_unstable_by(|a, b| length(b).cmp(&length(a)).then(a.key.cmp(&b.key)));
        let mut section = Vec::new();
        for Parts { key, exact, hashes } in groups {
            section.extend(key);
            for part in [&exact, &hashes] {
                section.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes());
            }
            section.extend(exact);
            section.extend(hashes);
        }
        section
    }
}
