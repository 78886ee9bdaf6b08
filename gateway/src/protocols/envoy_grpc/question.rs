//! What Envoy asks.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::decide::Reason;

use super::generated::envoy::{
    config::core::v3::address,
    service::auth::v3::{AttributeContext, attribute_context::HttpRequest},
};

/// The request's fields. Envoy's own pseudo-fields, such as `:path`, are left out.
pub(super) fn headers(request: &HttpRequest) -> Result<HeaderMap, Reason> {
    let mut headers = HeaderMap::with_capacity(request.headers.len());
    let raw = request.header_map.iter().flat_map(|map| &map.headers);
    let raw = raw.map(|field| {
        (&field.key, if field.raw_value.is_empty() { field.value.as_bytes() } else { &field.raw_value[..] })
    });
    let merged = request.headers.iter().map(|(name, value)| (name, value.as_bytes()));
    for (name, value) in merged.chain(raw) {
        if name.starts_with(':') {
            continue;
        }
        let malformed = || Reason::FieldRefused(format!("the field {name} is not well-formed"));
        let name: HeaderName = name.parse().map_err(|_| malformed())?;
        headers.append(name, HeaderValue::from_bytes(value).map_err(|_| malformed())?);
    }
    Ok(headers)
}

/// The client's address, as Envoy knows it.
pub(super) fn client(attributes: &AttributeContext) -> Option<IpAddr> {
    let address = attributes.source.as_ref()?.address.as_ref()?.address.as_ref()?;
    let address::Address::SocketAddress(address) = address;
    address.address.parse().ok()
}
