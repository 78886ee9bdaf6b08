//! The gate: asked once per request, shared by all threads.

use std::sync::{
    Arc,
    atomic::{AtomicU32, AtomicU64, Ordering},
};
use std::time::Instant;

use licentia_core::{
    Check, Code, Expect, Explanation, Facts, Preparation, State, Time, authorize, inner::clock,
    revocation::RevocationQuery as Bundled,
};

use crate::{
    account::Accounts,
    builder::{Builder, Mode},
    cache::Cache,
    charges::{Charges, SEATS},
    decision::Decision,
    event::{Event, Sink, Used},
    guard::Guard,
    licensed::{Found, Known},
    now::Now,
    replay::Nonces,
    request::Request,
    reservation::Reservation,
    revocation::{InUse, Loaded, Revocations},
    seat,
    store::{Memory, SeatAsk, Store},
    trust::Trusted,
};

/// Most tokens that a gate may be told to keep.
const MOST_CACHED: usize = 1 << 24;
/// Stands for a time at which nothing happened.
const NEVER: u64 = u64::MAX;

/// Whether a decision at this time is timed though no sink asks for it: one in 16, in no pattern.
fn is_sampled(monotonic_nanos: u64) -> bool {
    monotonic_nanos.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 60 == 0
}

/// What a gate is asked.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'r, 'a> {
    pub(crate) request: &'r Request<'a>,
    /// The seat that is wanted with it.
    pub(crate) seat: Option<seat::Ask<'r>>,
    /// Whether its meters are reserved, and charged later.
    pub(crate) held: bool,
    pub(crate) now: Now,
}

/// Decides whether requests may go on. Share it by reference; nothing on the way of a request that was seen
/// before takes a lock.
pub struct Gate {
    pub(crate) trusted: Trusted,
    pub(crate) revocations: Revocations,
    revocation_required: bool,
    issuer: Option<String>,
    audience: Option<String>,
    mode: Mode,
    skew: u64,
    proof_age: u64,
    nonces: Nonces,
    /// How many keysets and bundles were loaded.
    pub(crate) epoch: AtomicU64,
    pub(crate) cache: Cache,
    pub(crate) accounts: Accounts,
    guard: Guard,
    pub(crate) store: Arc<dyn Store>,
    /// When the store was lost, in seconds since 1970, or `NEVER`.
    store_lost_at: AtomicU64,
    sinks: Arc<[Arc<dyn Sink>]>,
    /// Whether a sink wants to know how long each decision took.
    timed: bool,
    /// Whose gate it is: a child after `fork` gives nothing back for its parent.
    process: AtomicU32,
}

impl Gate {
    /// Makes a gate; see [`Builder::build`].
    pub(crate) fn new(builder: Builder) -> Result<Self, Code> {
        if (builder.keys.is_empty() && builder.keyset.is_none()) || builder.cache_capacity > MOST_CACHED {
            return Err(Code::InvalidArgument);
        }
        let preparation = match builder.preparation {
            None => None,
            Some(bytes) => Some(Preparation::within(bytes).ok_or(Code::InvalidArgument)?),
        };
        let gate = Gate {
            revocations: Revocations::new(Arc::clone(&builder.store)),
            revocation_required: builder.revocation_required,
            trusted: Trusted::new(builder.keys, builder.root, preparation, Arc::clone(&builder.store)),
            issuer: builder.issuer,
            audience: builder.audience,
            mode: builder.mode,
            skew: builder.skew,
            proof_age: builder.proof_age,
            nonces: Nonces::new(builder.replay_capacity),
            epoch: AtomicU64::new(0),
            cache: Cache::new(builder.cache_capacity),
            accounts: Accounts::new(builder.share_rates),
            guard: Guard::new(Arc::clone(&builder.store)),
            store: builder.store,
            store_lost_at: AtomicU64::new(NEVER),
            timed: builder.sinks.iter().any(|sink| sink.is_timed()),
            sinks: builder.sinks.into(),
            process: AtomicU32::new(crate::own::process()),
        };
        if let Some(keyset) = builder.keyset {
            gate.load_keyset(&keyset)?;
        }
        if let Some(bundle) = builder.revocation {
            gate.load_revocation(&bundle)?;
        }
        Ok(gate)
    }

