//! What a route needs, as the proxy's operator writes it in the proxy's own configuration, where no client reaches it: in
//! Envoy's `context_extensions`, or in the query of the URL that the proxy asks.

use std::{borrow::Cow, collections::BTreeMap};

use percent_encoding::percent_decode_str;

use crate::{
    decide::Reason,
    routes::{Access, Route, Terms, Written, resolve},
};

/// What each name begins with. Others are for other services.
const PREFIX: &str = "licentia.";

/// The route that the operator describes; none if there is no description.
pub(super) fn route<'w>(written: impl Iterator<Item = (&'w str, &'w str)>) -> Result<Option<Route>, Reason> {
    let mut given = written.filter_map(|(name, value)| Some((name.strip_prefix(PREFIX)?, value)));
    let mut terms = Terms::default();
    let mut matches = "* /";
    let mut wrong = Vec::new();
    let mut is_given = false;
    for (name, value) in given.by_ref() {
        is_given = true;
        let list =
            || value.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect();
        let mut costs = || {
            let mut costs = BTreeMap::new();
            for item in value.split(',').map(str::trim).filter(|item| !item.is_empty()) {
                let (name, cost) = item.split_once('=').unwrap_or((item, "1"));
                match cost.trim().parse() {
                    Ok(cost) => drop(costs.insert(name.trim().to_owned(), cost)),
                    Err(_) => wrong.push(format!("`{item}` is no cost: write `calls=10`")),
                }
            }
            costs
        };
        match name {
            "route" => matches = value,
            "access" => match value {
                "open" => terms.access = Some(Access::Open),
                "licence" => terms.access = Some(Access::Licence),
                _ => wrong.push(format!("`licentia.access` is `{value}`: write `open` or `licence`")),
            },
            "features" => terms.features = Some(list()),
            "meters" => terms.meters = Some(costs()),
            "rates" => terms.rates = Some(costs()),
            "audience" => terms.audience = Some(value.to_owned()),
            "token" => terms.token = Some(list()),
            "allow" => terms.allow = Some(list()),
            "job" => terms.job = Some(value.to_owned()),
            _ => wrong.push(format!("there is no `licentia.{name}`")),
        }
    }
    if !is_given {
        return Ok(None);
    }
    let written = Written { matches, line: None, terms: &terms, defaults: &Terms::default() };
    let route = match resolve(&written) {
        Ok(route) if wrong.is_empty() => return Ok(Some(route)),
        Ok(_) => Vec::new(),
        Err(more) => more,
    };
    wrong.extend(route);
    Err(Reason::TermsMalformed(wrong.join("; ")))
}

/// The route that a URL's query describes. It is read as it is written: `%2C` for a comma that is no separator, `%20` for
/// a space.
pub(super) fn in_query(query: Option<&str>) -> Result<Option<Route>, Reason> {
    let decode = |text| percent_decode_str(text).decode_utf8();
    let pairs = query.unwrap_or_default().split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let pairs: Result<Vec<(Cow<'_, str>, Cow<'_, str>)>, _> =
        pairs.map(|(name, value)| Ok((decode(name)?, decode(value)?))).collect();
    let pairs = pairs
        .map_err(|_: std::str::Utf8Error| Reason::TermsMalformed("the URL's query is no text".into()))?;
    route(pairs.iter().map(|(name, value)| (&**name, &**value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Option<Route>, Reason> {
        route(pairs.iter().copied())
    }

    #[test]
    fn the_operator_describes_a_route() {
        assert_eq!(read(&[("virtual_host", "x")]), Ok(None));
        let route = read(&[
            ("licentia.route", "GET /exports/{id}"),
            ("licentia.features", "export, pdf"),
            ("licentia.meters", "calls=10, bytes"),
            ("licentia.token", "x-api-key"),
        ]);
        let route = route.unwrap().unwrap();
        assert_eq!(route.name, "GET /exports/{id}");
        assert_eq!(route.needs.features.join(" "), "export pdf");
        assert_eq!(route.needs.meters[..], [("bytes".into(), 1), ("calls".into(), 10)]);
        assert_eq!(read(&[("licentia.access", "open")]).unwrap().unwrap().access, Access::Open);
        for wrong in [
            ("licentia.access", "any"),
            ("licentia.meters", "calls=x"),
            ("licentia.features", "Export"),
            ("licentia.feature", "export"),
        ] {
            assert!(read(&[wrong]).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_query_describes_a_route() {
        assert_eq!(in_query(None), Ok(None));
        assert_eq!(in_query(Some("x=1")), Ok(None));
        let route =
            in_query(Some("licentia.route=GET%20/a/{id}&licentia.meters=calls%3D10&licentia.features=pdf"));
        let route = route.unwrap().unwrap();
        assert_eq!((&*route.name, &*route.needs.features.join(",")), ("GET /a/{id}", "pdf"));
        assert_eq!(route.needs.meters[..], [("calls".into(), 10)]);
        for wrong in ["licentia.meters=x%3Dy", "licentia.nothing=1", "licentia.route=%ff"] {
            assert!(in_query(Some(wrong)).is_err(), "{wrong}");
        }
    }
}
