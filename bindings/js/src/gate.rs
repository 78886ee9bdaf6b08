//! A gate, whose store is brought its units from outside. Each has an instance of the module to itself.

use std::sync::Arc;

use licentia::{
    Builder, Code, Gate, Key, Leased, Mode, Now, Request, State, Store, Unit, limits, request::Proof,
};
use licentia_core::revocation::Bundle;

use crate::{
    ask::{Ask, EXPLAIN, time, whole},
    call::{Answer, Call, done},
    table::numbers,
    what,
    words::{Told, Words},
};

/// Bits of the first number of a decision.
const ALLOWED: u32 = 1;
const AUTHENTIC: u32 = 2;
const TOLD: u32 = 4;

/// How many tokens a gate keeps, where it is not said: each instance of a host has its own.
const CACHED: usize = 1024;

/// Where the gate of an instance is.
pub(crate) struct Place {
    store: Option<Arc<Leased>>,
    gate: Option<Gate>,
}

impl Place {
    pub(crate) const fn new() -> Self {
        Self { store: None, gate: None }
    }

    /// Does what is asked for.
    ///
    /// # Errors
    /// Why not; [`Code::InvalidArgument`] for what nobody knows.
    pub(crate) fn answer(&mut self, asked: u32, call: Call<'_>, told: &mut Told) -> Answer {
        match asked {
            what::CHECK => self.check(call, told),
            what::WISHES => self.wishes(call, told),
            what::OPEN => Ok(self.open(call.first > 0.0)),
            what::BUILD => self.build(call),
            what::LOAD_KEYSET => Ok(vec![f64::from(u8::from(self.gate()?.load_keyset(call.bytes)?))]),
            what::LOAD_REVOCATION => self.load_revocation(call.bytes),
            what::GRANTED => self.granted(&call),
            what::LOST => self.lost(call.subject),
            what::DRAIN => self.drain(told),
            what::IDLE => self.idle(&call, told),
            what::CHANGED => self.changed(told),
            what::MARK => self.mark(call.subject),
            what::SET_MARK => self.set_mark(call.subject, call.bytes),
            _ => Err(Code::InvalidArgument),
        }
    }

    fn gate(&self) -> Result<&Gate, Code> {
        self.gate.as_ref().ok_or(Code::InvalidArgument)
    }

    fn store(&self) -> Result<&Arc<Leased>, Code> {
        self.store.as_ref().ok_or(Code::InvalidArgument)
    }

    /// Makes the store, which is leased its units or has its own.
    fn open(&mut self, leases: bool) -> Vec<f64> {
        self.store = Some(Arc::new(if leases { Leased::new() } else { Leased::alone() }));
        done()
    }

    /// Makes the gate. Words: issuer, audience, root key, keys. Numbers: flags, how many keys, skew, age of a proof,
    /// capacities for proofs and tokens, bytes for tables; the flags say which of them there are. Bytes: the keyset.
    fn build(&mut self, call: Call<'_>) -> Answer {
        let Call { mut words, numbers, bytes, .. } = call;
        let &[flags, keys, skew, proof_age, replays, tokens, tables] = numbers else {
            return Err(Code::InvalidArgument);
        };
        let has = |bit: u32| flags as u32 & (1 << bit) != 0;
        let size = |number| usize::try_from(whole(number)?).map_err(|_| Code::InvalidArgument);
        let mode = if has(0) { Mode::Advisory } else { Mode::Enforce };
        let mut builder = Builder::new(self.store()?.clone()).cache_capacity(CACHED).mode(mode);
        let (issuer, audience, root) = (words.next()?, words.next()?, words.next()?);
        for _ in 0..whole(keys)? {
            builder = builder.key(Key::from_text(words.next()?)?);
        }
        words.end()?;
        if has(1) {
            builder = builder.issuer(issuer);
        }
        if has(2) {
            builder = builder.audience(audience);
        }
        if has(3) {
            builder = builder.keyset(Key::from_text(root)?, bytes);
        }
        if has(4) {
            builder = builder.require_revocation();
        }
        if has(5) {
            builder = builder.skew(whole(skew)?);
        }
        if has(6) {
            builder = builder.proof_age(whole(proof_age)?);
        }
        if has(7) {
            builder = builder.replay_capacity(size(replays)?);
        }
        if has(8) {
            builder = builder.cache_capacity(size(tokens)?);
        }
        if has(9) {
            builder = builder.prepare(size(tables)?);
        }
        self.gate = Some(builder.build()?);
        Ok(done())
    }

    /// Loads a newer bundle. Answers with 0 where it is the one in use, 1 for one that is whole, 2 for a delta.
    fn load_revocation(&self, bytes: &[u8]) -> Answer {
        if !self.gate()?.load_revocation(bytes)? {
            return Ok(vec![0.0]);
        }
        let delta = Bundle::inspect(bytes).is_ok_and(|(bundle, _)| bundle.base().is_some());
        Ok(vec![if delta { 2.0 } else { 1.0 }])
    }

