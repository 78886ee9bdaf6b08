//! The gate: called once per request, shared by all threads.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Instant,
};

use licentia_core::{
    Check, Code, Expect, Explanation, Facts, State, Time, Timestamp, authorize, http::brings_nonce,
    inner::clock, proof::ServiceNonces, revocation::RevocationQuery,
};

use crate::{
    event::{self, Event, Sink, Used},
    license::{BundleInUse, Found, Licences, LoadError, TrustSnapshot},
    metering::{Charges, SEATS},
    platform::{Now, process_id},
    store::{SeatAsk, Store},
};

use super::{
    clock_guard::ClockGuard,
    decision::Decision,
    mode::Mode,
    outage::Outage,
    replay::Nonces,
    request::{Inquiry, Request, SeatRequest},
    reservation::Reservation,
    settle_error::SettleError,
};

/// Whether a decision at this time is timed though no sink needs it: one in 16, in no pattern.
fn is_sampled(monotonic_nanos: u64) -> bool {
    monotonic_nanos.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 60 == 0
}

/// Decides whether requests may proceed. Share it by reference. A request whose token is cached takes no lock.
///
/// A [`GateBuilder`](crate::GateBuilder) builds it.
pub struct Gate {
    pub(super) licences: Licences,
    pub(super) revocation_required: bool,
    pub(super) issuer: Option<String>,
    pub(super) audience: Option<String>,
    pub(super) mode: Mode,
    pub(super) skew: u64,
    pub(super) proof_age: u64,
    pub(super) nonces: Nonces,
    /// The secret of the nonces that are handed out.
    pub(super) nonce_secret: Option<[u8; 32]>,
    pub(super) nonces_required: bool,
    pub(super) clock: ClockGuard,
    pub(super) store: Arc<dyn Store>,
    pub(super) outage: Outage,
    pub(super) sinks: Arc<[Arc<dyn Sink>]>,
    /// Whether a sink needs to know how long each decision took.
    pub(super) timed: bool,
    /// The process that owns the gate: a child after `fork` gives nothing back for its parent.
    pub(super) process: AtomicU32,
}

impl Gate {
    /// Replaces the keys by those of a newer keyset, at once for all threads; `false` if it is the one in use.
    /// Needs a gate that was built with a keyset.
    ///
    /// # Errors
    /// [`LoadError`]. Its code is of group 1xx or 2xx for a bad keyset, in particular [`Code::KeysetRollback`] and
    /// [`Code::KeysetEquivocation`]; [`Code::KeysetExpired`] for one that has already expired while the keys in use have
    /// not; [`Code::StoreUnreachable`] if the store cannot save its mark. The keys in use then stay.
    pub fn load_keyset(&self, keyset: &[u8]) -> Result<bool, LoadError> {
        self.licences.load_keyset(keyset, self.clock.known())
    }

    /// Loads a newer revocation bundle, or a delta on the one in use, at once for all threads; `false` if it is the
    /// one in use. Needs a keyset with a revocation key. Each stream of an issuer has one bundle in use.
    ///
    /// # Errors
    /// [`LoadError`]. Its code is one from 520 to 526 for a bad bundle, [`Code::WrongTyp`] for bytes that are no bundle,
    /// [`Code::KeyNotActive`] or [`Code::KeyRevoked`] for a key that is out of use; [`Code::StoreUnreachable`] if the
    /// store cannot save its mark. The bundle in use then stays.
    pub fn load_revocation(&self, bundle: &[u8]) -> Result<bool, LoadError> {
        self.licences.load_revocation(bundle)
    }

    /// The revocation bundle in use for an issuer's licences, of its first stream: 0.
    pub fn revocation(&self, issuer: &str) -> Option<BundleInUse> {
        self.stream_revocation(issuer, 0)
    }

    /// The revocation bundle in use for one of an issuer's streams.
    pub fn stream_revocation(&self, issuer: &str, stream: u64) -> Option<BundleInUse> {
        self.licences.bundles().of(issuer, stream).map(|loaded| loaded.in_use())
    }

