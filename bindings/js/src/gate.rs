//! A gate, whose store is brought its units from outside.

use std::sync::Arc;

use licentia::{
    Builder, Code, Gate, Key, Leased, Mode, Now, Request, State, Store, Unit, decision::http_headers, http,
    limits, request::Proof,
};
use licentia_core::{revocation::Bundle, text::Base64Url};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

use crate::{
    ask::{Ask, EXPLAIN, time, whole},
    thrown,
};

/// Bits of the first number of a decision.
const ALLOWED: u32 = 1;
const AUTHENTIC: u32 = 2;
const TOLD: u32 = 4;

/// How many tokens a gate keeps, where it is not said: each instance of a host has its own.
const CACHED: usize = 1024;

/// A gate that is being made, and then is.
#[wasm_bindgen]
pub struct RawGate {
    store: Arc<Leased>,
    builder: Option<Builder>,
    gate: Option<Gate>,
    told: String,
}

#[wasm_bindgen]
impl RawGate {
    /// Starts to make one.
    #[wasm_bindgen(constructor)]
    pub fn new(leases: bool, advisory: bool) -> Self {
        let store = Arc::new(if leases { Leased::new() } else { Leased::alone() });
        let mode = if advisory { Mode::Advisory } else { Mode::Enforce };
        let builder = Builder::new(store.clone()).cache_capacity(CACHED).mode(mode);
        Self { store, builder: Some(builder), gate: None, told: String::new() }
    }

    fn with(&mut self, change: impl FnOnce(Builder) -> Result<Builder, Code>) -> Result<(), JsValue> {
        let builder = self.builder.take().ok_or_else(|| thrown(Code::InvalidArgument))?;
        self.builder = Some(change(builder).map_err(thrown)?);
        Ok(())
    }

