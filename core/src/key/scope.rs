//! The scope of a key: what it may sign for. A reseller's key need not be able to grant everything.
//!
//! Schema 1: `{?0: [+ issuer tstr], ?1: [+ audience tstr], ?2: [+ tier tstr], ?3: longest term uint}`. Schema 2 adds
//! `{?4: longest lead uint, ?5: {* name => feature}, ?6: {* meter => quota}, ?7: {* name => rate}, ?8: seats uint,
//! ?9: policy, ?10: [+ kind], ?11: [first index, last index], ?12: [+ stream uint]}`.

use crate::{
    cbor::{self, Malformed, MapKey, Reader, Span},
    code::Code,
    license::{
        claims::Claims,
        feature::{Feature, FeatureValue},
        grant::{self, Kind},
        name,
        policy::Policy,
        quota::Quota,
        rate::Rate,
    },
    limits,
    time::timestamp::Timestamp,
};

/// The scope of a key, as it stands in its keyset. The default permits everything.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Scope {
    issuers: Option<Span>,
    audiences: Option<Span>,
    tiers: Option<Span>,
    longest_term: Option<u64>,
    longest_lead: Option<u64>,
    features: Option<Span>,
    quotas: Option<Span>,
    rates: Option<Span>,
    seats: Option<u64>,
    policy: Option<Policy>,
    kinds: Option<Span>,
    indices: Option<(u64, u64)>,
    streams: Option<Span>,
}

/// A bound of a scope, by which a licence can be out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ScopeBound {
    /// See [`KeyScope::issuers`].
    Issuers,
    /// See [`KeyScope::audiences`].
    Audiences,
    /// See [`KeyScope::tiers`].
    Tiers,
    /// See [`KeyScope::longest_term`].
    LongestTerm,
    /// See [`KeyScope::longest_lead`].
    LongestLead,
    /// See [`KeyScope::features`].
    Features,
    /// See [`KeyScope::quotas`].
    Quotas,
    /// See [`KeyScope::rates`].
    Rates,
    /// See [`KeyScope::seats`].
    Seats,
    /// See [`KeyScope::policy`].
    Policy,
    /// See [`KeyScope::kinds`].
    Kinds,
    /// See [`KeyScope::indices`].
    Indices,
    /// See [`KeyScope::streams`].
    Streams,
}

impl ScopeBound {
    /// Its name, as in a draft of a keyset.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Issuers => "issuers",
            Self::Audiences => "audiences",
            Self::Tiers => "tiers",
            Self::LongestTerm => "longest_term",
            Self::LongestLead => "longest_lead",
            Self::Features => "features",
            Self::Quotas => "quotas",
            Self::Rates => "rates",
            Self::Seats => "seats",
            Self::Policy => "policy",
            Self::Kinds => "kinds",
            Self::Indices => "indices",
            Self::Streams => "streams",
        }
    }
}

/// What a scope looks at in a revocation bundle.
#[derive(Clone, Copy)]
pub(crate) struct BundleTraits<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) stream: u64,
    pub(crate) has_rules: bool,
    pub(crate) issued_at: Timestamp,
}

impl Scope {
    /// Reads a scope of a keyset's schema. A restriction that is not understood is refused: ignoring it would widen
    /// the scope.
    pub(crate) fn read(reader: &mut Reader<'_>, schema: u64) -> cbor::Result<Self> {
        let mut scope = Self::default();
        let mut map = reader.map()?;
        while let Some(key) = map.next_key(reader)? {
            match key {
                MapKey::Int(0) => scope.issuers = Some(read_texts(reader)?),
                MapKey::Int(1) => scope.audiences = Some(read_texts(reader)?),
                MapKey::Int(2) => scope.tiers = Some(read_texts(reader)?),
                MapKey::Int(3) => scope.longest_term = Some(reader.uint_to(limits::INTEGER)?),
                MapKey::Int(4..) if schema < 2 => return reader.malformed(Code::UnknownCriticalField),
                MapKey::Int(4) => scope.longest_lead = Some(reader.uint_to(limits::INTEGER)?),
                MapKey::Int(5) => scope.features = Some(read_bounds(reader, ReadBound::read)?),
                MapKey::Int(6) => scope.quotas = Some(read_bounds(reader, Quota::read)?),
                MapKey::Int(7) => scope.rates = Some(read_bounds(reader, Rate::read)?),
                MapKey::Int(8) => scope.seats = Some(reader.uint_to(limits::INTEGER)?),
                MapKey::Int(9) => scope.policy = Some(Policy::read_bound(reader)?),
                MapKey::Int(10) => scope.kinds = Some(read_list(reader, grant::read_kind)?),
                MapKey::Int(11) => scope.indices = Some(read_range(reader)?),
                MapKey::Int(12) => scope.streams = Some(read_list(reader, read_stream)?),
                _ => return reader.malformed(Code::UnknownCriticalField),
            }
        }
        Ok(scope)
    }

