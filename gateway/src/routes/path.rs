//! Reads a request's path: it is decoded once, and what is matched is what is forwarded.
//!
//! Gateway and upstream must see the same path, or a request is checked as one and served as another. So every form
//! that some server reads in another way than others is refused, unless the route allows it.

use std::{borrow::Cow, fmt, ops::BitOr};

/// Forms of a path that servers read in different ways: a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Anomalies(u8);

impl Anomalies {
    /// `%2f`.
    pub const ENCODED_SLASH: Self = Self(1);
    /// `\` or `%5c`.
    pub const BACKSLASH: Self = Self(2);
    /// `//`.
    pub const EMPTY_SEGMENT: Self = Self(4);
    /// `.` or `..` as a segment, encoded or not.
    pub const DOT_SEGMENT: Self = Self(8);
    /// `;` or `%3b`.
    pub const SEMICOLON: Self = Self(16);
    /// `%00`, and other control characters.
    pub const CONTROL: Self = Self(32);
    /// `%25` before two hexadecimal digits: who decodes twice sees another character.
    pub const DOUBLE_ENCODING: Self = Self(64);

    /// Every form, with the name that `allow` uses.
    pub const NAMES: [(Self, &'static str); 7] = [
        (Self::ENCODED_SLASH, "encoded-slash"),
        (Self::BACKSLASH, "backslash"),
        (Self::EMPTY_SEGMENT, "empty-segment"),
        (Self::DOT_SEGMENT, "dot-segment"),
        (Self::SEMICOLON, "semicolon"),
        (Self::CONTROL, "control"),
        (Self::DOUBLE_ENCODING, "double-encoding"),
    ];

    /// The form of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, known)| *known == name).map(|(form, _)| *form)
    }

    /// Those that are not in `allowed`.
    #[must_use]
    pub fn without(self, allowed: Self) -> Self {
        Self(self.0 & !allowed.0)
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl BitOr for Anomalies {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for Anomalies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Self::NAMES.iter().filter(|(form, _)| self.0 & form.0 != 0).map(|(_, name)| *name);
        f.write_str(&names.collect::<Vec<_>>().join(", "))
    }
}

/// A request target whose path was read.
#[derive(Debug)]
pub struct Target<'r> {
    /// The path that is matched: decoded once, but for what would change its segments.
    pub path: Cow<'r, str>,
    /// The path that is forwarded: the same one, encoded where it must be.
    pub forwarded: Cow<'r, str>,
    /// The query, without its `?`.
    pub query: Option<&'r str>,
    /// What the path has that servers read in different ways.
    pub anomalies: Anomalies,
}

impl<'r> Target<'r> {
    /// Reads a target in origin form: a path, and a query if there is one. None if it is not well-formed: it does not
    /// begin with `/`, has a `%` without two hexadecimal digits, a `#`, a space, or bytes that are not UTF-8.
    pub fn read(target: &'r str) -> Option<Self> {
        let (path, query) =
            target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        if !path.starts_with('/') {
            return None;
        }
        let query_is_plain =
            |query: &str| query.bytes().all(|byte| (0x21..0x7f).contains(&byte) && byte != b'#');
        if !query.is_none_or(query_is_plain) {
            return None;
        }
        if path.bytes().all(is_plain) {
            let anomalies = segments(path);
            return Some(Self { path: path.into(), forwarded: path.into(), query, anomalies });
        }
        let mut anomalies = Anomalies::default();
        let (mut decoded, mut forwarded) =
            (Vec::with_capacity(path.len()), String::with_capacity(path.len()));
        let mut bytes = Vec::with_capacity(path.len());
        let mut rest = path.as_bytes();
        while let [first, after @ ..] = rest {
            rest = after;
            let (byte, encoded) = match first {
                b'%' => {
                    let [high, low, after @ ..] = rest else { return None };
                    rest = after;
                    (digit(*high)? << 4 | digit(*low)?, true)
                }
                b'#' | b' ' => return None,
                byte => (*byte, false),
            };
            let form = match byte {
                b'/' if encoded => Anomalies::ENCODED_SLASH,
                b'\\' => Anomalies::BACKSLASH,
                b';' => Anomalies::SEMICOLON,
                0..0x20 | 0x7f => Anomalies::CONTROL,
                _ => Anomalies::default(),
            };
            anomalies = anomalies | form;
            bytes.push(byte);
            // These stay encoded: decoded they would be another path.
            let stays = encoded && matches!(byte, b'/' | b'\\' | b';' | 0..0x20 | 0x7f);
            if stays {
                decoded.extend(format!("%{byte:02X}").bytes());
            } else {
                decoded.push(byte);
            }
            if (is_plain(byte) && !stays) || (matches!(byte, b';' | b'\\') && !encoded) {
                forwarded.push(char::from(byte));
            } else {
                forwarded += &format!("%{byte:02X}");
            }
        }
        let is_escape = |bytes: &[u8]| matches!(bytes, [b'%', high, low] if digit(*high).is_some() && digit(*low).is_some());
        if bytes.windows(3).any(is_escape) {
            anomalies = anomalies | Anomalies::DOUBLE_ENCODING;
        }
        let path = String::from_utf8(decoded).ok()?;
        let anomalies = anomalies | segments(&path);
        Some(Self { path: path.into(), forwarded: forwarded.into(), query, anomalies })
    }

