//! What Envoy is answered.

use http::{HeaderName, HeaderValue};

use crate::decide::{Verdict, fields::names};

use super::generated::{
    envoy::{
        config::core::v3::{
            HeaderValue as Value, HeaderValueOption, header_value_option::HeaderAppendAction,
        },
        service::auth::v3::{
            CheckResponse, DeniedHttpResponse, OkHttpResponse, check_response::HttpResponse,
        },
        r#type::v3::HttpStatus,
    },
    google::rpc::Status,
};

/// Codes of `google.rpc.Code`.
const OK: i32 = 0;
const PERMISSION_DENIED: i32 = 7;

pub(super) fn answer(verdict: Verdict) -> CheckResponse {
    match verdict {
        Verdict::Allowed(allowed) => CheckResponse {
            status: Some(Status { code: OK, message: String::new() }),
            http_response: Some(HttpResponse::OkResponse(OkHttpResponse {
                headers: fields(&allowed.set),
                headers_to_remove: allowed.remove.iter().map(ToString::to_string).collect(),
                response_headers_to_add: fields(&allowed.answer),
            })),
        },
        Verdict::Refused(refused) => {
            let mut headers = fields(&refused.headers);
            headers.extend(fields(&[(names::CODE, HeaderValue::from_static(refused.name))]));
            CheckResponse {
                status: Some(Status { code: PERMISSION_DENIED, message: refused.name.into() }),
                http_response: Some(HttpResponse::DeniedResponse(DeniedHttpResponse {
                    status: Some(HttpStatus { code: i32::from(refused.status) }),
                    headers,
                    body: refused.body,
                })),
            }
        }
    }
}

/// Fields that replace any of their name, empty ones too.
fn fields(fields: &[(HeaderName, HeaderValue)]) -> Vec<HeaderValueOption> {
    let option = |(name, value): &(HeaderName, HeaderValue)| HeaderValueOption {
        header: Some(Value {
            key: name.to_string(),
            value: value.to_str().unwrap_or_default().to_owned(),
            raw_value: Vec::new(),
        }),
        append_action: HeaderAppendAction::OverwriteIfExistsOrAdd.into(),
        keep_empty_value: true,
    };
    fields.iter().map(option).collect()
}