    /// Counts the keysets that were loaded.
    pub(crate) fn keys_generation(&self) -> u64 {
        self.licences.keys_generation()
    }

    /// Whether a check of `token` needs no signature verification, because it was verified before with the keys in
    /// use. A host that would rather not verify on this thread calls this first.
    pub fn knows(&self, token: &str) -> bool {
        self.licences.has_verified(token)
    }

    /// Whether a check may wait for the store: if units, a job or a slice of a rate must be fetched. A host whose
    /// threads must not wait moves such a check to another thread, as the `tower` layer does.
    pub fn may_wait(&self, token: &str, request: &Request<'_>, now: impl Into<Now>) -> bool {
        if !self.store.may_wait() || (request.meters.is_empty() && request.rates.is_empty()) {
            return false;
        }
        let now = now.into();
        // A bad token never reaches the store.
        let found = self.licences.find(token, now, &mut Explanation::default());
        let Some(licensed) = found.as_ref().ok().and_then(Found::get) else { return false };
        let counters = &licensed.counters;
        let asks = |(name, cost): &(&str, u64)| {
            let quota = counters.quota(name);
            quota.is_some_and(|quota| request.job.is_some() || !quota.is_at_hand(*cost, now.time))
        };
        let shared = counters.rates.iter().any(|rate| !rate.is_local()) && !request.rates.is_empty();
        shared || request.meters.iter().any(asks)
    }

    /// Decides whether a request that came with `token` (its text form) may proceed.
    pub fn check<'a>(&'a self, token: &str, request: &Request<'a>, now: impl Into<Now>) -> Decision<'a> {
        let mut decision = Decision::undecided();
        self.check_into(token, request, now, &mut decision);
        decision
    }

