//! Reads and checks `gateway.toml`.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use http::Uri;
use licentia::{Key, follow::Place};
use serde::de::DeserializeOwned;
use toml::{
    Spanned,
    de::{DeTable, DeValue, ValueDeserializer},
};

use crate::{
    fault::{Fault, Faults},
    listen::Tls,
    routes::{Access, Charge, Cost, Route, Table, Terms, Written, openapi, resolve},
};

use super::{
    config::{Admin, Config, Listen, Proxy, Receipts, Rules, Trust},
    duration::Period,
    file,
    network::TrustedProxies,
};

/// The longest file that is read.
const LONGEST: u64 = 16 << 20;
/// The sections, besides `route`.
const SECTIONS: [&str; 7] = ["admin", "defaults", "listen", "proxy", "receipts", "tls", "trust"];

impl Config {
    /// Reads a file, and what it names. Relative paths are relative to the file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load(path: &Path) -> Result<Self, Faults> {
        load(path)
    }

    /// Reads the text of a file. `folder` is what relative paths are relative to.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(text: &str, file: &str, folder: &Path) -> Result<Self, Faults> {
        parse(text, file, folder)
    }
}

fn load(path: &Path) -> Result<Config, Faults> {
    let shown = path.display().to_string();
    let unreadable =
        |message: String| Faults { file: shown.clone(), faults: vec![Fault { line: None, message }] };
    let text = read_text(path).map_err(unreadable)?;
    parse(&text, &shown, path.parent().unwrap_or(Path::new("")))
}

/// A file's text.
fn read_text(path: &Path) -> Result<String, String> {
    let length = fs::metadata(path).map_err(|error| format!("cannot be read: {error}"))?.len();
    if length > LONGEST {
        return Err(format!("the file has {length} bytes; {LONGEST} are the most"));
    }
    fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"))
}

fn parse(text: &str, file: &str, folder: &Path) -> Result<Config, Faults> {
    let mut reader = Reader { text, folder, faults: Vec::new() };
    let config = reader.config();
    let mut faults = reader.faults;
    match config {
        Some(config) if faults.is_empty() => Ok(config),
        _ => {
            faults.sort_by_key(|fault| fault.line);
            Err(Faults { file: file.to_owned(), faults })
        }
    }
}

struct Reader<'t> {
    text: &'t str,
    folder: &'t Path,
    faults: Vec<Fault>,
}

impl<'t> Reader<'t> {
    fn line(&self, offset: usize) -> Option<usize> {
        Some(self.text.get(..offset)?.matches('\n').count() + 1)
    }

    fn fault(&mut self, offset: usize, message: impl Into<String>) {
        let line = self.line(offset);
        self.faults.push(Fault { line, message: message.into() });
    }

    fn general_fault(&mut self, message: impl Into<String>) {
        self.faults.push(Fault { line: None, message: message.into() });
    }

    fn decoded<T>(&mut self, result: Result<T, toml::de::Error>, at: usize, what: &str) -> Option<T> {
        result
            .map_err(|error| {
                let offset = error.span().map_or(at, |span| span.start);
                let field = error.message().trim().replace('\n', "; ");
                let within = if what.is_empty() { String::new() } else { format!("`{what}`: ") };
                self.fault(offset, format!("{within}{field}"));
            })
            .ok()
    }

    fn section<T: DeserializeOwned>(&mut self, value: Spanned<DeValue<'t>>, name: &str) -> Option<T> {
        let at = value.span().start;
        let result = T::deserialize(ValueDeserializer::from(value));
        self.decoded(result, at, name)
    }

