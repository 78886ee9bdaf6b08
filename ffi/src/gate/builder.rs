//! The builder of a gate.

use std::{
    ffi::{c_char, c_void},
    sync::Arc,
};

use licentia::{Code, GateBuilder as SdkBuilder, Mode};

use crate::{
    background::fork,
    border::{
        Out, Outcome, Refusal, array, bytes, callback::FreeCallback, end, enter, exclusive, shared, text,
    },
    gate::event::{EventCallback, Sink},
    gate::gate::Gate,
    key::public_key::Key,
    status::Status,
    store::Store,
};

/// The gate denies what it should deny.
pub const LICENTIA_MODE_ENFORCE: u32 = 0;
/// The gate allows everything. Decisions and events say what it would have denied.
pub const LICENTIA_MODE_ADVISORY: u32 = 1;

/// Builds gates. One thread uses it at a time.
pub struct GateBuilder(Option<SdkBuilder>);

impl GateBuilder {
    pub(crate) fn change(&mut self, change: impl FnOnce(SdkBuilder) -> SdkBuilder) -> Outcome {
        // If `change` panics, the builder is empty and can only be freed.
        self.0 = Some(change(self.0.take().ok_or(Refusal::INTERNAL)?));
        Ok(())
    }
}

/// Makes a builder; free it with licentia_gate_builder_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_builder_new(builder: *mut *mut GateBuilder) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let builder = Out::handle(builder)?;
        fork::register();
        builder.give(GateBuilder(Some(SdkBuilder::new())));
        Ok(())
    })
}

/// Frees a builder. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_builder_free(builder: *mut GateBuilder) {
    // SAFETY: the caller keeps to the header's rules.
    unsafe { end(builder) }
}

/// Trusts a key, which is copied. You may add several.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_builder_add_key(builder: *mut GateBuilder, key: *const Key) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let key = shared(key)?.0.clone();
        exclusive(builder)?.change(|builder| builder.key(key))
    })
}

/// Trusts the keys of a keyset that the root key signed, and of newer keysets: see licentia_gate_load_keyset. Both
/// arguments are copied; licentia_gate_builder_build reads the keyset.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_builder_set_keyset(
    builder: *mut GateBuilder,
    root: *const Key,
    signed_keyset: *const u8,
    signed_keyset_len: usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let (root, keyset) = (shared(root)?.0.clone(), bytes(signed_keyset, signed_keyset_len)?);
        exclusive(builder)?.change(|builder| builder.keyset(root, keyset))
    })
}

/// Sets the revocation bundle to begin with; newer ones replace it: see licentia_gate_load_revocation. It is copied;
/// licentia_gate_builder_build reads it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_builder_set_revocation(
    builder: *mut GateBuilder,
    bundle: *const u8,
    bundle_len: usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let bundle = bytes(bundle, bundle_len)?;
        exclusive(builder)?.change(|builder| builder.revocation(bundle))
    })
}

/// Requires this issuer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_builder_set_issuer(
    builder: *mut GateBuilder,
    issuer: *const c_char,
    issuer_len: usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let issuer = text(issuer, issuer_len)?;
        exclusive(builder)?.change(|builder| builder.issuer(issuer))
    })
}

/// Names this service, for licences that are limited to some services.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_builder_set_audience(
    builder: *mut GateBuilder,
    audience: *const c_char,
    audience_len: usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let audience = text(audience, audience_len)?;
        exclusive(builder)?.change(|builder| builder.audience(audience))
    })
}

/// Enforces decisions, or only reports them: one of LICENTIA_MODE_*.
///
/// Errors: INVALID_ARGUMENT for another number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_builder_set_mode(builder: *mut GateBuilder, mode: u32) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let mode = match mode {
            LICENTIA_MODE_ENFORCE => Mode::Enforce,
            LICENTIA_MODE_ADVISORY => Mode::Advisory,
            _ => return Err(Refusal::ARGUMENT),
        };
        exclusive(builder)?.change(|builder| builder.mode(mode))
    })
}

