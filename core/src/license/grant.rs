//! The grant: what was sold. Claim -65537 of a licence.

use crate::{
    cbor::{self, Malformed, Map, MapKey, Reader, Span},
    code::Code,
    license::feature::Feature,
    license::name,
    license::policy::Policy,
    license::quota::Quota,
    license::rate::Rate,
    limits,
    time::timestamp::Timestamp,
};

/// The schema that this version reads.
const SCHEMA: u64 = 1;

/// The tier that was bought, in the version that was current then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tier<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its version in the vendor's catalogue.
    pub version: u64,
}

/// What kind of licence it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
#[non_exhaustive]
pub enum Kind {
    /// Bought.
    #[default]
    Paid = 0,
    /// For trying out.
    Trial = 1,
    /// For development.
    Developer = 2,
    /// For the vendor's own use.
    Internal = 3,
}

impl Kind {
    /// Its number in a token.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The kind of a number.
    pub const fn from_number(number: u64) -> Option<Self> {
        match number {
            0 => Some(Self::Paid),
            1 => Some(Self::Trial),
            2 => Some(Self::Developer),
            3 => Some(Self::Internal),
            _ => None,
        }
    }

    /// Its name in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::Trial => "trial",
            Self::Developer => "developer",
            Self::Internal => "internal",
        }
    }
}

/// Where the parts of a grant are, and its small values.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fields {
    pub(crate) tier: Span,
    pub(crate) features: Option<Span>,
    pub(crate) quotas: Option<Span>,
    pub(crate) rates: Option<Span>,
    pub(crate) term_end: Option<Timestamp>,
    pub(crate) seats: Option<u64>,
    pub(crate) policy: Policy,
    pub(crate) node_locks: Option<Span>,
    pub(crate) maintained_until: Option<Timestamp>,
    pub(crate) kind: Kind,
    pub(crate) meta: Option<Span>,
    pub(crate) lineage: Option<Span>,
    pub(crate) index: Option<u64>,
    pub(crate) stream: u64,
}

/// A kind of entry that a grant has a map of, by name.
pub(crate) trait GrantEntry<'a>: Sized {
    /// Most entries of one licence.
    const MOST: usize;
    /// Reads the value of the entry `name`.
    fn read_entry(name: &'a str, reader: &mut Reader<'a>) -> cbor::Result<Self>;
}

impl<'a> GrantEntry<'a> for Feature<'a> {
    const MOST: usize = limits::FEATURES;
    fn read_entry(name: &'a str, reader: &mut Reader<'a>) -> cbor::Result<Self> {
        Self::read(name, reader)
    }
}

impl<'a> GrantEntry<'a> for Quota<'a> {
    const MOST: usize = limits::QUOTAS;
    fn read_entry(name: &'a str, reader: &mut Reader<'a>) -> cbor::Result<Self> {
        Self::read(name, reader)
    }
}

impl<'a> GrantEntry<'a> for Rate<'a> {
    const MOST: usize = limits::RATES;
    fn read_entry(name: &'a str, reader: &mut Reader<'a>) -> cbor::Result<Self> {
        Self::read(name, reader)
    }
}

/// Free metadata is a map of texts; its keys need not be names.
impl<'a> GrantEntry<'a> for (&'a str, &'a str) {
    const MOST: usize = limits::META;
    fn read_entry(key: &'a str, reader: &mut Reader<'a>) -> cbor::Result<Self> {
        Ok((key, reader.short_text()?))
    }
}

/// The entries of one of a grant's maps, in the order of their encoded names.
#[derive(Clone, Debug)]
pub(crate) struct Entries<'a, T> {
    reader: Reader<'a>,
    map: Map<'a>,
    names: bool,
    entry: core::marker::PhantomData<T>,
}

impl<'a, T: GrantEntry<'a>> Entries<'a, T> {
    fn open(mut reader: Reader<'a>, names: bool) -> cbor::Result<Self> {
        let map = reader.map_within(T::MOST)?;
        Ok(Self { reader, map, names, entry: core::marker::PhantomData })
    }

    /// The entries of a map whose content was checked before; none if there is no map.
    pub(crate) fn of(token: &'a [u8], part: Option<Span>) -> Self {
        let reader = Reader::within(token, part.unwrap_or_default());
        Self::open(reader.clone(), false).unwrap_or(Self {
            reader,
            map: Map::default(),
            names: false,
            entry: core::marker::PhantomData,
        })
    }

    fn read_next(&mut self) -> cbor::Result<Option<T>> {
        let offset = self.reader.offset();
        let Some(key) = self.map.next_text(&mut self.reader)? else {
            return Ok(None);
        };
        if self.names {
            name::checked(key, offset)?;
        } else if !(1..=limits::TEXT_BYTES).contains(&key.len()) {
            return Err(Malformed { code: Code::InvalidValue, offset });
        }
        T::read_entry(key, &mut self.reader).map(Some)
    }
}

