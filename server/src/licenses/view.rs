//! A licence as the service shows it.

use licentia_core::{Timestamp, revocation::Effect};
use licentia_issuer::ListedLicense;
use serde::Serialize;

/// A licence of the ledger.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = License)]
pub(crate) struct LicenseView {
    /// The token's identifier.
    pub(crate) id: String,
    /// The licence through its renewals and upgrades.
    pub(crate) lineage: String,
    /// Who issued it.
    pub(crate) issuer: String,
    /// Whom it was issued to.
    pub(crate) subject: String,
    /// Its tier.
    pub(crate) tier: String,
    /// The version of the tier.
    pub(crate) tier_version: u64,
    /// `paid`, `trial`, `developer` or `internal`.
    pub(crate) kind: &'static str,
    /// The key that signed it.
    pub(crate) kid: String,
    /// When it was issued, in seconds since 1970, as all times.
    pub(crate) issued_at: u64,
    /// When it starts, if later.
    pub(crate) not_before: Option<u64>,
    /// When the contract ends, if it goes on in grace.
    pub(crate) term_end: Option<u64>,
    /// When everything ends.
    pub(crate) expires: u64,
    /// Its index in the revocation stream.
    pub(crate) index: Option<u64>,
    /// `pending`, `active`, `grace`, `expired` or `revoked`.
    pub(crate) state: &'static str,
    /// Its own revocation. A rule may hit it too.
    pub(crate) revocation: Option<RevocationView>,
}

/// A revocation.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Revocation)]
pub(crate) struct RevocationView {
    /// Why.
    pub(crate) reason: &'static str,
    /// From when on; 0 is at once.
    pub(crate) effective: u64,
    /// `deny`, `warn` or `grace`.
    pub(crate) effect: &'static str,
    /// Until when it warns or is in grace.
    pub(crate) until: Option<u64>,
}

impl LicenseView {
    pub(crate) fn of(listed: &ListedLicense, now: Timestamp) -> Self {
        let license = &listed.license;
        Self {
            id: license.id.to_string(),
            lineage: license.lineage.to_string(),
            issuer: license.issuer.clone(),
            subject: license.subject.clone(),
            tier: license.tier.clone(),
            tier_version: license.tier_version,
            kind: license.kind.name(),
            kid: data_encoding::HEXLOWER.encode(&license.kid),
            issued_at: license.issued_at.as_seconds(),
            not_before: license.not_before.map(Timestamp::as_seconds),
            term_end: license.term_end.map(Timestamp::as_seconds),
            expires: license.expires.as_seconds(),
            index: license.index,
            state: listed.state(now).name(),
            revocation: listed.revocation.map(|terms| {
                let (effect, until) = match terms.effect {
                    Effect::WarnUntil(until) => ("warn", Some(until.as_seconds())),
                    Effect::GraceUntil(until) => ("grace", Some(until.as_seconds())),
                    _ => ("deny", None),
                };
                let effective = terms.effective.as_seconds();
                RevocationView { reason: terms.reason.name(), effective, effect, until }
            }),
        }
    }
}