    fn config(&mut self) -> Option<Config> {
        let (document, errors) = DeTable::parse_recoverable(self.text);
        if !errors.is_empty() {
            for error in errors {
                self.decoded(Err::<(), _>(error), 0, "");
            }
            return None;
        }
        let span = document.span();
        let mut table = document.into_inner();
        let mut sections = SECTIONS.map(|name| table.remove(name)).into_iter();
        let mut next = || sections.next().flatten();
        let (admin, defaults, listen) = (next(), next(), next());
        let (proxy, receipts, tls, trust) = (next(), next(), next(), next());
        let routes = table.remove("route");

        let general: Option<file::General> = self.section(Spanned::new(span, DeValue::Table(table)), "");
        let admin: Option<file::Admin> = admin.and_then(|value| self.section(value, "admin"));
        // What cannot be read is a fault, and then no configuration results.
        let defaults = defaults.and_then(|value| self.section(value, "defaults"));
        let listen = listen.and_then(|value| self.section(value, "listen"));
        let proxy: Option<file::Proxy> = proxy.and_then(|value| self.section(value, "proxy"));
        let receipts: Option<file::Receipts> = receipts.and_then(|value| self.section(value, "receipts"));
        let tls: Option<file::Tls> = tls.and_then(|value| self.section(value, "tls"));
        let trust = trust.and_then(|value| self.section(value, "trust"));

        let defaults = defaults.unwrap_or_default();
        let mut routes = self.routes(routes, &defaults);
        let (general, listen): (_, file::Listen) = (general?, listen.unwrap_or_default());
        let openapi = general.openapi.map(|path| self.openapi(&path, &defaults, &mut routes));
        let listen = Listen {
            proxy: listen.proxy,
            check: listen.check,
            grpc: listen.grpc,
            admin: listen.admin,
            health: listen.health,
        };
        self.listeners(&listen);
        let table = self.table(routes, &listen);
        let proxy = self.proxy(proxy, &listen);
        let tls = tls.and_then(|tls| self.tls(&tls, &listen));
        let trust = self.trust(trust.unwrap_or_default());
        let receipts = receipts.map(|receipts| self.receipts(receipts));
        let origin = general.origin.and_then(|origin| self.origin(&origin));
        let node = general.node.and_then(|node| self.node(&node));
        let store = general.store.map_or_else(|| "memory:".to_owned(), |store| self.store(store));
        let unlisted = general.unlisted.unwrap_or_default();
        let trusted_proxies =
            general.trusted_proxies.map_or_else(TrustedProxies::default, TrustedProxies::new);
        Some(Config {
            listen,
            issuer: general.issuer,
            audience: general.audience,
            origin,
            store,
            share_rates: general.share_rates,
            mode: general.mode.unwrap_or_default(),
            node,
            release: general.release,
            admin: self.admin(admin.unwrap_or_default()),
            trust,
            proxy,
            tls,
            receipts,
            openapi,
            rules: Rules { table, unlisted, trusted_proxies },
        })
    }

    fn admin(&self, admin: file::Admin) -> Admin {
        Admin { token_file: admin.token_file.map(|path| self.path(&path)), hosts: admin.hosts }
    }

    fn routes(&mut self, value: Option<Spanned<DeValue<'t>>>, defaults: &Terms) -> Vec<Route> {
        let Some(value) = value else { return Vec::new() };
        let at = value.span().start;
        let DeValue::Array(array) = value.into_inner() else {
            self.fault(at, "`route` is no list: write `[[route]]` for each route");
            return Vec::new();
        };
        let mut routes = Vec::new();
        for value in array {
            let span = value.span();
            let DeValue::Table(mut table) = value.into_inner() else {
                self.fault(span.start, "a route is a table: write `[[route]]`");
                continue;
            };
            let matches = table.remove("match").map(|value| (value.span().start, value.into_inner()));
            let terms: Option<Terms> =
                self.section(Spanned::new(span.clone(), DeValue::Table(table)), "route");
            let (at, matches) = match matches {
                Some((at, DeValue::String(matches))) => (at, matches),
                Some((at, _)) => {
                    self.fault(at, "`match` is no text: write `match = \"GET /exports/{id}\"`");
                    continue;
                }
                None => {
                    self.fault(span.start, "the route lacks `match`: write `match = \"GET /exports/{id}\"`");
                    continue;
                }
            };
            let Some(terms) = terms else { continue };
            let written = Written { matches: &matches, line: self.line(at), terms: &terms, defaults };
            match resolve(&written) {
                Ok(route) => routes.push(route),
                Err(wrong) => wrong.into_iter().for_each(|message| self.fault(at, message)),
            }
        }
        routes
    }

    /// Adds the routes of an OpenAPI document, and returns its path.
    fn openapi(&mut self, path: &Spanned<PathBuf>, defaults: &Terms, routes: &mut Vec<Route>) -> PathBuf {
        let (given, at) = (path.as_ref().display(), path.span().start);
        let path = self.path(path.as_ref());
        match read_text(&path) {
            Ok(text) => {
                let (found, wrong) = openapi::read(&text, defaults);
                routes.extend(found);
                for message in wrong {
                    self.fault(at, format!("`openapi` {given}: {message}"));
                }
            }
            Err(message) => self.fault(at, format!("`openapi` names {given}, which {message}")),
        }
        path
    }

