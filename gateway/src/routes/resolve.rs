//! Turns what is written about a route into a route.

use licentia::http::{Needs, TokenSource};
use licentia_core::inner::is_valid_name;

use super::{
    path::{Anomalies, Target},
    route::Route,
    terms::{Access, Charge, Statuses, Terms},
};

/// A route as it is written.
pub(crate) struct Written<'w> {
    /// `GET /exports/{id}`.
    pub(crate) matches: &'w str,
    pub(crate) line: Option<usize>,
    pub(crate) terms: &'w Terms,
    /// What it has where it says nothing.
    pub(crate) defaults: &'w Terms,
}

/// Resolves a route, or says all that is wrong with it.
pub(crate) fn resolve(written: &Written<'_>) -> Result<Route, Vec<String>> {
    let Written { matches, line, terms, defaults } = *written;
    let mut wrong = Vec::new();
    let (method, path) = method_and_path(matches, &mut wrong);
    let features = terms.features.clone().or_else(|| defaults.features.clone()).unwrap_or_default();
    let costs = |own: &Option<_>, other: &Option<_>| {
        let costs: std::collections::BTreeMap<String, u64> =
            own.clone().or_else(|| other.clone()).unwrap_or_default();
        costs.into_iter().collect::<Vec<_>>()
    };
    let meters = costs(&terms.meters, &defaults.meters);
    let rates = costs(&terms.rates, &defaults.rates);
    let named = features.iter().map(|name| ("features", name));
    let named = named.chain(meters.iter().map(|(name, _)| ("meters", name)));
    for (field, name) in named.chain(rates.iter().map(|(name, _)| ("rates", name))) {
        if !is_valid_name(name) {
            wrong.push(format!(
                "`{field}` names `{name}`, which no licence can have: use `a-z`, `0-9`, `.`, `_`, `:` and `-`"
            ));
        }
    }
    let access = terms.access.or(defaults.access).unwrap_or_default();
    if terms.access == Some(Access::Open) {
        let asks = [
            ("features", terms.features.is_some()),
            ("meters", terms.meters.is_some()),
            ("rates", terms.rates.is_some()),
            ("charge", terms.charge.is_some()),
            ("uncharged", terms.uncharged.is_some()),
            ("cost", terms.cost.is_some()),
        ];
        for (field, _) in asks.iter().filter(|(_, given)| *given) {
            wrong.push(format!("the route is open, so `{field}` has no effect: remove one of the two"));
        }
    }
    let sources = terms.token.clone().or_else(|| defaults.token.clone());
    let sources = sources.unwrap_or_else(|| vec!["authorization".into()]);
    if sources.is_empty() {
        wrong.push("`token` is an empty list: name at least one place, such as `authorization`".into());
    }
    let mut tokens = Vec::new();
    for source in &sources {
        match source.parse::<TokenSource>() {
            Ok(source) => tokens.push(source),
            Err(message) => wrong.push(format!("`token`: {message}")),
        }
    }
    let mut allow = Anomalies::default();
    for name in terms.allow.iter().chain(&defaults.allow).flatten() {
        if let Some(form) = Anomalies::from_name(name) {
            allow = allow | form;
        } else {
            let known = Anomalies::NAMES.map(|(_, name)| name).join(", ");
            wrong.push(format!("`allow` names `{name}`; there are: {known}"));
        }
    }
    let job = terms.job.as_ref().or(defaults.job.as_ref());
    let job = job.and_then(|name| {
        let field = name.parse().ok();
        if field.is_none() {
            wrong.push(format!("`job` is `{name}`, which is no name of a header field"));
        }
        field
    });
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let name = format!("{} {path}", method.as_deref().unwrap_or("*"));
    let charge = terms.charge.or(defaults.charge).unwrap_or_default();
    let mut uncharged = terms.uncharged.clone().or_else(|| defaults.uncharged.clone()).unwrap_or_default();
    if charge == Charge::Success {
        uncharged.push(Statuses::SERVER_ERRORS);
    }
    let mut needs = Needs::new().action(&*name).tokens(tokens);
    if access == Access::Licence {
        needs = needs.features(features).meters(meters).rates(rates);
    }
    if let Some(audience) = terms.audience.as_ref().or(defaults.audience.as_ref()) {
        needs = needs.audience(&**audience);
    }
    Ok(Route {
        name,
        line,
        method,
        path,
        access,
        needs,
        charge,
        uncharged,
        cost: terms.cost.or(defaults.cost).unwrap_or_default(),
        allow,
        job,
    })
}

/// The method, or none for all, and the pattern of the path.
fn method_and_path(matches: &str, wrong: &mut Vec<String>) -> (Option<String>, String) {
    let (method, path) = match matches.split_once(' ') {
        Some((method, path)) => (method, path.trim()),
        None => ("*", matches),
    };
    let is_method =
        !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-');
    if method != "*" && !is_method {
        wrong.push(format!(
            "`{method}` is no method: write `GET /path`, in upper case, or `* /path` for all methods"
        ));
    }
    if !path.starts_with('/') {
        wrong.push(format!("`{path}` is no path: write `GET /exports/{{id}}`, beginning with `/`"));
    } else if let Some(target) = Target::read(&path.replace(['{', '}', '*'], "")) {
        // Parameters may be whole segments.
        let plain = target.path == path.replace(['{', '}', '*'], "");
        if !plain {
            wrong.push(format!("`{path}` is encoded: write it as it is when decoded"));
        }
    } else if path.contains(['?', '#']) {
        wrong.push(format!("`{path}` has a query: routes match paths only"));
    }
    ((method != "*").then(|| method.to_owned()), path.to_owned())
}
