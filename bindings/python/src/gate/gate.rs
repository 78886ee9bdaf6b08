//! The gate.

use std::{borrow::Cow, sync::Arc};

use licentia::{Gate as SdkGate, GateBuilder, Mode, Now, store::Store};
use pyo3::{PyTraverseError, PyVisit, prelude::*, types::PyDict};

use crate::{
    background::fork::{DropDetached, SettlingGate, detached},
    convert::{Whole, array, moment, token as text_of, whole},
    error::{explained, invalid, refused, wrong_type},
    gate::{
        decided::Call,
        decision::Decision,
        event::Callback,
        request::{Needs, Prepared, Proof, Request, costs, prepared},
        reservation::Reservation,
        seat::{Claim, Seat},
    },
    key::{
        keyset::keyset_bytes,
        public_key::{key, keys as read_keys},
    },
    receipts::Receipts,
    store::store as open,
    vendor::revocation_bundle::bundle_bytes,
};

/// Decides whether API requests may proceed. Make one, and share it among all threads and tasks.
///
/// Args:
///     keys: The keys that licences are signed with: one, or several, as Key or text (``licpub1_...``).
///     root: The pinned root key, if keys come in keysets.
///     keyset: The keyset to begin with; needs ``root``.
///     revocation: The revocation bundle to begin with; needs a keyset with a revocation key.
///     issuer: The issuer that licences must be from.
///     audience: The name of this service, for licences that are limited to some services.
///     mode: ``enforce``; or ``advisory``: allow everything, and report what would have been denied.
///     skew: By how many seconds the issuer's clock may be ahead.
///     proof_age: How old a proof of possession may be, in seconds.
///     replay_capacity: How many proofs are remembered. When the memory is full, further ones are refused.
///     nonce_secret: The secret of the nonces that refusals bring for the next proof (``Licentia-Proof-Nonce``): 32 random
///         bytes, which all processes share that serve one address. By default each gate has one of its own.
///     require_proof_nonce: Refuse proofs without such a nonce.
///     cache_capacity: How many verified tokens are cached.
///     prepare_keys: Bytes for the tables of each key, which halve the time of a token that is not cached: 700000 is
///         fastest, 81920 the minimum; None for no tables.
///     require_revocation: While there is no bundle of a licence's issuer, apply the licence's policy for stale
///         revocations. By default a gate without a bundle treats no licence as revoked.
///     share_rates: Count rates together with all processes on the same store.
///     share_proofs: Remember used proofs together with all processes on the same store, so that none is good twice. Each
///         proof is then a question to the store.
///     store: The store of counters and marks: a Store, or its URL; by default one in memory.
///     receipts: Counts usage for the vendor.
///     on_event: A callable, or several, called with an Event for every decision before it is returned.
///
/// Raises:
///     LicentiaError: For wrong arguments, and for a bad keyset or bundle.
#[pyclass(module = "licentia", frozen, subclass, weakref)]
pub(crate) struct Gate {
    settling: DropDetached<SettlingGate>,
    store: DropDetached<Arc<dyn Store>>,
    /// The callables that it holds, for the garbage collector.
    callbacks: Vec<Arc<Callback>>,
    /// Whether its store may wait for a disk or another machine.
    #[pyo3(get)]
    may_block: bool,
}