    /// Checks the routes together.
    fn table(&mut self, routes: Vec<Route>, listen: &Listen) -> Table {
        let unseen: Vec<&str> = [("check", &listen.check), ("grpc", &listen.grpc)]
            .into_iter()
            .filter_map(|(name, address)| address.as_ref().map(|_| name))
            .collect();
        for route in &routes {
            let wrong = [
                ("charge = \"success\"", route.charge == Charge::Success && route.access == Access::Licence),
                ("uncharged", route.charge != Charge::Success && !route.uncharged.is_empty()),
                ("cost = \"response\"", route.cost == Cost::Response && route.access == Access::Licence),
            ];
            for (setting, _) in wrong.iter().filter(|(_, given)| *given) {
                if let Some(listener) = unseen.first() {
                    self.faults.push(Fault {
                        line: route.line,
                        message: format!(
                            "`{}` has `{setting}`, which needs the response: `listen.{listener}` never sees one; use `listen.proxy` alone",
                            route.name
                        ),
                    });
                }
            }
        }
        let (table, conflicts) = Table::new(routes);
        for conflict in conflicts {
            let Some(route) = table.routes().get(conflict.route) else { continue };
            let message = format!("`{}` conflicts with another route: {}", route.name, conflict.reason);
            self.faults.push(Fault { line: route.line, message });
        }
        table
    }

    fn listeners(&mut self, listen: &Listen) {
        if listen.proxy.is_none() && listen.check.is_none() && listen.grpc.is_none() {
            self.general_fault("nothing listens: give `proxy`, `check` or `grpc` in `[listen]` an address");
        }
        let mut seen = BTreeSet::new();
        for address in [&listen.proxy, &listen.check, &listen.grpc, &listen.admin, &listen.health] {
            let Some(address) = address.as_ref().map(ToString::to_string) else { continue };
            if !address.ends_with(":0") && !seen.insert(address.clone()) {
                self.general_fault(format!("two listeners in `[listen]` have the address {address}"));
            }
        }
    }

    fn proxy(&mut self, proxy: Option<file::Proxy>, listen: &Listen) -> Option<Proxy> {
        let Some(proxy) = proxy else {
            if listen.proxy.is_some() {
                self.general_fault("`listen.proxy` needs `[proxy]` with `upstream = \"http://HOST:PORT\"`");
            }
            return None;
        };
        let at = proxy.upstream.span().start;
        let upstream = self.url(&proxy.upstream, "upstream")?;
        if upstream.path() != "/" || upstream.query().is_some() {
            self.fault(at, "`upstream` has a path: what is forwarded is the path that was matched, so give scheme, host and port only");
            return None;
        }
        let period = |given: Option<Period>| given.map(|period| period.0);
        Some(Proxy {
            upstream,
            host: proxy.host.unwrap_or_default(),
            connect_timeout: period(proxy.connect_timeout).unwrap_or(Duration::from_secs(5)),
            response_timeout: period(proxy.response_timeout),
        })
    }

    fn tls(&mut self, tls: &file::Tls, listen: &Listen) -> Option<Tls> {
        let at = tls.certificate.span().start;
        if listen.proxy.is_none() {
            self.fault(at, "`[tls]` is the certificate of `listen.proxy`, which is not there");
        }
        let loaded = Tls::load(&self.path(tls.certificate.as_ref()), &self.path(&tls.key));
        loaded.map_err(|problem| self.fault(at, problem)).ok()
    }

