//! Revocation bundles: which licences are no longer good, in one signed file.
//!
//! A COSE_Sign1 by a revocation key of the keyset, with its own `typ`, whose payload is
//! `{0: schema = 1 or 2, 1: issuer tstr, 2: stream uint, 3: sequence uint, 4: issued_at uint, 5: next_update uint,
//!   6: expires uint, 7: state root bstr .size 32, 8: salt bstr .size 16, ?9: [* Rule], ?10: groups bstr,
//!   ?11: bloom bstr, ?12: base uint}`.
//! A delta has `base`, and its groups have what changed; rules are always whole.
//!
//! **A Bloom hit alone never revokes.** Every licence carries an index that its issuer's ledger handed out and
//! signed; the exact set holds the revoked indices and nothing else, so that its verdict is right for every
//! licence, also for those that were issued after the bundle.

use crate::{
    cbor::{self, Malformed, MapKey, Reader, Span},
    code::Code,
    cose::{Frame, Typ},
    id::{Salt, TokenId},
    key::{keyring::Keyring, kid::Kid, scope::BundleTraits},
    license::claims::Claims,
    limits,
    time::timestamp::Timestamp,
};

use super::{
    bloom,
    group::{self, Group},
    rule::{self, RevocationTerms, Rule, Traits},
};

/// How a bundle encodes its sets: the number under label 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Schema {
    /// 1: the span of a chunk follows from the set's density alone.
    EvenSpans,
    /// 2: spans are halved until chunks are small. What is written today.
    #[default]
    HalvedSpans,
}

impl Schema {
    /// Its number.
    pub const fn number(self) -> u64 {
        match self {
            Self::EvenSpans => 1,
            Self::HalvedSpans => 2,
        }
    }

    const fn from_number(number: u64) -> Option<Self> {
        match number {
            1 => Some(Self::EvenSpans),
            2 => Some(Self::HalvedSpans),
            _ => None,
        }
    }
}

/// A verified bundle or delta, read in place.
#[derive(Clone, Copy, Debug)]
pub struct Bundle<'a> {
    bytes: &'a [u8],
    pub(super) fields: Fields,
    bloom: &'a [u8],
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fields {
    schema: Schema,
    pub(super) issuer: Span,
    stream: u64,
    sequence: u64,
    issued_at: Timestamp,
    next_update: Timestamp,
    expires: Timestamp,
    root: [u8; 32],
    salt: Salt,
    pub(super) rules: Option<Span>,
    pub(super) groups: Span,
    pub(super) base: Option<u64>,
}

/// What a bundle says about a licence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is not revoked.
    Good,
    /// It is revoked, by its identifier or by a rule, and the revocation is in effect.
    Revoked {
        /// Whether it was a rule.
        by_rule: bool,
        /// What the revocation says.
        terms: RevocationTerms,
    },
}

/// A bundle's number and its times: all that matters of it to a licence that it does not concern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BundleHead {
    /// Its number.
    pub sequence: u64,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When the next one comes at the latest.
    pub next_update: Timestamp,
    /// From when on it says nothing any more.
    pub expires: Timestamp,
}

/// The bundles of an issuer as one of its licences is held against them.
#[derive(Clone, Copy, Debug)]
pub struct RevocationQuery<'b>(Asked<'b>);

#[derive(Clone, Copy, Debug)]
enum Asked<'b> {
    /// The bundles have nothing to say about the licence; this is the head of its stream's.
    Silent(BundleHead),
    Bundles(&'b [Bundle<'b>]),
}

impl<'b> RevocationQuery<'b> {
    /// A bundle that is asked.
    pub const fn of(bundle: &'b Bundle<'b>) -> Self {
        Self::of_all(core::slice::from_ref(bundle))
    }