    /// The first bound of the scope, which stands in `keyset`, that a licence exceeds.
    pub(crate) fn exceeded(&self, keyset: &[u8], claims: &Claims<'_>) -> Option<ScopeBound> {
        let scope = KeyScope::new(keyset, *self);
        let unless = |permitted: bool, bound| if permitted { None } else { Some(bound) };
        unless(self.permits_issuer(keyset, claims.issuer()), ScopeBound::Issuers)
            .or_else(|| unless(contains(keyset, self.tiers, claims.tier().name), ScopeBound::Tiers))
            .or_else(|| unless(scope.permits_audiences(claims), ScopeBound::Audiences))
            .or_else(|| self.exceeded_time(claims))
            .or_else(|| scope.exceeded_grant(claims))
            .or_else(|| scope.exceeded_revocability(claims))
    }

    /// Whether it permits licences and bundles of an issuer.
    fn permits_issuer(&self, keyset: &[u8], issuer: &str) -> bool {
        contains(keyset, self.issuers, issuer)
    }

    /// Whether it permits a revocation bundle. What else a scope can limit are licences: a key that is limited in that
    /// way may revoke none, for a bundle cannot be held against it. A bundle's rules speak for all of the issuer's
    /// streams, so that a key that is limited to some may sign none.
    pub(crate) fn permits_bundle(&self, keyset: &[u8], bundle: BundleTraits<'_>) -> bool {
        let limits_licenses = (Self { issuers: None, streams: None, ..*self }).limits_something();
        let of_stream = !bundle.has_rules && KeyScope::new(keyset, *self).permits_stream(bundle.stream);
        !limits_licenses
            && self.permits_issuer(keyset, bundle.issuer)
            && (self.streams.is_none() || of_stream)
    }

    fn limits_something(&self) -> bool {
        let spans = [
            self.issuers,
            self.audiences,
            self.tiers,
            self.features,
            self.quotas,
            self.rates,
            self.kinds,
            self.streams,
        ];
        let numbers = [self.longest_term, self.longest_lead, self.seats];
        spans.iter().any(Option::is_some)
            || numbers.iter().any(Option::is_some)
            || self.policy.is_some()
            || self.indices.is_some()
    }

    /// With a bound on the lead, the term counts from the start. Without one it counts from `iat`: licences that begin in
    /// later decades would be a way around it.
    fn exceeded_time(&self, claims: &Claims<'_>) -> Option<ScopeBound> {
        let issued_at = claims.issued_at();
        let start = match self.longest_lead {
            Some(_) => issued_at.max(claims.not_before().unwrap_or_default()),
            None => issued_at,
        };
        let within = |longest: Option<u64>, span: u64| longest.is_none_or(|longest| span <= longest);
        if !within(self.longest_lead, start.seconds_since(issued_at)) {
            Some(ScopeBound::LongestLead)
        } else if !within(self.longest_term, claims.expires().seconds_since(start)) {
            Some(ScopeBound::LongestTerm)
        } else {
            None
        }
    }
}

/// What a key of a keyset may sign for. A bound that is `None` limits nothing.
#[derive(Clone, Copy)]
pub struct KeyScope<'k> {
    keyset: &'k [u8],
    scope: Scope,
}

impl core::fmt::Debug for KeyScope<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("KeyScope").field("limits_something", &self.limits_something()).finish_non_exhaustive()
    }
}

/// The most that a key may grant of a feature. Every other value is beyond its scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FeatureBound<'k> {
    /// `true`, and no number or text.
    True,
    /// A number that is not greater.
    AtMost(i64),
    /// One of these texts.
    OneOf(Texts<'k>),
}

/// A list of texts of a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Texts<'k> {
    keyset: &'k [u8],
    list: Span,
}

impl<'k> Texts<'k> {
    /// The texts.
    pub fn iter(self) -> impl Iterator<Item = &'k str> {
        let mut reader = Reader::within(self.keyset, self.list);
        let count = reader.array().unwrap_or_default();
        (0..count).map_while(move |_| reader.text().ok())
    }
}

impl<'k> KeyScope<'k> {
    pub(super) fn new(keyset: &'k [u8], scope: Scope) -> Self {
        Self { keyset, scope }
    }

    /// Whether there is any bound.
    pub fn limits_something(&self) -> bool {
        self.scope.limits_something()
    }