    fn url(&mut self, text: &Spanned<String>, field: &str) -> Option<Uri> {
        let uri: Option<Uri> = text.as_ref().parse().ok();
        let uri =
            uri.filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some());
        if uri.is_none() {
            self.fault(
                text.span().start,
                format!("`{field}` is no URL: write `https://HOST/…` or `http://HOST:PORT/…`"),
            );
        }
        uri
    }

    fn place(&mut self, text: &str, at: usize, field: &str) -> Option<Place> {
        match text.parse() {
            Ok(Place::File(path)) => Some(Place::File(self.path(&path))),
            Ok(url) => Some(url),
            Err(problem) => {
                self.fault(at, format!("`{field}`: {problem}"));
                None
            }
        }
    }

    fn path(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }

    /// A public key: its text, or a file with it.
    fn key(&mut self, text: &Spanned<String>, field: &str) -> Option<Key> {
        let (given, at) = (text.as_ref(), text.span().start);
        let content = if given.starts_with("licpub1_") {
            given.clone()
        } else {
            match read_text(&self.path(Path::new(given))) {
                Ok(content) => content,
                Err(message) => {
                    self.fault(at, format!("`{field}` names the file {given}, which {message}"));
                    return None;
                }
            }
        };
        if content.contains("PRIVATE KEY-----") {
            self.fault(at, format!("`{field}` is a private key: give its public half, the .pub file"));
            return None;
        }
        let key = Key::from_text(content.trim());
        key.map_err(|code| self.fault(at, format!("`{field}`: {code} {}", code.advice()))).ok()
    }

    fn trust(&mut self, trust: file::Trust) -> Trust {
        let keys: Vec<Key> = trust.keys.iter().filter_map(|key| self.key(key, "keys")).collect();
        let root = trust.root.as_ref().and_then(|root| self.key(root, "root"));
        let keyset = trust.keyset.as_ref();
        let keyset = keyset.and_then(|text| self.place(text.as_ref(), text.span().start, "keyset"));
        let bundles = trust.bundle.map(file::OneOrMore::into_list).unwrap_or_default();
        let bundles: Vec<Place> =
            bundles.iter().filter_map(|text| self.place(text, usize::MAX, "bundle")).collect();
        let events = trust.events.as_ref().and_then(|text| self.url(text, "events"));
        if trust.keys.is_empty() && trust.keyset.is_none() {
            self.general_fault("no key is trusted: give `keys`, or `root` and `keyset`, in `[trust]`");
        }
        match (&trust.root, &trust.keyset) {
            (None, Some(keyset)) => self.fault(
                keyset.span().start,
                "`keyset` needs `root`, the key that signs it: it is in this file only, and never fetched",
            ),
            (Some(root), None) => self.fault(root.span().start, "`root` needs `keyset`"),
            _ => {}
        }
        if !bundles.is_empty() && trust.keyset.is_none() {
            self.general_fault("`bundle` needs `keyset`, which has the key that signs bundles");
        }
        let delta = trust.delta.map(|template| {
            let at = template.span().start;
            let template = template.into_inner();
            if !template.contains("{from}") || !matches!(template.parse(), Ok(Place::Url(_))) {
                self.fault(at, "`delta` is a URL with `{from}`, such as `https://HOST/delta/{from}`");
            }
            if bundles.len() != 1 {
                self.fault(at, "`delta` needs one `bundle`, from which the deltas lead on");
            }
            template
        });
        if events.is_some() && bundles.is_empty() {
            self.general_fault("`events` needs `bundle`");
        }
        Trust {
            keys,
            root,
            keyset,
            bundles,
            delta,
            events,
            poll: trust.poll.map_or(Duration::from_secs(30), |period| period.0),
            wait: trust.wait.map_or(Duration::from_secs(30), |period| period.0),
            cache: trust.cache.map(|path| self.path(&path)),
            ca: trust.ca.map(|path| self.path(&path)),
        }
    }

    fn receipts(&mut self, receipts: file::Receipts) -> Receipts {
        let server = receipts.server.as_ref().and_then(|text| self.url(text, "server"));
        let vendor = receipts.vendor.unwrap_or_default();
        Receipts {
            log: self.path(&receipts.log),
            key: self.path(&receipts.key),
            interval: receipts.interval.map_or(Duration::from_secs(10), |period| period.0),
            server,
            credential: receipts.credential.map(|path| self.path(&path)),
            vendor: vendor.iter().filter_map(|key| self.key(key, "vendor")).collect(),
        }
    }

    /// A store's URL; a file of SQLite is relative to the configuration.
    fn store(&mut self, store: Spanned<String>) -> String {
        let at = store.span().start;
        let mut store = store.into_inner();
        if let Some(path) = store.strip_prefix("sqlite:") {
            let path = path.strip_prefix("///").unwrap_or(path);
            store = format!("sqlite:{}", self.path(Path::new(path)).display());
        }
        if let Err(error) = licentia::store::open_lazily(&store) {
            self.fault(at, format!("`store`: {error}"));
        }
        store
    }

    fn origin(&mut self, text: &Spanned<String>) -> Option<String> {
        let origin = self.url(text, "origin")?;
        if origin.path() != "/" || origin.query().is_some() || text.as_ref().ends_with('/') {
            self.fault(
                text.span().start,
                "`origin` is scheme, host and port only, such as `https://api.acme.example`",
            );
            return None;
        }
        Some(text.as_ref().clone())
    }

    fn node(&mut self, text: &Spanned<String>) -> Option<[u8; 32]> {
        let digits: Option<Vec<u8>> =
            text.as_ref().chars().map(|c| u8::try_from(c.to_digit(16)?).ok()).collect();
        let bytes = digits.and_then(|digits| {
            let (pairs, []) = digits.as_chunks::<2>() else { return None };
            <[u8; 32]>::try_from(pairs.iter().map(|[high, low]| high << 4 | low).collect::<Vec<_>>()).ok()
        });
        if bytes.is_none() {
            self.fault(
                text.span().start,
                "`node` is the SHA-256 of a fingerprint: write 64 hexadecimal digits",
            );
        }
        bytes
    }
}