    /// All bundles that there are of an issuer, one of each stream.
    pub const fn of_all(bundles: &'b [Bundle<'b>]) -> Self {
        Self(Asked::Bundles(bundles))
    }

    /// The bundle of a licence's stream, where the bundles of its issuer were asked before, and none of them concerns the
    /// licence: see [`Bundle::concerns`].
    pub const fn silent(head: BundleHead) -> Self {
        Self(Asked::Silent(head))
    }

    /// The number and the times of the bundle of a licence's own stream. Only this one can be fresh or stale for it.
    pub(crate) fn head(&self, claims: &Claims<'_>) -> Option<BundleHead> {
        let covers =
            |bundle: &&Bundle<'_>| claims.is_from(bundle.issuer()) && bundle.stream() == claims.stream();
        match self.0 {
            Asked::Silent(head) => Some(head),
            Asked::Bundles(bundles) => bundles.iter().find(covers).map(Bundle::head),
        }
    }

    /// What they say about a licence: see [`Bundle::verdict`]. The number is that of the bundle that revokes it.
    pub(crate) fn verdict(
        &self,
        claims: &Claims<'_>,
        now: Timestamp,
    ) -> Option<(u64, bool, RevocationTerms)> {
        let Asked::Bundles(bundles) = self.0 else { return None };
        let mut strictest: Option<(u64, bool, RevocationTerms)> = None;
        for bundle in bundles {
            let Verdict::Revoked { by_rule, terms } = bundle.verdict(claims, now) else { continue };
            // Of equals, a rule of any stream comes before the licence's own revocation.
            let rank = (terms.severity(now), by_rule);
            if strictest
                .is_none_or(|(_, before_by_rule, before)| rank > (before.severity(now), before_by_rule))
            {
                strictest = Some((bundle.sequence(), by_rule, terms));
            }
        }
        strictest
    }
}

/// The newest bundle that was accepted before, to tell a rollback. Persist it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BundleMark {
    /// Its sequence number.
    pub sequence: u64,
    /// [`Bundle::digest`] of its state.
    pub digest: [u8; 32],
    /// The key that signed it.
    pub kid: Kid,
}

impl<'a> Bundle<'a> {
    /// Verifies a bundle or delta and checks all of its content, since a signer may lie. What a delta leads to is checked when it is merged.
    ///
    /// # Errors
    /// [`Code::WrongTyp`] for what is no bundle, [`Code::BundleMalformed`], [`Code::BundleBadSignature`];
    /// for a signer that is no revocation key, or none for this issuer, [`Code::BundleUntrusted`], and for one
    /// that is out of use [`Code::KeyNotActive`] (retired, or not at this time) or [`Code::KeyRevoked`];
    /// [`Code::BundleWrongRoot`] if the state is not the one that it names.
    pub fn read(bytes: &'a [u8], keyring: Keyring<'_>) -> Result<(Self, Kid), Code> {
        let (frame, delta) = frame(bytes)?;
        let signer = keyring.find_revocation(&frame.kid)?;
        if signer.algorithm().id() != frame.algorithm || !signer.verifies(&frame) {
            return Err(Code::BundleBadSignature);
        }
        let bundle = Self::of(bytes, &frame, delta)?;
        match keyring.permits_bundle(signer, bundle.traits()) {
            Code::Allowed => {}
            code => return Err(code),
        }
        if !delta && state_root(bundle.encoded_rules(), bundle.encoded_groups()) != *bundle.root() {
            return Err(Code::BundleWrongRoot);
        }
        // The pre-filter is no part of the state: one that leaves a member out would hide its revocation.
        let hidden = |index: u64| !bloom::may_contain(bundle.bloom, bundle.hash_of(index));
        if !bundle.bloom.is_empty() && bundle.indices().any(hidden) {
            return Err(Code::BundleMalformed);
        }
        Ok((bundle, frame.kid))
    }

