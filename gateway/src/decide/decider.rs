//! Decides about requests of every protocol.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use arc_swap::ArcSwap;
use http::{HeaderValue, header};
use licentia::{
    Code, Decision, Gate, Now, Reservation,
    http::{Call, Needs, Presented},
};
use serde_json::Value;

use crate::{
    config::{Mode, Rules, Unlisted},
    events::Stream,
    routes::{
        Access, Charge, Cost, Match, Route,
        path::{Anomalies, Target},
    },
};

use super::{
    facts::Facts,
    fields,
    text::shown_path,
    verdict::{Allowed, Charging, Held, Reason, Refused, Verdict},
};

/// Decides about requests. All listeners share one.
#[derive(Debug)]
pub struct Decider {
    gate: Arc<Gate>,
    rules: ArcSwap<Rules>,
    settings: Settings,
    events: Arc<Stream>,
    /// What unlisted requests need if the rules say `licence`.
    any_licence: Route,
}

/// What does not change while the gateway runs.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The public origin, which precedes path and query in proofs.
    pub origin: Option<String>,
    /// SHA-256 of this machine's fingerprint.
    pub node: Option<[u8; 32]>,
    /// The date of the running release, in seconds since 1970.
    pub release: Option<u64>,
    /// Whether refusals hold.
    pub mode: Mode,
}

/// What is shown of a decision, besides the decision itself.
struct Shown<'s> {
    status: u16,
    name: &'s str,
    message: &'s str,
    advice: &'s str,
    took: Option<Duration>,
}

/// The route of a request.
enum Found<'r> {
    Licensed(&'r Route),
    Open(Option<&'r Route>),
}

impl<'r> Found<'r> {
    fn route(&self) -> Option<&'r Route> {
        match self {
            Self::Licensed(route) => Some(route),
            Self::Open(route) => *route,
        }
    }
}

impl Decider {
    /// Decides with a gate by these rules, and shows each decision on a stream.
    pub fn new(gate: Arc<Gate>, rules: Rules, settings: Settings, events: Arc<Stream>) -> Self {
        let any_licence = Route {
            name: "(unlisted)".into(),
            line: None,
            method: None,
            path: "/".into(),
            access: Access::Licence,
            needs: Needs::new().action("(unlisted)"),
            charge: Charge::Always,
            uncharged: Vec::new(),
            cost: Cost::Route,
            allow: Anomalies::default(),
            job: None,
        };
        Self { gate, rules: ArcSwap::from_pointee(rules), settings, events, any_licence }
    }

    /// The gate.
    pub fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// The decisions as they happen.
    pub fn events(&self) -> &Arc<Stream> {
        &self.events
    }

    /// The rules in use.
    pub fn rules(&self) -> Arc<Rules> {
        self.rules.load_full()
    }

    /// Replaces the rules, at once for all requests.
    pub fn replace_rules(&self, rules: Rules) {
        self.rules.store(Arc::new(rules));
    }

    /// Decides about a request. Waiting for the store blocks no thread.
    pub async fn decide(&self, facts: &Facts<'_>) -> Verdict {
        let rules = self.rules.load_full();
        let (found, target) = match self.find(&rules, facts) {
            Ok(found) => found,
            Err(reason) => return self.refuse(facts, &reason),
        };
        match found {
            Found::Open(route) => self.pass(facts, &target, route),
            Found::Licensed(route) => match self.check(route, facts, &target).await {
                Ok(allowed) => Verdict::Allowed(allowed),
                Err(refused) => refused.into(),
            },
        }
    }