    /// Decides on the token that the call is about. Answers with bits, code, place of the state, code of the
    /// warning, milliseconds to wait, and for each charge its place among the rates and meters that were asked
    /// for, limit, window, remaining and milliseconds to its reset; -1 stands for none. Where the answer is not a plain
    /// yes, or it was asked for, the explanation is told.
    fn check(&self, call: Call<'_>, told: &mut Told) -> Answer {
        let now = now(&call)?;
        let ask = ask(call.numbers, call.words, call.bytes)?;
        let decision = self.gate()?.check(call.subject, &request(&ask), now);
        let code = decision.code();
        let state = decision.state();
        let plain = code.is_allowed() && decision.warning().is_none() && state == State::Active;
        let tell = !plain || ask.flags & EXPLAIN != 0;
        let mut bits = u32::from(decision.is_allowed()) * ALLOWED;
        bits |= u32::from(decision.license().is_some()) * AUTHENTIC;
        bits |= u32::from(tell) * TOLD;
        let number = |value: Option<u64>| value.map_or(-1.0, |value| value as f64);
        let mut answer = Vec::with_capacity(5 + 5 * (ask.rates.len() + ask.meters.len()));
        let warning = decision.warning().map_or(-1.0, |code| f64::from(code.number()));
        let (code, state) = (f64::from(code.number()), f64::from(state.number()));
        answer.extend_from_slice(&[f64::from(bits), code, state, warning, number(decision.retry_after_ms())]);
        let mut place = 0;
        for charge in decision.charges() {
            // A charge that the store could not answer for is not among them.
            let asked = ask.rates.iter().chain(&ask.meters).enumerate().skip(place);
            let rates = ask.rates.len();
            let same = |(at, (name, _)): &(usize, &(&str, u64))| {
                *name == charge.name && (*at < rates) == (charge.unit == Unit::Rate)
            };
            let Some((at, _)) = asked.into_iter().find(same) else { continue };
            place = at + 1;
            let (window, reset) = (number(charge.window), number(charge.reset_ms));
            answer.extend_from_slice(&[
                at as f64,
                charge.limit as f64,
                window,
                charge.remaining as f64,
                reset,
            ]);
        }
        if tell {
            told.word(&decision.explanation().json());
        }
        Ok(answer)
    }

    /// Tells the units that a request would lack: for each its key, how many to fetch at best and at least, of how
    /// many, and when the key may be forgotten. The key of a quota for life never is.
    fn wishes(&self, call: Call<'_>, told: &mut Told) -> Answer {
        let now = now(&call)?;
        let ask = ask(call.numbers, call.words, call.bytes)?;
        let store = self.store()?;
        store.forget(now.seconds);
        // What checks were short of is not this request's to fetch.
        drop(store.wishes());
        self.gate()?.prepare(call.subject, &request(&ask), now);
        for wish in store.wishes() {
            // Units without a limit have the greatest that JavaScript can hold.
            let limit = wish.limit.min(limits::INTEGER);
            told.word(&wish.key).word(&wish.want.min(limit)).word(&wish.need).word(&limit);
            match wish.until {
                Some(until) => told.word(&until),
                None => told.word(&""),
            };
        }
        Ok(done())
    }

    /// Brings the units of a lease. Answers whether anybody waits for them.
    fn granted(&self, call: &Call<'_>) -> Answer {
        let waits = self.store()?.granted(call.subject, whole(call.first)?, whole(call.second)?);
        Ok(vec![f64::from(u8::from(waits))])
    }

    /// Says that a lease could not be fetched.
    fn lost(&self, key: &str) -> Answer {
        self.store()?.lost(key);
        Ok(done())
    }

    /// Takes out all units that were not used, and tells key and number of each.
    fn drain(&self, told: &mut Told) -> Answer {
        // Giving back to this store cannot fail.
        let _ = self.gate()?.settle();
        Ok(units(&self.store()?.drain(), told))
    }

    /// As [`Place::drain`], of what nobody has used since this was asked last.
    fn idle(&self, call: &Call<'_>, told: &mut Told) -> Answer {
        self.gate()?.keep(now(call)?);
        Ok(units(&self.store()?.idle(), told))
    }

    /// Tells the names of the marks that changed since this was asked last.
    fn changed(&self, told: &mut Told) -> Answer {
        for name in self.store()?.changed() {
            told.word(&name);
        }
        Ok(done())
    }

    /// The mark of a name; where there is none, a lone number.
    fn mark(&self, name: &str) -> Answer {
        // A store in memory has what it has.
        Ok(numbers(&self.store()?.load(name).ok().flatten().unwrap_or_default()))
    }

    /// Remembers a mark of an earlier gate.
    fn set_mark(&self, name: &str, value: &[u8]) -> Answer {
        // A store in memory takes everything.
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
    Ok(Now { seconds: time(call.first)?, monotonic_nanos: (call.second * 1e6) as u64 })
}

fn ask<'a>(numbers: &[f64], mut words: Words<'a>, bytes: &'a [u8]) -> Result<Ask<'a>, Code> {
    let ask = Ask::read(&mut words, numbers, bytes)?;
    words.end()?;
    Ok(ask)
}

fn request<'a>(ask: &'a Ask<'a>) -> Request<'a> {
    let mut request = Request::new().features(&ask.features).rates(&ask.rates).meters(&ask.meters);
    if let Some(audience) = ask.audience {
        request = request.audience(audience);
    }
    if let Some(node) = ask.node {
        request = request.node(node);
    }
    if let Some(release) = ask.release {
        request = request.release(release);
    }
    if let Some(proof) = &ask.proof {
        let (bytes, method, uri, body) = (&*proof.bytes, proof.method, proof.uri, proof.body);
        request = request.proof(Proof { bytes, method, uri, body });
    }
    request
}
