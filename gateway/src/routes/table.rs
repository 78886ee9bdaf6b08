//! Which route a request is on.

use std::collections::HashMap;

use matchit::{InsertError, Router};

use super::{path::relaxed, route::Route};

/// The routes, searchable.
#[derive(Debug, Default)]
pub struct Table {
    routes: Vec<Route>,
    /// By method; the one without a name is for methods that no route names.
    methods: HashMap<String, Paths>,
    other: Paths,
}

/// The routes of a method.
#[derive(Debug, Default)]
struct Paths {
    exact: Router<usize>,
    /// By the pattern's relaxed form: the routes that a lenient upstream might take a path for.
    relaxed: Router<Vec<usize>>,
}

/// Two routes that exclude each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The later one, by its place in the list.
    pub route: usize,
    /// The other pattern, or what is wrong with this one.
    pub reason: String,
}

/// What a look-up found.
#[derive(Debug, PartialEq, Eq)]
pub enum Match<'t> {
    /// A route.
    Route(&'t Route),
    /// None.
    Unlisted,
    /// An upstream that is lenient about case, a slash at the end or parameters would take the path for this route.
    Ambiguous(&'t Route),
}

impl Table {
    /// Makes a table, and lists what conflicts. A route that conflicts with an earlier one is not found by look-ups.
    pub fn new(routes: Vec<Route>) -> (Self, Vec<Conflict>) {
        let mut conflicts = Vec::new();
        let mut names: Vec<&str> = routes.iter().filter_map(|route| route.method.as_deref()).collect();
        if names.contains(&"GET") {
            names.push("HEAD");
        }
        names.sort_unstable();
        names.dedup();
        let mut methods = HashMap::new();
        for name in &names {
            methods.insert((*name).to_owned(), Paths::of(&routes, Some(name), &mut conflicts));
        }
        let other = Paths::of(&routes, None, &mut conflicts);
        conflicts.sort_by(|a, b| (a.route, &a.reason).cmp(&(b.route, &b.reason)));
        conflicts.dedup_by_key(|conflict| conflict.route);
        (Self { routes, methods, other }, conflicts)
    }

    /// All routes, in their order.
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// The route of a request. `path` is decoded.
    pub fn find(&self, method: &str, path: &str) -> Match<'_> {
        let paths = self.methods.get(method).unwrap_or(&self.other);
        let exact = paths.exact.at(path).ok().map(|found| *found.value);
        let relaxed = relaxed(path);
        if let Ok(lenient) = paths.relaxed.at(&relaxed)
            && exact.is_none_or(|exact| !lenient.value.contains(&exact))
            && let Some(other) = lenient.value.first().and_then(|other| self.routes.get(*other))
        {
            return Match::Ambiguous(other);
        }
        exact.and_then(|exact| self.routes.get(exact)).map_or(Match::Unlisted, Match::Route)
    }
}

impl Paths {
    /// The routes that a method has. Its own go before those of every method, and those of GET are those of HEAD too.
    fn of(routes: &[Route], method: Option<&str>, conflicts: &mut Vec<Conflict>) -> Self {
        let mut paths = Self::default();
        let mut patterns: HashMap<String, usize> = HashMap::new();
        let mut relaxed_patterns: HashMap<String, Vec<usize>> = HashMap::new();
        let get = (method == Some("HEAD")).then_some("GET");
        let steps: [Option<Option<&str>>; 3] = [method.map(Some), get.map(Some), Some(None)];
        for wanted in steps.into_iter().flatten() {
            let own = routes.iter().enumerate().filter(|(_, route)| route.method.as_deref() == wanted);
            for (at, route) in own {
                let pattern = numbered(&route.path);
                if let Some(before) = patterns.get(&pattern) {
                    // A route of this method goes before one of every method.
                    let same_method = routes.get(*before).is_some_and(|before| before.method == route.method);
                    if same_method {
                        let before = routes.get(*before).map_or("", |before| &before.path);
                        conflicts
                            .push(Conflict { route: at, reason: format!("`{before}` is listed before") });
                    }
                    continue;
                }
                match paths.exact.insert(pattern.clone(), at) {
                    Ok(()) => {
                        patterns.insert(pattern.clone(), at);
                        relaxed_patterns.entry(relaxed(&pattern)).or_default().push(at);
                    }
                    // What conflicts only with routes of a higher step is a conflict too: no order would be obvious.
                    Err(InsertError::Conflict { with }) => {
                        let reason = format!("it cannot stand beside `{with}`");
                        conflicts.push(Conflict { route: at, reason });
                    }
                    Err(error) => conflicts.push(Conflict { route: at, reason: error.to_string() }),
                }
            }
        }
        for (pattern, routes) in relaxed_patterns {
            // One that cannot stand beside another is only missed by the comparison with lenient upstreams.
            let _ = paths.relaxed.insert(pattern, routes);
        }
        paths
    }
}

