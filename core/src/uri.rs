//! Whether two URIs are the same under syntax-based and scheme-based normalisation (RFC 3986, sections 6.2.2
//! and 6.2.3), as RFC 9449 section 4.3 asks of those who compare the URI of a proof.

/// Whether two URIs name the same request target. Scheme and host compare without case; a default or empty port,
/// an empty path after an authority, dot segments, the case of percent-encodings, the encoding of unreserved
/// characters, a fragment and an empty query make no difference. An empty URI names nothing, and so is the same as none.
pub fn same(a: &str, b: &str) -> bool {
    let (a, b) = (Parts::of(a), Parts::of(b));
    !a.is_empty()
        && !b.is_empty()
        && a.scheme.eq_ignore_ascii_case(b.scheme)
        && a.has_authority == b.has_authority
        && normal(a.user).eq(normal(b.user))
        && folded(a.host).eq(folded(b.host))
        && a.port == b.port
        && a.is_absolute == b.is_absolute
        && same_segments(a.path, b.path)
        && normal(a.query).eq(normal(b.query))
}

/// The parts of a URI (RFC 3986, section 3) that are compared.
struct Parts<'a> {
    scheme: &'a str,
    has_authority: bool,
    user: &'a str,
    host: &'a str,
    /// Empty if it is the scheme's default.
    port: &'a str,
    /// Whether the path begins with a slash, which `path` is without.
    is_absolute: bool,
    path: &'a str,
    query: &'a str,
}

impl<'a> Parts<'a> {
    fn of(uri: &'a str) -> Self {
        let uri = uri.split_once('#').map_or(uri, |(uri, _)| uri);
        // Some servers can't tell an empty query from none.
        let (rest, query) = uri.split_once('?').unwrap_or((uri, ""));
        let (scheme, rest) = match rest.split_once(':') {
            Some((scheme, rest)) if is_scheme(scheme) => (scheme, rest),
            _ => ("", rest),
        };
        let after = rest.strip_prefix("//");
        let (authority, path) = match after {
            Some(after) => {
                after.split_at_checked(after.find('/').unwrap_or(after.len())).unwrap_or((after, ""))
            }
            None => ("", rest),
        };
        let (user, place) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (host, port) = match place.rsplit_once(':') {
            // A colon within brackets belongs to an IPv6 address.
            Some((host, port)) if !port.ends_with(']') => (host, port),
            _ => (place, ""),
        };
        let default = [("http", "80"), ("https", "443"), ("ws", "80"), ("wss", "443")];
        let is_default = |(name, number): &(&str, &str)| scheme.eq_ignore_ascii_case(name) && port == *number;
        let inner = path.strip_prefix('/');
        Self {
            scheme,
            has_authority: after.is_some(),
            user,
            host,
            port: if default.iter().any(is_default) { "" } else { port },
            is_absolute: inner.is_some() || (after.is_some() && path.is_empty()),
            path: inner.unwrap_or(path),
            query,
        }
    }

    fn is_empty(&self) -> bool {
        self.scheme.is_empty()
            && !self.has_authority
            && !self.is_absolute
            && self.path.is_empty()
            && self.query.is_empty()
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

/// A byte as it stands, or one that must stay percent-encoded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Plain(u8),
    Encoded(u8),
}

/// A component's bytes, with unreserved ones decoded.
fn normal(text: &str) -> impl Iterator<Item = Unit> + '_ {
    let mut rest = text.as_bytes();
    core::iter::from_fn(move || {
        let (first, after) = rest.split_first()?;
        let encoded = (*first == b'%').then(|| after.split_first_chunk::<2>()).flatten();
        let byte = encoded.and_then(|([high, low], _)| Some((hex(*high)?, hex(*low)?)));
        let (unit, after) = match (byte, encoded) {
            (Some((high, low)), Some((_, after))) => match high << 4 | low {
                byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => (Unit::Plain(byte), after),
                byte => (Unit::Encoded(byte), after),
            },
            _ => (Unit::Plain(*first), after),
        };
        rest = after;
        Some(unit)
    })
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// A host, whose case makes no difference.
fn folded(host: &str) -> impl Iterator<Item = Unit> + '_ {
    normal(host).map(|unit| match unit {
        Unit::Plain(byte) => Unit::Plain(byte.to_ascii_lowercase()),
        encoded @ Unit::Encoded(_) => encoded,
    })
}

/// Whether two paths are the same without their dot segments (RFC 3986, section 5.2.4).
fn same_segments(a: &str, b: &str) -> bool {
    let (mut a, mut b) = (segments(a), segments(b));
    loop {
        match (a.next(), b.next()) {
            (None, None) => return true,
            (Some(a), Some(b)) if normal(a).eq(normal(b)) => {}
            _ => return false,
        }
    }
}

