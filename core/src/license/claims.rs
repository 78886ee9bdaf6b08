//! The claims of a licence (CWT, RFC 8392), as a view that borrows from the token.
//!
//! Two types have the same getters: a [`License`] is verified, an
//! [`Unverified`] is for inspection only.

use core::{fmt, ops::Deref};

use crate::{
    cbor::{self, Malformed, MapKey, Reader, Span},
    code::Code,
    cose::{Frame, Typ},
    id::{AccountId, Lineage, TokenId},
    key::{cose_key::CoseKey, kid::Kid},
    license::feature::{self, Feature},
    license::grant::{self, Entries, Kind, Tier},
    license::policy::Policy,
    license::quota::Quota,
    license::rate::Rate,
    limits,
    time::timestamp::Timestamp,
};

/// Claim keys (RFC 8392, section 4; RFC 8747, section 3.1; the CWT Claims registry).
mod label {
    pub(super) const ISS: i64 = 1;
    pub(super) const SUB: i64 = 2;
    pub(super) const AUD: i64 = 3;
    pub(super) const EXP: i64 = 4;
    pub(super) const NBF: i64 = 5;
    pub(super) const IAT: i64 = 6;
    pub(super) const CTI: i64 = 7;
    pub(super) const CNF: i64 = 8;
    pub(super) const STATUS: i64 = 65_535;
    pub(super) const GRANT: i64 = -65_537;
}

/// The holder's key, to which a licence is bound (RFC 8747).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Confirmation<'a> {
    /// An Ed25519 public key.
    Key(&'a [u8; 32]),
    /// The SHA-256 thumbprint of a COSE_Key (RFC 9679).
    Thumbprint(&'a [u8; 32]),
}

/// Spans of the claims, and their small values.
#[derive(Clone, Copy, Debug, Default)]
struct Fields {
    issuer: Span,
    subject: Span,
    audience: Option<Span>,
    expires: Timestamp,
    not_before: Option<Timestamp>,
    issued_at: Timestamp,
    id: Span,
    confirmation: Option<Span>,
    grant: grant::Fields,
}

/// What was read from a token.
#[derive(Clone, Copy, Debug)]
struct Read {
    kid: Kid,
    fields: Fields,
}

/// Where that is: a cached licence is used in place, since copying it takes a twentieth of a decision.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "there is no heap")]
enum Place<'a> {
    Here(Read),
    #[cfg_attr(any(target_os = "none", target_family = "wasm"), allow(dead_code, reason = "see `Elsewhere`"))]
    There(&'a Read, Elsewhere),
}

/// Small targets prefer small code: there the claims are always here.
#[cfg(any(target_os = "none", target_family = "wasm"))]
type Elsewhere = core::convert::Infallible;
#[cfg(not(any(target_os = "none", target_family = "wasm")))]
type Elsewhere = ();

impl<'a> Place<'a> {
    #[cfg(any(target_os = "none", target_family = "wasm"))]
    fn of(read: &'a Read) -> Self {
        Self::Here(*read)
    }

    #[cfg(not(any(target_os = "none", target_family = "wasm")))]
    fn of(read: &'a Read) -> Self {
        Self::There(read, ())
    }
}

/// The claims of a token, checked for form but not for who signed them.
#[derive(Clone, Debug)]
pub struct Claims<'a> {
    token: &'a [u8],
    read: Place<'a>,
}

/// A licence whose signature was verified.
#[derive(Clone, Debug)]
pub struct License<'a>(Claims<'a>);

/// Claims whose signature was not verified: for inspection, never for a decision.
#[derive(Clone, Debug)]
pub struct Unverified<'a>(Claims<'a>);

impl<'a> Deref for License<'a> {
    type Target = Claims<'a>;

    fn deref(&self) -> &Claims<'a> {
        &self.0
    }
}

impl<'a> Deref for Unverified<'a> {
    type Target = Claims<'a>;

    fn deref(&self) -> &Claims<'a> {
        &self.0
    }
}

impl<'a> Unverified<'a> {
    /// Reads a token without a key.
    ///
    /// # Errors
    /// A code of group 1xx and where it was seen.
    pub fn read(token: &'a [u8]) -> cbor::Result<Self> {
        let frame = Frame::read(token, Typ::License)?;
        Claims::of(token, &frame).map(Self)
    }
}