#[pymethods]
impl Gate {
    #[new]
    #[pyo3(signature = (
        keys=None, *, root=None, keyset=None, revocation=None, issuer=None, audience=None, mode="enforce",
        skew=60, proof_age=60, replay_capacity=65536, nonce_secret=None, require_proof_nonce=false, cache_capacity=16384,
        prepare_keys=None, require_revocation=false, share_rates=false, share_proofs=false, store=None, receipts=None, on_event=None
    ))]
    #[allow(clippy::too_many_arguments, clippy::fn_params_excessive_bools, reason = "keyword arguments")]
    fn new(
        py: Python<'_>,
        keys: Option<&Bound<'_, PyAny>>,
        root: Option<&Bound<'_, PyAny>>,
        keyset: Option<&Bound<'_, PyAny>>,
        revocation: Option<&Bound<'_, PyAny>>,
        issuer: Option<String>,
        audience: Option<String>,
        mode: &str,
        #[pyo3(from_py_with = whole)] skew: u64,
        #[pyo3(from_py_with = whole)] proof_age: u64,
        #[pyo3(from_py_with = whole)] replay_capacity: u64,
        nonce_secret: Option<&Bound<'_, PyAny>>,
        require_proof_nonce: bool,
        #[pyo3(from_py_with = whole)] cache_capacity: u64,
        prepare_keys: Option<Whole>,
        require_revocation: bool,
        share_rates: bool,
        share_proofs: bool,
        store: Option<&Bound<'_, PyAny>>,
        receipts: Option<&Bound<'_, Receipts>>,
        on_event: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let mode = match mode {
            "enforce" => Mode::Enforce,
            "advisory" => Mode::Advisory,
            _ => return Err(invalid("a gate's mode is `enforce` or `advisory`")),
        };
        let mut builder = GateBuilder::new()
            .mode(mode)
            .skew(skew)
            .proof_age(proof_age)
            .replay_capacity(Whole(replay_capacity).size()?)
            .cache_capacity(Whole(cache_capacity).size()?);
        for key in keys.map(read_keys).transpose()?.unwrap_or_default() {
            builder = builder.key(key);
        }
        builder = match (root, keyset) {
            (Some(root), Some(keyset)) => builder.keyset(key(root)?, keyset_bytes(keyset)?),
            (None, None) => builder,
            _ => return Err(invalid("a root key and a keyset go together")),
        };
        builder = builder.share_rates(share_rates).share_proofs(share_proofs);
        if let Some(secret) = nonce_secret {
            builder = builder.nonce_secret(array("a nonce secret", secret)?);
        }
        if require_proof_nonce {
            builder = builder.require_proof_nonce();
        }
        if require_revocation {
            builder = builder.require_revocation();
        }
        if let Some(bytes) = prepare_keys {
            builder = builder.prepare_keys(bytes.size()?);
        }
        if let Some(bundle) = revocation {
            builder = builder.revocation(bundle_bytes(bundle)?);
        }
        if let Some(issuer) = issuer {
            builder = builder.issuer(issuer);
        }
        if let Some(audience) = audience {
            builder = builder.audience(audience);
        }
        let callbacks = on_event.map(callbacks).transpose()?.unwrap_or_default();
        for callback in &callbacks {
            builder = builder.sink(Arc::clone(callback) as _);
        }
        if let Some(receipts) = receipts {
            builder = builder.sink(Arc::clone(&receipts.get().sink) as _);
        }
        let (store, may_block) = open(store, py)?;
        let builder = builder.store(Arc::clone(&store));
        let gate = detached(py, || builder.build()).map_err(|error| explained(error.code(), &error))?;
        Ok(Self { settling: SettlingGate::new(gate).into(), store: store.into(), callbacks, may_block })
    }

    /// Decides whether a request with a token may proceed.
    ///
    /// Args:
    ///     token: The token, as text (``lic1_...``, a str) or bytes; None if the request has none.
    ///     request: What the request needs; or pass the keyword arguments of Request.
    ///     now: The time, by default the system's: an aware ``datetime``, seconds since 1970, or a Now, which also sets
    ///         the clock of rates.
    ///
    /// Returns:
    ///     The decision, which is true if the request may proceed. A denial is not an error.
    #[pyo3(signature = (token, request=None, *, now=None, **needs))]
    fn check(
        &self,
        py: Python<'_>,
        token: &Bound<'_, PyAny>,
        request: Option<&Bound<'_, Request>>,
        now: Option<&Bound<'_, PyAny>>,
        needs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Decision> {
        let (call, token, now) = self.call(py, token, request, now, needs)?;
        let token: &str = &token;
        // A cached token takes nanoseconds; releasing the interpreter would cost as much.
        let decided = if self.may_block || !call.gate.knows(token) {
            detached(py, || call.decide(token, now))
        } else {
            call.decide(token, now)
        };
        Ok(Decision(Arc::new(decided)))
    }

    /// Whether a check or a reservation would wait for the store now. One that would not needs no other thread.
    #[pyo3(name = "_waits", signature = (token, request=None, *, now=None, **needs))]
    fn waits(
        &self,
        py: Python<'_>,
        token: &Bound<'_, PyAny>,
        request: Option<&Bound<'_, Request>>,
        now: Option<&Bound<'_, PyAny>>,
        needs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<bool> {
        let (call, token, now) = self.call(py, token, request, now, needs)?;
        // A signature takes as long as some stores: another thread verifies it.
        Ok(self.may_block && (!call.gate.knows(&token) || call.waits(&token, now)))
    }

    /// Decides as ``check``, and reserves what the meters may cost at most, for work whose cost is known when it is
    /// done::
    ///
    ///     with gate.reserve(token, meters={"pages": 100}) as reservation:
    ///         if not reservation:
    ///             return refuse(reservation.decision)
    ///         reservation.commit({"pages": work()})
    #[pyo3(signature = (token, request=None, *, now=None, **needs))]
    fn reserve(
        &self,
        py: Python<'_>,
        token: &Bound<'_, PyAny>,
        request: Option<&Bound<'_, Request>>,
        now: Option<&Bound<'_, PyAny>>,
        needs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Reservation> {
        let (call, token, now) = self.call(py, token, request, now, needs)?;
        let token: &str = &token;
        let (decided, reserved) = detached(py, || call.reserve(token, now));
        Ok(Reservation::new(Arc::new(decided), reserved))
    }

    /// Decides as ``check``, and takes a seat of the licence if all else is granted::
    ///
    ///     with gate.check_out(token, "ada@laptop", 300) as seat:
    ///         if not seat:
    ///             return refuse(seat.decision)
    ///         ...  # call seat.heartbeat() before 300 seconds are over
    ///
    /// Args:
    ///     token: The token, as text (``lic1_...``) or bytes; None if the request has none.
    ///     holder: A name of 1 to 256 bytes that identifies a user, process or machine. A holder that has a seat keeps
    ///         it.
    ///     ttl: How long the seat is held, in seconds, from 1 to 31 days.
    ///     request: What the request needs besides; or pass the keyword arguments of Request.
    ///     now: The time; by default the system's.
    #[pyo3(signature = (token, holder, ttl, request=None, *, now=None, **needs))]
    #[allow(clippy::too_many_arguments, reason = "keyword arguments")]
    fn check_out(
        &self,
        py: Python<'_>,
        token: &Bound<'_, PyAny>,
        holder: String,
        ttl: Whole,
        request: Option<&Bound<'_, Request>>,
        now: Option<&Bound<'_, PyAny>>,
        needs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Seat> {
        let claim = Claim { token: text_of(token)?.into_owned(), holder, ttl: ttl.0 };
        let call = Call { gate: Arc::clone(self.gate()?), request: prepared(py, request, needs)? };
        let (store, now) = (Arc::clone(self.store.get()?), moment(now)?);
        Ok(Seat::take(py, call, claim, store, now))
    }

    /// Refunds what a job was charged, until so many units of each meter are refunded in all: repeating it changes
    /// nothing. Returns a dict of the units that this call has refunded, by meter. The licence may have ended.
    ///
    /// Args:
    ///     token: The token that was charged, or another one of the same lineage that is authentic.
    ///     job: The job's name.
    ///     meters: A dict of units by meter, 1 to 8 of them.
    ///     charged_at: A time in the period that was charged, such as that of the decision; by default now.
    ///
    /// Raises:
    ///     RejectedError: If the token is not authentic, or names no such meter.
    ///     InvalidArgumentError: For no meters, or more than 8.
    ///     StoreError: It may have been refunded, and asking again is safe.
    #[pyo3(signature = (token, job, meters, *, charged_at=None))]
    fn refund<'py>(
        &self,
        py: Python<'py>,
        token: &Bound<'py, PyAny>,
        job: &str,
        meters: &Bound<'py, PyAny>,
        charged_at: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let (charged_at, now) = (moment(charged_at)?.time, moment(None)?);
        let (gate, token, meters) = (self.gate()?, text_of(token)?, costs(meters)?);
        let token: &str = &token;
        let refunded = detached(py, || {
            let meters: Vec<_> = meters.iter().map(|(meter, units)| (meter.as_str(), *units)).collect();
            gate.refund(token, job, &meters, charged_at, now)
        });
        let units = PyDict::new(py);
        for ((meter, _), refunded) in meters.iter().zip(refunded.map_err(refused)?) {
            units.set_item(meter, refunded)?;
        }
        Ok(units)
    }

    /// Refills every meter once, as a Refiller does again and again: fetches units before they are used up, and returns
    /// units that were not used since the last call.
    #[pyo3(signature = (*, now=None))]
    fn refill(&self, py: Python<'_>, now: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let (now, gate) = (moment(now)?, self.gate()?);
        detached(py, || gate.refill(now));
        Ok(())
    }

    /// Returns units that were fetched ahead and not used to the store. Counting goes on. A gate also does this when
    /// it is dropped, and when the interpreter ends.
    ///
    /// Raises:
    ///     StoreError: Units that the store did not take stay with the gate and can be used. Units whose return is in
    ///         doubt are lost, and never granted twice.
    fn settle(&self, py: Python<'_>) -> PyResult<()> {
        let gate = self.gate()?;
        detached(py, || gate.settle()).map_err(|error| explained(error.code(), &error))
    }

    /// Makes the gate safe to use in a child process after a fork: units that the parent fetched ahead stay with the
    /// parent. ``os.fork`` does this for every gate.
    fn after_fork(&self) -> PyResult<()> {
        self.gate()?.after_fork();
        Ok(())
    }

    /// Replaces the keys by those of a newer keyset, at once for all threads.
    ///
    /// Returns:
    ///     False if it is the one in use.
    ///
    /// Raises:
    ///     LicentiaError: For a bad keyset, or if it cannot be remembered. The gate then keeps its keys.
    fn load_keyset(&self, py: Python<'_>, keyset: &Bound<'_, PyAny>) -> PyResult<bool> {
        let keyset = keyset_bytes(keyset)?;
        let gate = self.gate()?;
        detached(py, || gate.load_keyset(&keyset)).map_err(|error| explained(error.code(), &error))
    }

    /// Loads a newer revocation bundle, or a delta on the one in use, at once for all threads.
    ///
    /// Returns:
    ///     False if it is the one in use.
    ///
    /// Raises:
    ///     LicentiaError: For a bad bundle, or if it cannot be remembered. The gate then keeps its bundle.
    fn load_revocation(&self, py: Python<'_>, bundle: &Bound<'_, PyAny>) -> PyResult<bool> {
        let bundle = bundle_bytes(bundle)?;
        let gate = self.gate()?;
        detached(py, || gate.load_revocation(&bundle)).map_err(|error| explained(error.code(), &error))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.callbacks.iter().try_for_each(|callback| callback.traverse(&visit))
    }

    fn __clear__(&self) {
        self.callbacks.iter().for_each(|callback| callback.clear());
    }

    fn __repr__(&self) -> &'static str {
        if self.may_block { "<Gate on a store that may block>" } else { "<Gate>" }
    }
}

impl Gate {
    /// The arguments of a check: the call, the token and the time.
    fn call<'t>(
        &self,
        py: Python<'_>,
        token: &'t Bound<'_, PyAny>,
        request: Option<&Bound<'_, Request>>,
        now: Option<&Bound<'_, PyAny>>,
        needs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<(Call, Cow<'t, str>, Now)> {
        let now = moment(now)?;
        let call = Call { gate: Arc::clone(self.gate()?), request: prepared(py, request, needs)? };
        Ok((call, text_of(token)?, now))
    }

    /// The gate, as Rust has it.
    pub(crate) fn gate(&self) -> PyResult<&Arc<SdkGate>> {
        self.settling.get().map(|SettlingGate(gate)| gate)
    }
}

/// One callable, or several.
fn callbacks(given: &Bound<'_, PyAny>) -> PyResult<Vec<Arc<Callback>>> {
    let callback = |one: Bound<'_, PyAny>| {
        if one.is_callable() {
            Ok(Arc::new(Callback::from(one.unbind())))
        } else {
            Err(wrong_type("a callable", &one))
        }
    };
    if given.is_callable() {
        return Ok(vec![callback(given.clone())?]);
    }
    given.try_iter()?.map(|one| callback(one?)).collect()
}