    fn traits(&self) -> BundleTraits<'a> {
        BundleTraits {
            issuer: self.issuer(),
            stream: self.stream(),
            has_rules: self.rules().next().is_some(),
            issued_at: self.issued_at(),
        }
    }

    /// Reads a bundle or delta without a key, to look into it. What it says is nobody's word.
    ///
    /// # Errors
    /// [`Code::WrongTyp`] or [`Code::BundleMalformed`].
    pub fn inspect(bytes: &'a [u8]) -> Result<(Self, Kid), Code> {
        let (frame, delta) = frame(bytes)?;
        Ok((Self::of(bytes, &frame, delta)?, frame.kid))
    }

    fn of(bytes: &'a [u8], frame: &Frame<'a>, delta: bool) -> Result<Self, Code> {
        let (fields, bloom) = Fields::read(bytes, frame.payload).map_err(malformed)?;
        let bundle = Self { bytes, fields, bloom: bloom.of(bytes) };
        let times = fields.issued_at <= fields.next_update && fields.next_update < fields.expires;
        let blocks = bundle.bloom.len().is_multiple_of(bloom::BLOCK);
        let sorted = bundle.rules().all(|rule| rule.is_sorted());
        if fields.base.is_some() != delta || !times || !blocks || !sorted {
            return Err(Code::BundleMalformed);
        }
        group::check(bundle.encoded_groups())?;
        Ok(bundle)
    }

    /// The bundle with another pre-filter, such as one that was derived when it was loaded.
    #[must_use]
    pub fn with_bloom(self, bloom: &'a [u8]) -> Self {
        Self { bloom, ..self }
    }

    /// The bundle's content without its bytes, to be kept apart; see [`OwnedBundle::bundle`].
    pub fn keep<B: From<&'a [u8]>>(&self) -> OwnedBundle<B> {
        OwnedBundle { bytes: B::from(self.bytes), fields: self.fields }
    }

    /// Whose licences it is about.
    pub fn issuer(&self) -> &'a str {
        core::str::from_utf8(self.fields.issuer.of(self.bytes)).unwrap_or_default()
    }

    /// How its sets are encoded; of a delta, also those of the state that it leads to.
    pub fn schema(&self) -> Schema {
        self.fields.schema
    }

    /// The issuer's stream of indices.
    pub fn stream(&self) -> u64 {
        self.fields.stream
    }

    /// Its number in the order of bundles.
    pub fn sequence(&self) -> u64 {
        self.fields.sequence
    }

    /// When it was issued.
    pub fn issued_at(&self) -> Timestamp {
        self.fields.issued_at
    }

    /// When the next one comes at the latest.
    pub fn next_update(&self) -> Timestamp {
        self.fields.next_update
    }

    /// From when on it says nothing any more.
    pub fn expires(&self) -> Timestamp {
        self.fields.expires
    }

    /// Its number and its times.
    pub fn head(&self) -> BundleHead {
        let Fields { sequence, issued_at, next_update, expires, .. } = self.fields;
        BundleHead { sequence, issued_at, next_update, expires }
    }

    /// SHA-256 of the state: see [`state_root`].
    pub fn root(&self) -> &[u8; 32] {
        &self.fields.root
    }

    /// The key of its hashes.
    pub fn salt(&self) -> &Salt {
        &self.fields.salt
    }

    /// SHA-256 of what it says: the same for a whole bundle and for a delta that leads to its state, so that
    /// both may be published under one number, and different for any two that say different things under it.
    pub fn digest(&self) -> [u8; 32] {
        let fields = &self.fields;
        let mut hash = hmac_sha256::Hash::new();
        hash.update((self.issuer().len() as u64).to_le_bytes());
        hash.update(self.issuer());
        let times = [fields.issued_at, fields.next_update, fields.expires].map(Timestamp::as_seconds);
        for number in [fields.stream, fields.sequence].into_iter().chain(times) {
            hash.update(number.to_le_bytes());
        }
        hash.update(fields.root);
        hash.update(fields.salt.as_bytes());
        hash.finalize()
    }

    /// For a delta, the sequence number of the bundle that it changes.
    pub fn base(&self) -> Option<u64> {
        self.fields.base
    }

    /// Its rules.
    pub fn rules(&self) -> impl Iterator<Item = Rule<'a>> + use<'a> {
        let bytes = self.bytes;
        self.fields.rules.into_iter().flat_map(move |part| rule::rules(bytes, part))
    }

    /// The encoded rules.
    pub fn encoded_rules(&self) -> &'a [u8] {
        self.fields.rules.map_or(&[], |part| part.of(self.bytes))
    }

    /// What is revoked by itself, by its terms; of a delta, what changes. The largest group comes first.
    pub fn groups(&self) -> impl Iterator<Item = Group<'a>> + Clone + use<'a> {
        group::groups(self.encoded_groups())
    }

    /// The encoded groups.
    pub fn encoded_groups(&self) -> &'a [u8] {
        self.fields.groups.of(self.bytes)
    }

    /// The indices of all groups, those of each ascending.
    pub fn indices(&self) -> impl Iterator<Item = u64> + Clone + use<'a> {
        self.groups().flat_map(|group| group.exact().iter())
    }

    /// How many licences are revoked by themselves: by their index, and by their identifier.
    pub fn counts(&self) -> (u64, u64) {
        self.groups().fold((0, 0), |(indices, hashes): (u64, u64), group| {
            let (more, others) = (group.exact().count(), group.hashes().len() as u64);
            (indices.saturating_add(more), hashes.saturating_add(others))
        })
    }

    /// The pre-filter over the indices; empty if there is none.
    pub fn bloom(&self) -> &'a [u8] {
        self.bloom
    }

    /// What the bundle says at `now` about a licence whose signature was verified. Rules
    /// come first, then the Bloom filter, and the exact set has the last word. Of several revocations the
    /// strictest counts, so that a lenient or a later one never hides another.
    pub fn verdict(&self, claims: &Claims<'_>, now: impl Into<Timestamp>) -> Verdict {
        let now = now.into();
        let mut strictest: Option<(bool, RevocationTerms)> = None;
        self.visit(claims, |by_rule, terms| {
            // The first of equals stays, and so a rule before the licence's own revocation.
            let stricter = |(_, before): (bool, RevocationTerms)| terms.severity(now) > before.severity(now);
            if now >= terms.effective && strictest.is_none_or(stricter) {
                strictest = Some((by_rule, terms));
            }
            true
        });
        strictest.map_or(Verdict::Good, |(by_rule, terms)| Verdict::Revoked { by_rule, terms })
    }

    /// Whether a rule or an entry of the sets names a licence, at whatever time. If none does, the verdict is
    /// [`Verdict::Good`] at every time.
    pub fn concerns(&self, claims: &Claims<'_>) -> bool {
        let mut found = false;
        self.visit(claims, |_, _| {
            found = true;
            false
        });
        found
    }

    /// Goes through all that names a licence, and whether it is a rule, while it is told to go on.
    fn visit(&self, claims: &Claims<'_>, mut next: impl FnMut(bool, RevocationTerms) -> bool) {
        if claims.issuer() != self.issuer() {
            return; // about whom it has nothing to say
        }
        let kid = claims.kid();
        let mut traits = Traits::of(claims, kid.as_bytes());
        // Rules are for the whole issuer; indices and hashes, also those of a rule, are for the bundle's stream.
        let same_stream = claims.stream() == self.stream();
        traits.index = traits.index.filter(|_| same_stream);
        // A token is hashed once, however many rules ask for it.
        let mut digest = None;
        for rule in self.rules() {
            let digest = || *digest.get_or_insert_with(|| hmac_sha256::Hash::hash(claims.token()));
            if rule.hits(&traits, digest) && !next(true, rule.terms) {
                return;
            }
        }
        if !same_stream {
            return;
        }
        match claims.index() {
            Some(index) => self.all_terms_of(index).all(|terms| next(false, terms)),
            None => self.all_terms_of_id(&claims.id()).all(|terms| next(false, terms)),
        };
    }

    /// Whether an index is revoked.
    pub fn contains(&self, index: u64) -> bool {
        self.all_terms_of(index).next().is_some()
    }

    /// What the revocations of an index say: one of each group that has it, which is at most one group unless the
    /// signer is mistaken or lies.
    pub fn all_terms_of(&self, index: u64) -> impl Iterator<Item = RevocationTerms> + use<'a> {
        let groups = bloom::may_contain(self.bloom, self.hash_of(index)).then(|| self.groups());
        let has = move |group: &Group<'_>| group.exact().contains(index);
        groups.into_iter().flatten().filter(has).map(|group| group.terms())
    }

    /// What the revocations of an identifier without an index say: see [`Bundle::all_terms_of`].
    pub fn all_terms_of_id(&self, id: &TokenId) -> impl Iterator<Item = RevocationTerms> + use<'a> {
        let hash = bloom::hash(&self.fields.salt, id.as_bytes()).to_be_bytes();
        let has = move |group: &Group<'_>| group.hashes().binary_search(&hash).is_ok();
        self.groups().filter(has).map(|group| group.terms())
    }

    fn hash_of(&self, index: u64) -> u64 {
        bloom::hash(&self.fields.salt, &index.to_le_bytes())
    }
}

