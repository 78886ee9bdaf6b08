//! The page for people: one application without a framework, embedded, and what only it asks for.
//!
//! Its files and the API have the same origin, and the credential goes out as a header: there is no cookie, so that no
//! other site can make a request with it.

mod customers;
mod overview;
mod timeline;

use axum::{
    Router,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderName, HeaderValue, header};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::server::Server;

const HTML: &str = include_str!("index.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The page's own files and nothing else, no markup from text (trusted types), and no other page around it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
    trusted-types 'none'";

/// What the page asks for beside the API of its subjects.
pub(crate) fn routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new()
        .routes(routes!(overview::overview))
        .routes(routes!(customers::customers))
        .routes(routes!(timeline::lineage))
}

/// The files of the page, at the root.
pub(crate) fn files() -> Router<Server> {
    Router::new()
        .route("/", get(|| async { file(HTML, "text/html; charset=utf-8") }))
        .route("/page.css", get(|| async { file(STYLE, "text/css; charset=utf-8") }))
        .route("/page.js", get(|| async { file(SCRIPT, "text/javascript; charset=utf-8") }))
}

fn file(text: &'static str, kind: &'static str) -> Response {
    let mut response = text.into_response();
    let fields = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-cache"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        fields.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_asks_for_nothing_from_elsewhere_and_makes_no_markup_from_text() {
        let all = [HTML, STYLE, SCRIPT].concat();
        for foreign in ["https://", "//cdn", "@import", "url("] {
            // The placeholder of a field is no address.
            let allowed = usize::from(foreign == "https://");
            assert_eq!(all.matches(foreign).count(), allowed, "{foreign}");
        }
        // The namespace of SVG, in the icon and in the script, is a name and no address.
        assert_eq!(all.matches("http://").count(), 2);
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
            "<script>",
            "<style>",
            "document.cookie",
            "localStorage",
        ] {
            assert!(!all.contains(sink), "{sink}");
        }
    }

    #[test]
    fn the_policy_is_strict() {
        assert!(
            !POLICY.contains("unsafe") && !POLICY.contains('*') && POLICY.contains("frame-ancestors 'none'")
        );
    }
}
