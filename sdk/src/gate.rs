//! The gate: asked once per request, shared by all threads.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use std::time::Instant;

use licentia_core::{
    Check, Code, Expect, Explanation, Facts, Key, State, authenticate, authorize, text::Buffer,
    verify::decode,
};

use crate::{
    account::{Accounts, Outcome, RateCounter, Units, length},
    cache::{Cache, Licensed},
    decision::{CHARGES, Charge, Decision, Unit},
    event::{Event, Sink},
    guard::Guard,
    now::Now,
    replay::Nonces,
    request::Request,
    revocation::{Loaded, Revocations},
    store::{Memory, Store, Unreachable},
    trust::{Trust, Trusted},
};

/// Whether a gate's denials hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// What is denied is denied.
    #[default]
    Enforce,
    /// Everything is allowed; decisions and events say what would have been denied.
    Advisory,
}

/// Makes a [`Gate`].
#[must_use]
pub struct Builder {
    keys: Vec<Key>,
    root: Option<Key>,
    keyset: Option<Vec<u8>>,
    revocation: Option<Vec<u8>>,
    issuer: Option<String>,
    audience: Option<String>,
    mode: Mode,
    skew: u64,
    proof_age: u64,
    replay_capacity: usize,
    cache_capacity: usize,
    store: Arc<dyn Store>,
    sinks: Vec<Arc<dyn Sink>>,
}

impl Builder {
    /// Trusts a key.
    pub fn key(mut self, key: Key) -> Self {
        self.keys.push(key);
        self
    }

    /// Trusts the keys of a keyset that the root key signed, and of newer ones: see [`Gate::load_keyset`].
    pub fn keyset(mut self, root: Key, keyset: impl Into<Vec<u8>>) -> Self {
        (self.root, self.keyset) = (Some(root), Some(keyset.into()));
        self
    }

    /// Refuses what a revocation bundle revokes, and what newer ones do: see [`Gate::load_revocation`]. It
    /// must be signed with a revocation key of the keyset.
    pub fn revocation(mut self, bundle: impl Into<Vec<u8>>) -> Self {
        self.revocation = Some(bundle.into());
        self
    }

    /// Requires this issuer.
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Names this service, for licences that name the services they are for.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// Enforces decisions, or only says what they would have been.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Tolerates that the issuer's clock is ahead by this many seconds; 60 where it is not said.
    pub fn skew(mut self, seconds: u64) -> Self {
        self.skew = seconds;
        self
    }

    /// How old a proof of possession may be, in seconds; 60 where it is not said.
    pub fn proof_age(mut self, seconds: u64) -> Self {
        self.proof_age = seconds;
        self
    }

    /// How many proofs are remembered against replay; when it is full, further ones are refused. 65,536
    /// where it is not said: with proofs of 60 seconds, about 500 requests a second.
    pub fn replay_capacity(mut self, proofs: usize) -> Self {
        self.replay_capacity = proofs;
        self
    }

    /// How many verified tokens are kept; 16,384 where it is not said.
    pub fn cache_capacity(mut self, tokens: usize) -> Self {
        self.cache_capacity = tokens;
        self
    }

    /// Where counters and marks are kept; in memory where it is not said.
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = store;
        self
    }

    /// Sends every decision to a sink. There may be several.
    pub fn sink(mut self, sink: Arc<dyn Sink>) -> Self {
        self.sinks.push(sink);
        self
    }

    /// Makes the gate.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] where there is no key to trust, else what [`Gate::load_keyset`] says.
    pub fn build(self) -> Result<Gate, Code> {
        if self.keys.is_empty() && self.keyset.is_none() {
            return Err(Code::InvalidArgument);
        }
        let gate = Gate {
            revocations: Revocations::new(Arc::clone(&self.store)),
            trusted: Trusted::new(self.keys, self.root, Arc::clone(&self.store)),
            issuer: self.issuer,
            audience: self.audience,
            mode: self.mode,
            skew: self.skew,
            proof_age: self.proof_age,
            nonces: Nonces::new(self.replay_capacity),
            cache: Cache::new(self.cache_capacity),
            accounts: Accounts::default(),
            guard: Guard::new(Arc::clone(&self.store)),
            store: self.store,
            store_lost_at: AtomicU64::new(NEVER),
            sinks: self.sinks,
        };
        if let Some(keyset) = self.keyset {
            gate.load_keyset(&keyset)?;
        }
        if let Some(bundle) = self.revocation {
            gate.load_revocation(&bundle)?;
        }
        Ok(gate)
    }
}

