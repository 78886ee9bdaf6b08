//! Rules: revocations by what licences have in common. All conditions of a rule must hold.
//!
//! `Rule = {?0: kid, ?1: subject, ?2: lineage, ?3: [tier, ?version], ?4: [iat, iat], ?5: [index, index],
//!   ?6: exempt ids as bstr of 16 bytes each, ?7: allowed digests as bstr of 32 bytes each, both ascending,
//!   ?8: reason uint, ?9: effective time uint, ?10: action}`

use crate::{
    cbor::{self, Malformed, MapKey, Reader, Span},
    code::Code,
    id::{Lineage, TokenId},
    license::claims::Claims,
    limits,
    time::timestamp::Timestamp,
};

/// What a revocation does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Effect {
    /// The licence is refused.
    #[default]
    Deny,
    /// It is allowed, and flagged, until this time.
    WarnUntil(Timestamp),
    /// It is in grace until this time.
    GraceUntil(Timestamp),
}

/// Why something was revoked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
#[non_exhaustive]
pub enum Reason {
    /// It is not said.
    #[default]
    Unspecified = 0,
    /// A key is in wrong hands.
    KeyCompromise = 1,
    /// It was not paid.
    Unpaid = 2,
    /// Another licence took its place.
    Superseded = 3,
    /// It was obtained or used by fraud.
    Fraud = 4,
    /// The customer wanted it.
    Requested = 5,
    /// The terms were broken.
    Breach = 6,
}

impl Reason {
    /// Its stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::KeyCompromise => "key_compromise",
            Self::Unpaid => "unpaid",
            Self::Superseded => "superseded",
            Self::Fraud => "fraud",
            Self::Requested => "requested",
            Self::Breach => "breach",
        }
    }

    /// Its number in a bundle.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The reason of a number; one that is not known is unspecified.
    pub const fn from_number(number: u64) -> Self {
        match number {
            1 => Self::KeyCompromise,
            2 => Self::Unpaid,
            3 => Self::Superseded,
            4 => Self::Fraud,
            5 => Self::Requested,
            6 => Self::Breach,
            _ => Self::Unspecified,
        }
    }
}

/// What a revocation says, beside whom it is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct RevocationTerms {
    /// Why.
    pub reason: Reason,
    /// From when on.
    pub effective: Timestamp,
    /// What it does.
    pub effect: Effect,
}

impl RevocationTerms {
    /// How much it takes from a licence at `now`: refused, in grace, flagged.
    pub(super) fn severity(self, now: Timestamp) -> u8 {
        match self.effect {
            Effect::WarnUntil(until) if now < until => 0,
            Effect::GraceUntil(until) if now < until => 1,
            _ => 2,
        }
    }
}

impl Effect {
    /// Reads `0 deny / [1, until] warn / [2, until] grace`.
    pub(super) fn read(reader: &mut Reader<'_>) -> cbor::Result<Self> {
        let offset = reader.offset();
        if reader.at_array() {
            reader.array_within(2, 2)?;
            return match (reader.uint()?, reader.timestamp()?) {
                (1, until) => Ok(Self::WarnUntil(until)),
                (2, until) => Ok(Self::GraceUntil(until)),
                _ => Err(Malformed { code: Code::InvalidValue, offset }),
            };
        }
        reader.uint_to(0).map(|_| Self::Deny)
    }
}

/// One rule.
#[derive(Clone, Copy, Debug)]
pub struct Rule<'a> {
    kid: Option<&'a [u8]>,
    subject: Option<&'a str>,
    lineage: Option<&'a [u8; 16]>,
    tier: Option<(&'a str, Option<u64>)>,
    issued_at: Option<(Timestamp, Timestamp)>,
    index: Option<(u64, u64)>,
    exempt: &'a [[u8; 16]],
    allowed: &'a [[u8; 32]],
    /// What it says.
    pub terms: RevocationTerms,
}