    fn texts(&self, list: Option<Span>) -> Option<Texts<'k>> {
        list.map(|list| Texts { keyset: self.keyset, list })
    }

    /// The issuers (`iss`).
    pub fn issuers(&self) -> Option<Texts<'k>> {
        self.texts(self.scope.issuers)
    }

    /// The audiences: a licence names at least one, and only these.
    pub fn audiences(&self) -> Option<Texts<'k>> {
        self.texts(self.scope.audiences)
    }

    /// The tiers.
    pub fn tiers(&self) -> Option<Texts<'k>> {
        self.texts(self.scope.tiers)
    }

    /// How long a licence may last, in seconds: from its start if there is a longest lead, else from its issue.
    pub fn longest_term(&self) -> Option<u64> {
        self.scope.longest_term
    }

    /// How long after its issue a licence may start, in seconds.
    pub fn longest_lead(&self) -> Option<u64> {
        self.scope.longest_lead
    }

    /// The features, and the most of each.
    pub fn features(&self) -> Option<impl Iterator<Item = (&'k str, FeatureBound<'k>)> + use<'k>> {
        let keyset = self.keyset;
        let read = |name, reader: &mut Reader<'k>| ReadBound::read(name, reader).map(|bound| (name, bound));
        let bounds = bounds(keyset, self.scope.features, read)?;
        Some(bounds.map(move |(name, bound)| (name, bound.of(keyset))))
    }

    /// The meters, and the most of each.
    pub fn quotas(&self) -> Option<impl Iterator<Item = Quota<'k>> + use<'k>> {
        bounds(self.keyset, self.scope.quotas, Quota::read)
    }

    /// The rates, and the most of each.
    pub fn rates(&self) -> Option<impl Iterator<Item = Rate<'k>> + use<'k>> {
        bounds(self.keyset, self.scope.rates, Rate::read)
    }

    /// The most seats.
    pub fn seats(&self) -> Option<u64> {
        self.scope.seats
    }

    /// The most lenient policy.
    pub fn policy(&self) -> Option<Policy> {
        self.scope.policy
    }

    /// The kinds.
    pub fn kinds(&self) -> Option<impl Iterator<Item = Kind> + use<'k>> {
        list(self.keyset, self.scope.kinds, grant::read_kind)
    }

    /// The first and the last index. A licence without one is beyond the scope.
    pub fn indices(&self) -> Option<(u64, u64)> {
        self.scope.indices
    }

    /// The streams of indices.
    pub fn streams(&self) -> Option<impl Iterator<Item = u64> + use<'k>> {
        list(self.keyset, self.scope.streams, read_stream)
    }

    /// A key that is limited to audiences can only sign licences that name some, all of them permitted.
    fn permits_audiences(&self, claims: &Claims<'_>) -> bool {
        let permitted = |audience| contains(self.keyset, self.scope.audiences, audience);
        self.scope.audiences.is_none()
            || (claims.audiences().next().is_some() && claims.audiences().all(permitted))
    }

    fn exceeded_grant(&self, claims: &Claims<'_>) -> Option<ScopeBound> {
        if !claims.features().all(|feature| self.permits_feature(&feature)) {
            Some(ScopeBound::Features)
        } else if !claims.quotas().all(|quota| self.permits_quota(&quota)) {
            Some(ScopeBound::Quotas)
        } else if !claims.rates().all(|rate| self.permits_rate(&rate)) {
            Some(ScopeBound::Rates)
        } else if self.scope.seats.is_some_and(|most| claims.seats().is_some_and(|seats| seats > most)) {
            Some(ScopeBound::Seats)
        } else if !self.scope.policy.is_none_or(|bound| claims.policy().is_within(&bound)) {
            Some(ScopeBound::Policy)
        } else if !self.kinds().is_none_or(|mut kinds| kinds.any(|kind| kind == claims.kind())) {
            Some(ScopeBound::Kinds)
        } else {
            None
        }
    }

    /// A licence beyond the indices and streams would be beyond the reach of the bundles that can revoke it.
    fn exceeded_revocability(&self, claims: &Claims<'_>) -> Option<ScopeBound> {
        let contains =
            |(first, last): (u64, u64)| claims.index().is_some_and(|at| (first..=last).contains(&at));
        if !self.scope.indices.is_none_or(contains) {
            Some(ScopeBound::Indices)
        } else if !self.permits_stream(claims.stream()) {
            Some(ScopeBound::Streams)
        } else {
            None
        }
    }

    fn permits_stream(&self, stream: u64) -> bool {
        self.streams().is_none_or(|mut streams| streams.any(|permitted| permitted == stream))
    }

    fn permits_feature(&self, feature: &Feature<'_>) -> bool {
        let Some(bounds) = self.scope.features else { return true };
        let bound = grant::find(self.keyset, Some(bounds), feature.name);
        match bound.and_then(|mut reader| ReadBound::read(feature.name, &mut reader).ok()) {
            None => false,
            Some(bound) => match (bound.of(self.keyset), feature.value) {
                (FeatureBound::True, FeatureValue::True) => true,
                (FeatureBound::AtMost(most), FeatureValue::Int(number)) => number <= most,
                (FeatureBound::OneOf(texts), FeatureValue::Text(text)) => texts.iter().any(|one| one == text),
                _ => false,
            },
        }
    }

    fn permits_quota(&self, quota: &Quota<'_>) -> bool {
        let Some(bounds) = self.scope.quotas else { return true };
        grant::entry::<Quota<'_>>(self.keyset, Some(bounds), quota.meter)
            .is_some_and(|bound| quota.is_within(&bound))
    }

    fn permits_rate(&self, rate: &Rate<'_>) -> bool {
        let Some(bounds) = self.scope.rates else { return true };
        grant::entry::<Rate<'_>>(self.keyset, Some(bounds), rate.name)
            .is_some_and(|bound| rate.is_within(&bound))
    }
}

