//! Finds the token in a request, and what must be removed so that a service behind does not see it.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use licentia_core::http::{PROOF_FIELD, bearer};

use super::token_source::TokenSource;

/// The header field of the proof of possession.
pub const PROOF: HeaderName = HeaderName::from_static(PROOF_FIELD);
/// What every token's text begins with.
const PREFIX: &str = "lic1_";
/// The subprotocol that a client of a WebSocket offers beside its token, so that the server can select one.
pub const SUBPROTOCOL: &str = "licentia";

/// A token, and how the request is forwarded without it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Presented<'r> {
    /// The token; empty if there is none, and no token if there are several.
    pub token: Cow<'r, str>,
    /// Fields to remove.
    pub remove: Vec<HeaderName>,
    /// Fields to replace.
    pub replace: Vec<(HeaderName, HeaderValue)>,
}

impl<'r> Presented<'r> {
    /// Looks at each source in turn.
    pub fn find(headers: &'r HeaderMap, sources: &[TokenSource]) -> Self {
        let mut found = Self::default();
        found.remove.push(PROOF);
        let mut tokens: Vec<Cow<'r, str>> = Vec::new();
        let mut stray = None;
        for source in sources {
            match source {
                TokenSource::Authorization => {
                    let Some(value) = joined(headers, &header::AUTHORIZATION) else { continue };
                    // Credentials of another scheme may be the upstream's.
                    if let Some(token) = bearer_of(&value) {
                        tokens.push(token);
                        found.remove.push(header::AUTHORIZATION);
                    } else if value.contains(PREFIX) {
                        stray = Some(value);
                        found.remove.push(header::AUTHORIZATION);
                    }
                }
                TokenSource::Field(name) => {
                    let Some(value) = joined(headers, name) else { continue };
                    tokens.push(trimmed(value));
                    found.remove.push(name.clone());
                }
                TokenSource::Cookie(name) => cookie(headers, name, &mut tokens, &mut found),
                TokenSource::WebSocket => subprotocol(headers, &mut tokens, &mut found),
            }
        }
        // Two licences are none: no server should choose one.
        let licences = tokens.iter().filter(|token| token.starts_with(PREFIX)).count();
        found.token = match (licences, stray) {
            (0, _) => tokens.into_iter().next().unwrap_or_default(),
            (1, None) => tokens.into_iter().find(|token| token.starts_with(PREFIX)).unwrap_or_default(),
            (_, stray) => tokens.into_iter().chain(stray).collect::<Vec<_>>().join(", ").into(),
        };
        found
    }
}

/// The value of a field that may stand several times (RFC 9110, section 5.3). Joined like this, two licences are no
/// licence, as with every other middleware and server.
pub(super) fn joined<'r>(headers: &'r HeaderMap, name: &HeaderName) -> Option<Cow<'r, str>> {
    let mut values = headers.get_all(name).iter().map(|value| value.to_str().unwrap_or("!"));
    let first = values.next()?;
    Some(values.fold(Cow::Borrowed(first), |all, value| Cow::Owned(format!("{all}, {value}"))))
}

fn bearer_of<'r>(value: &Cow<'r, str>) -> Option<Cow<'r, str>> {
    match value {
        Cow::Borrowed(value) => bearer(value).map(Cow::Borrowed),
        Cow::Owned(value) => bearer(value).map(|token| Cow::Owned(token.to_owned())),
    }
}

fn trimmed(value: Cow<'_, str>) -> Cow<'_, str> {
    match value {
        Cow::Borrowed(value) => Cow::Borrowed(value.trim()),
        Cow::Owned(value) => Cow::Owned(value.trim().to_owned()),
    }
}

fn cookie<'r>(
    headers: &'r HeaderMap,
    wanted: &str,
    tokens: &mut Vec<Cow<'r, str>>,
    found: &mut Presented<'r>,
) {
    let mut kept = Vec::new();
    let mut is_there = false;
    for value in headers.get_all(header::COOKIE) {
        let text = String::from_utf8_lossy(value.as_bytes());
        for pair in text.split(';').map(str::trim).filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some((name, token)) if name.trim() == wanted => {
                    is_there = true;
                    tokens.push(token.trim().trim_matches('"').to_owned().into());
                }
                _ => kept.push(pair.to_owned()),
            }
        }
    }
    if is_there {
        rewrite(header::COOKIE, &kept.join("; "), found);
    }
}