    /// As [`Gate::check`], reusing the space of a decision.
    pub fn check_into<'a>(
        &'a self,
        token: &str,
        request: &Request<'a>,
        now: impl Into<Now>,
        decision: &mut Decision<'a>,
    ) {
        self.answer(
            token,
            Inquiry { request, seat: None, reserve: false, now: now.into() },
            decision,
            |_, _| (),
        );
    }

    /// Decides, and takes a seat if one is wanted; returns until when. If the request may proceed, `keep` gets what
    /// was charged.
    pub(crate) fn answer<'a>(
        &'a self,
        token: &str,
        inquiry: Inquiry<'_, 'a>,
        decision: &mut Decision<'a>,
        keep: impl FnOnce(&Charges<'_, 'a>, &Found),
    ) -> Option<Timestamp> {
        let Inquiry { request, now, .. } = inquiry;
        let timed = self.timed || (!self.sinks.is_empty() && is_sampled(now.monotonic_nanos));
        let started = timed.then(Instant::now);
        decision.clear();
        decision.time = now.time;
        let mut until = None;
        match self.decide(token, inquiry, decision, keep) {
            Ok((state, seat)) => (decision.code, decision.state, until) = (Code::Allowed, state, seat),
            Err(code) => {
                decision.code = code;
                if brings_nonce(code) {
                    decision.proof_nonce = self.service_nonces().map(|nonces| nonces.issue(decision.time));
                }
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
            let snapshot = if let Some(licensed) = decision.license.get() {
                &licensed.snapshot
            } else {
                unlicensed = self.licences.snapshot(None);
                &unlicensed
            };
            let event = Event {
                decision,
                action: request.action,
                source: request.source,
                at: now.time,
                keyset: snapshot.keyset,
                revocation: snapshot.revocation.map(|head| (head.sequence, head.issued_at)),
                took_nanos,
            };
            event::each(&self.sinks, |sink| sink.record(&event));
        }
        until
    }

    /// Decides as [`Gate::check`] does, and reserves the most that the request's meters may cost, for work whose cost
    /// is known when it is done. Returns a reservation if the request may proceed.
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
        let inquiry = Inquiry { request, seat: None, reserve: true, now: now.into() };
        self.answer(token, inquiry, &mut decision, keep);
        (decision, reservation)
    }

    /// Gives everything back to the store that was taken ahead and not used. Counting continues. A gate settles when
    /// it is dropped; call this before a process ends in another way.
    ///
    /// # Errors
    /// [`SettleError`]. What could not be given back stays here and can be used, unless the store failed halfway, so
    /// that it is unknown: then it is lost, and never granted twice.
    pub fn settle(&self) -> Result<(), SettleError> {
        // Every meter is tried, also after one that failed.
        let meters = self.licences.accounts().meters();
        let failures = meters.iter().filter_map(|meter| meter.settle(&*self.store).err());
        SettleError::of(failures, meters.len())
    }

    /// Makes the gate safe to use in a child after `fork`: what the parent had taken ahead stays the parent's. Call it
    /// first, while the child has one thread.
    pub fn after_fork(&self) {
        self.process.store(process_id(), Ordering::Relaxed);
        self.licences.accounts().after_fork();
    }

    /// Refills every meter once, as a [`Refiller`](crate::Refiller) does repeatedly: fetches units before they are used
    /// up, and gives back those that were not used since the last call.
    pub fn refill(&self, now: impl Into<Now>) {
        let now = now.into();
        let meters = self.licences.accounts().meters();
        // Stop at the first failure: the other meters would wait for the same store. The request that needs units sees
        // the outage, and its licence's policy decides.
        let _ = meters.iter().try_for_each(|meter| meter.refill_or_return(now.monotonic_nanos, &*self.store));
    }

    fn decide<'a>(
        &'a self,
        token: &str,
        inquiry: Inquiry<'_, 'a>,
        decision: &mut Decision<'a>,
        keep: impl FnOnce(&Charges<'_, 'a>, &Found),
    ) -> Result<(State, Option<Timestamp>), Code> {
        let Inquiry { request, seat, reserve, now } = inquiry;
        decision.license = self.licences.find(token, now, &mut decision.explanation)?;
        let found = &decision.license;
        // `find` returns a licence or an error.
        let licensed = found.get().ok_or(Code::MissingToken)?;
        let snapshot = &licensed.snapshot;
        let license = licensed.kept.license();
        let time = self.read_clock(now, snapshot, &license);
        decision.time = time.now;
        let expect = self.expect(request, snapshot);
        let state = self.authorize(&license, &expect, snapshot, time, &mut decision.explanation)?;

        let mut charges = Charges::new(&licensed.counters, &mut decision.charges, reserve);
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

    /// The time by the clock guard.
    pub(crate) fn time(&self, now: Now) -> Time {
        self.clock.read(now, Timestamp::EPOCH)
    }

    /// Reports to the sinks what was charged outside a decision.
    pub(crate) fn report_used(&self, used: &Used<'_>) {
        event::each(&self.sinks, |sink| sink.used(used));
    }

    /// Where counters, marks and seats are stored.
    pub(crate) fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Takes a seat, and returns until when.
    fn seat<'a>(
        &self,
        charges: &mut Charges<'_, 'a>,
        ask: SeatRequest<'_>,
        now: Timestamp,
        license: &licentia_core::License<'_>,
        explanation: &mut Explanation<'a>,
    ) -> Result<Timestamp, Code> {
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
        let SeatRequest { holder, ttl } = ask;
        let ask = SeatAsk { account: license.account(), holder, ttl, limit, now: now.as_seconds() };
        match self.store.take_seat(&ask) {
            Ok(seats) => {
                self.outage.end();
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

    /// Fetches from the store what a request's meters are short of, without charging: for a store that fetches between
    /// this and [`Gate::check`], such as [`Leased`](crate::store::Leased). A request that would be refused whatever is
    /// left fetches nothing.
    pub fn prefetch(&self, token: &str, request: &Request<'_>, now: impl Into<Now>) {
        let now = now.into();
        let mut explanation = Explanation::default();
        let found = self.licences.find(token, now, &mut explanation);
        let Some(licensed) = found.as_ref().ok().and_then(Found::get) else { return };
        let snapshot = &licensed.snapshot;
        let license = licensed.kept.license();
        let time = self.read_clock(now, snapshot, &license);
        let mut expect = self.expect(request, snapshot);
        if let Some(proof) = &request.proof {
            // Only the check may remember the nonce.
            expect = expect.proof(proof.presented(self.proof_age), None);
        }
        if self.authorize(&license, &expect, snapshot, time, &mut explanation).is_err() {
            return;
        }
        for (name, cost) in request.meters {
            if let Some(quota) = licensed.counters.quota(name) {
                quota.prefetch(&quota.units(time.now), *cost, now.monotonic_nanos, &*self.store);
            }
        }
    }

    /// The time of a request by the clock guard.
    fn read_clock(&self, now: Now, snapshot: &TrustSnapshot, license: &licentia_core::License<'_>) -> Time {
        // A token's `iat` supports a clock that already shows that time; it never moves time ahead by itself.
        let published =
            snapshot.revocation.map(|head| clock::published(head.issued_at, now.time)).unwrap_or_default();
        let published = published.max(snapshot.keyset_issued_at);
        let issued_at =
            Some(license.issued_at()).filter(|issued_at| *issued_at <= now.time).unwrap_or_default();
        let time = self.clock.read(now, published.max(issued_at));
        if let Some(seconds) = self.clock.take_healed() {
            event::each(&self.sinks, |sink| sink.clock_healed(time.now, seconds));
        }
        time
    }

    /// Checks a licence against what is expected, and against its issuer's bundles if one concerns it.
    fn authorize<'a>(
        &self,
        license: &licentia_core::License<'_>,
        expect: &Expect<'a>,
        snapshot: &TrustSnapshot,
        time: Time,
        explanation: &mut Explanation<'a>,
    ) -> Result<State, Code> {
        if !snapshot.is_concerned {
            let silent = snapshot.revocation.map(RevocationQuery::silent);
            return authorize(license, expect, silent, time, explanation);
        }
        let current = self.licences.bundles();
        let bundles: Vec<_> = current.of_issuer(license.issuer()).map(|loaded| loaded.bundle()).collect();
        authorize(license, expect, Some(RevocationQuery::of_all(&bundles)), time, explanation)
    }

    fn expect<'a>(&'a self, request: &Request<'a>, snapshot: &TrustSnapshot) -> Expect<'a> {
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
        if let Some(expires) = snapshot.keyset_expires {
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
            if let Some(nonces) = self.service_nonces() {
                expect = expect.service_nonces(nonces);
            }
        }
        expect
    }

    /// How nonces for proofs are handed out.
    fn service_nonces(&self) -> Option<ServiceNonces<'_>> {
        let nonces = ServiceNonces::new(self.nonce_secret.as_ref()?);
        Some(if self.nonces_required { nonces.required() } else { nonces })
    }

    /// Charges every rate and meter of the request; `true` if a quota is in overage. On an error the caller undoes the
    /// charges.
    fn charge<'a>(
        &self,
        charges: &mut Charges<'_, 'a>,
        request: &Request<'a>,
        now: Now,
        seconds: Timestamp,
        license: &licentia_core::License<'_>,
        explanation: &mut Explanation<'a>,
    ) -> Result<bool, Code> {
        for (name, cost) in request.rates {
            let (code, remaining) = match charges.rate(name, *cost, now.monotonic_nanos, &*self.store) {
                Ok(Ok(outcome)) => {
                    if outcome.reached {
                        self.outage.end();
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
                        self.outage.end();
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

    /// The store has not answered: the licence's policy decides, by how long that has been so.
    fn doubt(
        &self,
        check: Check,
        now: Timestamp,
        license: &licentia_core::License<'_>,
        explanation: &mut Explanation<'_>,
    ) -> Result<(), Code> {
        let since = self.outage.since(now);
        let action = license.policy().store_unreachable;
        let facts = Facts::Since { since, now };
        explanation.doubt(check, Code::StoreUnreachable, facts, action, since, now)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        // If the store is unreachable, what was taken ahead is lost, and never granted twice.
        if self.process.load(Ordering::Relaxed) == process_id() {
            let _ = self.settle();
        }
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}