    /// The route of a request and its path, or why it is refused before its licence is looked at.
    fn find<'r>(&'r self, rules: &'r Rules, facts: &Facts<'r>) -> Result<(Found<'r>, Target<'r>), Reason> {
        if facts.method.eq_ignore_ascii_case("CONNECT") || facts.target == "*" {
            return Err(Reason::MethodRefused);
        }
        let target = Target::read(facts.target).ok_or(Reason::PathMalformed)?;
        if let Some(why) = fields::smuggled(facts.headers) {
            return Err(Reason::FieldRefused(why));
        }
        let preflight = preflight(facts);
        let method = preflight.unwrap_or(facts.method);
        let listed = match facts.route {
            Some(route) => Match::Route(route),
            None => rules.table.find(method, &target.path),
        };
        let (allow, found) = match listed {
            Match::Route(route) if route.access == Access::Open => {
                (route.allow, Ok(Found::Open(Some(route))))
            }
            Match::Route(route) => (route.allow, Ok(Found::Licensed(route))),
            Match::Ambiguous(route) => (Anomalies::default(), Err(Reason::PathAmbiguous(route.name.clone()))),
            Match::Unlisted => {
                let found = match (rules.unlisted, self.settings.mode) {
                    (Unlisted::Open, _) | (Unlisted::Deny, Mode::Advisory) => Ok(Found::Open(None)),
                    (Unlisted::Licence, _) => Ok(Found::Licensed(&self.any_licence)),
                    (Unlisted::Deny, Mode::Enforce) => Err(Reason::RouteNotListed),
                };
                (Anomalies::default(), found)
            }
        };
        let refused = target.anomalies.without(allow);
        if !refused.is_empty() {
            return Err(Reason::PathRefused(refused));
        }
        let found = found?;
        // Browsers send no licence with a preflight.
        let found = if preflight.is_some() { Found::Open(found.route()) } else { found };
        Ok((found, target))
    }

    /// Asks the gate.
    async fn check(
        &self,
        route: &Route,
        facts: &Facts<'_>,
        target: &Target<'_>,
    ) -> Result<Box<Allowed>, Refused> {
        let needs = self.needs(route, facts);
        let origin = self.settings.origin.as_deref();
        let call = Call { method: facts.method, target: facts.target, headers: facts.headers, origin };
        let reserve = route.waits_for_response() && facts.protocol.sees_response();
        let started = Instant::now();
        let look = |decision: &Decision<'_>, reservation: Option<Reservation>| {
            let (status, code, took) = (decision.http_status(), decision.code(), Some(started.elapsed()));
            let shown =
                Shown { status, name: code.name(), message: code.message(), advice: code.advice(), took };
            self.show(facts, Some(route), Some(decision), &shown);
            if !decision.is_allowed() {
                return Err(Refused::from(decision));
            }
            let held = decision.license().map(|license| Held {
                token: String::new(),
                expires: license.expires(),
                needs: needs.clone().without_charges(),
            });
            Ok(Box::new(Allowed {
                target: target.to_forward().into_owned(),
                set: fields::of_decision(decision, &route.name),
                remove: Vec::new(),
                answer: licentia::http::fields(decision),
                charging: Charging {
                    uncharged: route.uncharged.clone(),
                    by_response: route.cost == Cost::Response,
                    meters: if reservation.is_some() { Arc::clone(&needs.meters) } else { Arc::default() },
                },
                reservation,
                held,
            }))
        };
        let (looked, presented) = call.decide(&self.gate, &needs, reserve, look).await;
        let mut allowed = looked?;
        let Presented { token, remove, replace } = presented;
        allowed.remove = remove;
        allowed.set.extend(replace);
        if let Some(held) = &mut allowed.held {
            held.token = token.into_owned();
        }
        Ok(allowed)
    }

    /// What a request needs: what its route says, and what is known of it.
    fn needs(&self, route: &Route, facts: &Facts<'_>) -> Needs {
        let mut needs = route.needs.clone();
        if let Some(client) = facts.client {
            needs = needs.source(client.to_string());
        }
        if let Some(node) = self.settings.node {
            needs = needs.node(node);
        }
        if let Some(release) = self.settings.release {
            needs = needs.release(release);
        }
        if let Some(job) = job(route, facts) {
            needs = needs.job(job);
        }
        needs
    }

    /// Whether an open stream's licence still allows it: it is not revoked, and has not ended.
    pub fn still_allows(&self, held: &Held) -> Result<(), Code> {
        let decision = held.needs.with(|request| {
            let decision = self.gate.check(&held.token, request, Now::system());
            (decision.is_allowed(), decision.code())
        });
        // The proof was for the request that opened the stream.
        match decision {
            (true, _) | (_, Code::ProofRequired) => Ok(()),
            (_, code) => Err(code),
        }
    }

    /// Lets a request pass without a licence.
    fn pass(&self, facts: &Facts<'_>, target: &Target<'_>, route: Option<&Route>) -> Verdict {
        let shown = Shown {
            status: 200,
            name: "open",
            message: "The route needs no licence.",
            advice: "",
            took: None,
        };
        self.show(facts, route, None, &shown);
        let mut allowed =
            Allowed { target: target.to_forward().into_owned(), set: fields::all(&[]), ..Allowed::default() };
        let sources = &route.unwrap_or(&self.any_licence).needs.tokens;
        let presented = Presented::find(facts.headers, sources);
        // A licence is nobody's business who does not check it; other credentials are the upstream's.
        if presented.token.contains("lic1_") {
            allowed.remove = presented.remove;
            allowed.set.extend(presented.replace);
        }
        Verdict::Allowed(Box::new(allowed))
    }

    /// Refuses a request before its licence is looked at.
    pub fn refuse(&self, facts: &Facts<'_>, reason: &Reason) -> Verdict {
        let (status, message) = (reason.status(), reason.to_string());
        let shown = Shown { status, name: reason.name(), message: &message, advice: "", took: None };
        self.show(facts, None, None, &shown);
        Refused::from(reason).into()
    }

    fn show(
        &self,
        facts: &Facts<'_>,
        route: Option<&Route>,
        decision: Option<&Decision<'_>>,
        shown: &Shown<'_>,
    ) {
        let Shown { status, name, message, advice, took } = *shown;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.events.publish(now.as_secs(), status < 400, |id| {
            let text = |text: &str| Value::from(text);
            let client = facts.client.map(|client| client.to_string()).unwrap_or_default();
            let license = decision.and_then(Decision::license);
            let bundle = license
                .and_then(|license| self.gate.stream_revocation(license.issuer(), license.stream()));
            format!(
                r#"{{"id":{id},"at_ms":{},"protocol":"{}","method":{},"path":{},"route":{},"source":{},"status":{status},"allowed":{},"name":{},"message":{},"advice":{},"took_nanos":{},"revocation":{},"decision":{}}}"#,
                now.as_millis(),
                facts.protocol.name(),
                text(facts.method),
                text(shown_path(facts.target)),
                route.map_or(Value::Null, |route| text(&route.name)),
                text(&client),
                status < 400,
                text(name),
                text(message),
                text(advice),
                took.map_or(Value::Null, |took| u64::try_from(took.as_nanos()).unwrap_or(u64::MAX).into()),
                bundle.map_or(Value::Null, |bundle| bundle.sequence.into()),
                decision.map_or_else(|| "null".to_owned(), |decision| decision.json().to_string()),
            )
        });
    }
}

/// The method that a browser asks about before it sends the request itself (Fetch, section 4.8).
fn preflight<'r>(facts: &Facts<'r>) -> Option<&'r str> {
    if facts.method != "OPTIONS" || !facts.headers.contains_key(header::ORIGIN) {
        return None;
    }
    let mut methods = facts.headers.get_all(header::ACCESS_CONTROL_REQUEST_METHOD).iter();
    let method = methods.next().and_then(|method| method.to_str().ok())?;
    methods.next().is_none().then_some(method)
}

/// The job that a request is about, if the route names the field that the proxy writes it in. It counts on this route
/// alone: on another, the same name is another job.
fn job(route: &Route, facts: &Facts<'_>) -> Option<String> {
    let name = route.job.as_ref()?;
    let mut values = facts.headers.get_all(name).iter();
    let id = values.next().and_then(|value: &HeaderValue| value.to_str().ok()).filter(|id| !id.is_empty())?;
    values.next().is_none().then(|| format!("{} {id}", route.name))
}
