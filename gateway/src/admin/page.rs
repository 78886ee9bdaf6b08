//! The live page: one file, and the policy that it runs under.

use data_encoding::BASE64;
use sha2::{Digest, Sha256};

/// The page.
pub(super) const HTML: &str = include_str!("page.html");

/// The content security policy: the page's own script and style, by their digests, and nothing else. Trusted types
/// leave it no way to turn text into markup.
pub(super) fn policy() -> String {
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; img-src data:; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
         trusted-types 'none'",
        digest("script"),
        digest("style")
    )
}

/// The digest of an element's text, in base64.
fn digest(element: &str) -> String {
    BASE64.encode(&Sha256::digest(text(element)))
}

fn text(element: &str) -> &'static str {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    let text = HTML.split_once(&open).and_then(|(_, rest)| rest.split_once(&close));
    text.map_or("", |(text, _)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_covers_the_one_script_and_the_one_style() {
        for element in ["script", "style"] {
            assert!(text(element).len() > 1000);
            assert_eq!(HTML.matches(&format!("<{element}")).count(), 1, "{element}");
        }
        let policy = policy();
        assert!(policy.contains(&digest("script")) && policy.contains(&digest("style")));
        assert!(!policy.contains("unsafe"));
    }

    #[test]
    fn the_page_asks_for_nothing_from_elsewhere_and_makes_no_markup_from_text() {
        for foreign in ["http://", "https://", "//cdn", "@import", "url("] {
            let allowed = if foreign == "http://" { 2 } else { 0 };
            // The namespace of SVG, in the icon and in the script, is a name and no address.
            assert_eq!(HTML.matches(foreign).count(), allowed, "{foreign}");
        }
        for sink in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            " onclick=",
            " style=",
            "setHTML",
        ] {
            assert!(!HTML.contains(sink), "{sink}");
        }
    }
}