    /// Trusts a key.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn key(&mut self, key: &str) -> Result<(), JsValue> {
        self.with(|builder| Ok(builder.key(Key::from_text(key)?)))
    }

    /// Trusts a keyset.
    ///
    /// # Errors
    /// What is wrong with the root key.
    pub fn keyset(&mut self, root: &str, keyset: &[u8]) -> Result<(), JsValue> {
        self.with(|builder| Ok(builder.keyset(Key::from_text(root)?, keyset)))
    }

    /// Sets the option of a name.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`].
    pub fn text(&mut self, name: &str, value: &str) -> Result<(), JsValue> {
        self.with(|builder| match name {
            "issuer" => Ok(builder.issuer(value)),
            "audience" => Ok(builder.audience(value)),
            _ => Err(Code::InvalidArgument),
        })
    }

    /// Sets the option of a name.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`].
    pub fn number(&mut self, name: &str, value: f64) -> Result<(), JsValue> {
        self.with(|builder| {
            let value = whole(value)?;
            let size = usize::try_from(value).map_err(|_| Code::InvalidArgument);
            match name {
                "skew" => Ok(builder.skew(value)),
                "proofAge" => Ok(builder.proof_age(value)),
                "replayCapacity" => Ok(builder.replay_capacity(size?)),
                "cacheCapacity" => Ok(builder.cache_capacity(size?)),
                "prepare" => Ok(builder.prepare(size?)),
                "requireRevocation" => Ok(if value == 0 { builder } else { builder.require_revocation() }),
                _ => Err(Code::InvalidArgument),
            }
        })
    }

    /// Makes the gate.
    ///
    /// # Errors
    /// As [`Builder::build`].
    pub fn build(&mut self) -> Result<(), JsValue> {
        let builder = self.builder.take().ok_or_else(|| thrown(Code::InvalidArgument))?;
        self.gate = Some(builder.build().map_err(thrown)?);
        Ok(())
    }

    fn gate(&self) -> Result<&Gate, JsValue> {
        self.gate.as_ref().ok_or_else(|| thrown(Code::InvalidArgument))
    }

    /// Loads a newer keyset; `false` where it is the one in use.
    ///
    /// # Errors
    /// As [`Gate::load_keyset`].
    #[wasm_bindgen(js_name = loadKeyset)]
    pub fn load_keyset(&self, keyset: &[u8]) -> Result<bool, JsValue> {
        self.gate()?.load_keyset(keyset).map_err(thrown)
    }

    /// Loads a newer bundle. Gives 0 where it is the one in use, 1 for one that is whole, 2 for a delta.
    ///
    /// # Errors
    /// As [`Gate::load_revocation`].
    #[wasm_bindgen(js_name = loadRevocation)]
    pub fn load_revocation(&self, bytes: &[u8]) -> Result<u8, JsValue> {
        if !self.gate()?.load_revocation(bytes).map_err(thrown)? {
            return Ok(0);
        }
        let delta = Bundle::inspect(bytes).is_ok_and(|(bundle, _)| bundle.base().is_some());
        Ok(if delta { 2 } else { 1 })
    }

    /// Decides. Gives numbers: bits, code, place of the state, code of the warning, milliseconds to wait, and
    /// for each charge its place among the rates and meters that were asked for, limit, window, remaining and
    /// milliseconds to its reset; -1 stands for none. Where the
    /// answer is not a plain yes, or it was asked for, [`RawGate::told`] has the whole.
    ///
    /// # Errors
    /// What is wrong with what is asked.
    pub fn check(
        &mut self,
        token: &str,
        words: &str,
        numbers: &[f64],
        bytes: &[u8],
        seconds: f64,
        monotonic_ms: f64,
    ) -> Result<Vec<f64>, JsValue> {
        let ask = Ask::read(words, numbers, bytes).map_err(thrown)?;
        let gate = self.gate.as_ref().ok_or_else(|| thrown(Code::InvalidArgument))?;
        let decision = gate.check(token, &request(&ask), now(seconds, monotonic_ms)?);
        let code = decision.code();
        let state = decision.state();
        let plain = code.is_allowed() && decision.warning().is_none() && state == State::Active;
        let tell = !plain || ask.flags & EXPLAIN != 0;
        let mut bits = u32::from(decision.is_allowed()) * ALLOWED;
        bits |= u32::from(decision.license().is_some()) * AUTHENTIC;
        bits |= u32::from(tell) * TOLD;
        let number = |value: Option<u64>| value.map_or(-1.0, |value| value as f64);
        let mut answer = Vec::with_capacity(5 + 5 * (ask.rates.len() + ask.meters.len()));
        answer.push(f64::from(bits));
        answer.push(f64::from(code.number()));
        answer.push(f64::from(state as u8));
        answer.push(decision.warning().map_or(-1.0, |code| f64::from(code.number())));
        answer.push(number(decision.retry_after_ms()));
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
            answer.extend([at as f64, charge.limit as f64, window, charge.remaining as f64, reset]);
        }
        if tell {
            self.told = decision.json().to_string();
        }
        Ok(answer)
    }

    /// The decision before, as JSON.
    pub fn told(&mut self) -> String {
        std::mem::take(&mut self.told)
    }

    /// The units that a request would lack: for each its key, how many to fetch at best and at least, of how many,
    /// and when the key may be forgotten, joined by U+0000. The key of a quota for life never is.
    ///
    /// # Errors
    /// What is wrong with what is asked.
    pub fn wishes(
        &self,
        token: &str,
        words: &str,
        numbers: &[f64],
        bytes: &[u8],
        seconds: f64,
        monotonic_ms: f64,
    ) -> Result<String, JsValue> {
        let ask = Ask::read(words, numbers, bytes).map_err(thrown)?;
        let now = now(seconds, monotonic_ms)?;
        self.store.forget(now.seconds);
        // What checks were short of is not this request's to fetch.
        drop(self.store.wishes());
        self.gate()?.prepare(token, &request(&ask), now);
        let wishes = self.store.wishes().into_iter().map(|wish| {
            // Units without a limit have the greatest that JavaScript can hold.
            let limit = wish.limit.min(limits::INTEGER);
            let until = wish.until.map(|until| until.to_string()).unwrap_or_default();
            format!("{}\0{}\0{}\0{limit}\0{until}", wish.key, wish.want.min(limit), wish.need)
        });
        Ok(wishes.collect::<Vec<_>>().join("\0"))
    }

    /// Brings the units of a lease; `false` where nobody waits for them any more.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] for what are no whole numbers.
    pub fn granted(&self, key: &str, units: f64, total: f64) -> Result<bool, JsValue> {
        Ok(self.store.granted(key, whole(units).map_err(thrown)?, whole(total).map_err(thrown)?))
    }

    /// Says that a lease could not be fetched.
    pub fn lost(&self, key: &str) {
        self.store.lost(key);
    }

    /// Takes out all units that were not used: key and number, joined by U+0000.
    pub fn drain(&self) -> String {
        // Giving back to this store cannot fail.
        let _ = self.gate.as_ref().map(Gate::settle);
        units(self.store.drain())
    }

    /// As [`RawGate::drain`], of what nobody has used since this was called last.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] for what is no time.
    pub fn idle(&self, seconds: f64, monotonic_ms: f64) -> Result<String, JsValue> {
        self.gate()?.keep(now(seconds, monotonic_ms)?);
        Ok(units(self.store.idle()))
    }

    /// The names of the marks that changed since this was asked last, joined by U+0000.
    pub fn changed(&self) -> String {
        self.store.changed().join("\0")
    }

    /// The mark of a name.
    pub fn mark(&self, name: &str) -> Option<Vec<u8>> {
        self.store.load(name).ok().flatten()
    }

    /// Remembers a mark of an earlier gate.
    #[wasm_bindgen(js_name = setMark)]
    pub fn set_mark(&self, name: &str, value: &[u8]) {
        // A store in memory takes everything.
        let _ = self.store.save(name, value);
    }
}

