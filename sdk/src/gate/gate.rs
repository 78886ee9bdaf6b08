//! The gate: called once per request, shared by all threads.

use std::{
    cell::RefCell,
    fmt,
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll},
    time::Instant,
};

use licentia_core::{
    Check, Code, Expect, Explanation, Facts, State, Time, Timestamp, authorize, http::brings_nonce,
    inner::clock, proof::ServiceNonces, revocation::RevocationQuery,
};

use crate::{
    event::{self, Event, Sink, Used},
    license::{BundleInUse, Found, Licences, LoadError, TrustSnapshot},
    metering::{Charges, Driver, Kept, Outage, SEATS, Unanswered, Wait, Waiting},
    platform::{Now, process_id},
    store::{Fault, SeatAsk},
};

use super::{
    clock_guard::ClockGuard,
    decision::Decision,
    mode::Mode,
    replay::Nonces,
    request::{Inquiry, Request, SeatRequest},
    reservation::Reservation,
    settle_error::SettleError,
};

/// Whether a decision at this time is timed though no sink needs it: one in 16, in no pattern.
fn is_sampled(monotonic_nanos: u64) -> bool {
    monotonic_nanos.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 60 == 0
}

/// A decision that waits as a future.
struct Run {
    started: (Timestamp, Option<Instant>),
    /// How many answers of the store there were when it began.
    begun: u64,
    /// When it has waited for as long as it wants to.
    over: Option<Instant>,
    kept: RefCell<Kept>,
}

/// Why charges were not made.
enum Halt {
    /// They are denied.
    Denied(Code),
    /// The answer of the store comes later.
    Pending,
}

impl From<Code> for Halt {
    fn from(code: Code) -> Self {
        Self::Denied(code)
    }
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
    pub(super) clock: Arc<ClockGuard>,
    pub(super) driver: Arc<Driver>,
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

    /// Loads a bundle and the deltas that came after it, as one.
    #[cfg(feature = "follow")]
    pub(crate) fn load_revocation_chain(&self, chain: &[Vec<u8>]) -> Result<bool, LoadError> {
        self.licences.load_revocation_chain(chain)
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

    /// Whether a check would wait for the store now: because units, a job or a slice of a rate must be fetched. A host
    /// whose threads must not wait calls [`Gate::check_async`] instead, or moves such a check to another thread. It takes
    /// no lock that is held during a question to the store.
    pub fn may_wait(&self, token: &str, request: &Request<'_>, now: impl Into<Now>) -> bool {
        // In an outage nobody waits.
        if !self.driver.may_wait() || self.driver.is_down() {
            return false;
        }
        if !self.clock.is_resumed() || (request.proof.is_some() && self.nonces.may_wait()) {
            return true;
        }
        if request.meters.is_empty() && request.rates.is_empty() {
            return false;
        }
        let now = now.into();
        // A bad token never reaches the store.
        let found = self.licences.find(token, now, &mut Explanation::default());
        let Some(licensed) = found.as_ref().ok().and_then(Found::get) else { return false };
        let counters = &licensed.counters;
        let meters = |(name, cost): &(&str, u64)| {
            let quota = counters.quota(name);
            quota.is_some_and(|quota| request.job.is_some() || !quota.is_at_hand(*cost, now.time))
        };
        let rates = |(name, cost): &(&str, u64)| {
            counters.rate(name).is_some_and(|rate| !rate.is_at_hand(*cost, now.monotonic_nanos))
        };
        request.rates.iter().any(rates) || request.meters.iter().any(meters)
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

    /// As [`Gate::check`], without blocking a thread: the future waits while the store is asked. It needs no runtime of a
    /// certain kind and starts no thread for a request. A future that is dropped before it is ready takes back what it
    /// was charged, except a job, which can be tried again.
    pub async fn check_async<'a>(
        &'a self,
        token: &str,
        request: &Request<'a>,
        now: impl Into<Now>,
    ) -> Decision<'a> {
        let inquiry = Inquiry { request, seat: None, reserve: false, now: now.into() };
        self.answer_async(token, inquiry).await.0
    }

