//! Drafts: licences that are not signed yet.

use std::ffi::c_char;

use licentia::Action;
use licentia_core::Overage;
use licentia_issuer::{Confirmation, Kind, Quota, Rate};

use crate::{
    border::{Out, Refusal, array, end, enter, exclusive, text},
    period::period_of,
    status::{LICENTIA_NONE, Status},
};

/// A licence that was paid for.
pub const LICENTIA_KIND_PAID: u32 = 0;
/// A trial.
pub const LICENTIA_KIND_TRIAL: u32 = 1;
/// A licence for developers.
pub const LICENTIA_KIND_DEVELOPER: u32 = 2;
/// A licence for the vendor itself.
pub const LICENTIA_KIND_INTERNAL: u32 = 3;

/// Requests over the limit of a quota are denied.
pub const LICENTIA_OVERAGE_DENY: u32 = 0;
/// Requests over the limit are allowed and flagged, up to a hard limit.
pub const LICENTIA_OVERAGE_UP_TO: u32 = 1;
/// Requests over the limit are allowed and flagged.
pub const LICENTIA_OVERAGE_UNLIMITED: u32 = 2;

/// The revocation bundle is too old.
pub const LICENTIA_DOUBT_REVOCATION: u32 = 0;
/// The clock is probably wrong.
pub const LICENTIA_DOUBT_CLOCK: u32 = 1;
/// The store is unreachable.
pub const LICENTIA_DOUBT_STORE: u32 = 2;

/// In doubt, requests are denied. This is the default.
pub const LICENTIA_ACTION_DENY: u32 = 0;
/// In doubt, requests are allowed and flagged for some time.
pub const LICENTIA_ACTION_WARN: u32 = 1;
/// In doubt, requests are allowed.
pub const LICENTIA_ACTION_ALLOW: u32 = 2;

/// A licence before it is signed. One thread uses it at a time.
pub struct Draft(pub(crate) licentia_issuer::Draft);

/// Makes a draft of a tier for a subject (1 to 256 bytes), without terms; free it with licentia_draft_free. Times are
/// seconds since 1970; use 253402300799 for a licence that never expires.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_draft_new(
    subject: *const c_char,
    subject_len: usize,
    tier: *const c_char,
    tier_len: usize,
    version: u64,
    issued_at: u64,
    expires: u64,
    draft: *mut *mut Draft,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let draft = Out::handle(draft)?;
        let (subject, tier) = (text(subject, subject_len)?, text(tier, tier_len)?);
        draft.give(Draft(licentia_issuer::Draft::new(subject, tier, version, issued_at, expires)));
        Ok(())
    })
}

/// Frees a draft. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_draft_free(draft: *mut Draft) {
    // SAFETY: the caller keeps to the header's rules.
    unsafe { end(draft) }
}

/// Names a service that the licence is for. Without any it is for all services of the issuer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_draft_add_audience(
    draft: *mut Draft,
    audience: *const c_char,
    audience_len: usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let audience = text(audience, audience_len)?.to_owned();
        exclusive(draft)?.0.audiences.push(audience);
        Ok(())
    })
}

/// Grants a feature with a value: "true", a number or a text. "VALUE@TIME" ends earlier than the licence.
///
/// Errors: INVALID_ARGUMENT for another text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_draft_add_feature(
    draft: *mut Draft,
    name: *const c_char,
    name_len: usize,
    feature: *const c_char,
    feature_len: usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let (name, feature) = (text(name, name_len)?, text(feature, feature_len)?);
        exclusive(draft)?.0.grant.features.insert(name.to_owned(), feature.parse()?);
        Ok(())
    })
}

/// Grants a quota for a meter: "LIMIT/PERIOD", such as "100000/month".
///
/// Errors: INVALID_ARGUMENT for another text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_draft_add_quota(
    draft: *mut Draft,
    name: *const c_char,
    name_len: usize,
    quota: *const c_char,
    quota_len: usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let (name, quota) = (text(name, name_len)?, text(quota, quota_len)?);
        exclusive(draft)?.0.grant.quotas.insert(name.to_owned(), quota.parse()?);
        Ok(())
    })
}

/// Grants a quota for a meter in numbers, which can express every quota. `period`, `seconds` and `anchor` name the
/// period as for licentia_period_window. `overage` is one of LICENTIA_OVERAGE_*; `hard_limit` is read only for UP_TO.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_draft_set_quota(
    draft: *mut Draft,
    name: *const c_char,
    name_len: usize,
    limit: u64,
    period: u32,
    seconds: u64,
    anchor: u64,
    overage: u32,
    hard_limit: u64,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let overage = match overage {
            LICENTIA_OVERAGE_DENY => Overage::Deny,
            LICENTIA_OVERAGE_UP_TO => Overage::UpTo(hard_limit),
            LICENTIA_OVERAGE_UNLIMITED => Overage::Unlimited,
            _ => return Err(Refusal::ARGUMENT),
        };
        let quota = Quota { limit, period: period_of(period, seconds, anchor)?, overage };
        let name = text(name, name_len)?.to_owned();
        exclusive(draft)?.0.grant.quotas.insert(name, quota);
        Ok(())
    })
}