/// A pattern with its parameters numbered, so that their names make no difference.
fn numbered(pattern: &str) -> String {
    let (mut numbered, mut count, mut chars) = (String::new(), 0_u32, pattern.chars().peekable());
    while let Some(c) = chars.next() {
        numbered.push(c);
        if c != '{' {
            continue;
        }
        if chars.next_if_eq(&'{').is_some() {
            numbered.push('{');
            continue;
        }
        if chars.next_if_eq(&'*').is_some() {
            numbered.push('*');
        }
        numbered += &format!("p{count}");
        count += 1;
        while chars.next_if(|c| *c != '}').is_some() {}
    }
    numbered
}

#[cfg(test)]
mod tests {
    use crate::routes::{Terms, Written, resolve};

    use super::*;

    fn table(matches: &[&str]) -> (Table, Vec<Conflict>) {
        let terms = Terms::default();
        let route = |matches: &&str| {
            resolve(&Written { matches, line: None, terms: &terms, defaults: &terms }).unwrap()
        };
        Table::new(matches.iter().map(route).collect())
    }

    #[test]
    fn the_most_specific_route_of_the_method_is_found() {
        let (table, conflicts) = table(&[
            "GET /exports/{id}",
            "POST /exports/{name}",
            "* /exports/all",
            "* /files/{*rest}",
            "/status",
            "DELETE /files/a",
        ]);
        assert_eq!(conflicts, []);
        let find = |method: &str, path: &str| match table.find(method, path) {
            Match::Route(route) => route.name.clone(),
            Match::Unlisted => "unlisted".into(),
            Match::Ambiguous(route) => format!("ambiguous: {}", route.name),
        };
        for (method, path, route) in [
            ("GET", "/exports/7", "GET /exports/{id}"),
            ("HEAD", "/exports/7", "GET /exports/{id}"),
            ("POST", "/exports/7", "POST /exports/{name}"),
            ("PUT", "/exports/7", "unlisted"),
            ("get", "/exports/7", "unlisted"),
            ("PUT", "/exports/all", "* /exports/all"),
            ("GET", "/exports/all", "* /exports/all"),
            ("GET", "/exports", "unlisted"),
            ("GET", "/exports/7/8", "unlisted"),
            ("GET", "/files/a/b", "* /files/{*rest}"),
            ("DELETE", "/files/a", "DELETE /files/a"),
            ("GET", "/status", "* /status"),
            // An upstream that is lenient would take these for routes.
            ("GET", "/Exports/7", "ambiguous: GET /exports/{id}"),
            ("GET", "/exports/ALL", "ambiguous: * /exports/all"),
            ("GET", "/exports/7/", "ambiguous: GET /exports/{id}"),
            ("GET", "/exports/all/", "ambiguous: * /exports/all"),
            ("GET", "/exports/all;x", "ambiguous: * /exports/all"),
            ("DELETE", "/files/A", "ambiguous: DELETE /files/a"),
            ("GET", "/STATUS/", "ambiguous: * /status"),
            // One route, whatever the case of its parameters.
            ("GET", "/files/A/", "* /files/{*rest}"),
        ] {
            assert_eq!(find(method, path), route, "{method} {path}");
        }
    }

    #[test]
    fn routes_that_exclude_each_other_are_named() {
        for (routes, later) in [
            (&["GET /a/{x}", "GET /a/{y}"][..], 1),
            (&["GET /a", "GET /a"], 1),
            (&["GET /a/{x}", "GET /a/{*rest}"], 1),
            (&["* /a/{x}", "* /a/{y}"], 1),
        ] {
            let (_, conflicts) = table(routes);
            assert_eq!(
                conflicts.iter().map(|conflict| conflict.route).collect::<Vec<_>>(),
                [later],
                "{routes:?}"
            );
        }
        assert_eq!(table(&["GET /a", "* /a", "POST /a"]).1, []);
    }
}
