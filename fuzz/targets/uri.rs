//! Whether two URIs are the same: exactly if their normal forms are, which are made here step by step as RFC 3986 says.

#![no_main]

use libfuzzer_sys::{arbitrary::Unstructured, fuzz_target};
use licentia_core::inner::same_uri;
use licentia_fuzz::{Bound, bounded};

/// Comparing needs no heap. Both are read a few times.
const BOUND: Bound = Bound { heap: (0, 0), nanos: (60_000, 2_000) };

/// Stands for a percent sign that encodes nothing.
const BARE: char = '\u{10ffff}';

fuzz_target!(|data: &[u8]| {
    let mut input = Unstructured::new(data);
    let (Ok(a), Ok(b)) = (input.arbitrary::<&str>(), input.arbitrary::<&str>()) else { return };
    if a.contains(BARE) || b.contains(BARE) {
        return;
    }
    let same = bounded(a.len() + b.len(), BOUND, || same_uri(a, b));
    assert_eq!(same_uri(b, a), same, "{a:?} {b:?}");
    let (normal_a, normal_b) = (normal(a), normal(b));
    assert_eq!(same, normal_a.is_some() && normal_a == normal_b, "{a:?} {b:?}");
    assert_eq!(same_uri(a, a), normal_a.is_some(), "{a:?}");
    if let Some(shown) = normal_a.map(|form| form.show()).filter(|shown| !shown.contains(BARE)) {
        assert!(same_uri(a, &shown), "{a:?} {shown:?}");
    }
});

/// The parts of a URI in their normal form.
#[derive(Debug, PartialEq)]
struct Normal {
    scheme: Option<String>,
    authority: Option<(String, String, String)>,
    is_absolute: bool,
    path: Vec<String>,
    query: String,
}

impl Normal {
    /// A URI with this normal form.
    fn show(&self) -> String {
        let mut text = self.scheme.as_ref().map_or_else(String::new, |scheme| format!("{scheme}:"));
        if let Some((user, host, port)) = &self.authority {
            let at = if user.is_empty() { "" } else { "@" };
            // A host that has a colon needs one after it.
            let colon = if port.is_empty() && !host.contains(':') { "" } else { ":" };
            text += &format!("//{user}{at}{host}{colon}{port}");
        }
        let path = self.path.join("/");
        // What would be read as something else gets a segment that means nothing before it.
        text += match (&self.authority, self.is_absolute) {
            (Some(_), _) => "/",
            (None, true) => "/./",
            (None, false) => "./",
        };
        text += &path;
        text + &if self.query.is_empty() { String::new() } else { format!("?{}", self.query) }
    }
}

fn normal(uri: &str) -> Option<Normal> {
    let uri = uri.split('#').next().unwrap_or_default();
    let (rest, query) = uri.split_once('?').unwrap_or((uri, ""));
    let is_scheme = |text: &str| {
        text.starts_with(|first: char| first.is_ascii_alphabetic())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    };
    let (scheme, rest) = match rest.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => (Some(scheme.to_ascii_lowercase()), rest),
        _ => (None, rest),
    };
    let (authority, path) = match rest.strip_prefix("//") {
        Some(after) => {
            let end = after.find('/').unwrap_or(after.len());
            (Some(&after[..end]), &after[end..])
        }
        None => (None, rest),
    };
    let authority = authority.map(|authority| {
        let (user, place) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port),
            _ => (place, ""),
        };
        let default = match scheme.as_deref() {
            Some("http" | "ws") => "80",
            Some("https" | "wss") => "443",
            _ => "",
        };
        let port = if port == default { "" } else { port };
        (decoded(user), lower(&decoded(host)), port.to_owned())
    });
    let path = match &authority {
        Some(_) if path.is_empty() => "/",
        _ => path,
    };
    let names_nothing = scheme.is_none() && authority.is_none() && path.is_empty() && query.is_empty();
    let (is_absolute, relative) = path.strip_prefix('/').map_or((false, path), |path| (true, path));
    let path = without_dots(&decoded(relative));
    (!names_nothing).then(|| Normal { scheme, authority, is_absolute, path, query: decoded(query) })
}

/// With unreserved characters decoded, and the digits of the others in capitals.
fn decoded(text: &str) -> String {
    let (bytes, mut out, mut at) = (text.as_bytes(), Vec::new(), 0);
    while let Some(byte) = bytes.get(at) {
        let digits = bytes
            .get(at + 1..at + 3)
            .filter(|digits| *byte == b'%' && digits.iter().all(u8::is_ascii_hexdigit));
        match digits {
            Some(digits) => {
                let digits = String::from_utf8_lossy(digits).to_ascii_uppercase();
                let value = u8::from_str_radix(&digits, 16).expect("two digits");
                if value.is_ascii_alphanumeric() || b"-._~".contains(&value) {
                    out.push(value);
                } else {
                    out.extend(format!("%{digits}").bytes());
                }
                at += 3;
            }
            None => {
                // A sign that encodes nothing is not to be taken for one that does, with what is decoded after it.
                if *byte == b'%' {
                    out.extend(BARE.to_string().bytes());
                } else {
                    out.push(*byte);
                }
                at += 1;
            }
        }
    }
    String::from_utf8(out).expect("only ASCII was decoded")
}

/// A host's letters in lower case, but for the digits of percent-encodings.
fn lower(host: &str) -> String {
    let mut out = String::new();
    let mut parts = host.split('%');
    out += &parts.next().unwrap_or_default().to_ascii_lowercase();
    for part in parts {
        let is_encoding = part.len() >= 2
            && part.is_char_boundary(2)
            && part[..2].bytes().all(|byte| byte.is_ascii_hexdigit());
        let (digits, rest) = part.split_at(if is_encoding { 2 } else { 0 });
        out += &format!("%{digits}{}", rest.to_ascii_lowercase());
    }
    out
}

/// RFC 3986, section 5.2.4, by segments: `..` takes back the segment before, and neither goes above the root.
fn without_dots(path: &str) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            segment => kept.push(segment.to_owned()),
        }
    }
    // `/a/.` is the folder `/a/`.
    if matches!(path.rsplit('/').next(), Some("." | "..")) {
        kept.push(String::new());
    }
    kept
}