/// The segments of a path from its end, without dot segments and what they take back.
fn segments(path: &str) -> impl Iterator<Item = &str> {
    let (mut all, mut taken_back, mut is_last) = (path.rsplit('/'), 0_usize, true);
    core::iter::from_fn(move || {
        loop {
            let segment = all.next()?;
            let ends = core::mem::replace(&mut is_last, false);
            let dots = normal(segment).all(|unit| unit == Unit::Plain(b'.')).then(|| normal(segment).count());
            match dots {
                Some(1) => {}
                Some(2) => taken_back = taken_back.saturating_add(1),
                _ if taken_back > 0 => {
                    taken_back = taken_back.saturating_sub(1);
                    continue;
                }
                _ => return Some(segment),
            }
            if ends {
                return Some(""); // `/a/.` is the folder `/a/`
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn forms_of_one_uri_are_the_same() {
        for (a, b) in [
            ("https://api.acme.example", "https://api.acme.example/"),
            ("https://api.acme.example?x=1", "https://api.acme.example/?x=1"),
            ("https://api.acme.example:443/a", "https://api.acme.example/a"),
            ("https://api.acme.example:/a", "https://api.acme.example/a"),
            ("http://api.acme.example:80/a", "http://api.acme.example/a"),
            ("wss://api.acme.example:443/a", "WSS://api.acme.example/a"),
            ("HTTPS://API.Acme.Example/a", "https://api.acme.example/a"),
            ("https://api.acme.example/a#part", "https://api.acme.example/a"),
            ("https://api.acme.example/a?", "https://api.acme.example/a"),
            ("https://api.acme.example/%7euser/%2f", "https://api.acme.example/~user/%2F"),
            ("https://api.acme.example/a?q=%c3%a9", "https://api.acme.example/a?q=%C3%A9"),
            ("https://api.acme.example/a?q=%41", "https://api.acme.example/a?q=A"),
            ("https://api.acme.example/a/./b/../c", "https://api.acme.example/a/c"),
            ("https://api.acme.example/a/%2e%2E/c", "https://api.acme.example/c"),
            ("https://api.acme.example/../../c", "https://api.acme.example/c"),
            ("https://api.acme.example/a/..", "https://api.acme.example"),
            ("https://api.acme.example/a/b/.", "https://api.acme.example/a/b/"),
            ("https://[2001:DB8::1]:443/", "https://[2001:db8::1]"),
            ("https://Me@api.acme.example/", "https://Me@API.acme.example/"),
            ("/v1/jobs?x=1", "/v1/./jobs?x=1"),
            ("urn:example:a", "URN:example:a"),
        ] {
            assert!(same(a, b) && same(b, a), "{a} {b}");
        }
    }

    #[test]
    fn what_names_something_else_differs() {
        for (a, b) in [
            ("", ""),
            ("#", ""),
            ("?", "?"),
            ("https://api.acme.example/a", "http://api.acme.example/a"),
            ("https://api.acme.example/a", "https://api.acme.example/A"),
            ("https://api.acme.example/a", "https://api.acme.example/a/"),
            ("https://api.acme.example/a", "https://api.acme.example//a"),
            ("https://api.acme.example/a", "https://api.acme.example:8443/a"),
            ("http://api.acme.example:443/a", "http://api.acme.example/a"),
            ("https://api.acme.example/a", "https://api.acme.example.evil.example/a"),
            ("https://api.acme.example/a", "https://evil.example/https://api.acme.example/a"),
            ("https://api.acme.example@evil.example/", "https://api.acme.example/"),
            ("https://Me@api.acme.example/", "https://me@api.acme.example/"),
            ("https://api.acme.example/a?x=1", "https://api.acme.example/a?x=2"),
            ("https://api.acme.example/a?x=A", "https://api.acme.example/a?x=a"),
            ("https://api.acme.example/a%2fb", "https://api.acme.example/a/b"),
            ("https://api.acme.example/a%3Fx", "https://api.acme.example/a?x"),
            ("https://api.acme.example/%", "https://api.acme.example/%25"),
            ("https://api.acme.example/a/b/../c", "https://api.acme.example/a/b/c"),
            ("https://api.acme.example/...", "https://api.acme.example/"),
            ("/v1/jobs", "https://api.acme.example/v1/jobs"),
            ("v1/jobs", "/v1/jobs"),
            ("//api.acme.example/a", "https://api.acme.example/a"),
            ("https:/a", "https:///a"),
        ] {
            assert!(!same(a, b) && !same(b, a), "{a} {b}");
        }
    }
}
