//! The scope of a key: what it may sign for. A reseller's key need not be able to grant everything.
//!
//! `{?0: [+ issuer tstr], ?1: [+ audience tstr], ?2: [+ tier tstr], ?3: longest term uint}`

use crate::{
    cbor::{self, MapKey, Reader, Span},
    code::Code,
    license::claims::Claims,
    limits,
};

/// The scope of a key, as it stands in its keyset. The default permits everything.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Scope {
    issuers: Option<Span>,
    audiences: Option<Span>,
    tiers: Option<Span>,
    longest_term: Option<u64>,
}

impl Scope {
    /// Reads a scope. A restriction that is not understood is refused: ignoring it would widen the scope.
    pub(crate) fn read(reader: &mut Reader<'_>) -> cbor::Result<Self> {
        let mut scope = Self::default();
        let mut map = reader.map()?;
        while let Some(key) = map.next_key(reader)? {
            match key {
                MapKey::Int(0) => scope.issuers = Some(read_texts(reader)?),
                MapKey::Int(1) => scope.audiences = Some(read_texts(reader)?),
                MapKey::Int(2) => scope.tiers = Some(read_texts(reader)?),
                MapKey::Int(3) => scope.longest_term = Some(reader.uint_to(limits::INTEGER)?),
                _ => return reader.malformed(Code::UnknownCriticalField),
            }
        }
        Ok(scope)
    }

    /// Whether the scope, which stands in `keyset`, permits a licence.
    ///
    /// A key that is limited to audiences can only sign licences that name some, all of them permitted.
    pub(crate) fn permits(&self, keyset: &[u8], claims: &Claims<'_>) -> bool {
        let contains = |list: Option<Span>, text: &str| contains(keyset, list, text);
        let term = claims.expires().saturating_sub(claims.issued_at());
        let audiences_fit = self.audiences.is_none()
            || (claims.audiences().next().is_some()
                && claims.audiences().all(|audience| contains(self.audiences, audience)));
        contains(self.issuers, claims.issuer())
            && contains(self.tiers, claims.tier().name)
            && audiences_fit
            && self.longest_term.is_none_or(|longest| term <= longest)
    }

    /// Whether the scope permits revocation bundles for an issuer.
    pub(crate) fn permits_bundles(&self, keyset: &[u8], issuer: &str) -> bool {
        let only_issuers = self.audiences.or(self.tiers).is_none() && self.longest_term.is_none();
        only_issuers && contains(keyset, self.issuers, issuer)
    }
}

/// Whether a list has a text; without one everything is permitted.
fn contains(keyset: &[u8], list: Option<Span>, text: &str) -> bool {
    list.is_none_or(|list| texts(keyset, list).any(|permitted| permitted == text))
}

fn read_texts(reader: &mut Reader<'_>) -> cbor::Result<Span> {
    let start = reader.offset();
    for _ in 0..reader.array_within(1, limits::FEATURES)? {
        reader.short_text()?;
    }
    Ok(reader.span_from(start))
}

fn texts(keyset: &[u8], list: Span) -> impl Iterator<Item = &str> {
    let mut reader = Reader::within(keyset, list);
    let count = reader.array().unwrap_or_default();
    (0..count).map_while(move |_| reader.text().ok())
}
