//! The gate of an instance of the module. JavaScript fetches the units of its store.

use std::sync::Arc;

use licentia::{
    Code, Gate, GateBuilder, Key, Mode, Now, Proof, Request, State, Unit, limits,
    store::{Leased, Store},
};
use licentia_core::revocation::Bundle;

use crate::{
    needs::{Needs, time, whole},
    port::{
        call::{Answer, Call, byte_numbers, done, one},
        numbers::{
            charge, decision, decision_bit, loaded, needs_flag, operation, settings, settings_flag, state,
        },
        words::{Told, Words},
    },
};

/// How many tokens a gate caches by default. It is small, since a host runs many instances.
const CACHE_CAPACITY: usize = 1024;

/// The gate of an instance, and its store.
pub(crate) struct Instance {
    store: Option<Arc<Leased>>,
    gate: Option<Gate>,
}

impl Instance {
    pub(crate) const fn new() -> Self {
        Self { store: None, gate: None }
    }

    /// Runs an operation on the gate.
    ///
    /// # Errors
    /// The code of a refusal; [`Code::InvalidArgument`] for an unknown operation.
    pub(crate) fn call(&mut self, operation: u32, call: Call<'_>, told: &mut Told) -> Answer {
        match operation {
            operation::CHECK => self.check(call, told),
            operation::WISHES => self.wishes(call, told),
            operation::OPEN => Ok(self.open(call.first > 0.0)),
            operation::BUILD => self.build(call),
            operation::LOAD_KEYSET => Ok(one(u32::from(self.gate()?.load_keyset(call.bytes)?))),
            operation::LOAD_REVOCATION => self.load_revocation(call.bytes),
            operation::GRANTED => self.granted(&call),
            operation::LOST => self.lost(call.subject),
            operation::DRAIN => self.drain(told),
            operation::IDLE => self.idle(&call, told),
            operation::CHANGED_MARKS => self.changed_marks(told),
            operation::MARK => self.mark(call.subject),
            operation::SET_MARK => self.set_mark(call.subject, call.bytes),
            _ => Err(Code::InvalidArgument),
        }
    }

    fn gate(&self) -> Result<&Gate, Code> {
        self.gate.as_ref().ok_or(Code::InvalidArgument)
    }

    fn store(&self) -> Result<&Arc<Leased>, Code> {
        self.store.as_ref().ok_or(Code::InvalidArgument)
    }

    /// Makes the store. With `leases` its units come from JavaScript, else it has its own.
    fn open(&mut self, leases: bool) -> Vec<f64> {
        self.store = Some(Arc::new(if leases { Leased::new() } else { Leased::alone() }));
        done()
    }

    /// Builds the gate. Words: issuer, audience, root key, keys. Numbers: as [`settings`] says. Bytes: the keyset.
    fn build(&mut self, call: Call<'_>) -> Answer {
        let Call { mut words, numbers, bytes, .. } = call;
        let numbers: &[f64; settings::LENGTH] = numbers.try_into().map_err(|_| Code::InvalidArgument)?;
        let flags = numbers[settings::FLAGS] as u32;
        let has = |flag: u32| flags & flag != 0;
        let size = |number| usize::try_from(whole(number)?).map_err(|_| Code::InvalidArgument);
        let mode = if has(settings_flag::ADVISORY) { Mode::Advisory } else { Mode::Enforce };
        let mut builder =
            GateBuilder::with_store(self.store()?.clone()).cache_capacity(CACHE_CAPACITY).mode(mode);
        let (issuer, audience, root) = (words.next()?, words.next()?, words.next()?);
        for _ in 0..whole(numbers[settings::KEYS])? {
            builder = builder.key(Key::from_text(words.next()?)?);
        }
        words.end()?;
        if has(settings_flag::ISSUER) {
            builder = builder.issuer(issuer);
        }
        if has(settings_flag::AUDIENCE) {
            builder = builder.audience(audience);
        }
        if has(settings_flag::KEYSET) {
            builder = builder.keyset(Key::from_text(root)?, bytes);
        }
        if has(settings_flag::REQUIRE_REVOCATION) {
            builder = builder.require_revocation();
        }
        if has(settings_flag::SKEW) {
            builder = builder.skew(whole(numbers[settings::SKEW])?);
        }
        if has(settings_flag::PROOF_AGE) {
            builder = builder.proof_age(whole(numbers[settings::PROOF_AGE])?);
        }
        if has(settings_flag::REPLAY_CAPACITY) {
            builder = builder.replay_capacity(size(numbers[settings::REPLAY_CAPACITY])?);
        }
        if has(settings_flag::CACHE_CAPACITY) {
            builder = builder.cache_capacity(size(numbers[settings::CACHE_CAPACITY])?);
        }
        if has(settings_flag::KEY_TABLE_BYTES) {
            builder = builder.prepare_keys(size(numbers[settings::KEY_TABLE_BYTES])?);
        }
        self.gate = Some(builder.build()?);
        Ok(done())
    }