fn malformed(malformed: Malformed) -> Code {
    match malformed.code {
        Code::WrongTyp => Code::WrongTyp,
        _ => Code::BundleMalformed,
    }
}

/// The frame of a bundle, or of a delta.
fn frame(bytes: &[u8]) -> Result<(Frame<'_>, bool), Code> {
    match Frame::read(bytes, Typ::Bundle) {
        Err(Malformed { code: Code::WrongTyp, .. }) => {
            Ok((Frame::read(bytes, Typ::Delta).map_err(malformed)?, true))
        }
        frame => Ok((frame.map_err(malformed)?, false)),
    }
}

/// A bundle that owns its bytes.
#[derive(Clone, Debug)]
pub struct OwnedBundle<B> {
    pub(super) bytes: B,
    pub(super) fields: Fields,
}

impl<B: AsRef<[u8]>> OwnedBundle<B> {
    /// The bundle, with a pre-filter.
    pub fn bundle<'a>(&'a self, bloom: &'a [u8]) -> Bundle<'a> {
        Bundle { bytes: self.bytes.as_ref(), fields: self.fields, bloom }
    }
}

/// SHA-256 over the parts of a state, each with its length before it: rules and groups.
pub fn state_root(rules: &[u8], groups: &[u8]) -> [u8; 32] {
    let mut hash = hmac_sha256::Hash::new();
    for part in [rules, groups] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize()
}