/// Grants a rate: "COUNT/DURATION", such as "10/1s".
///
/// Errors: INVALID_ARGUMENT for another text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_draft_add_rate(
    draft: *mut Draft,
    name: *const c_char,
    name_len: usize,
    rate: *const c_char,
    rate_len: usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let (name, rate) = (text(name, name_len)?, text(rate, rate_len)?);
        exclusive(draft)?.0.grant.rates.insert(name.to_owned(), rate.parse()?);
        Ok(())
    })
}

/// Grants a rate in numbers: `count` requests per `per_ms` milliseconds, of which `burst` may come at once;
/// LICENTIA_NONE means all of them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_draft_set_rate(
    draft: *mut Draft,
    name: *const c_char,
    name_len: usize,
    count: u64,
    per_ms: u64,
    burst: u64,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let name = text(name, name_len)?.to_owned();
        let rate = Rate { count, per_ms, burst: (burst != LICENTIA_NONE).then_some(burst) };
        exclusive(draft)?.0.grant.rates.insert(name, rate);
        Ok(())
    })
}

/// Sets what a gate does in a doubt, one of LICENTIA_DOUBT_*: one of LICENTIA_ACTION_*. `seconds` is read only for
/// WARN, and limits it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_draft_set_policy(
    draft: *mut Draft,
    doubt: u32,
    action: u32,
    seconds: u64,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let action = match action {
            LICENTIA_ACTION_DENY => Action::Deny,
            LICENTIA_ACTION_WARN => Action::Warn(seconds),
            LICENTIA_ACTION_ALLOW => Action::Allow,
            _ => return Err(Refusal::ARGUMENT),
        };
        let policy = &mut exclusive(draft)?.0.grant.policy;
        match doubt {
            LICENTIA_DOUBT_REVOCATION => policy.stale_revocation = action,
            LICENTIA_DOUBT_CLOCK => policy.clock_doubt = action,
            LICENTIA_DOUBT_STORE => policy.store_unreachable = action,
            _ => return Err(Refusal::ARGUMENT),
        }
        Ok(())
    })
}

/// Sets how old a revocation bundle may be, in seconds; by default the bundle itself says so.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_draft_set_max_revocation_age(draft: *mut Draft, seconds: u64) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        exclusive(draft)?.0.grant.policy.max_revocation_age = Some(seconds);
        Ok(())
    })
}

/// Adds metadata, which everyone can read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_draft_add_meta(
    draft: *mut Draft,
    name: *const c_char,
    name_len: usize,
    value: *const c_char,
    value_len: usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let entry = (text(name, name_len)?.to_owned(), text(value, value_len)?.to_owned());
        exclusive(draft)?.0.meta.push(entry);
        Ok(())
    })
}

/// Binds the licence to a machine, by the SHA-256 (32 bytes) of its fingerprint. You may add several.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_draft_add_node_lock(draft: *mut Draft, fingerprint: *const u8) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        exclusive(draft)?.0.node_locks.push(*array(fingerprint)?);
        Ok(())
    })
}

/// Binds the licence to the customer's key, by the key's thumbprint (32 bytes): see licentia_holder_key_public.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_draft_set_holder(draft: *mut Draft, thumbprint: *const u8) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        exclusive(draft)?.0.holder = Some(Confirmation::Thumbprint(*array(thumbprint)?));
        Ok(())
    })
}

/// Sets the lineage (16 bytes) of the licence that this one renews or upgrades.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_draft_set_lineage(draft: *mut Draft, lineage: *const u8) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        exclusive(draft)?.0.lineage = Some((*array::<16>(lineage)?).into());
        Ok(())
    })
}

/// Sets the kind of licence: one of LICENTIA_KIND_*.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_draft_set_kind(draft: *mut Draft, kind: u32) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        exclusive(draft)?.0.grant.kind = match kind {
            LICENTIA_KIND_PAID => Kind::Paid,
            LICENTIA_KIND_TRIAL => Kind::Trial,
            LICENTIA_KIND_DEVELOPER => Kind::Developer,
            LICENTIA_KIND_INTERNAL => Kind::Internal,
            _ => return Err(Refusal::ARGUMENT),
        };
        Ok(())
    })
}

/// Sets when the licence starts, if later than it is issued, in seconds since 1970.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_draft_set_not_before(draft: *mut Draft, value: u64) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        exclusive(draft)?.0.not_before = Some(value.into());
        Ok(())
    })
}

/// Sets when the contract ends, if the licence continues in grace, in seconds since 1970.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_draft_set_term_end(draft: *mut Draft, value: u64) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        exclusive(draft)?.0.term_end = Some(value.into());
        Ok(())
    })
}

/// Sets until when new releases are included, in seconds since 1970.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_draft_set_maintained_until(draft: *mut Draft, value: u64) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        exclusive(draft)?.0.maintained_until = Some(value.into());
        Ok(())
    })
}

/// Sets how many may use the licence at the same time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_draft_set_seats(draft: *mut Draft, value: u64) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        exclusive(draft)?.0.grant.seats = Some(value);
        Ok(())
    })
}

/// Sets the licence's index in the issuer's revocation stream. No two licences share one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_draft_set_index(draft: *mut Draft, value: u64) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        exclusive(draft)?.0.index = Some(value);
        Ok(())
    })
}