    /// Starts to make a gate, which counts in memory unless it is given a store.
    pub fn builder() -> Builder {
        Builder::new(Arc::new(Memory::new()))
    }

    /// Replaces the keys by those of a newer keyset, at once for all threads; `false` where it is the one in
    /// use. Needs a gate that was built with a keyset.
    ///
    /// # Errors
    /// A code of group 1xx or 2xx for a keyset that is not good, in particular [`Code::KeysetRollback`] and
    /// [`Code::KeysetEquivocation`]; [`Code::StoreUnreachable`] where it cannot be remembered. The keys in
    /// use then stay.
    pub fn load_keyset(&self, keyset: &[u8]) -> Result<bool, Code> {
        let newer = self.trusted.load(keyset)?;
        self.epoch.fetch_add(u64::from(newer), Ordering::Release);
        Ok(newer)
    }

    /// Loads a newer revocation bundle, or a delta on the one in use, at once for all threads; `false` where it
    /// is the one in use. Needs a keyset with a revocation key. There is one in use for each issuer.
    ///
    /// # Errors
    /// A code from 520 to 526 for a bundle that is not good, [`Code::WrongTyp`] for what is none,
    /// [`Code::KeyNotActive`] or [`Code::KeyRevoked`] for one of a key out of use; [`Code::StoreUnreachable`] where it cannot be
    /// remembered. The bundle in use then stays.
    pub fn load_revocation(&self, bundle: &[u8]) -> Result<bool, Code> {
        let newer = self.revocations.load(bundle, &self.trusted)?;
        self.epoch.fetch_add(u64::from(newer), Ordering::Release);
        Ok(newer)
    }

    /// The revocation bundle in use for an issuer's licences.
    pub fn revocation(&self, issuer: &str) -> Option<InUse> {
        self.revocations.current().of(issuer).map(Loaded::in_use)
    }

    /// Counts the keysets that were loaded.
    pub(crate) fn keys_generation(&self) -> u64 {
        self.trusted.current().generation
    }

    /// Whether a check of `token` takes no signature verification, as it was verified before with the keys in
    /// use. A host that has better things to do meanwhile than to wait for one asks this first.
    pub fn knows(&self, token: &str) -> bool {
        let (found, generation) = (self.cache.find(token), self.trusted.current().generation);
        found.is_some_and(|found| found.get().is_some_and(|licensed| licensed.generation == generation))
    }

    /// Whether a check may wait for the store: where units, a job or a slice of a rate must be fetched. A host whose
    /// threads must not wait hands such a check to another one, as the `tower` layer does.
    pub fn may_wait(&self, token: &str, request: &Request<'_>, now: impl Into<Now>) -> bool {
        if !self.store.may_wait() || (request.meters.is_empty() && request.rates.is_empty()) {
            return false;
        }
        let now = now.into();
        // A token that is not good asks the store for nothing.
        let found = self.find(token, now, &mut Explanation::default());
        let Some(licensed) = found.as_ref().ok().and_then(Found::get) else { return false };
        let counters = &licensed.counters;
        let asks = |(name, cost): &(&str, u64)| {
            let quota = counters.quotas.iter().find(|quota| quota.name() == *name);
            quota.is_some_and(|quota| request.job.is_some() || !quota.is_at_hand(*cost, now.seconds))
        };
        let shared = counters.rates.iter().any(|rate| !rate.is_local()) && !request.rates.is_empty();
        shared || request.meters.iter().any(asks)
    }

    /// Decides whether a request that came with `token` (its text form) may go on.
    pub fn check<'a>(&'a self, token: &str, request: &Request<'a>, now: impl Into<Now>) -> Decision<'a> {
        let mut decision = Decision::undecided();
        self.check_into(token, request, now, &mut decision);
        decision
    }