/// The name of the mark of a bundle's issuer.
#[wasm_bindgen(js_name = bundleMark)]
pub fn bundle_mark(bytes: &[u8]) -> Option<String> {
    licentia::revocation::mark(bytes)
}

fn units(left: Vec<(String, u64)>) -> String {
    left.into_iter().map(|(key, units)| format!("{key}\0{units}")).collect::<Vec<_>>().join("\0")
}

fn now(seconds: f64, monotonic_ms: f64) -> Result<Now, JsValue> {
    let seconds = time(seconds).map_err(thrown)?;
    Ok(Now { seconds, monotonic_nanos: (monotonic_ms * 1e6) as u64 })
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

/// The status of a decision.
///
/// # Errors
/// [`Code::InvalidArgument`] for a number that is no code.
#[wasm_bindgen(js_name = httpStatus)]
pub fn http_status(code: u16, allowed: bool) -> Result<u16, JsValue> {
    let code = Code::from_number(code).ok_or_else(|| thrown(Code::InvalidArgument))?;
    Ok(if allowed { 200 } else { http::status(code) })
}

/// The header fields of a decision, names and values joined by U+0000, and after them the media type and the text of
/// a refusal's body. `names` are those of the rates and meters that were asked for, `charges` what
/// [`RawGate::check`] gave.
///
/// # Errors
/// [`Code::InvalidArgument`] for a number that is no code.
#[wasm_bindgen(js_name = httpFields)]
pub fn http_fields(
    code: u16,
    allowed: bool,
    retry_after_ms: f64,
    names: &str,
    charges: &[f64],
) -> Result<String, JsValue> {
    let code = Code::from_number(code).ok_or_else(|| thrown(Code::InvalidArgument))?;
    let some = |value: f64| (value >= 0.0).then_some(value as u64);
    let retry_after_ms = some(retry_after_ms);
    let names: Vec<&str> = names.split('\0').collect();
    let charges = charges.as_chunks::<5>().0.iter().map(|[at, limit, window, remaining, reset]| {
        let name = names.get(*at as usize).copied().unwrap_or_default();
        let reset = some(*reset).map(http::retry_after);
        let policy = http::Policy { name, quota: *limit as u64, window: some(*window) };
        (policy, http::Remaining { name, remaining: *remaining as u64, reset })
    });
    let fields = http_headers(code, allowed, retry_after_ms, charges);
    let mut words: Vec<_> = fields.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect();
    words.push(http::PROBLEM_TYPE.to_owned());
    words.push(http::Problem { code, retry_after_ms }.to_string());
    Ok(words.join("\0"))
}

/// The token of a value of `Authorization`; empty where it has none.
#[wasm_bindgen]
pub fn bearer(value: &str) -> String {
    http::bearer(value).unwrap_or_default().to_owned()
}

/// The name of the header field with a proof, and a proof as it travels in it.
#[wasm_bindgen(js_name = proofField)]
pub fn proof_field(proof: &[u8]) -> String {
    format!("{}\0{}", http::PROOF_FIELD, Base64Url(proof))
}