impl<'a> License<'a> {
    /// Reads the claims of a frame whose signature the caller has verified.
    pub(crate) fn read(token: &'a [u8], verified: &Frame<'a>) -> cbor::Result<Self> {
        Claims::of(token, verified).map(Self)
    }

    /// The same licence by reference, so that the compiler knows where its claims are.
    #[cfg(not(any(target_os = "none", target_family = "wasm")))]
    pub(crate) fn by_ref(&self) -> License<'_> {
        License(Claims { token: self.token, read: Place::of(self.read()) })
    }
}

/// A verified licence that owns its bytes, so that it can be cached.
#[derive(Clone, Debug)]
pub struct OwnedLicense<B> {
    token: B,
    read: Read,
}

impl<'a> License<'a> {
    /// Copies the licence into a buffer of the caller's choice, such as `Box<[u8]>`.
    pub fn keep<B: From<&'a [u8]> + AsRef<[u8]>>(&self) -> OwnedLicense<B> {
        OwnedLicense { token: B::from(self.token), read: *self.read() }
    }
}

impl<B: AsRef<[u8]>> OwnedLicense<B> {
    /// The licence.
    pub fn license(&self) -> License<'_> {
        License(Claims { token: self.token.as_ref(), read: Place::of(&self.read) })
    }
}

impl<'a> Claims<'a> {
    fn of(token: &'a [u8], frame: &Frame<'a>) -> cbor::Result<Self> {
        let mut reader = Reader::within(token, frame.payload);
        let fields = Fields::read(&mut reader)?;
        reader.finish()?;
        Ok(Self { token, read: Place::Here(Read { kid: frame.kid, fields }) })
    }

    fn read(&self) -> &Read {
        match &self.read {
            Place::Here(read) => read,
            Place::There(read, ..) => read,
        }
    }

    fn fields(&self) -> &Fields {
        &self.read().fields
    }

