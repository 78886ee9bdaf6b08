//! Revocation: who is meant, from when on, in which order bundles replace each other, and which are refused.

mod issuers;
mod malformed;
mod order;
mod rules;
mod sets;
mod signers;
mod terms;

use licentia_vectors::GateGroup;

use super::story::{Story, entry, keyset, next, sealed};
use crate::{
    bundle::{Bundle, DELTA_TYP, TYP, state},
    cbor::{self, Item},
    fields::Fields,
    licence::{Licence, Policy},
    signer::Signer,
    terms::Action,
};

const DAY: u64 = 86_400;

/// The key that signs bundles.
fn revoker() -> Signer {
    Signer::new(b"revoker", 5)
}

/// A keyset with the licence key and the revocation key.
fn keys(sequence: u64, revoker: &Fields) -> Vec<u8> {
    keyset(sequence, &[entry(&Signer::main()), entry(&next()), revoker.clone()])
}

fn revoking(key: &Signer) -> Fields {
    entry(key).set(5, cbor::int(1))
}

fn story(comment: &str) -> Story {
    Story::rooted("Revocation", comment, &keys(1, &revoking(&revoker())))
}

fn signed(bundle: &Bundle) -> Vec<u8> {
    sealed(&revoker(), TYP, &bundle.payload().encode())
}

/// The licence with an index.
fn indexed(index: u64) -> Licence {
    Licence::with(|l| l.index = Some(index))
}

/// A story with one bundle.
fn with(comment: &str, bundle: &Bundle) -> Story {
    story(comment).publish(&signed(bundle), "allowed")
}

/// A story with one bundle that has one rule.
fn ruled(comment: &str, rule: Fields) -> Story {
    with(comment, &Bundle { sequence: 1, rules: vec![rule], ..Bundle::default() })
}

fn rule(key: i64, condition: Item) -> Fields {
    Fields::default().set(key, condition)
}

fn pair(from: u64, to: u64) -> Item {
    cbor::array(&[cbor::uint(from), cbor::uint(to)])
}

/// A bundle of one group, in the encoding of a state.
fn set(sequence: u64, indices: &[u64]) -> Bundle {
    Bundle::new(sequence, &state(indices))
}

/// A delta of one group that leads from a number to a state.
fn delta(changes: &[u64], base: u64, state: &Bundle) -> Vec<u8> {
    sealed(&revoker(), DELTA_TYP, &set(state.sequence, changes).delta(base, state).encode())
}

/// A bundle about another issuer's licences.
fn of(issuer: &str, bundle: &Bundle) -> Vec<u8> {
    sealed(&revoker(), TYP, &bundle.payload().set(1, cbor::text(issuer)).encode())
}

/// The key that takes the place of a stolen one.
fn heal() -> Signer {
    Signer::new(b"revoker2", 6)
}

/// A licence with a policy for staleness.
fn stale(action: Option<Action>, age: Option<u64>) -> Licence {
    let policy = Policy { stale_revocation: action, max_revocation_age: age, ..Policy::default() };
    Licence::with(|l| l.policy = Some(policy))
}

/// The groups of tests.
pub(crate) fn groups() -> [GateGroup; 7] {
    [
        sets::group(),
        terms::group(),
        rules::group(),
        order::group(),
        issuers::group(),
        signers::group(),
        malformed::group(),
    ]
}