/// Stands for a time at which nothing happened.
const NEVER: u64 = u64::MAX;

/// Decides whether requests may go on. Share it by reference; nothing on the way of a request that was seen
/// before takes a lock.
pub struct Gate {
    trusted: Trusted,
    revocations: Revocations,
    issuer: Option<String>,
    audience: Option<String>,
    mode: Mode,
    skew: u64,
    proof_age: u64,
    nonces: Nonces,
    cache: Cache,
    accounts: Accounts,
    guard: Guard,
    store: Arc<dyn Store>,
    /// When the store was lost, in seconds since 1970, or `NEVER`.
    store_lost_at: AtomicU64,
    sinks: Vec<Arc<dyn Sink>>,
}

impl Gate {
    /// Starts to make a gate.
    pub fn builder() -> Builder {
        Builder {
            keys: Vec::new(),
            root: None,
            keyset: None,
            revocation: None,
            issuer: None,
            audience: None,
            mode: Mode::Enforce,
            skew: Expect::DEFAULT_SKEW,
            proof_age: 60,
            replay_capacity: 65_536,
            cache_capacity: 16_384,
            store: Arc::new(Memory::new()),
            sinks: Vec::new(),
        }
    }

    /// Replaces the keys by those of a newer keyset, at once for all threads; `false` where it is the one in
    /// use. Needs a gate that was built with a keyset.
    ///
    /// # Errors
    /// A code of group 1xx or 2xx for a keyset that is not good, in particular [`Code::KeysetRollback`] and
    /// [`Code::KeysetEquivocation`]; [`Code::StoreUnreachable`] where it cannot be remembered. The keys in
    /// use then stay.
    pub fn load_keyset(&self, keyset: &[u8]) -> Result<bool, Code> {
        self.trusted.load(keyset)
    }

    /// Loads a newer revocation bundle, or a delta on the one in use, at once for all threads; `false` where it
    /// is the one in use. Needs a keyset with a revocation key.
    ///
    /// # Errors
    /// A code from 520 to 526 for a bundle that is not good; [`Code::StoreUnreachable`] where it cannot be
    /// remembered. The bundle in use then stays.
    pub fn load_revocation(&self, bundle: &[u8]) -> Result<bool, Code> {
        self.revocations.load(bundle, self.trusted.current().keyring())
    }

    /// Decides whether a request that came with `token` (its text form) may go on.
    pub fn check<'a>(&'a self, token: &str, request: &Request<'a>, now: impl Into<Now>) -> Decision<'a> {
        let started = (!self.sinks.is_empty()).then(Instant::now);
        let now = now.into();
        let trust = self.trusted.current();
        let revocations = self.revocations.current();
        let revocations = revocations.as_deref();
        let mut decision = Decision {
            code: Code::Allowed,
            state: State::Active,
            enforced: self.mode == Mode::Enforce,
            license: None,
            explanation: Explanation::default(),
            charges: [None; CHARGES],
        };
        match self.decide(token, request, now, &trust, revocations, &mut decision) {
            Ok(state) => decision.state = state,
            Err(code) => {
                decision.code = code;
                if self.mode == Mode::Advisory {
                    decision.state = State::Advisory;
                }
            }
        }
        if let Some(started) = started {
            let took_nanos = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
            let event = Event {
                decision: &decision,
                action: request.action,
                source: request.source,
                at: now.seconds,
                keyset: trust.sequence,
                revocation: revocations
                    .map(|loaded| (loaded.bundle().sequence(), loaded.bundle().issued_at())),
                took_nanos,
            };
            self.sinks.iter().for_each(|sink| sink.record(&event));
        }
        decision
    }