impl Fields {
    fn read(bytes: &[u8], payload: Span) -> cbor::Result<(Self, Span)> {
        let mut reader = Reader::within(bytes, payload).with_items(limits::BUNDLE_ITEMS);
        let (mut fields, mut bloom, mut seen) = (Self::default(), Span::default(), 0_u16);
        let mut map = reader.map()?;
        while let Some(key) = map.next_key(&mut reader)? {
            let start = reader.offset();
            let MapKey::Int(label) = key else {
                reader.skip()?;
                continue;
            };
            match label {
                0 => match Schema::from_number(reader.uint()?) {
                    Some(schema) => fields.schema = schema,
                    None => return Err(Malformed { code: Code::UnsupportedSchema, offset: start }),
                },
                1 => {
                    let length = reader.short_text()?.len();
                    fields.issuer = reader.span_from(reader.offset().saturating_sub(length));
                }
                2 => fields.stream = reader.uint_to(limits::INTEGER)?,
                3 => fields.sequence = reader.uint_to(limits::INTEGER)?,
                4 => fields.issued_at = reader.timestamp()?,
                5 => fields.next_update = reader.timestamp()?,
                6 => fields.expires = reader.timestamp()?,
                7 => fields.root = *reader.array_of()?,
                8 => fields.salt = Salt::from(*reader.array_of::<16>()?),
                9 => {
                    for _ in 0..reader.array_within(0, limits::RULES)? {
                        Rule::read(&mut reader)?;
                    }
                    fields.rules = Some(reader.span_from(start));
                }
                10 => fields.groups = content(&mut reader)?,
                11 => bloom = content(&mut reader)?,
                12 => fields.base = Some(reader.uint_to(limits::INTEGER)?),
                ..0 => return Err(Malformed { code: Code::UnknownCriticalField, offset: start }),
                _ => reader.skip()?,
            }
            if let Ok(label @ 0..=8) = u16::try_from(label) {
                seen |= 1 << label;
            }
        }
        reader.finish()?;
        if seen == 0x1ff { Ok((fields, bloom)) } else { reader.malformed(Code::MissingField) }
    }
}

/// The span of a byte string's content.
fn content(reader: &mut Reader<'_>) -> cbor::Result<Span> {
    let length = reader.bytes()?.len();
    Ok(reader.span_from(reader.offset().saturating_sub(length)))
}
