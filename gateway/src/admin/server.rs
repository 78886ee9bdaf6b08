//! Serves the page, its API, and health and metrics.

use std::{convert::Infallible, sync::Arc};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{Either, Full};
use hyper::{body::Incoming, service::service_fn};
use serde_json::json;

use crate::listen::{Listener, Serving, serve};

use super::{
    access,
    body::Chunks,
    feed, health, page,
    state::{Admin, PAGES},
};

type Answer = Response<Either<Full<Bytes>, Chunks>>;

/// Serves the page on a listener.
pub fn serve_page(admin: &Arc<Admin>, listener: Listener) -> Serving {
    let admin = Arc::clone(admin);
    let policy =
        HeaderValue::try_from(page::policy()).unwrap_or(HeaderValue::from_static("default-src 'none'"));
    serve(listener, admin.stop.clone(), move |_| {
        let (admin, policy) = (Arc::clone(&admin), policy.clone());
        service_fn(move |request| {
            let (admin, policy) = (Arc::clone(&admin), policy.clone());
            async move {
                let mut answer = route(&admin, &request).await;
                protect(&mut answer, policy);
                Ok::<_, Infallible>(answer)
            }
        })
    })
}

/// Serves health and metrics on a listener.
pub fn serve_health(admin: &Arc<Admin>, listener: Listener) -> Serving {
    let admin = Arc::clone(admin);
    serve(listener, admin.stop.clone(), move |_| {
        let admin = Arc::clone(&admin);
        service_fn(move |request: Request<Incoming>| {
            let answer = health(&admin, request.method(), request.uri().path());
            async move { Ok::<_, Infallible>(answer) }
        })
    })
}

/// The fields that every answer of the page's address has.
fn protect(answer: &mut Answer, policy: HeaderValue) {
    let headers = answer.headers_mut();
    for (name, value) in [
        ("cache-control", "no-store"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
}

fn health(admin: &Admin, method: &Method, path: &str) -> Answer {
    if method != Method::GET && method != Method::HEAD {
        return text(StatusCode::METHOD_NOT_ALLOWED, "use GET\n");
    }
    match path {
        "/healthz" => text(StatusCode::OK, "ok\n"),
        "/readyz" if *admin.stop.borrow() => text(StatusCode::SERVICE_UNAVAILABLE, "stopping\n"),
        "/readyz" if admin.trusted.missing_bundles() > 0 => {
            text(StatusCode::SERVICE_UNAVAILABLE, "no revocation bundle was loaded yet\n")
        }
        "/readyz" => text(StatusCode::OK, "ready\n"),
        "/metrics" => {
            let mut answer = text(StatusCode::OK, health::metrics(admin));
            answer.headers_mut().insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"),
            );
            answer
        }
        _ => text(StatusCode::NOT_FOUND, "there are /healthz, /readyz and /metrics\n"),
    }
}

async fn route(admin: &Arc<Admin>, request: &Request<Incoming>) -> Answer {
    if !access::is_own_host(request.headers(), &admin.hosts) {
        return error(
            StatusCode::MISDIRECTED_REQUEST,
            "this host name is not the admin address's: use its address or localhost, or add the name to `hosts` in `[admin]`",
        );
    }
    let (method, path) = (request.method(), request.uri().path());
    if path == "/" && (method == Method::GET || method == Method::HEAD) {
        let mut answer = text(StatusCode::OK, page::HTML);
        answer
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        return answer;
    }
    if !path.starts_with("/api/") {
        return error(StatusCode::NOT_FOUND, "there is nothing here; the page is at /");
    }
    if !admin.token.is_in(request.headers()) {
        let mut answer = error(StatusCode::UNAUTHORIZED, "the admin token is missing or wrong");
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        return answer;
    }
    match path {
        "/api/events" if method == Method::GET => events(admin),
        _ => match path.strip_prefix("/api/dev/").and_then(|rest| rest.split_once('/')) {
            Some((customer, action)) if method == Method::POST => act(admin, customer, action).await,
            _ => error(StatusCode::NOT_FOUND, "there are GET /api/events and POST /api/dev/CUSTOMER/ACTION"),
        },
    }
}

fn events(admin: &Arc<Admin>) -> Answer {
    let Ok(permit) = Arc::clone(&admin.open).try_acquire_owned() else {
        return error(StatusCode::SERVICE_UNAVAILABLE, &format!("{PAGES} pages are open already: close one"));
    };
    let mut answer = Response::new(Either::Right(feed::open(Arc::clone(admin), permit)));
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    // nginx would collect the stream before it passes it on.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    answer
}

async fn act(admin: &Admin, customer: &str, action: &str) -> Answer {
    let Some(actions) = admin.actions.clone() else {
        return error(StatusCode::NOT_FOUND, "only `licentia dev` has buttons");
    };
    let (customer, action) = (customer.to_owned(), action.to_owned());
    let done = tokio::task::spawn_blocking(move || actions.act(&customer, &action)).await;
    match done {
        Ok(Ok(())) => json_answer(StatusCode::OK, &json!({})),
        Ok(Err(why)) => error(StatusCode::BAD_REQUEST, &why),
        Err(_) => error(StatusCode::INTERNAL_SERVER_ERROR, "the action broke off"),
    }
}

fn text(status: StatusCode, text: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Either::Left(Full::new(text.into())));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    answer
}

fn json_answer(status: StatusCode, value: &serde_json::Value) -> Answer {
    let mut answer = text(status, value.to_string());
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

fn error(status: StatusCode, why: &str) -> Answer {
    json_answer(status, &json!({ "error": why }))
}
