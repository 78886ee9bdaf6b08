//! The header fields that the gateway sets, and the ways in which a client might supply one of them.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use licentia::Decision;

use super::text::field_value;

/// Every field that an upstream may rely on. All are set on every request that is allowed, empty ones too.
pub mod names {
    use http::HeaderName;

    macro_rules! names {
        ($($(#[$meta:meta])* $constant:ident = $name:literal;)*) => {
            $($(#[$meta])* pub const $constant: HeaderName = HeaderName::from_static($name);)*
            /// All of them.
            pub static ALL: [HeaderName; [$(stringify!($constant)),*].len()] = [$($constant),*];
        };
    }

    names! {
        /// Name of the decision's code.
        CODE = "x-licentia-code";
        /// When the licence ends, in seconds since 1970.
        EXPIRES = "x-licentia-expires";
        /// Who issued the licence.
        ISSUER = "x-licentia-issuer";
        /// The token's identifier, in hexadecimal digits.
        LICENSE = "x-licentia-license";
        /// The licence through its renewals, in hexadecimal digits.
        LINEAGE = "x-licentia-lineage";
        /// The problem details of a refusal, for nginx, which passes on no body.
        PROBLEM = "x-licentia-problem";
        /// The route.
        ROUTE = "x-licentia-route";
        /// In which state the licence grants the request.
        STATE = "x-licentia-state";
        /// The status that the client should get.
        STATUS = "x-licentia-status";
        /// The customer.
        SUBJECT = "x-licentia-subject";
        /// The tier's name.
        TIER = "x-licentia-tier";
        /// The tier's version.
        TIER_VERSION = "x-licentia-tier-version";
        /// A problem that the licence's policy tolerated.
        WARNING = "x-licentia-warning";
    }
}

/// Fields with which some frameworks replace the method or the path after it was checked.
const OVERRIDES: [&str; 6] = [
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
    "x-original-url",
    "x-rewrite-url",
    "x-original-uri",
];

/// Fields that `Connection` must not name: a hop on the way would remove them.
const KEPT: [&str; 4] = ["authorization", "host", "licentia-proof", "x-api-key"];

/// A name as CGI, WSGI and others read it, where `_` and `.` are `-`.
fn folded(name: &str) -> String {
    let fold = |c: char| if matches!(c, '_' | '.') { '-' } else { c.to_ascii_lowercase() };
    name.chars().map(fold).collect()
}

/// Whether some server would read a field as one of the gateway's.
pub(crate) fn is_ours(name: &str) -> bool {
    let name = folded(name);
    name.starts_with("x-licentia") || matches!(&*name, "licentia-cost")
}

/// Whether a name is one of the gateway's, written as the gateway writes it: then setting it replaces it.
fn is_known(name: &HeaderName) -> bool {
    names::ALL.contains(name)
}

/// Finds a field that a client may not send, and says why.
pub(crate) fn smuggled(headers: &HeaderMap) -> Option<String> {
    for name in headers.keys() {
        let text = name.as_str();
        // No other name folds to one of those below.
        if !text.starts_with(['x', 'l']) {
            continue;
        }
        if is_ours(text) {
            if !is_known(name) {
                return Some(format!("the field {text} is the gateway's: clients must not send it"));
            }
            if headers.get_all(name).iter().nth(1).is_some() {
                return Some(format!("the field {text} is the gateway's, and stands more than once"));
            }
        }
        if OVERRIDES.contains(&&*folded(text)) {
            return Some(format!("the field {text} would change the method or path after the check"));
        }
    }
    for value in headers.get_all(header::CONNECTION) {
        for option in value.as_bytes().split(|byte| *byte == b',') {
            let option = String::from_utf8_lossy(option);
            let option = option.trim();
            let folded = folded(option);
            if is_ours(option) || folded.starts_with("x-forwarded") || KEPT.contains(&&*folded) {
                return Some(format!("`Connection` names the field {option}, which must arrive"));
            }
        }
    }
    None
}

/// Every field of the gateway, empty but for what is given.
pub(crate) fn all(given: &[(HeaderName, HeaderValue)]) -> Vec<(HeaderName, HeaderValue)> {
    let value = |name: &HeaderName| {
        let found = given.iter().find(|(known, _)| known == name);
        found.map_or(HeaderValue::from_static(""), |(_, value)| value.clone())
    };
    names::ALL.iter().map(|name| (name.clone(), value(name))).collect()
}

/// What an upstream is told about a decision.
pub(crate) fn of_decision(decision: &Decision<'_>, route: &str) -> Vec<(HeaderName, HeaderValue)> {
    let code = HeaderValue::from_static(decision.code().name());
    let mut given = vec![(names::CODE, code), (names::ROUTE, field_value(route))];
    given.push((names::STATUS, HeaderValue::from_static("200")));
    given.push((names::STATE, HeaderValue::from_static(decision.state().name())));
    if let Some(warning) = decision.warning() {
        given.push((names::WARNING, HeaderValue::from_static(warning.name())));
    }
    if let Some(license) = decision.license() {
        let tier = license.tier();
        given.push((names::SUBJECT, field_value(license.subject())));
        given.push((names::ISSUER, field_value(license.issuer())));
        given.push((names::TIER, field_value(tier.name)));
        given.push((names::TIER_VERSION, HeaderValue::from(tier.version)));
        given.push((names::EXPIRES, HeaderValue::from(license.expires().as_seconds())));
        given.push((names::LICENSE, field_value(&license.id().to_string())));
        given.push((names::LINEAGE, field_value(&license.lineage().to_string())));
    }
    all(&given)
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

    #[test]
    fn each_field_is_protected_in_each_spelling() {
        for name in &names::ALL {
            let name = name.as_str();
            // Written as we write it, it is replaced.
            assert_eq!(smuggled(&headers(&[(name, "x")])), None, "{name}");
            assert_eq!(smuggled(&headers(&[(&name.to_uppercase(), "x")])), None, "{name}");
            let variants = [
                name.replace('-', "_"),
                name.replace('-', "."),
                name.replacen('-', "_", 1),
                name.replacen('-', ".", 1),
                format!("{name}-2"),
                format!("{name}_"),
            ];
            for variant in &variants {
                assert!(smuggled(&headers(&[(variant, "x")])).is_some(), "{variant}");
            }
            assert!(smuggled(&headers(&[(name, "x"), (name, "y")])).is_some(), "{name} twice");
            for spelling in [name.to_owned(), name.to_uppercase(), variants[0].clone(), variants[1].clone()] {
                for connection in
                    [spelling.clone(), format!("close, {spelling}"), format!("{spelling} ,close")]
                {
                    assert!(smuggled(&headers(&[("connection", &connection)])).is_some(), "{connection}");
                }
            }
        }
        assert!(smuggled(&headers(&[("licentia-cost", "calls=0")])).is_some());
    }

    #[test]
    fn fields_that_replace_what_was_checked_are_refused() {
        for name in OVERRIDES.iter().map(|name| (*name).to_owned()).chain(["X_HTTP_Method_Override".into()]) {
            assert!(smuggled(&headers(&[(&name, "DELETE")])).is_some(), "{name}");
        }
        for connection in ["x-forwarded-for", "Authorization", "close, host", "X-Forwarded-Uri"] {
            assert!(smuggled(&headers(&[("connection", connection)])).is_some(), "{connection}");
        }
    }

    #[test]
    fn ordinary_requests_pass() {
        for fields in [
            &[("connection", "keep-alive, Upgrade"), ("upgrade", "websocket")][..],
            &[("licentia-proof", "AAAA"), ("authorization", "Bearer lic1_A"), ("x-request-id", "7")],
            &[("x-licence", "7"), ("x_custom", "7")],
        ] {
            assert_eq!(smuggled(&headers(fields)), None, "{fields:?}");
        }
    }

    #[test]
    fn every_field_is_set() {
        let set = all(&[(names::TIER, HeaderValue::from_static("pro"))]);
        assert_eq!(set.len(), names::ALL.len());
        assert!(set.iter().all(|(name, value)| (name == names::TIER) == (value == "pro")));
    }
}