fn subprotocol<'r>(headers: &'r HeaderMap, tokens: &mut Vec<Cow<'r, str>>, found: &mut Presented<'r>) {
    let Some(offered) = joined(headers, &header::SEC_WEBSOCKET_PROTOCOL) else { return };
    let (ours, others): (Vec<&str>, Vec<&str>) =
        offered.split(',').map(str::trim).partition(|item| item.starts_with(PREFIX));
    if ours.is_empty() {
        return;
    }
    tokens.extend(ours.into_iter().map(|token| token.to_owned().into()));
    let others: Vec<&str> = others.into_iter().filter(|item| *item != SUBPROTOCOL).collect();
    rewrite(header::SEC_WEBSOCKET_PROTOCOL, &others.join(", "), found);
}

/// Forwards a field with another value, or not at all.
fn rewrite(name: HeaderName, value: &str, found: &mut Presented<'_>) {
    match HeaderValue::try_from(value) {
        Ok(value) if !value.is_empty() => found.replace.push((name, value)),
        _ => found.remove.push(name),
    }
}

/// Whether a client offers [`SUBPROTOCOL`].
pub fn offers_subprotocol(headers: &HeaderMap) -> bool {
    let offered = joined(headers, &header::SEC_WEBSOCKET_PROTOCOL);
    offered.is_some_and(|offered| offered.split(',').any(|item| item.trim() == SUBPROTOCOL))
}

/// Selects [`SUBPROTOCOL`] in the answer to a client that has offered it, if the service has selected nothing: a browser
/// that offered subprotocols needs one of them in the answer.
pub fn select_subprotocol(offered: bool, answer: &mut HeaderMap) {
    if offered && !answer.contains_key(header::SEC_WEBSOCKET_PROTOCOL) {
        answer.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&str, &str)]) -> HeaderMap {
        let field = |(name, value): &(&str, &str)| {
            (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap())
        };
        fields.iter().map(field).collect()
    }

    fn find(fields: &[(&str, &str)], sources: &[&str]) -> (String, Vec<String>, Vec<(String, String)>) {
        let sources: Vec<TokenSource> = sources.iter().map(|source| source.parse().unwrap()).collect();
        let headers = headers(fields);
        let found = Presented::find(&headers, &sources);
        let removed = found.remove.iter().skip(1).map(ToString::to_string).collect();
        let replaced = found.replace.iter();
        let replaced = replaced.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
        (found.token.to_string(), removed, replaced.collect())
    }

    #[test]
    fn a_token_is_taken_from_where_the_route_says_and_removed() {
        let none: Vec<(String, String)> = vec![];
        assert_eq!(
            find(&[("authorization", "bearer lic1_A")], &["authorization"]),
            ("lic1_A".into(), vec!["authorization".into()], none.clone())
        );
        assert_eq!(
            find(&[("authorization", "Bearer lic1_A")], &["x-api-key"]),
            (String::new(), vec![], none.clone())
        );
        assert_eq!(
            find(&[("authorization", "Basic abc"), ("x-api-key", "lic1_A")], &["authorization", "x-api-key"]),
            ("lic1_A".into(), vec!["x-api-key".into()], none)
        );
        assert_eq!(
            find(&[("cookie", "a=1; licence=lic1_A; b=2")], &["cookie:licence"]),
            ("lic1_A".into(), vec![], vec![("cookie".into(), "a=1; b=2".into())])
        );
        assert_eq!(
            find(&[("cookie", "licence=lic1_A")], &["cookie:licence"]),
            ("lic1_A".into(), vec!["cookie".into()], vec![])
        );
        assert_eq!(
            find(&[("sec-websocket-protocol", "licentia, lic1_A, chat")], &["websocket"]),
            ("lic1_A".into(), vec![], vec![("sec-websocket-protocol".into(), "chat".into())])
        );
    }

    #[test]
    fn two_licences_are_none() {
        for (fields, sources) in [
            (
                &[("authorization", "Bearer lic1_A"), ("x-api-key", "lic1_B")][..],
                &["authorization", "x-api-key"][..],
            ),
            (&[("authorization", "Bearer lic1_A"), ("authorization", "Bearer lic1_B")], &["authorization"]),
            (&[("x-api-key", "lic1_A"), ("x-api-key", "lic1_A")], &["x-api-key"]),
            (
                &[("authorization", "Basic abc, Bearer lic1_A"), ("x-api-key", "lic1_B")],
                &["authorization", "x-api-key"],
            ),
            (&[("cookie", "l=lic1_A; l=lic1_B")], &["cookie:l"]),
            (&[("cookie", "l=lic1_A"), ("cookie", "l=lic1_B")], &["cookie:l"]),
            (&[("sec-websocket-protocol", "lic1_A, lic1_B")], &["websocket"]),
        ] {
            let (token, removed, replaced) = find(fields, sources);
            assert!(token.contains(", "), "{token}");
            assert!(!removed.is_empty() || !replaced.is_empty());
        }
    }
}