    /// Loads a newer bundle. Answers with a number of [`loaded`].
    fn load_revocation(&self, bytes: &[u8]) -> Answer {
        if !self.gate()?.load_revocation(bytes)? {
            return Ok(one(loaded::UNCHANGED));
        }
        let delta = Bundle::inspect(bytes).is_ok_and(|(bundle, _)| bundle.base().is_some());
        Ok(one(if delta { loaded::DELTA } else { loaded::WHOLE }))
    }

    /// Decides on the token in `subject`. Answers as [`decision`] says, with the charges behind it. Tells the
    /// explanation unless the answer is a plain yes, or if the request wants it.
    fn check(&self, call: Call<'_>, told: &mut Told) -> Answer {
        let now = now(&call)?;
        let needs = read(call.numbers, call.words, call.bytes)?;
        let decided = self.gate()?.check(call.subject, &request(&needs), now);
        let (code, state) = (decided.code(), decided.state());
        let plain = code.is_allowed() && decided.warning().is_none() && state == State::Active;
        let explain = !plain || needs.flags & needs_flag::EXPLAIN != 0;
        let mut bits = u32::from(decided.is_allowed()) * decision_bit::ALLOWED;
        bits |= u32::from(decided.license().is_some()) * decision_bit::AUTHENTIC;
        bits |= u32::from(explain) * decision_bit::EXPLAINED;
        let number = |value: Option<u64>| value.map_or(-1.0, |value| value as f64);
        let charges = needs.rates.len() + needs.meters.len();
        let mut answer = Vec::with_capacity(decision::CHARGES + charge::LENGTH * charges);
        let mut head = [0.0; decision::CHARGES];
        head[decision::BITS] = f64::from(bits);
        head[decision::CODE] = f64::from(code.number());
        head[decision::STATE] = f64::from(state_number(state));
        head[decision::WARNING] = decided.warning().map_or(-1.0, |code| f64::from(code.number()));
        head[decision::RETRY_AFTER_MS] = number(decided.retry_after_ms());
        answer.extend_from_slice(&head);
        let mut next = 0;
        for charged in decided.charges() {
            // The decision omits a charge whose store did not answer.
            let named = needs.rates.iter().chain(&needs.meters).enumerate().skip(next);
            let rates = needs.rates.len();
            let same = |(index, (name, _)): &(usize, &(&str, u64))| {
                *name == charged.name && (*index < rates) == (charged.unit == Unit::Rate)
            };
            let Some((index, _)) = named.into_iter().find(same) else { continue };
            next = index + 1;
            let mut numbers = [0.0; charge::LENGTH];
            numbers[charge::INDEX] = index as f64;
            numbers[charge::LIMIT] = charged.limit as f64;
            numbers[charge::WINDOW] = number(charged.window);
            numbers[charge::REMAINING] = charged.remaining as f64;
            numbers[charge::RESET_MS] = number(charged.reset_ms);
            answer.extend_from_slice(&numbers);
        }
        if explain {
            told.word(&decided.explanation().json());
        }
        Ok(answer)
    }

