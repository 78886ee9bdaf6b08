//! The builder of a gate.

use std::{
    ffi::{c_char, c_void},
    sync::Arc,
};

use licentia::{Builder, Code, Mode};

use crate::{
    border::{Out, Outcome, Refusal, bytes, callback::FreeCallback, end, enter, exclusive, shared, text},
    gate::event::{EventCallback, Sink},
    gate::gate::Gate,
    key::public_key::Key,
    status::Status,
    store::Store,
};

/// What is denied is denied.
pub const LICENTIA_MODE_ENFORCE: u32 = 0;
/// Everything is allowed; decisions and events say what would have been denied.
pub const LICENTIA_MODE_ADVISORY: u32 = 1;

/// What a gate will be made of. One thread uses it at a time.
pub struct GateBuilder(Option<Builder>);

impl GateBuilder {
    pub(crate) fn change(&mut self, change: impl FnOnce(Builder) -> Builder) -> Outcome {
        // After a panic in between there is none, and the builder can only be freed.
        self.0 = Some(change(self.0.take().ok_or(Refusal::INTERNAL)?));
        Ok(())
    }
}

/// Makes a builder.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_builder_new(builder: *mut *mut GateBuilder) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        Out::handle(builder)?.give(GateBuilder(Some(licentia::Gate::builder())));
        Ok(())
    })
}

/// Frees a builder. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_builder_free(builder: *mut GateBuilder) {
    // SAFETY: the caller keeps to the header's rules.
    unsafe { end(builder) }
}

/// Trusts a key, which is copied. There may be several.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_builder_add_key(builder: *mut GateBuilder, key: *const Key) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let key = shared(key)?.0.clone();
        exclusive(builder)?.change(|builder| builder.key(key))
    })
}

/// Trusts the keys of a keyset that the root key signed, and of newer ones: see licentia_gate_load_keyset. Both
/// are copied; the keyset is read when the gate is built.
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

/// Refuses what a revocation bundle revokes, and what newer ones do: see licentia_gate_load_revocation. It is
/// copied, and read when the gate is built.
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

/// Names this service, for licences that name the services they are for.
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

/// Enforces decisions, or only says what they would have been: one of LICENTIA_MODE_*.
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

/// Tolerates that the issuer's clock is ahead by this many seconds; 60 where it is not said.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_builder_set_skew(builder: *mut GateBuilder, seconds: u64) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe { exclusive(builder)?.change(|builder| builder.skew(seconds)) })
}

/// How old a proof of possession may be, in seconds; 60 where it is not said.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_builder_set_proof_age(
    builder: *mut GateBuilder,
    seconds: u64,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe { exclusive(builder)?.change(|builder| builder.proof_age(seconds)) })
}

/// How many proofs are remembered against replay; when it is full, further ones are refused. 65,536 where it is
/// not said.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_builder_set_replay_capacity(
    builder: *mut GateBuilder,
    proofs: usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe { exclusive(builder)?.change(|builder| builder.replay_capacity(proofs)) })
}

/// How many verified tokens are kept; 16,384 where it is not said, at most 16,777,216.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_builder_set_cache_capacity(
    builder: *mut GateBuilder,
    tokens: usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe { exclusive(builder)?.change(|builder| builder.cache_capacity(tokens)) })
}

/// Spends up to so many bytes on tables for each key that signs licences, and once more for all, which halves the time
/// of a token that was not seen before: 700000 make it fastest, 220160 nearly so, 81920 are the least. Without it there
/// are no tables.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_builder_prepare_keys(
    builder: *mut GateBuilder,
    bytes_per_key: usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe { exclusive(builder)?.change(|builder| builder.prepare(bytes_per_key)) })
}

/// Refuses licences, as their policy for stale revocations says, while there is no revocation bundle of their issuer.
/// Without it a gate that has no bundle, as after a restart before one is loaded, takes nothing to be revoked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_builder_require_revocation(builder: *mut GateBuilder) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe { exclusive(builder)?.change(Builder::require_revocation) })
}

/// Counts rates with all processes that have the same store, and not for this one alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_builder_share_rates(builder: *mut GateBuilder) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe { exclusive(builder)?.change(|builder| builder.share_rates(true)) })
}

/// Where counters and marks are kept; in memory where it is not said.
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

/// Calls a function with every decision. There may be several.
///
/// It is called by whichever thread checks, by several at once, before licentia_gate_check returns: it must
/// return at once, not block, not throw and not jump. The event lives until it returns. `context` is passed
/// along, and where `free_context` is not NULL, that is called with it when the last of the builder and its gates
/// is freed, or at once where this call is refused.
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

/// Makes a gate; free it with licentia_gate_free. The builder stays as it is, and can make another one.
///
/// Errors: INVALID_ARGUMENT where there is no key to trust, too little space to prepare one, or a cache that would be too
/// large to have, else as licentia_gate_load_keyset and licentia_gate_load_revocation.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_builder_build(
    builder: *const GateBuilder,
    gate: *mut *mut Gate,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let gate = Out::handle(gate)?;
        let builder = shared(builder)?.0.clone().ok_or(Code::InvalidArgument)?;
        gate.give(Gate::new(builder.build()?));
        Ok(())
    })
}
