//! The event of a request that changed something.

use licentia_core::{Timestamp, TokenId};
use licentia_issuer::{Ledger, Result};
use serde_json::json;

use super::outbox;
use crate::{access::Identity, http::hex};

/// The kind of event that an action of the audit is, if webhooks are told of it.
fn kind(action: &str) -> Option<&'static str> {
    Some(match action {
        "issue" => "license.issued",
        "renew" => "license.renewed",
        "upgrade" => "license.upgraded",
        "suspend" => "license.suspended",
        "resume" => "license.resumed",
        "revoke" => "license.revoked",
        "reinstate" => "license.reinstated",
        "rotate" => "license.rotated",
        "activate" => "license.activated",
        "catalogue.activate" => "catalogue.activated",
        _ => return None,
    })
}

/// Writes the event of an action, in the transaction that did it. Its target is the identifier of a licence or a lineage.
pub(crate) fn note(
    ledger: &Ledger,
    caller: &Identity,
    action: &str,
    target: &str,
    now: Timestamp,
) -> Result<()> {
    let Some(kind) = kind(action) else { return Ok(()) };
    let license = match hex::<16>(target) {
        Some(bytes) => match ledger.find(&TokenId::from(bytes))? {
            Some(license) => Some(license.id),
            None => ledger.of_lineage(&bytes.into())?.pop().map(|newest| newest.id),
        },
        None => None,
    };
    let (by, target) = (json!(caller.subject), json!(target));
    let detail = format!(r#""by":{by},"target":{target}"#);
    outbox::note(ledger, &caller.issuer, kind, license.as_ref(), &detail, now)
}