    /// Tells the units that the store lacks for a request, five words each: key, units wanted, units needed, limit, and
    /// when the key may be forgotten (empty for a quota for life).
    fn wishes(&self, call: Call<'_>, told: &mut Told) -> Answer {
        let now = now(&call)?;
        let needs = read(call.numbers, call.words, call.bytes)?;
        let store = self.store()?;
        store.forget(now.time.as_seconds());
        // Wishes of earlier checks are not this request's to fetch.
        drop(store.wishes());
        self.gate()?.prefetch(call.subject, &request(&needs), now);
        for wish in store.wishes() {
            // JavaScript cannot hold a larger number exactly.
            let limit = wish.limit.min(limits::INTEGER);
            told.word(&wish.key).word(&wish.want.min(limit)).word(&wish.need).word(&limit);
            match wish.until {
                Some(until) => told.word(&until),
                None => told.word(&""),
            };
        }
        Ok(done())
    }

    /// Adds the units of a lease. Answers 1 if a request still waits for them.
    fn granted(&self, call: &Call<'_>) -> Answer {
        let waits = self.store()?.granted(call.subject, whole(call.first)?, whole(call.second)?);
        Ok(one(u32::from(waits)))
    }

    /// Records that a lease could not be fetched.
    fn lost(&self, key: &str) -> Answer {
        self.store()?.lost(key);
        Ok(done())
    }

    /// Removes all unused units, and tells key and number of each.
    fn drain(&self, told: &mut Told) -> Answer {
        // This store takes units back without failing.
        let _ = self.gate()?.settle();
        Ok(units(&self.store()?.drain(), told))
    }

    /// As [`Instance::drain`], for units that no request used since the last call.
    fn idle(&self, call: &Call<'_>, told: &mut Told) -> Answer {
        self.gate()?.refill(now(call)?);
        Ok(units(&self.store()?.idle(), told))
    }

    /// Tells the names of the marks that changed since the last call.
    fn changed_marks(&self, told: &mut Told) -> Answer {
        for name in self.store()?.changed() {
            told.word(&name);
        }
        Ok(done())
    }

    /// The mark of a name; no bytes if there is none.
    fn mark(&self, name: &str) -> Answer {
        // A store in memory loads without failing.
        Ok(byte_numbers(&self.store()?.load(name).ok().flatten().unwrap_or_default()))
    }

    /// Sets a mark that an earlier gate saved.
    fn set_mark(&self, name: &str, value: &[u8]) -> Answer {
        // A store in memory saves without failing.
        let _ = self.store()?.save(name, value);
        Ok(done())
    }
}

fn units(left: &[(String, u64)], told: &mut Told) -> Vec<f64> {
    for (key, units) in left {
        told.word(key).word(units);
    }
    done()
}

fn now(call: &Call<'_>) -> Result<Now, Code> {
    Ok(Now { time: time(call.first)?, monotonic_nanos: (call.second * 1e6) as u64 })
}

fn state_number(state: State) -> u32 {
    match state {
        State::Grace => state::GRACE,
        State::Overage => state::OVERAGE,
        State::Advisory => state::ADVISORY,
        // `State` is non-exhaustive.
        _ => state::ACTIVE,
    }
}

fn read<'a>(numbers: &[f64], mut words: Words<'a>, bytes: &'a [u8]) -> Result<Needs<'a>, Code> {
    let needs = Needs::read(&mut words, numbers, bytes)?;
    words.end()?;
    Ok(needs)
}

fn request<'a>(needs: &'a Needs<'a>) -> Request<'a> {
    let mut request = Request::new().features(&needs.features).rates(&needs.rates).meters(&needs.meters);
    if let Some(audience) = needs.audience {
        request = request.audience(audience);
    }
    if let Some(node) = needs.node {
        request = request.node(node);
    }
    if let Some(release) = needs.release {
        request = request.release(release);
    }
    if let Some(proof) = &needs.proof {
        let (bytes, method, uri, body) = (&*proof.bytes, proof.method, proof.uri, proof.body);
        request = request.proof(Proof { bytes, method, uri, body });
    }
    request
}