/// Tolerates an issuer's clock that is ahead by this many seconds; 60 by default.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_builder_set_skew(builder: *mut GateBuilder, seconds: u64) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe { exclusive(builder)?.change(|builder| builder.skew(seconds)) })
}

/// Accepts proofs of possession up to this age in seconds; 60 by default.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_builder_set_proof_age(
    builder: *mut GateBuilder,
    seconds: u64,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe { exclusive(builder)?.change(|builder| builder.proof_age(seconds)) })
}

/// Sets how many proofs the gate remembers against replay; 65,536 by default. When the memory is full, the gate refuses
/// further proofs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_builder_set_replay_capacity(
    builder: *mut GateBuilder,
    proofs: usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe { exclusive(builder)?.change(|builder| builder.replay_capacity(proofs)) })
}

/// Sets the secret (32 random bytes) of the nonces that refusals hand out for the next proof, in the header field
/// `Licentia-Proof-Nonce`. All processes that serve one address share it. By default each gate has a random one. If
/// `required`, the gate refuses proofs without such a nonce.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_builder_set_proof_nonces(
    builder: *mut GateBuilder,
    secret: *const u8,
    required: bool,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let secret = *array(secret)?;
        exclusive(builder)?.change(|builder| {
            let builder = builder.nonce_secret(secret);
            if required { builder.require_proof_nonce() } else { builder }
        })
    })
}

/// Sets how many verified tokens the gate caches; 16,384 by default, at most 16,777,216.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_builder_set_cache_capacity(
    builder: *mut GateBuilder,
    tokens: usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe { exclusive(builder)?.change(|builder| builder.cache_capacity(tokens)) })
}

/// Builds tables for each key that signs licences, with up to `bytes_per_key` bytes each and once more for all. They
/// halve the time of a token that is not cached. 700000 is fastest, 220160 nearly as fast, 81920 the minimum. By
/// default there are no tables.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_builder_prepare_keys(
    builder: *mut GateBuilder,
    bytes_per_key: usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe { exclusive(builder)?.change(|builder| builder.prepare_keys(bytes_per_key)) })
}

/// While the gate has no revocation bundle of an issuer, applies the licence's policy for stale revocations. By default
/// a gate without a bundle, as after a restart, treats no licence as revoked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_builder_require_revocation(builder: *mut GateBuilder) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe { exclusive(builder)?.change(SdkBuilder::require_revocation) })
}

/// Counts rates together with all processes on the same store. By default each process counts its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_builder_share_rates(builder: *mut GateBuilder) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe { exclusive(builder)?.change(|builder| builder.share_rates(true)) })
}

/// Sets the store of counters and marks; the default is one in memory.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_builder_set_store(
    builder: *mut GateBuilder,
    store: *const Store,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let store = Arc::clone(&shared(store)?.0);
        exclusive(builder)?.change(|builder| builder.store(store))
    })
}

/// Calls a function with every decision. You may add several.
///
/// The thread that checks calls it before licentia_gate_check returns, and several threads may call it at once. It must
/// return quickly, and must not block, throw or jump. The event is valid until it returns. `context` is passed to it.
/// If `free_context` is not NULL, it is called with the context when the builder and all its gates are freed, or at
/// once if this call fails.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_builder_add_sink(
    builder: *mut GateBuilder,
    callback: EventCallback,
    context: *mut c_void,
    free_context: FreeCallback,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let sink = Arc::new(Sink::new(callback, context, free_context));
        if callback.is_none() {
            return Err(Refusal::ARGUMENT);
        }
        exclusive(builder)?.change(|builder| builder.sink(sink))
    })
}

/// Builds a gate; free it with licentia_gate_free. The builder does not change, and can build another one.
///
/// Errors: INVALID_ARGUMENT if there is no key to trust, the space for tables is too small, or the cache is too large;
/// else as licentia_gate_load_keyset and licentia_gate_load_revocation.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_builder_build(
    builder: *const GateBuilder,
    gate: *mut *mut Gate,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let gate = Out::handle(gate)?;
        let builder = shared(builder)?.0.clone().ok_or(Code::InvalidArgument)?;
        gate.give(Gate::new(builder.build().map_err(|error| error.code())?));
        Ok(())
    })
}