    fn decide<'a>(
        &'a self,
        token: &str,
        request: &Request<'a>,
        now: Now,
        trust: &Trust,
        revocations: Option<&Loaded>,
        decision: &mut Decision<'a>,
    ) -> Result<State, Code> {
        let licensed = self.authenticate(token, trust, &mut decision.explanation)?;
        let licensed = &**decision.license.insert(licensed);
        let license = licensed.kept.license();
        // A token's own `iat` supports a clock that shows that time; it never moves time ahead by itself.
        let bundle = revocations.map(Loaded::bundle);
        let published = bundle.map_or(0, |bundle| bundle.issued_at()).max(trust.issued_at);
        let signed = published.max(license.issued_at().min(now.seconds));
        let time = self.guard.read(now, signed);
        let expect = self.expect(request, trust);
        let state = authorize(&license, &expect, bundle.as_ref(), time, &mut decision.explanation)?;

        let mut charges = Charges::new(licensed, &mut decision.charges);
        match self.charge(&mut charges, request, now, time.now, &license, &mut decision.explanation) {
            Ok(true) => Ok(State::Overage),
            Ok(false) => Ok(state),
            Err(code) => {
                charges.undo();
                Err(code)
            }
        }
    }

    /// Takes from the store what a request's meters are short of, without charging: for a store that fetches
    /// between this and [`Gate::check`], such as [`crate::Leased`]. A token that is not good takes nothing.
    pub fn prepare(&self, token: &str, request: &Request<'_>, now: impl Into<Now>) {
        let (now, trust) = (now.into(), self.trusted.current());
        let Ok(licensed) = self.authenticate(token, &trust, &mut Explanation::default()) else { return };
        let time = self.guard.read(now, 0);
        for (name, cost) in request.meters {
            if let Some(quota) = licensed.counters.quotas.iter().find(|quota| *quota.meter == **name) {
                // A store out of reach is told by the check.
                quota.prepare(&quota.units(time.now), *cost, &*self.store);
            }
        }
    }

    /// Finds the licence among those that were authenticated before, or authenticates it.
    fn authenticate(
        &self,
        token: &str,
        trust: &Trust,
        explanation: &mut Explanation<'_>,
    ) -> Result<Arc<Licensed>, Code> {
        if let Some(licensed) = self.cache.find(token, trust.generation) {
            explanation.clone_from(&licensed.explanation);
            return Ok(licensed);
        }
        if token.is_empty() {
            explanation.note(Check::Frame, Code::MissingToken, Facts::None)?;
        }
        let mut buffer = Buffer::new();
        let bytes = decode(token, &mut buffer, explanation)?;
        let mut passed = Explanation::default();
        let license = authenticate(bytes, trust.keyring(), &mut passed);
        explanation.clone_from(&passed);
        let license = license?;
        let licensed = Arc::new(Licensed {
            text: token.into(),
            kept: license.keep(),
            counters: self.accounts.counters(&license),
            explanation: passed,
            generation: trust.generation,
        });
        self.cache.insert(Arc::clone(&licensed));
        Ok(licensed)
    }

    fn expect<'a>(&'a self, request: &Request<'a>, trust: &Trust) -> Expect<'a> {
        let mut expect = Expect::new().skew(self.skew).features(request.features);
        if let Some(issuer) = &self.issuer {
            expect = expect.issuer(issuer);
        }
        if let Some(audience) = request.audience.or(self.audience.as_deref()) {
            expect = expect.audience(audience);
        }
        if let Some(expires) = trust.expires {
            expect = expect.keyset_expires(expires);
        }
        if let Some(node) = request.node {
            expect = expect.node(node);
        }
        if let Some(release) = request.release {
            expect = expect.release(release);
        }
        if let Some(proof) = &request.proof {
            expect = expect.proof(proof.presented(self.proof_age), Some(&self.nonces));
        }
        expect
    }

    /// Charges every rate and meter of the request; `true` where a quota is in overage. On an error the
    /// caller takes back what was charged.
    fn charge<'a>(
        &self,
        charges: &mut Charges<'_, 'a>,
        request: &Request<'a>,
        now: Now,
        seconds: u64,
        license: &licentia_core::License<'_>,
        explanation: &mut Explanation<'a>,
    ) -> Result<bool, Code> {
        for (name, cost) in request.rates {
            let outcome = charges.rate(name, *cost, now.monotonic_nanos);
            let remaining = outcome.ok().map(|outcome| outcome.remaining);
            let code = match outcome {
                Ok(outcome) if outcome.granted => Code::Allowed,
                Ok(_) => Code::RateLimited,
                Err(code) => code,
            };
            explanation.note(Check::Rate, code, Facts::Charge { name, cost: *cost, remaining })?;
        }
        let mut overage = false;
        for (name, cost) in request.meters {
            let cost = *cost;
            match charges.meter(name, cost, seconds, &*self.store) {
                Ok(Ok(outcome)) => {
                    self.store_lost_at.store(NEVER, Ordering::Relaxed);
                    overage |= outcome.overage;
                    let code = if outcome.granted { Code::Allowed } else { Code::QuotaExceeded };
                    let facts = Facts::Charge { name, cost, remaining: Some(outcome.remaining) };
                    explanation.note(Check::Quota, code, facts)?;
                }
                Ok(Err(_unreachable)) => {
                    let since = self.store_lost_at.fetch_min(seconds, Ordering::Relaxed).min(seconds);
                    let action = license.policy().store_unreachable;
                    let facts = Facts::Since { since, now: seconds };
                    explanation.doubt(Check::Quota, Code::StoreUnreachable, facts, action, since, seconds)?;
                }
                Err(code) => {
                    explanation.note(Check::Quota, code, Facts::Charge { name, cost, remaining: None })?;
                }
            }
        }
        Ok(overage)
    }
}