    /// A text that was checked when the claims were read.
    fn text(&self, span: Span) -> &'a str {
        core::str::from_utf8(span.of(self.token)).unwrap_or_default()
    }

    fn id_at(&self, item: Span) -> [u8; 16] {
        Reader::within(self.token, item).array_of().copied().unwrap_or_default()
    }

    /// The whole token.
    pub fn token(&self) -> &'a [u8] {
        self.token
    }

    /// Identifier of the key that the token names.
    pub fn kid(&self) -> &Kid {
        &self.read().kid
    }

    /// Who issued it (`iss`).
    pub fn issuer(&self) -> &'a str {
        self.text(self.fields().issuer)
    }

    /// Whether it is from this issuer.
    pub(crate) fn is_from(&self, issuer: &str) -> bool {
        self.fields().issuer.of(self.token) == issuer.as_bytes()
    }

    /// Whom it was issued to (`sub`).
    pub fn subject(&self) -> &'a str {
        self.text(self.fields().subject)
    }

    /// Which services it is for (`aud`); none means all of the issuer's.
    pub fn audiences(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let (count, mut reader) = self.audience_texts();
        (0..count).map_while(move |_| reader.text().ok())
    }

    /// How many services it names, and whether `audience` is one of them.
    pub(crate) fn names_audience(&self, audience: Option<&str>) -> (usize, bool) {
        let (count, mut reader) = self.audience_texts();
        let audience = audience.map(str::as_bytes);
        (count, audience.is_some() && (0..count).any(|_| reader.checked_text() == audience))
    }

    fn audience_texts(&self) -> (usize, Reader<'a>) {
        let mut reader = Reader::within(self.token, self.fields().audience.unwrap_or_default());
        let count = match self.fields().audience {
            None => 0,
            Some(_) if reader.at_array() => reader.array().unwrap_or_default(),
            Some(_) => 1,
        };
        (count, reader)
    }

    /// When it ends, grace included (`exp`).
    pub fn expires(&self) -> Timestamp {
        self.fields().expires
    }

    /// When it starts (`nbf`).
    pub fn not_before(&self) -> Option<Timestamp> {
        self.fields().not_before
    }

    /// When it was issued (`iat`).
    pub fn issued_at(&self) -> Timestamp {
        self.fields().issued_at
    }

    /// The token's identifier (`cti`).
    pub fn id(&self) -> TokenId {
        self.id_at(self.fields().id).into()
    }

    /// Identifier of the licence through its renewals and upgrades; the token's own id if it names none.
    pub fn lineage(&self) -> Lineage {
        self.id_at(self.fields().grant.lineage.unwrap_or(self.fields().id)).into()
    }

    /// Who is counted: the issuer and the lineage.
    pub fn account(&self) -> AccountId {
        AccountId::new(self.issuer(), self.lineage())
    }

    /// The holder's key (`cnf`), if the licence is bound to one.
    pub fn confirmation(&self) -> Option<Confirmation<'a>> {
        let mut reader = Reader::within(self.token, self.fields().confirmation?);
        Confirmation::read(&mut reader).ok()
    }

    /// The tier that was bought.
    pub fn tier(&self) -> Tier<'a> {
        let mut reader = Reader::within(self.token, self.fields().grant.tier);
        grant::read_tier(&mut reader).unwrap_or(Tier { name: "", version: 0 })
    }

    /// The features, in the order of their encoded names.
    pub fn features(&self) -> impl Iterator<Item = Feature<'a>> + Clone + fmt::Debug + use<'a> {
        Entries::<Feature<'a>>::of(self.token, self.fields().grant.features)
    }

    /// The feature `name`, if the licence has it. It may have ended: see [`Feature::is_expired`].
    pub fn feature<'n>(&self, name: &'n str) -> Option<Feature<'n>>
    where
        'a: 'n,
    {
        grant::entry(self.token, self.fields().grant.features, name)
    }

    /// When the feature `name` ends; `None` if it ends with the licence.
    pub(crate) fn feature_end(&self, name: &str) -> Result<Option<Timestamp>, Code> {
        let value = grant::find(self.token, self.fields().grant.features, name);
        value.and_then(|mut value| feature::end(&mut value).ok()).ok_or(Code::FeatureNotLicensed)
    }

    /// The quotas, in the order of their encoded names.
    pub fn quotas(&self) -> impl Iterator<Item = Quota<'a>> + Clone + fmt::Debug + use<'a> {
        Entries::<Quota<'a>>::of(self.token, self.fields().grant.quotas)
    }

    /// The quota of a meter.
    pub fn quota<'n>(&self, meter: &'n str) -> Option<Quota<'n>>
    where
        'a: 'n,
    {
        grant::entry(self.token, self.fields().grant.quotas, meter)
    }

    /// The rates, in the order of their encoded names.
    pub fn rates(&self) -> impl Iterator<Item = Rate<'a>> + Clone + fmt::Debug + use<'a> {
        Entries::<Rate<'a>>::of(self.token, self.fields().grant.rates)
    }

    /// The rate `name`.
    pub fn rate<'n>(&self, name: &'n str) -> Option<Rate<'n>>
    where
        'a: 'n,
    {
        grant::entry(self.token, self.fields().grant.rates, name)
    }

    /// When the contract ends; from then to [`Claims::expires`] the licence is in grace.
    pub fn term_end(&self) -> Option<Timestamp> {
        self.fields().grant.term_end
    }

    /// How many seats it has: how many may use it at once.
    pub fn seats(&self) -> Option<u64> {
        self.fields().grant.seats
    }

    /// What to do when a fact cannot be established.
    pub fn policy(&self) -> Policy {
        self.fields().grant.policy
    }

    /// Fingerprints of the machines that it is bound to; none means any machine.
    pub fn node_locks(&self) -> impl Iterator<Item = &'a [u8; 32]> + use<'a> {
        let locks = self.fields().grant.node_locks;
        let mut reader = Reader::within(self.token, locks.unwrap_or_default());
        let count = locks.map_or(0, |_| reader.array().unwrap_or_default());
        (0..count).map_while(move |_| reader.array_of().ok())
    }

    /// Releases up to this time stay licensed for ever; a request must then say which release runs.
    pub fn maintained_until(&self) -> Option<Timestamp> {
        self.fields().grant.maintained_until
    }

    /// What kind of licence it is.
    pub fn kind(&self) -> Kind {
        self.fields().grant.kind
    }

    /// Free metadata, as pairs of texts.
    pub fn meta(&self) -> impl Iterator<Item = (&'a str, &'a str)> + Clone + fmt::Debug + use<'a> {
        Entries::<(&'a str, &'a str)>::of(self.token, self.fields().grant.meta)
    }

    /// The token's place in its revocation stream.
    pub fn index(&self) -> Option<u64> {
        self.fields().grant.index
    }

    /// Which of the issuer's revocation streams it is in. The first is 0.
    pub fn stream(&self) -> u64 {
        self.fields().grant.stream
    }
}

