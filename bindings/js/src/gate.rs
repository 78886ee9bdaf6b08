//! A gate, whose store is brought its units from outside.

use std::sync::Arc;

use licentia::{
    Builder, Code, Gate, Key, Leased, Memory, Mode, Now, Request, State, Store, decision::http_headers, http,
    request::Proof, store,
};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

use crate::{
    ask::{Ask, EXPLAIN, whole},
    thrown,
};

/// Bits of the first number of a decision.
const ALLOWED: u32 = 1;
const AUTHENTIC: u32 = 2;
const TOLD: u32 = 4;

/// Units in memory, or leased; marks are kept aside, for the host to save.
struct Kept {
    leased: Leased,
    units: Option<Memory>,
}

impl Store for Kept {
    fn take(
        &self,
        cell: &store::Cell<'_>,
        need: u64,
        want: u64,
        limit: u64,
    ) -> Result<store::Taken, store::Unreachable> {
        match &self.units {
            Some(memory) => memory.take(cell, need, want, limit),
            None => self.leased.take(cell, need, want, limit),
        }
    }

    fn give_back(&self, cell: &store::Cell<'_>, units: u64) -> Result<(), store::Unreachable> {
        match &self.units {
            Some(memory) => memory.give_back(cell, units),
            None => self.leased.give_back(cell, units),
        }
    }

    fn take_once(
        &self,
        cell: &store::Cell<'_>,
        job: store::Job<'_>,
        units: u64,
        limit: u64,
    ) -> Result<store::Once, store::Unreachable> {
        match &self.units {
            Some(memory) => memory.take_once(cell, job, units, limit),
            None => self.leased.take_once(cell, job, units, limit),
        }
    }

    fn finish_once(
        &self,
        cell: &store::Cell<'_>,
        job: &str,
        finish: store::Finish,
    ) -> Result<bool, store::Unreachable> {
        match &self.units {
            Some(memory) => memory.finish_once(cell, job, finish),
            None => self.leased.finish_once(cell, job, finish),
        }
    }

    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, store::Unreachable> {
        self.leased.load(name)
    }

    fn save(&self, name: &str, value: &[u8]) -> Result<(), store::Unreachable> {
        self.leased.save(name, value)
    }

    fn may_wait(&self) -> bool {
        false
    }
}

/// A gate that is being made, and then is.
#[wasm_bindgen]
pub struct RawGate {
    store: Arc<Kept>,
    builder: Option<Builder>,
    gate: Option<Gate>,
    told: String,
}

#[wasm_bindgen]
impl RawGate {
    /// Starts to make one.
    #[wasm_bindgen(constructor)]
    pub fn new(leases: bool, advisory: bool) -> Self {
        let units = (!leases).then(Memory::new);
        let store = Arc::new(Kept { leased: Leased::new(), units });
        let mode = if advisory { Mode::Advisory } else { Mode::Enforce };
        let builder = Gate::builder().store(store.clone()).mode(mode);
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

    /// Loads a revocation bundle.
    ///
    /// # Errors
    /// None before [`RawGate::build`].
    pub fn revocation(&mut self, bundle: &[u8]) -> Result<(), JsValue> {
        self.with(|builder| Ok(builder.revocation(bundle)))
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

    /// Loads a newer bundle; `false` where it is the one in use.
    ///
    /// # Errors
    /// As [`Gate::load_revocation`].
    #[wasm_bindgen(js_name = loadRevocation)]
    pub fn load_revocation(&self, bundle: &[u8]) -> Result<bool, JsValue> {
        self.gate()?.load_revocation(bundle).map_err(thrown)
    }

    /// Decides. Gives numbers: bits, code, place of the state, code of the warning, milliseconds to wait, and
    /// for each charge limit, window, remaining and milliseconds to its reset; -1 stands for none. Where the
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
        let mut answer = Vec::with_capacity(5 + 4 * (ask.rates.len() + ask.meters.len()));
        answer.push(f64::from(bits));
        answer.push(f64::from(code.number()));
        answer.push(f64::from(state as u8));
        answer.push(decision.warning().map_or(-1.0, |code| f64::from(code.number())));
        answer.push(number(decision.retry_after_ms()));
        for charge in decision.charges() {
            let (window, reset) = (number(charge.window), number(charge.reset_ms));
            answer.extend([charge.limit as f64, window, charge.remaining as f64, reset]);
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

    /// The units that a request would lack: for each the number of the lease, its key, how many to fetch, of
    /// how many, and the end of the period, joined by U+0000. The period of a quota for life has no end.
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
        self.gate()?.prepare(token, &request(&ask), now(seconds, monotonic_ms)?);
        let wishes = self.store.leased.wishes().into_iter().map(|wish| {
            // Units without a limit have the greatest that JavaScript can hold.
            let limit = wish.limit.min(licentia::limits::INTEGER);
            let until = wish.until.map(|until| until.to_string()).unwrap_or_default();
            format!("{}\0{}\0{}\0{limit}\0{until}", wish.id, wish.key, wish.want.min(limit))
        });
        Ok(wishes.collect::<Vec<_>>().join("\0"))
    }

    /// Brings the units of a lease.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] for what are no whole numbers.
    pub fn granted(&self, id: usize, units: f64, total: f64) -> Result<(), JsValue> {
        self.store.leased.granted(id, whole(units).map_err(thrown)?, whole(total).map_err(thrown)?);
        Ok(())
    }

    /// Says that a lease could not be fetched.
    pub fn lost(&self, id: usize) {
        self.store.leased.lost(id);
    }

    /// Takes out the units that were not used: key and number, joined by U+0000.
    pub fn drain(&self) -> String {
        let left = self.store.leased.drain().into_iter();
        left.map(|(key, units)| format!("{key}\0{units}")).collect::<Vec<_>>().join("\0")
    }

    /// The names of the marks that changed since this was asked last, joined by U+0000.
    pub fn changed(&self) -> String {
        self.store.leased.changed().join("\0")
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

fn now(seconds: f64, monotonic_ms: f64) -> Result<Now, JsValue> {
    let seconds = whole(seconds).map_err(thrown)?;
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
        let (bytes, method, uri, body) = (proof.bytes, proof.method, proof.uri, proof.body);
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

/// The header fields of a decision, names and values joined by U+0000, and after them the body. `names` and
/// `charges` are those that [`RawGate::check`] gave.
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
    let charges = names.split('\0').zip(charges.as_chunks::<4>().0);
    let charges = charges.map(|(name, [limit, window, remaining, reset])| {
        let reset = some(*reset).map(http::retry_after);
        let policy = http::Policy { name, quota: *limit as u64, window: some(*window) };
        (policy, http::Remaining { name, remaining: *remaining as u64, reset })
    });
    let fields = http_headers(code, allowed, retry_after_ms, charges);
    let mut words: Vec<_> = fields.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect();
    words.push(http::Problem { code, retry_after_ms }.to_string());
    Ok(words.join("\0"))
}