    /// As [`Gate::check`], into a decision whose space is used again.
    pub fn check_into<'a>(
        &'a self,
        token: &str,
        request: &Request<'a>,
        now: impl Into<Now>,
        decision: &mut Decision<'a>,
    ) {
        self.check_asked(
            token,
            Asked { request, seat: None, held: false, now: now.into() },
            decision,
            |_, _| (),
        );
    }

    /// Decides, and takes a seat where one is asked for; then it says until when. What was charged is handed to
    /// `keep` where the request may go on.
    pub(crate) fn check_asked<'a>(
        &'a self,
        token: &str,
        asked: Asked<'_, 'a>,
        decision: &mut Decision<'a>,
        keep: impl FnOnce(&Charges<'_, 'a>, &Found),
    ) -> Option<u64> {
        let Asked { request, now, .. } = asked;
        let timed = self.timed || (!self.sinks.is_empty() && is_sampled(now.monotonic_nanos));
        let started = timed.then(Instant::now);
        decision.clear();
        decision.time = now.seconds;
        let mut until = None;
        match self.decide(token, asked, decision, keep) {
            Ok((state, seat)) => (decision.code, decision.state, until) = (Code::Allowed, state, seat),
            Err(code) => {
                decision.code = code;
                if self.mode == Mode::Advisory {
                    decision.state = State::Advisory;
                }
            }
        }
        decision.enforced = self.mode == Mode::Enforce;
        if !self.sinks.is_empty() {
            let took = started.map(|started| started.elapsed().as_nanos());
            let took_nanos = took.map(|took| u64::try_from(took).unwrap_or(u64::MAX));
            let unlicensed;
            let known = if let Some(licensed) = decision.license.get() {
                &licensed.known
            } else {
                unlicensed = self.known(None);
                &unlicensed
            };
            let event = Event {
                decision,
                action: request.action,
                source: request.source,
                at: now.seconds,
                keyset: known.keyset,
                revocation: known.revocation.map(|(head, _)| (head.sequence, head.issued_at)),
                took_nanos,
            };
            self.sinks.iter().for_each(|sink| sink.record(&event));
        }
        until
    }

    /// Decides as [`Gate::check`] does, and reserves what the request's meters may cost at most, for work whose cost is
    /// known when it is done. There is a reservation where the request may go on.
    pub fn reserve<'a>(
        &'a self,
        token: &str,
        request: &Request<'a>,
        now: impl Into<Now>,
    ) -> (Decision<'a>, Option<Reservation>) {
        let mut reservation = None;
        let keep = |charges: &Charges<'_, 'a>, found: &Found| {
            let (store, sinks) = (Arc::clone(&self.store), Arc::clone(&self.sinks));
            reservation = found.share().map(|licensed| Reservation::new(store, sinks, licensed, charges));
        };
        let mut decision = Decision::undecided();
        let asked = Asked { request, seat: None, held: true, now: now.into() };
        self.check_asked(token, asked, &mut decision, keep);
        (decision, reservation)
    }

    /// Gives everything back to the store that was taken ahead and not used. Counting goes on. A gate that is dropped
    /// does this by itself; call it before a process ends in another way.
    ///
    /// # Errors
    /// [`Code::StoreUnreachable`]; then what could not be given back stays here, and can be used. Where that could not
    /// be told, it is lost, and never granted twice.
    pub fn settle(&self) -> Result<(), Code> {
        // All of them are tried, also after one that failed.
        let meters = self.accounts.meters();
        let failed = meters.iter().filter(|meter| meter.settle(&*self.store).is_err()).count();
        if failed == 0 { Ok(()) } else { Err(Code::StoreUnreachable) }
    }

    /// Makes a gate safe to use in a child after `fork`: what the parent had taken ahead stays the parent's. Call it
    /// first, while the child has one thread.
    pub fn after_fork(&self) {
        self.process.store(crate::own::process(), Ordering::Relaxed);
        self.accounts.after_fork();
    }

    /// Looks after every meter once, as a [`Keeper`](crate::Keeper) does again and again: fetches units before they
    /// are used up, and gives back those that were not used since the last time.
    pub fn keep(&self, now: impl Into<Now>) {
        let now = now.into();
        let meters = self.accounts.meters();
        // A store that cannot be reached is seen by the request that needs it, and its policy says what to do; the
        // other meters would only wait for it too.
        let _ = meters.iter().try_for_each(|meter| meter.keep(now.monotonic_nanos, &*self.store));
    }

    fn decide<'a>(
        &'a self,
        token: &str,
        asked: Asked<'_, 'a>,
        decision: &mut Decision<'a>,
        keep: impl FnOnce(&Charges<'_, 'a>, &Found),
    ) -> Result<(State, Option<u64>), Code> {
        let Asked { request, seat, held, now } = asked;
        decision.license = self.find(token, now, &mut decision.explanation)?;
        let found = &decision.license;
        // What was found is there; else there is nothing to decide on.
        let licensed = found.get().ok_or(Code::MissingToken)?;
        let known = &licensed.known;
        let license = licensed.kept.license();
        let time = self.read_clock(now, known, &license);
        decision.time = time.now;
        let expect = self.expect(request, known);
        let state = self.authorize(&license, &expect, known, time, &mut decision.explanation)?;

        let mut charges = Charges::new(licensed, &mut decision.charges, held);
        let explanation = &mut decision.explanation;
        let overage = self.charge(&mut charges, request, now, time.now, &license, explanation);
        let granted = overage.and_then(|overage| {
            let state = if overage { State::Overage } else { state };
            let until = seat.map(|seat| self.seat(&mut charges, seat, time.now, &license, explanation));
            Ok((state, until.transpose()?))
        });
        match granted {
            Ok(_) => keep(&charges, found),
            Err(_) => charges.undo(&*self.store),
        }
        granted
    }

    /// What the clock guard makes of the time.
    pub(crate) fn time(&self, now: Now) -> licentia_core::Time {
        self.guard.read(now, 0)
    }

    /// Tells the sinks what was charged beside a decision.
    pub(crate) fn tell_used(&self, used: &Used<'_>) {
        self.sinks.iter().for_each(|sink| sink.used(used));
    }

    /// Where counters, marks and seats are kept.
    pub(crate) fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Takes a seat, and says until when.
    fn seat<'a>(
        &self,
        charges: &mut Charges<'_, 'a>,
        ask: seat::Ask<'_>,
        now: u64,
        license: &licentia_core::License<'_>,
        explanation: &mut Explanation<'a>,
    ) -> Result<u64, Code> {
        let facts = |remaining| Facts::Charge { name: SEATS, cost: 1, remaining };
        if !ask.is_valid() {
            explanation.note(Check::Seat, Code::InvalidArgument, facts(None))?;
        }
        let Some(limit) = license.seats() else {
            explanation.note(Check::Seat, Code::SeatsNotLicensed, facts(None))?;
            return Err(Code::SeatsNotLicensed);
        };
        if !charges.has_place() {
            explanation.note(Check::Seat, Code::InvalidArgument, facts(None))?;
        }
        let seat::Ask { holder, ttl } = ask;
        let ask = SeatAsk { lineage: license.lineage().into(), holder, ttl, limit, now };
        match self.store.take_seat(&ask) {
            Ok(seats) => {
                self.reached();
                charges.seats(limit, &seats, now)?;
                let code = if seats.granted { Code::Allowed } else { Code::SeatsTaken };
                explanation.note(Check::Seat, code, facts(Some(limit.saturating_sub(seats.taken))))?;
            }
            Err(_unreachable) => {
                self.doubt(Check::Seat, now, license, explanation)?;
            }
        }
        Ok(now.saturating_add(ttl))
    }

    /// Takes from the store what a request's meters are short of, without charging: for a store that fetches
    /// between this and [`Gate::check`], such as [`crate::Leased`]. A request that is refused whatever is left takes
    /// nothing.
    pub fn prepare(&self, token: &str, request: &Request<'_>, now: impl Into<Now>) {
        let now = now.into();
        let mut explanation = Explanation::default();
        let found = self.find(token, now, &mut explanation);
        let Some(licensed) = found.as_ref().ok().and_then(Found::get) else { return };
        let known = &licensed.known;
        let license = licensed.kept.license();
        let time = self.read_clock(now, known, &license);
        let mut expect = self.expect(request, known);
        if let Some(proof) = &request.proof {
            // Its nonce is the check's to remember.
            expect = expect.proof(proof.presented(self.proof_age), None);
        }
        if self.authorize(&license, &expect, known, time, &mut explanation).is_err() {
            return;
        }
        for (name, cost) in request.meters {
            if let Some(quota) = licensed.counters.quotas.iter().find(|quota| quota.name() == *name) {
                quota.prepare(&quota.units(time.now), *cost, now.monotonic_nanos, &*self.store);
            }
        }
    }

    /// The time of a request, as the clock guard has it.
    fn read_clock(&self, now: Now, known: &Known, license: &licentia_core::License<'_>) -> Time {
        // A token's own `iat` supports a clock that shows that time; it never moves time ahead by itself.
        let published = known.revocation.map_or(0, |(head, _)| clock::published(head.issued_at, now.seconds));
        let published = published.max(known.keyset_issued_at);
        self.guard.read(now, published.max(license.issued_at().min(now.seconds)))
    }

    /// Holds a licence against what is expected, and asks the bundle of its issuer where that concerns it.
    fn authorize<'a>(
        &self,
        license: &licentia_core::License<'_>,
        expect: &Expect<'a>,
        known: &Known,
        time: Time,
        explanation: &mut Explanation<'a>,
    ) -> Result<State, Code> {
        if let None | Some((_, false)) = known.revocation {
            let silent = known.revocation.map(|(head, _)| Bundled::silent(head));
            return authorize(license, expect, silent, time, explanation);
        }
        let bundles = self.revocations.current();
        let bundle = bundles.of(license.issuer()).map(Loaded::bundle);
        authorize(license, expect, bundle.as_ref().map(Bundled::of), time, explanation)
    }

    fn expect<'a>(&'a self, request: &Request<'a>, known: &Known) -> Expect<'a> {
        let mut expect = Expect::new().skew(self.skew).features(request.features);
        if self.revocation_required {
            expect = expect.require_revocations();
        }
        if let Some(issuer) = &self.issuer {
            expect = expect.issuer(issuer);
        }
        if let Some(audience) = request.audience.or(self.audience.as_deref()) {
            expect = expect.audience(audience);
        }
        if let Some(expires) = known.keyset_expires {
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
            let (code, remaining) = match charges.rate(name, *cost, now.monotonic_nanos, &*self.store) {
                Ok(Ok(outcome)) => {
                    if outcome.reached {
                        self.reached();
                    }
                    let code = if outcome.granted { Code::Allowed } else { Code::RateLimited };
                    (code, Some(outcome.remaining))
                }
                Ok(Err(_unreachable)) => {
                    self.doubt(Check::Rate, seconds, license, explanation)?;
                    continue;
                }
                Err(code) => (code, None),
            };
            explanation.note(Check::Rate, code, Facts::Charge { name, cost: *cost, remaining })?;
        }
        let mut overage = false;
        for (name, cost) in request.meters {
            let cost = *cost;
            match charges.meter(name, cost, (seconds, now.monotonic_nanos), request.job, &*self.store) {
                Ok(Ok(outcome)) => {
                    if outcome.reached {
                        self.reached();
                    }
                    overage |= outcome.overage;
                    let code = if outcome.granted { Code::Allowed } else { Code::QuotaExceeded };
                    let facts = Facts::Charge { name, cost, remaining: Some(outcome.remaining) };
                    explanation.note(Check::Quota, code, facts)?;
                }
                Ok(Err(_unreachable)) => {
                    self.doubt(Check::Quota, seconds, license, explanation)?;
                }
                Err(code) => {
                    explanation.note(Check::Quota, code, Facts::Charge { name, cost, remaining: None })?;
                }
            }
        }
        Ok(overage)
    }

    /// The store has answered.
    fn reached(&self) {
        if self.store_lost_at.load(Ordering::Relaxed) != NEVER {
            self.store_lost_at.store(NEVER, Ordering::Relaxed);
        }
    }

    /// The store has not answered: the licence's policy decides, by how long that has been so.
    fn doubt(
        &self,
        check: Check,
        now: u64,
        license: &licentia_core::License<'_>,
        explanation: &mut Explanation<'_>,
    ) -> Result<(), Code> {
        let since = self.store_lost_at.fetch_min(now, Ordering::Relaxed).min(now);
        let action = license.policy().store_unreachable;
        let facts = Facts::Since { since, now };
        explanation.doubt(check, Code::StoreUnreachable, facts, action, since, now)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        // Where the store cannot be reached, what was taken ahead is lost, and never granted twice.
        if self.process.load(Ordering::Relaxed) == crate::own::process() {
            let _ = self.settle();
        }
    }
}