    /// As [`Gate::reserve`], as a future: see [`Gate::check_async`]. Committing or dropping the reservation of a job asks
    /// the store, and blocks.
    pub async fn reserve_async<'a>(
        &'a self,
        token: &str,
        request: &Request<'a>,
        now: impl Into<Now>,
    ) -> (Decision<'a>, Option<Reservation>) {
        let inquiry = Inquiry { request, seat: None, reserve: true, now: now.into() };
        self.answer_async(token, inquiry).await
    }

    async fn answer_async<'a>(
        &'a self,
        token: &str,
        inquiry: Inquiry<'_, 'a>,
    ) -> (Decision<'a>, Option<Reservation>) {
        let Inquiry { request, now, reserve, .. } = inquiry;
        if self.driver.may_wait() && !self.clock.is_resumed() {
            self.resume_clock(now).await;
        }
        let (mut decision, mut reservation) = (Decision::undecided(), None);
        let started = self.start(now, &mut decision);
        let mut run = Run { started, begun: self.driver.answers(), over: None, kept: RefCell::default() };
        match self.admit(token, inquiry, &mut decision) {
            Err(code) => self.conclude(run.started, request, &mut decision, Err(code)),
            Ok(admitted) => {
                let before = decision.explanation.clone();
                poll_fn(|context| {
                    let keep = |charges: &Charges<'_, 'a>, found: &Found| {
                        if reserve {
                            reservation = self.reservation(charges, found);
                        }
                    };
                    let charged =
                        self.poll_charges(&mut run, (inquiry, admitted), &mut decision, context, keep);
                    let Some(charged) = charged else {
                        decision.charges.clear();
                        decision.explanation = before.clone();
                        return Poll::Pending;
                    };
                    self.conclude(run.started, request, &mut decision, charged.map(|(state, _)| state));
                    Poll::Ready(())
                })
                .await;
            }
        }
        (decision, reservation)
    }

    /// What was charged, to be committed later.
    fn reservation(&self, charges: &Charges<'_, '_>, found: &Found) -> Option<Reservation> {
        let (driver, sinks) = (Arc::clone(&self.driver), Arc::clone(&self.sinks));
        found.share().map(|licensed| Reservation::new(driver, sinks, licensed, charges))
    }

    /// Charges once more for a future. None if it must wait.
    fn poll_charges<'a>(
        &'a self,
        run: &mut Run,
        (inquiry, admitted): (Inquiry<'_, 'a>, (State, Timestamp)),
        decision: &mut Decision<'a>,
        context: &Context<'_>,
        keep: impl FnOnce(&Charges<'_, 'a>, &Found),
    ) -> Option<Result<(State, Option<Timestamp>), Code>> {
        let is_over = run.over.is_some_and(|over| Instant::now() >= over);
        let waiting = Waiting { waker: context.waker(), begun: run.begun, is_over, kept: &run.kept };
        let charged = self.charge_all(inquiry, admitted, decision, &Wait::Poll(waiting), keep);
        if charged.is_none() && run.over.is_none() {
            run.over = self.driver.wake_in_time(context.waker());
        }
        charged
    }

    /// Waits until the mark of the clock was read.
    async fn resume_clock(&self, now: Now) {
        let asked = self.clock.begin_to_resume(now, &self.driver);
        let mut over = None;
        poll_fn(|context| {
            let over = *over.get_or_insert_with(|| self.driver.wake_in_time(context.waker()));
            if over.is_some_and(|over| Instant::now() >= over) {
                return Poll::Ready(());
            }
            asked.poll(context.waker()).map(|_| ())
        })
        .await;
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
        let started = self.start(inquiry.now, decision);
        let charged = self.admit(token, inquiry, decision).and_then(|admitted| {
            // A thread that waits has an answer at last.
            self.charge_all(inquiry, admitted, decision, &Wait::Block, keep)
                .unwrap_or(Err(Code::StoreUnreachable))
        });
        let until = charged.as_ref().ok().and_then(|(_, until)| *until);
        self.conclude(started, inquiry.request, decision, charged.map(|(state, _)| state));
        until
    }

    /// Begins a decision. Returns its time, and when it began if that is measured.
    fn start(&self, now: Now, decision: &mut Decision<'_>) -> (Timestamp, Option<Instant>) {
        let timed = self.timed || (!self.sinks.is_empty() && is_sampled(now.monotonic_nanos));
        decision.clear();
        decision.time = now.time;
        (now.time, timed.then(Instant::now))
    }

    /// Ends a decision, and reports it to the sinks.
    fn conclude<'a>(
        &self,
        (at, started): (Timestamp, Option<Instant>),
        request: &Request<'a>,
        decision: &mut Decision<'a>,
        result: Result<State, Code>,
    ) {
        match result {
            Ok(state) => (decision.code, decision.state) = (Code::Allowed, state),
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
        if self.sinks.is_empty() {
            return;
        }
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
            at,
            keyset: snapshot.keyset,
            revocation: snapshot.revocation.map(|head| (head.sequence, head.issued_at)),
            took_nanos,
        };
        event::each(&self.sinks, |sink| sink.record(&event));
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
        let keep = |charges: &Charges<'_, 'a>, found: &Found| reservation = self.reservation(charges, found);
        let mut decision = Decision::undecided();
        let inquiry = Inquiry { request, seat: None, reserve: true, now: now.into() };
        self.answer(token, inquiry, &mut decision, keep);
        (decision, reservation)
    }

    /// Gives all unused units back to the store, and waits for what is being saved. Counting continues. A gate settles
    /// when it is dropped; call this before a process ends in another way.
    ///
    /// # Errors
    /// [`SettleError`]. What could not be given back stays here and can be used. If nobody knows whether it went back, it
    /// is set aside until the store can be asked, and never granted twice.
    pub fn settle(&self) -> Result<(), SettleError> {
        let meters = self.licences.accounts().meters();
        // All of them are asked for at once, so that they go in few round trips.
        if self.driver.may_wait() {
            for meter in &meters {
                meter.begin_to_settle(&self.driver);
            }
        }
        // Every meter is tried, also after one that failed.
        let failures: Vec<_> = meters.iter().filter_map(|meter| meter.settle(&self.driver).err()).collect();
        self.driver.flush();
        SettleError::of(failures.into_iter(), meters.len())
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
        for meter in meters {
            // In an outage the other meters would wait for the same store. The request that needs units sees it, and
            // its licence's policy decides.
            match meter.refill_or_return(now.monotonic_nanos, &self.driver) {
                Err(error) if error.fault() != Fault::OneKey => break,
                _ => {}
            }
        }
    }

    /// Checks everything but the charges. Returns the state in which the licence grants the request, and the time.
    fn admit<'a>(
        &'a self,
        token: &str,
        inquiry: Inquiry<'_, 'a>,
        decision: &mut Decision<'a>,
    ) -> Result<(State, Timestamp), Code> {
        let Inquiry { request, now, .. } = inquiry;
        decision.license = self.licences.find(token, now, &mut decision.explanation)?;
        // `find` returns a licence or an error.
        let licensed = decision.license.get().ok_or(Code::MissingToken)?;
        let snapshot = &licensed.snapshot;
        let license = licensed.kept.license();
        let time = self.read_clock(now, snapshot, &license);
        decision.time = time.now;
        let expect = self.expect(request, snapshot);
        let state = self.authorize(&license, &expect, snapshot, time, &mut decision.explanation)?;
        Ok((state, time.now))
    }

    /// Makes all charges of a request that was admitted, or none. Returns none if the answer of the store comes later;
    /// then nothing is charged, except what the wait keeps.
    fn charge_all<'a>(
        &'a self,
        inquiry: Inquiry<'_, 'a>,
        (state, time): (State, Timestamp),
        decision: &mut Decision<'a>,
        wait: &Wait<'_>,
        keep: impl FnOnce(&Charges<'_, 'a>, &Found),
    ) -> Option<Result<(State, Option<Timestamp>), Code>> {
        let Inquiry { request, seat, reserve, now } = inquiry;
        let found = &decision.license;
        let licensed = found.get()?;
        let license = licensed.kept.license();
        let mut charges = Charges::new(&licensed.counters, &mut decision.charges, reserve);
        let explanation = &mut decision.explanation;
        let overage = match self.charge(&mut charges, request, (now, time), &license, explanation, wait) {
            Ok(overage) => Ok(overage),
            Err(Halt::Pending) => {
                charges.undo_here();
                return None;
            }
            Err(Halt::Denied(code)) => Err(code),
        };
        let granted = overage.and_then(|overage| {
            let state = if overage { State::Overage } else { state };
            let until = seat.map(|seat| self.seat(&mut charges, seat, time, &license, explanation));
            Ok((state, until.transpose()?))
        });
        match granted {
            Ok(_) => keep(&charges, found),
            Err(_) => charges.undo(&self.driver, wait),
        }
        Some(granted)
    }

    /// The time by the clock guard.
    pub(crate) fn time(&self, now: Now) -> Time {
        self.clock.read(now, Timestamp::EPOCH, &self.driver)
    }

    /// Reports to the sinks what was charged outside a decision.
    pub(crate) fn report_used(&self, used: &Used<'_>) {
        event::each(&self.sinks, |sink| sink.used(used));
    }

    /// Asks the store where counters, marks and seats are kept.
    pub(crate) fn driver(&self) -> &Driver {
        &self.driver
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
        let (account, name, at) = (license.account(), holder.to_owned(), now.as_seconds());
        let asked = self
            .driver
            .call(move |store| store.take_seat(&SeatAsk { account, holder: &name, ttl, limit, now: at }));
        match asked {
            Ok(seats) => {
                self.outage.end();
                charges.seats(limit, &seats, now)?;
                let code = if seats.granted { Code::Allowed } else { Code::SeatsTaken };
                explanation.note(Check::Seat, code, facts(Some(limit.saturating_sub(seats.taken))))?;
            }
            Err(error) => {
                let unanswered = Unanswered::of_error(&error, || now);
                match self.doubt(Check::Seat, unanswered, now, license, explanation) {
                    Err(Halt::Denied(code)) => return Err(code),
                    Err(Halt::Pending) | Ok(()) => {}
                }
            }
        }
        Ok(now.saturating_add(ttl))
    }

    /// Fetches from the store what a request's meters are short of, without charging: for a store that fetches between
    /// this and [`Gate::check`], such as [`Leased`](crate::store::Leased). A request that would be refused whatever is
    /// left fetches nothing.
    pub fn prefetch(&self, token: &str, request: &Request<'_>, now: impl Into<Now>) {
        let now = now.into();
        let Some(time) = self.would_admit(token, request, now) else { return };
        let found = self.licences.find(token, now, &mut Explanation::default());
        let Some(licensed) = found.as_ref().ok().and_then(Found::get) else { return };
        for (name, cost) in request.meters {
            if let Some(quota) = licensed.counters.quota(name) {
                quota.prefetch(&quota.units(time), *cost, now.monotonic_nanos, &self.driver);
            }
        }
    }

    /// Checks everything but the charges, and remembers nothing. Returns the time if the request would be admitted.
    pub(super) fn would_admit(&self, token: &str, request: &Request<'_>, now: Now) -> Option<Timestamp> {
        let mut explanation = Explanation::default();
        let found = self.licences.find(token, now, &mut explanation);
        let licensed = found.as_ref().ok().and_then(Found::get)?;
        let snapshot = &licensed.snapshot;
        let license = licensed.kept.license();
        let time = self.read_clock(now, snapshot, &license);
        let mut expect = self.expect(request, snapshot);
        if let Some(proof) = &request.proof {
            // Only the check may remember the nonce.
            expect = expect.proof(proof.presented(self.proof_age), None);
        }
        self.authorize(&license, &expect, snapshot, time, &mut explanation).ok().map(|_| time.now)
    }

    /// The time of a request by the clock guard.
    fn read_clock(&self, now: Now, snapshot: &TrustSnapshot, license: &licentia_core::License<'_>) -> Time {
        // A token's `iat` supports a clock that already shows that time; it never moves time ahead by itself.
        let published =
            snapshot.revocation.map(|head| clock::published(head.issued_at, now.time)).unwrap_or_default();
        let published = published.max(snapshot.keyset_issued_at);
        let issued_at =
            Some(license.issued_at()).filter(|issued_at| *issued_at <= now.time).unwrap_or_default();
        let time = self.clock.read(now, published.max(issued_at), &self.driver);
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
        (now, seconds): (Now, Timestamp),
        license: &licentia_core::License<'_>,
        explanation: &mut Explanation<'a>,
        wait: &Wait<'_>,
    ) -> Result<bool, Halt> {
        let times = (seconds, now.monotonic_nanos);
        for (name, cost) in request.rates {
            let (code, remaining) = match charges.rate(name, *cost, times, (&self.driver, wait)) {
                Ok(Ok(outcome)) => {
                    if outcome.reached {
                        self.outage.end();
                    }
                    let code = if outcome.granted { Code::Allowed } else { Code::RateLimited };
                    (code, Some(outcome.remaining))
                }
                Ok(Err(unanswered)) => {
                    self.doubt(Check::Rate, unanswered, seconds, license, explanation)?;
                    continue;
                }
                Err(code) => (code, None),
            };
            explanation.note(Check::Rate, code, Facts::Charge { name, cost: *cost, remaining })?;
        }
        // A cost of 0 reads the meter, and needs no job.
        if let Some(job) = request.job.filter(|_| request.meters.iter().any(|(_, cost)| *cost > 0)) {
            return self.charge_job(charges, (job, request.meters), seconds, license, explanation, wait);
        }
        let mut overage = false;
        for (name, cost) in request.meters {
            let cost = *cost;
            match charges.meter(name, cost, times, (&self.driver, wait)) {
                Ok(Ok(outcome)) => {
                    if outcome.reached {
                        self.outage.end();
                    }
                    overage |= outcome.overage;
                    let code = if outcome.granted { Code::Allowed } else { Code::QuotaExceeded };
                    let facts = Facts::Charge { name, cost, remaining: Some(outcome.remaining) };
                    explanation.note(Check::Quota, code, facts)?;
                }
                Ok(Err(unanswered)) => {
                    self.doubt(Check::Quota, unanswered, seconds, license, explanation)?;
                }
                Err(code) => {
                    explanation.note(Check::Quota, code, Facts::Charge { name, cost, remaining: None })?;
                }
            }
        }
        Ok(overage)
    }

    /// Charges a job on all its meters, or on none; `true` if a quota is in overage.
    fn charge_job<'a>(
        &self,
        charges: &mut Charges<'_, 'a>,
        (job, meters): (&'a str, &'a [(&'a str, u64)]),
        seconds: Timestamp,
        license: &licentia_core::License<'_>,
        explanation: &mut Explanation<'a>,
        wait: &Wait<'_>,
    ) -> Result<bool, Halt> {
        let mut overage = false;
        match charges.job(job, meters, seconds, (&self.driver, wait)) {
            Ok(Ok(codes)) => {
                self.outage.end();
                for ((name, cost), (code, outcome)) in meters.iter().zip(codes) {
                    overage |= outcome.overage;
                    let facts = Facts::Charge { name, cost: *cost, remaining: Some(outcome.remaining) };
                    explanation.note(Check::Quota, code, facts)?;
                }
            }
            Ok(Err(unanswered)) => {
                self.doubt(Check::Quota, unanswered, seconds, license, explanation)?;
            }
            Err((place, code)) => {
                let (name, cost) = meters.get(place).copied().unwrap_or(("", 0));
                explanation.note(Check::Quota, code, Facts::Charge { name, cost, remaining: None })?;
            }
        }
        Ok(overage)
    }

    /// The store has not answered: the licence's policy decides, by how long that has been so.
    fn doubt(
        &self,
        check: Check,
        unanswered: Unanswered,
        now: Timestamp,
        license: &licentia_core::License<'_>,
        explanation: &mut Explanation<'_>,
    ) -> Result<(), Halt> {
        let since = match unanswered {
            Unanswered::Pending => return Err(Halt::Pending),
            Unanswered::Outage => self.outage.since(now),
            // A store that refuses one key answers for all others.
            Unanswered::KeySince(since) => since,
        };
        let action = license.policy().store_unreachable;
        let facts = Facts::Since { since, now };
        explanation.doubt(check, Code::StoreUnreachable, facts, action, since, now)?;
        Ok(())
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        // If the store is unreachable, what was taken ahead is lost, and never granted twice.
        if self.process.load(Ordering::Relaxed) == process_id() {
            let _ = self.settle();
        }
        self.driver.close();
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