impl Fields {
    /// Reads and checks all claims. Unknown claims are skipped, as strictly as known ones.
    fn read(reader: &mut Reader<'_>) -> cbor::Result<Self> {
        let mut fields = Self::default();
        let (mut issuer, mut subject, mut expires, mut issued_at, mut id, mut grant) =
            (None, None, None, None, None, None);
        let mut map = reader.map()?;
        while let Some(key) = map.next_key(reader)? {
            let start = reader.offset();
            match key {
                MapKey::Int(label::ISS) => issuer = Some(read_text(reader)?),
                MapKey::Int(label::SUB) => subject = Some(read_text(reader)?),
                MapKey::Int(label::AUD) => {
                    read_audience(reader)?;
                    fields.audience = Some(reader.span_from(start));
                }
                MapKey::Int(label::EXP) => expires = Some(reader.timestamp()?),
                MapKey::Int(label::NBF) => fields.not_before = Some(reader.timestamp()?),
                MapKey::Int(label::IAT) => issued_at = Some(reader.timestamp()?),
                MapKey::Int(label::CTI) => {
                    reader.array_of::<16>()?;
                    id = Some(reader.span_from(start));
                }
                MapKey::Int(label::CNF) => {
                    Confirmation::read(reader)?;
                    fields.confirmation = Some(reader.span_from(start));
                }
                MapKey::Int(label::STATUS) => {
                    reader.clone().map()?;
                    reader.skip()?;
                }
                MapKey::Int(label::GRANT) => grant = Some(grant::Fields::read(reader)?),
                _ => reader.skip()?,
            }
        }
        let required = (issuer, subject, expires, issued_at, id, grant);
        let (Some(issuer), Some(subject), Some(expires), Some(issued_at), Some(id), Some(grant)) = required
        else {
            return reader.malformed(Code::MissingField);
        };
        Ok(Self { issuer, subject, expires, issued_at, id, grant, ..fields })
    }
}

/// Reads a text of 1 to 256 bytes and returns its content's span.
fn read_text(reader: &mut Reader<'_>) -> cbor::Result<Span> {
    let length = reader.short_text()?.len();
    Ok(reader.span_from(reader.offset().saturating_sub(length)))
}

/// Reads `aud`: a text, or an array of 1 to 16 texts (RFC 8392, section 3.1.3).
fn read_audience(reader: &mut Reader<'_>) -> cbor::Result<()> {
    let count = if reader.at_array() { reader.array_within(1, limits::AUDIENCES)? } else { 1 };
    for _ in 0..count {
        reader.short_text()?;
    }
    Ok(())
}

impl<'a> Confirmation<'a> {
    /// Reads `cnf` with exactly one method: `{1: COSE_Key}` (RFC 8747) or `{5: thumbprint}` (RFC 9679).
    ///
    /// Any other method is refused: a licence that is bound to its holder must never pass as a bearer's.
    pub(crate) fn read(reader: &mut Reader<'a>) -> cbor::Result<Self> {
        let offset = reader.offset();
        let unsupported = Err(Malformed { code: Code::UnsupportedConfirmation, offset });
        let mut map = reader.map()?;
        if map.remaining() != 1 {
            return unsupported;
        }
        match map.next_key(reader)? {
            Some(MapKey::Int(1)) => CoseKey::read(reader).map(|key| Self::Key(key.x)),
            Some(MapKey::Int(5)) => reader.array_of().map(Self::Thumbprint),
            _ => unsupported,
        }
    }
}