/// Verifies one licence. It remembers and charges nothing: make a Gate for a service.
///
/// Args:
///     token: The token, as text (``lic1_...``) or bytes.
///     keys: The keys that it may be signed with: one, or several, as Key or text (``licpub1_...``).
///     issuer: The issuer that it must be from.
///     audience: The name of this service, for licences that are limited to some services.
///     features: Names of features, all of which must be licensed; or one name.
///     node: SHA-256 of this machine's fingerprint, 32 bytes.
///     release: Date of the running release.
///     proof: A proof of possession. Nothing detects a replay here.
///     skew: By how many seconds the issuer's clock may be ahead.
///     proof_age: How old a proof of possession may be, in seconds.
///     now: The time; by default the system's.
///
/// Returns:
///     The decision, which is true if the licence is good.
#[pyfunction]
#[pyo3(signature = (
    token, keys, *, issuer=None, audience=None, features=None, node=None, release=None, proof=None, skew=60,
    proof_age=60, now=None
))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments")]
pub(crate) fn verify(
    py: Python<'_>,
    token: &Bound<'_, PyAny>,
    keys: &Bound<'_, PyAny>,
    issuer: Option<String>,
    audience: Option<String>,
    features: Option<&Bound<'_, PyAny>>,
    node: Option<&Bound<'_, PyAny>>,
    release: Option<&Bound<'_, PyAny>>,
    proof: Option<&Bound<'_, Proof>>,
    #[pyo3(from_py_with = whole)] skew: u64,
    #[pyo3(from_py_with = whole)] proof_age: u64,
    now: Option<&Bound<'_, PyAny>>,
) -> PyResult<Decision> {
    let mut builder = GateBuilder::new().skew(skew).proof_age(proof_age).replay_capacity(1).cache_capacity(1);
    for key in read_keys(keys)? {
        builder = builder.key(key);
    }
    if let Some(issuer) = issuer {
        builder = builder.issuer(issuer);
    }
    let needs = Needs::to_verify(audience, features, node, release, proof)?;
    let (now, request, token) = (moment(now)?, Arc::new(Prepared::from(needs)), text_of(token)?);
    let (token, gate): (&str, _) =
        (&token, Arc::new(builder.build().map_err(|error| explained(error.code(), &error))?));
    let decided = detached(py, || Call { gate, request }.decide(token, now));
    Ok(Decision(Arc::new(decided)))
}