/// A bound of a feature, before it is known in which keyset its texts stand.
enum ReadBound {
    True,
    AtMost(i64),
    OneOf(Span),
}

impl ReadBound {
    /// Reads `true / int / [+ tstr]`.
    fn read(_name: &str, reader: &mut Reader<'_>) -> cbor::Result<Self> {
        if reader.at_int() {
            reader.int().map(Self::AtMost)
        } else if reader.at_array() {
            read_texts(reader).map(Self::OneOf)
        } else {
            reader.only_true().map(|()| Self::True)
        }
    }

    fn of(self, keyset: &[u8]) -> FeatureBound<'_> {
        match self {
            Self::True => FeatureBound::True,
            Self::AtMost(most) => FeatureBound::AtMost(most),
            Self::OneOf(list) => FeatureBound::OneOf(Texts { keyset, list }),
        }
    }
}

/// Whether a list has a text; without one everything is permitted.
fn contains(keyset: &[u8], list: Option<Span>, text: &str) -> bool {
    list.is_none_or(|list| Texts { keyset, list }.iter().any(|permitted| permitted == text))
}

fn read_texts(reader: &mut Reader<'_>) -> cbor::Result<Span> {
    read_list(reader, Reader::short_text)
}

fn read_stream(reader: &mut Reader<'_>) -> cbor::Result<u64> {
    reader.uint_to(limits::INTEGER)
}

/// Checks a list of 1 to 64 values.
fn read_list<'a, T>(
    reader: &mut Reader<'a>,
    read: fn(&mut Reader<'a>) -> cbor::Result<T>,
) -> cbor::Result<Span> {
    let start = reader.offset();
    for _ in 0..reader.array_within(1, limits::FEATURES)? {
        read(reader)?;
    }
    Ok(reader.span_from(start))
}

/// The values of a list that was checked before; none if there is no list.
fn list<'k, T>(
    keyset: &'k [u8],
    list: Option<Span>,
    read: fn(&mut Reader<'k>) -> cbor::Result<T>,
) -> Option<impl Iterator<Item = T> + use<'k, T>> {
    let mut reader = Reader::within(keyset, list?);
    let count = reader.array().unwrap_or_default();
    Some((0..count).map_while(move |_| read(&mut reader).ok()))
}

/// Checks a map of up to 64 names, each with a bound. An empty one permits none.
fn read_bounds<'a, T>(
    reader: &mut Reader<'a>,
    read: fn(&'a str, &mut Reader<'a>) -> cbor::Result<T>,
) -> cbor::Result<Span> {
    let start = reader.offset();
    let mut map = reader.map()?;
    if map.remaining() > limits::FEATURES {
        return Err(Malformed { code: Code::InvalidValue, offset: start });
    }
    loop {
        let offset = reader.offset();
        let Some(key) = map.next_text(reader)? else { break };
        read(name::checked(key, offset)?, reader)?;
    }
    Ok(reader.span_from(start))
}

/// The bounds of a map that was checked before; none if there is no map.
fn bounds<'k, T>(
    keyset: &'k [u8],
    map: Option<Span>,
    read: fn(&'k str, &mut Reader<'k>) -> cbor::Result<T>,
) -> Option<impl Iterator<Item = T> + use<'k, T>> {
    let mut reader = Reader::within(keyset, map?);
    let mut map = reader.map().unwrap_or_default();
    Some(core::iter::from_fn(move || {
        let name = map.next_text(&mut reader).ok().flatten()?;
        read(name, &mut reader).ok()
    }))
}

fn read_range(reader: &mut Reader<'_>) -> cbor::Result<(u64, u64)> {
    let offset = reader.offset();
    reader.array_within(2, 2)?;
    match (reader.uint_to(limits::INTEGER)?, reader.uint_to(limits::INTEGER)?) {
        (first, last) if first <= last => Ok((first, last)),
        _ => Err(Malformed { code: Code::InvalidValue, offset }),
    }
}