impl<'a, T: GrantEntry<'a>> Iterator for Entries<'a, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.read_next().ok().flatten()
    }
}

/// Goes to the value of a name, in a map whose content was checked before: on the way nothing is checked again.
// Small targets prefer small code.
#[allow(clippy::inline_always, reason = "measured: a twentieth of a decision about a feature")]
#[cfg_attr(not(any(target_os = "none", target_family = "wasm")), inline(always))]
pub(crate) fn find<'a>(token: &'a [u8], part: Option<Span>, name: &str) -> Option<Reader<'a>> {
    let mut reader = Reader::within(token, part?);
    for _ in 0..reader.checked_map()? {
        if reader.checked_text()? == name.as_bytes() {
            return Some(reader);
        }
        reader.pass()?;
    }
    None
}

/// The entry of a name, in a map whose content was checked before.
pub(crate) fn entry<'a, T: GrantEntry<'a>>(token: &'a [u8], part: Option<Span>, name: &'a str) -> Option<T> {
    T::read_entry(name, &mut find(token, part, name)?).ok()
}

/// Checks a whole map of entries and returns its span.
fn entries<'a, T: GrantEntry<'a>>(reader: &mut Reader<'a>, names: bool) -> cbor::Result<Option<Span>> {
    let start = reader.offset();
    let mut entries = Entries::<T>::open(reader.clone(), names)?;
    while entries.read_next()?.is_some() {}
    *reader = entries.reader;
    Ok(Some(reader.span_from(start)))
}

/// Reads the tier `[name, version]`.
pub(crate) fn read_tier<'a>(reader: &mut Reader<'a>) -> cbor::Result<Tier<'a>> {
    reader.array_within(2, 2)?;
    Ok(Tier { name: name::read(reader)?, version: reader.uint_to(limits::INTEGER)? })
}

impl Fields {
    /// Reads and checks a whole grant. An unknown negative key is fatal, any other unknown key is ignored.
    pub(crate) fn read(reader: &mut Reader<'_>) -> cbor::Result<Self> {
        let (mut fields, mut schema, mut tier) = (Self::default(), false, None);
        let mut map = reader.map()?;
        loop {
            let offset = reader.offset();
            let Some(key) = map.next_key(reader)? else { break };
            let start = reader.offset();
            match key {
                // The schema has the first of all keys, so that nothing else is read of an unknown one.
                MapKey::Int(0) if reader.uint()? == SCHEMA => schema = true,
                MapKey::Int(0) => return Err(Malformed { code: Code::UnsupportedSchema, offset: start }),
                MapKey::Int(1) => {
                    read_tier(reader)?;
                    tier = Some(reader.span_from(start));
                }
                MapKey::Int(2) => fields.features = entries::<Feature<'_>>(reader, true)?,
                MapKey::Int(3) => fields.quotas = entries::<Quota<'_>>(reader, true)?,
                MapKey::Int(4) => fields.rates = entries::<Rate<'_>>(reader, true)?,
                MapKey::Int(5) => fields.term_end = Some(reader.timestamp()?),
                MapKey::Int(6) => fields.seats = Some(reader.uint_to(limits::INTEGER)?),
                MapKey::Int(7) => fields.policy = Policy::read(reader)?,
                MapKey::Int(8) => {
                    for _ in 0..reader.array_within(1, limits::NODE_LOCKS)? {
                        reader.array_of::<32>()?;
                    }
                    fields.node_locks = Some(reader.span_from(start));
                }
                MapKey::Int(9) => fields.maintained_until = Some(reader.timestamp()?),
                MapKey::Int(10) => fields.kind = read_kind(reader)?,
                MapKey::Int(11) => fields.meta = entries::<(&str, &str)>(reader, false)?,
                MapKey::Int(12) => {
                    reader.array_of::<16>()?;
                    fields.lineage = Some(reader.span_from(start));
                }
                MapKey::Int(13) => fields.index = Some(reader.uint_to(limits::INTEGER)?),
                MapKey::Int(14) => fields.stream = reader.uint_to(limits::INTEGER)?,
                MapKey::Int(..0) => return Err(Malformed { code: Code::UnknownCriticalField, offset }),
                _ => reader.skip()?,
            }
        }
        match tier {
            Some(tier) if schema => Ok(Self { tier, ..fields }),
            _ => reader.malformed(Code::MissingField),
        }
    }
}

/// Reads a kind's number.
pub(crate) fn read_kind(reader: &mut Reader<'_>) -> cbor::Result<Kind> {
    let offset = reader.offset();
    Kind::from_number(reader.uint()?).ok_or(Malformed { code: Code::InvalidValue, offset })
}
