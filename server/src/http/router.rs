//! All routes, and the OpenAPI document that is made of them.

use axum::{
    Router,
    extract::Request,
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{Http, HttpAuthScheme, SecurityScheme},
};
use utoipa_axum::router::OpenApiRouter;

use super::problem::{Problem, ProblemBody};
use crate::{
    activation, audit, catalogue, licenses, me, page, receipts, server::Server, stripe, trust, usage,
    webhooks,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Licentia server",
        description = "Issues, renews, revokes and publishes licences, and collects receipts. A credential is a licence of the vendor's own, whose features name what it may do.",
        license(name = "MIT OR Apache-2.0")
    ),
    components(schemas(ProblemBody)),
    modifiers(&Credential)
)]
struct Document;

/// The one way to say who calls.
struct Credential;

impl Modify for Credential {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(Http::builder().scheme(HttpAuthScheme::Bearer).build());
        document.components.get_or_insert_default().add_security_scheme("license", scheme);
    }
}

fn routes() -> OpenApiRouter<Server> {
    OpenApiRouter::with_openapi(Document::openapi())
        .merge(licenses::routes())
        .merge(audit::routes())
        .merge(activation::routes())
        .merge(catalogue::routes())
        .merge(me::routes())
        .merge(receipts::routes())
        .merge(trust::routes())
        .merge(usage::routes())
        .merge(stripe::routes())
        .merge(webhooks::routes())
        .merge(page::routes())
}

/// The OpenAPI document, as pretty JSON.
pub fn openapi() -> String {
    let mut document = routes().into_openapi();
    for item in document.paths.paths.values_mut() {
        for operation in
            [&mut item.get, &mut item.post, &mut item.put, &mut item.delete].into_iter().flatten()
        {
            // Functions of two subjects may have one name.
            let subject = operation.tags.iter().flatten().next().cloned().unwrap_or_default();
            operation.operation_id = operation.operation_id.take().map(|name| format!("{subject}_{name}"));
        }
    }
    document.to_pretty_json().map(|text| text + "\n").unwrap_or_default()
}

/// All routes.
pub(crate) fn router(server: Server) -> Router {
    let (router, _) = routes().split_for_parts();
    let document: std::sync::Arc<str> = openapi().into();
    let openapi = move || {
        let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        std::future::ready((json, document.to_string()))
    };
    router
        .merge(page::files())
        .route("/openapi.json", get(openapi))
        .fallback(|| async { Problem::unknown("no such path; /openapi.json lists all") })
        .method_not_allowed_fallback(|| async {
            let detail = "The field `Allow` names the methods of this path.";
            Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_refused",
                "The path has other methods.",
                detail,
            )
        })
        .layer(middleware::from_fn(guarded))
        .with_state(server)
}

/// Catches panics, and adds what every response has.
async fn guarded(request: Request, next: Next) -> Response {
    // A task of its own: it ends what it began if the client goes away, and its panic is not the connection's.
    let done = tokio::spawn(next.run(request)).await;
    let mut response = done.unwrap_or_else(|_| Problem::internal("a handler panicked").into_response());
    let fields = response.headers_mut();
    fields.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    fields.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    fields.entry(header::X_FRAME_OPTIONS).or_insert(HeaderValue::from_static("DENY"));
    fields
        .entry(HeaderName::from_static("content-security-policy"))
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    response
}
