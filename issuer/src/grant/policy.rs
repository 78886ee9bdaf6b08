//! The policy for what a gate cannot know, as a tier writes it.

use ciborium::Value as Cbor;
use licentia_core::{Action, Policy};
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::{
    canonical::{labelled, uints},
    time::Span,
};

pub(super) fn to_cbor(policy: &Policy) -> Option<Cbor> {
    let stated = |action| Some(action).filter(|action| *action != Action::Deny).map(action_to_cbor);
    (*policy != Policy::default()).then(|| {
        labelled([
            (0, stated(policy.stale_revocation)),
            (1, stated(policy.clock_doubt)),
            (2, stated(policy.store_unreachable)),
            (3, policy.max_revocation_age.map(Cbor::from)),
        ])
    })
}

/// The policy that bounds others. It is stated also if it denies everything.
pub(crate) fn bound_to_cbor(policy: &Policy) -> Cbor {
    labelled([
        (0, Some(action_to_cbor(policy.stale_revocation))),
        (1, Some(action_to_cbor(policy.clock_doubt))),
        (2, Some(action_to_cbor(policy.store_unreachable))),
        (3, policy.max_revocation_age.map(Cbor::from)),
    ])
}

fn action_to_cbor(action: Action) -> Cbor {
    match action {
        Action::Warn(seconds) => uints([1, seconds]),
        Action::Allow => Cbor::from(2),
        _ => Cbor::from(0),
    }
}

/// A policy as it is written.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyTable {
    #[serde(default)]
    stale_revocation: ActionTable,
    #[serde(default)]
    clock_doubt: ActionTable,
    #[serde(default)]
    store_unreachable: ActionTable,
    #[serde(default, deserialize_with = "optional_seconds")]
    max_revocation_age: Option<u64>,
}

impl From<PolicyTable> for Policy {
    fn from(table: PolicyTable) -> Self {
        let mut policy = Self::default();
        policy.stale_revocation = table.stale_revocation.into();
        policy.clock_doubt = table.clock_doubt.into();
        policy.store_unreachable = table.store_unreachable.into();
        policy.max_revocation_age = table.max_revocation_age;
        policy
    }
}

/// Deserialises a policy in the form that a tier has it.
///
/// # Errors
/// Those of the deserialiser: an unknown field, or a wrong action or duration.
pub fn read_policy<'de, D: Deserializer<'de>>(table: D) -> std::result::Result<Policy, D::Error> {
    PolicyTable::deserialize(table).map(Policy::from)
}

/// `"deny"`, `"allow"` or `{ warn = "1 day" }`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ActionTable {
    #[default]
    Deny,
    Allow,
    Warn(#[serde(deserialize_with = "seconds")] u64),
}

impl From<ActionTable> for Action {
    fn from(table: ActionTable) -> Self {
        match table {
            ActionTable::Deny => Self::Deny,
            ActionTable::Allow => Self::Allow,
            ActionTable::Warn(seconds) => Self::Warn(seconds),
        }
    }
}

fn seconds<'de, D: Deserializer<'de>>(input: D) -> std::result::Result<u64, D::Error> {
    Span::deserialize(input)?.seconds().map_err(D::Error::custom)
}

fn optional_seconds<'de, D: Deserializer<'de>>(input: D) -> std::result::Result<Option<u64>, D::Error> {
    seconds(input).map(Some)
}