    /// The target to forward.
    pub fn to_forward(&self) -> Cow<'_, str> {
        match self.query {
            Some(query) => format!("{}?{query}", self.forwarded).into(),
            None => Cow::Borrowed(&self.forwarded),
        }
    }
}

/// Whether a byte means the same to everybody where it stands (RFC 3986, section 3.3, without `;`).
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,=:@".contains(&byte)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// What is unusual about a path's segments.
fn segments(path: &str) -> Anomalies {
    let mut anomalies = Anomalies::default();
    if path.contains("//") {
        anomalies = anomalies | Anomalies::EMPTY_SEGMENT;
    }
    // Some servers take a segment's parameters and trailing spaces away before they resolve dots.
    let bare = |segment: &str| segment.split(';').next().unwrap_or_default().trim_end().to_owned();
    let mut parts =
        path.split(['/', '\\']).flat_map(|part| part.split("%2F")).flat_map(|part| part.split("%5C"));
    if path.contains('.') && parts.any(|segment| matches!(&*bare(segment), "." | "..")) {
        anomalies = anomalies | Anomalies::DOT_SEGMENT;
    }
    anomalies
}

/// The path as the most lenient server would compare it: without regard to case, to a slash at its end, and to
/// parameters after `;`.
pub fn relaxed(path: &str) -> String {
    let segments = path.split('/').map(|segment| segment.split(';').next().unwrap_or_default());
    let path = segments.collect::<Vec<_>>().join("/").to_lowercase();
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() { "/".into() } else { trimmed.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_matched_is_what_is_forwarded() {
        for (target, path, forwarded) in [
            ("/", "/", "/"),
            ("/exports/7?x=%2F..", "/exports/7", "/exports/7"),
            ("/%65xports/%37", "/exports/7", "/exports/7"),
            ("/a%20b", "/a b", "/a%20b"),
            ("/caf%C3%A9", "/café", "/caf%C3%A9"),
            ("/caf%c3%a9", "/café", "/caf%C3%A9"),
            ("/a%3Fb", "/a?b", "/a%3Fb"),
            ("/100%25", "/100%", "/100%25"),
            ("/a:b@c,d+e=f", "/a:b@c,d+e=f", "/a:b@c,d+e=f"),
        ] {
            let read = Target::read(target).unwrap();
            assert_eq!((&*read.path, &*read.forwarded), (path, forwarded), "{target}");
            assert!(read.anomalies.is_empty(), "{target}: {}", read.anomalies);
            // Reading what is forwarded changes nothing.
            let again = Target::read(forwarded).unwrap();
            assert_eq!((&*again.path, &*again.forwarded), (path, forwarded), "{target}");
        }
        assert_eq!(Target::read("/%61?b=c").unwrap().to_forward(), "/a?b=c");
    }

    #[test]
    fn what_servers_read_in_different_ways_is_named() {
        for (target, anomalies) in [
            ("/a%2fb", "encoded-slash"),
            ("/a%2Fb", "encoded-slash"),
            ("/a%5cb", "backslash"),
            ("/a\\b", "backslash"),
            ("/a//b", "empty-segment"),
            ("//a", "empty-segment"),
            ("/a/../b", "dot-segment"),
            ("/a/./b", "dot-segment"),
            ("/a/..", "dot-segment"),
            ("/a/%2e%2e/b", "dot-segment"),
            ("/a/.%2E/b", "dot-segment"),
            ("/a/..;x=1/b", "dot-segment, semicolon"),
            ("/a/..%2fb", "encoded-slash, dot-segment"),
            ("/a/..%5cb", "backslash, dot-segment"),
            ("/a/..\\b", "backslash, dot-segment"),
            ("/a/..%20/b", "dot-segment"),
            ("/a;x=1/b", "semicolon"),
            ("/a%3bx=1/b", "semicolon"),
            ("/a%00", "control"),
            ("/a%0d%0a", "control"),
            ("/a%7f", "control"),
            ("/a%252fb", "double-encoding"),
            ("/a/%252e%252e/b", "double-encoding"),
            ("/a%25%32%66b", "double-encoding"),
        ] {
            let read = Target::read(target);
            assert_eq!(read.unwrap().anomalies.to_string(), anomalies, "{target}");
        }
    }

    #[test]
    fn what_is_not_well_formed_is_refused() {
        for target in [
            "",
            "a",
            "*",
            "http://h/a",
            "/%",
            "/%2",
            "/%zz",
            "/%c0%ae",
            "/%ff",
            "/a#b",
            "/a b",
            "/a%0d%0aX: y",
            "/a?b#c",
            "/a?b c",
        ] {
            assert!(Target::read(target).is_none(), "{target}");
        }
    }

    #[test]
    fn the_relaxed_form_has_no_case_no_end_and_no_parameters() {
        for (path, expected) in [("/", "/"), ("/A/b/", "/a/b"), ("/a;x/b;y", "/a/b"), ("//", "/")] {
            assert_eq!(relaxed(path), expected);
        }
    }
}