impl<'a> Rule<'a> {
    pub(super) fn read(reader: &mut Reader<'a>) -> cbor::Result<Self> {
        let mut rule = Self {
            kid: None,
            subject: None,
            lineage: None,
            tier: None,
            issued_at: None,
            index: None,
            exempt: &[],
            allowed: &[],
            terms: RevocationTerms::default(),
        };
        let mut map = reader.map_within(limits::FEATURES)?;
        while let Some(key) = map.next_key(reader)? {
            match key {
                MapKey::Int(0) => rule.kid = Some(reader.bytes()?),
                MapKey::Int(1) => rule.subject = Some(reader.short_text()?),
                MapKey::Int(2) => rule.lineage = Some(reader.array_of()?),
                MapKey::Int(3) => {
                    let length = reader.array_within(1, 2)?;
                    let name = reader.short_text()?;
                    let version = if length == 2 { Some(reader.uint_to(limits::INTEGER)?) } else { None };
                    rule.tier = Some((name, version));
                }
                MapKey::Int(4) => {
                    let (from, to) = range(reader, limits::TIME)?;
                    rule.issued_at = Some((from.into(), to.into()));
                }
                MapKey::Int(5) => rule.index = Some(range(reader, limits::INTEGER)?),
                MapKey::Int(6) => rule.exempt = items(reader)?,
                MapKey::Int(7) => rule.allowed = items(reader)?,
                MapKey::Int(8) => rule.terms.reason = Reason::from_number(reader.uint_to(limits::INTEGER)?),
                MapKey::Int(9) => rule.terms.effective = reader.timestamp()?,
                MapKey::Int(10) => rule.terms.effect = Effect::read(reader)?,
                // A condition that is not understood would make the rule hit more than it means.
                _ => return reader.malformed(Code::UnknownCriticalField),
            }
        }
        let conditions =
            rule.kid.is_some() || rule.subject.is_some() || rule.lineage.is_some() || rule.tier.is_some();
        if conditions || rule.issued_at.is_some() || rule.index.is_some() {
            Ok(rule)
        } else {
            // Without a condition it would revoke everything.
            reader.malformed(Code::MissingField)
        }
    }

    /// Whether its lists ascend, which binary search relies on. They may be long, and are looked at once, when
    /// a bundle is read.
    pub(super) fn is_sorted(&self) -> bool {
        self.exempt.is_sorted_by(|a, b| a < b) && self.allowed.is_sorted_by(|a, b| a < b)
    }

    /// Whether the rule hits a licence. `digest` returns the SHA-256 of its token; it is called only if the
    /// rule allows some, for it costs as much as the rest. A thief with a stolen key can choose every claim, but
    /// not another token with the digest of a good one.
    pub fn hits(&self, traits: &Traits<'_>, digest: impl FnOnce() -> [u8; 32]) -> bool {
        let within = |(from, to): (u64, u64), value: u64| (from..=to).contains(&value);
        let (tier, version) = traits.tier;
        self.kid.is_none_or(|kid| kid == traits.kid)
            && self.subject.is_none_or(|subject| subject == traits.subject)
            && self.lineage.is_none_or(|lineage| lineage == traits.lineage.as_bytes())
            && self.tier.is_none_or(|(name, only)| name == tier && only.is_none_or(|only| only == version))
            && self.issued_at.is_none_or(|range| (range.0..=range.1).contains(&traits.issued_at))
            && self.index.is_none_or(|range| traits.index.is_some_and(|index| within(range, index)))
            && self.exempt.binary_search(traits.id.as_bytes()).is_err()
            && (self.allowed.is_empty() || self.allowed.binary_search(&digest()).is_err())
    }
}

/// What rules look at, of a licence or of its record.
#[derive(Clone, Copy, Debug)]
pub struct Traits<'a> {
    /// The key that signed it.
    pub kid: &'a [u8],
    /// Whom it was issued to.
    pub subject: &'a str,
    /// The licence through its renewals and upgrades.
    pub lineage: Lineage,
    /// Name and version of its tier.
    pub tier: (&'a str, u64),
    /// When it was issued.
    pub issued_at: Timestamp,
    /// Its place in the issuer's stream.
    pub index: Option<u64>,
    /// The token's identifier.
    pub id: TokenId,
}

impl<'a> Traits<'a> {
    /// Those of a licence.
    pub(super) fn of(claims: &Claims<'a>, kid: &'a [u8]) -> Self {
        Self {
            kid,
            subject: claims.subject(),
            lineage: claims.lineage(),
            tier: (claims.tier().name, claims.tier().version),
            issued_at: claims.issued_at(),
            index: claims.index(),
            id: claims.id(),
        }
    }
}

/// Reads two numbers of at most `most`, both included.
fn range(reader: &mut Reader<'_>, most: u64) -> cbor::Result<(u64, u64)> {
    let offset = reader.offset();
    reader.array_within(2, 2)?;
    match (reader.uint_to(most)?, reader.uint_to(most)?) {
        (from, to) if from <= to => Ok((from, to)),
        _ => Err(Malformed { code: Code::InvalidValue, offset }),
    }
}

fn items<'a, const N: usize>(reader: &mut Reader<'a>) -> cbor::Result<&'a [[u8; N]]> {
    let offset = reader.offset();
    match reader.bytes()?.as_chunks::<N>() {
        (items, []) if items.len() <= limits::RULE_LIST => Ok(items),
        _ => Err(Malformed { code: Code::InvalidValue, offset }),
    }
}

/// The rules of a bundle, which were checked when it was read.
pub(super) fn rules(bytes: &[u8], part: Span) -> impl Iterator<Item = Rule<'_>> {
    let mut reader = Reader::within(bytes, part).with_items(limits::BUNDLE_ITEMS);
    let count = reader.array().unwrap_or_default();
    (0..count).map_while(move |_| Rule::read(&mut reader).ok())
}