/// What one request is charged, so that it can be taken back.
struct Charges<'d, 'a> {
    licensed: &'d Licensed,
    shown: &'d mut [Option<Charge<'a>>; CHARGES],
    rates: Vec<(&'d RateCounter, u64)>,
    meters: Vec<(Arc<Units>, u64)>,
    count: usize,
}

impl<'d, 'a> Charges<'d, 'a> {
    fn new(licensed: &'d Licensed, shown: &'d mut [Option<Charge<'a>>; CHARGES]) -> Self {
        Self { licensed, shown, rates: Vec::new(), meters: Vec::new(), count: 0 }
    }

    /// A place in the decision for one more charge.
    fn place(&mut self) -> Result<&mut Option<Charge<'a>>, Code> {
        let place = self.shown.get_mut(self.count).ok_or(Code::InvalidArgument)?;
        self.count += 1;
        Ok(place)
    }

    fn rate(&mut self, name: &'a str, cost: u64, now_nanos: u64) -> Result<Outcome, Code> {
        let licensed = self.licensed;
        let rate = licensed.counters.rates.iter().find(|rate| *rate.name == *name);
        let rate = rate.ok_or(Code::RateNotLicensed)?;
        let place = self.place()?;
        let outcome = rate.charge(cost, now_nanos);
        *place = Some(Charge {
            name,
            unit: Unit::Rate,
            cost,
            limit: rate.burst,
            window: Some(rate.burst_seconds()),
            remaining: outcome.remaining,
            reset_ms: outcome.reset_ms,
            retry_after_ms: outcome.retry_after_ms,
        });
        if outcome.granted {
            self.rates.push((rate, cost));
        }
        Ok(outcome)
    }

    fn meter(
        &mut self,
        name: &'a str,
        cost: u64,
        now: u64,
        store: &dyn Store,
    ) -> Result<Result<Outcome, Unreachable>, Code> {
        let licensed = self.licensed;
        let quota = licensed.counters.quotas.iter().find(|quota| *quota.meter == *name);
        let quota = quota.ok_or(Code::MeterNotLicensed)?;
        let place = self.place()?;
        let units = quota.units(now);
        let outcome = match quota.charge(&units, cost, now, store) {
            Ok(outcome) => outcome,
            Err(unreachable) => return Ok(Err(unreachable)),
        };
        *place = Some(Charge {
            name,
            unit: Unit::Quota,
            cost,
            limit: quota.limit,
            window: length(quota.period),
            remaining: outcome.remaining,
            reset_ms: outcome.reset_ms,
            retry_after_ms: outcome.retry_after_ms,
        });
        if outcome.granted {
            self.meters.push((units, cost));
        }
        Ok(Ok(outcome))
    }

    /// Takes everything back: a denied request costs nothing.
    fn undo(&self) {
        self.rates.iter().for_each(|(rate, cost)| rate.undo(*cost));
        self.meters.iter().for_each(|(units, cost)| units.undo(*cost));
    }
}
