//! Routes from an OpenAPI document: an `x-licentia` object of an operation, of a path, or of the whole document.

use serde_json::{Map, Value};

use super::{
    resolve::{Written, resolve},
    route::Route,
    terms::Terms,
};

/// The extension's name.
const EXTENSION: &str = "x-licentia";
/// The operations that a path may have.
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// Reads a document in YAML or JSON. Returns its routes, and all that is wrong with it.
pub(crate) fn read(text: &str, defaults: &Terms) -> (Vec<Route>, Vec<String>) {
    // Every JSON text is YAML too, but errors of a JSON parser are clearer.
    let document: Result<Value, String> = if text.trim_start().starts_with('{') {
        serde_json::from_str(text).map_err(|error| error.to_string())
    } else {
        serde_saphyr::from_str(text).map_err(|error| error.to_string())
    };
    match document {
        Ok(document) => Reader { defaults, routes: Vec::new(), wrong: Vec::new() }.read(&document),
        Err(error) => (Vec::new(), vec![error]),
    }
}

struct Reader<'d> {
    defaults: &'d Terms,
    routes: Vec<Route>,
    wrong: Vec<String>,
}

impl Reader<'_> {
    fn read(mut self, document: &Value) -> (Vec<Route>, Vec<String>) {
        let is_openapi =
            document.get("openapi").and_then(Value::as_str).is_some_and(|version| version.starts_with('3'));
        if !is_openapi {
            self.wrong
                .push("it has no `openapi: 3.…`, so it is no OpenAPI document that is understood".into());
            return (self.routes, self.wrong);
        }
        let base = self.base(document);
        let whole = self.terms(document, "the document");
        let empty = Map::new();
        let paths = document.get("paths").and_then(Value::as_object).unwrap_or(&empty);
        for (path, item) in paths {
            if item.get("$ref").is_some() {
                self.wrong
                    .push(format!("`{path}` is a reference, which is not followed: write the path here"));
            }
            let of_path = self.terms(item, path);
            for method in METHODS {
                let Some(operation) = item.get(method) else { continue };
                let name = format!("{} {base}{path}", method.to_uppercase());
                let of_operation = self.terms(operation, &name);
                // The nearest one counts as a whole; without any, the operation is not listed.
                let Some(terms) = of_operation.as_ref().or(of_path.as_ref()).or(whole.as_ref()) else {
                    continue;
                };
                let written = Written { matches: &name, line: None, terms, defaults: self.defaults };
                match resolve(&written) {
                    Ok(route) => self.routes.push(route),
                    Err(wrong) => {
                        self.wrong.extend(wrong.into_iter().map(|message| format!("`{name}`: {message}")));
                    }
                }
            }
        }
        (self.routes, self.wrong)
    }

    /// The path that precedes all others: that of the first server.
    fn base(&mut self, document: &Value) -> String {
        let server = document.pointer("/servers/0/url").and_then(Value::as_str).unwrap_or("/");
        let path = match server.split_once("://") {
            Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or(""),
            None => server,
        };
        let path = path.trim_end_matches('/');
        if path.contains('{') {
            self.wrong
                .push(format!("the first server's URL, {server}, has a variable in its path: write it out"));
        }
        path.to_owned()
    }

    fn terms(&mut self, of: &Value, name: &str) -> Option<Terms> {
        let terms = of.get(EXTENSION)?;
        let terms = serde_json::from_value(terms.clone());
        terms.map_err(|error| self.wrong.push(format!("`{EXTENSION}` of {name}: {error}"))).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YAML: &str = r"
openapi: 3.1.0
info: { title: Exports, version: '1' }
servers: [{ url: https://api.acme.example/v1 }]
paths:
  /search:
    get:
      x-licentia: { meters: { calls: 1 } }
    post: { responses: {} }
  /exports/{id}:
    x-licentia: { features: [export], meters: { calls: 10 } }
    get: {}
    delete:
      x-licentia: { access: open }
";

    fn shown(text: &str) -> (Vec<String>, Vec<String>) {
        let (routes, wrong) = read(text, &Terms::default());
        let route = |route: &Route| {
            format!("{} {:?} {:?} {:?}", route.name, route.access, route.needs.features, route.needs.meters)
        };
        (routes.iter().map(route).collect(), wrong)
    }

    #[test]
    fn routes_come_from_yaml_and_from_json_alike() {
        let expected = [
            r#"GET /v1/search Licence [] [("calls", 1)]"#,
            r#"GET /v1/exports/{id} Licence ["export"] [("calls", 10)]"#,
            "DELETE /v1/exports/{id} Open [] []",
        ];
        let mut expected = expected.map(ToOwned::to_owned).to_vec();
        expected.sort();
        let (mut routes, wrong) = shown(YAML);
        routes.sort();
        assert_eq!((&routes, wrong), (&expected, vec![]));
        let json: Value = serde_saphyr::from_str(YAML).unwrap();
        let (mut routes, wrong) = shown(&json.to_string());
        routes.sort();
        assert_eq!((&routes, wrong), (&expected, vec![]));
        // The document's own terms are those of all other operations.
        let whole = format!("{YAML}x-licentia: {{ rates: {{ api: 1 }} }}\n");
        assert_eq!(shown(&whole).0.len(), 4);
    }

    #[test]
    fn everything_that_is_wrong_is_said() {
        for (text, expected) in [
            ("swagger: '2.0'\n", "no `openapi: 3"),
            ("{", "EOF"),
            (
                "openapi: 3.0.0\npaths: { /a: { get: { x-licentia: { feature: [x] } } } }\n",
                "unknown field `feature`",
            ),
            ("openapi: 3.0.0\npaths: { /a: { get: { x-licentia: { features: [X] } } } }\n", "`X`"),
            ("openapi: 3.0.0\npaths: { /a: { $ref: other.yaml } }\n", "reference"),
            ("openapi: 3.0.0\nservers: [{ url: 'https://a/{v}' }]\n", "variable"),
        ] {
            let (_, wrong) = shown(text);
            assert!(wrong.iter().any(|message| message.contains(expected)), "{text}: {wrong:?}");
        }
    }
}
