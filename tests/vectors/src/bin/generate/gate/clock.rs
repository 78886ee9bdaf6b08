//! The clock guard: drift, rollback, jumps, sleep and restarts, under each policy.

use licentia_vectors::{GateGroup, GateTest};

use super::story::{Story, entry, keyset, next, payload, root, sealed};
use crate::{
    cbor,
    licence::{Licence, NOW, Policy},
    signer::Signer,
    terms::Action,
};

const DAY: u64 = 86_400;
const HOUR: u64 = 3_600;

pub(crate) fn group() -> GateGroup {
    let story = |comment: &str| Story::simple("Clock", comment);
    let deny = Licence::base();
    let with = |action: Action| {
        Licence::with(|l| l.policy = Some(Policy { clock_doubt: Some(action), ..Policy::default() }))
    };
    let (warn, allow) = (with(Action::Warn(HOUR)), with(Action::Allow));
    let soon = Licence::with(|l| l.expires = NOW + 1000);
    let mut tests: Vec<GateTest> = [
        story("an hour back is drift, and time goes on with the monotonic clock")
            .check(&soon, NOW, 0, "allowed")
            .check(&soon, NOW - HOUR, 999, "allowed")
            .check(&soon, NOW - HOUR, 1000, "expired"),
        story("a day back is drift").check(&deny, NOW, 0, "allowed").check(&deny, NOW - DAY, 0, "allowed"),
        story("a second more than a day is doubt").check(&deny, NOW, 0, "allowed").check(
            &deny,
            NOW - DAY - 1,
            0,
            "clock_rollback",
        ),
        story("a clock that is put right is believed again")
            .check(&deny, NOW, 0, "allowed")
            .check(&deny, NOW - 5 * DAY, 10, "clock_rollback")
            .check(&deny, NOW + 20, 20, "allowed"),
        story("a warning lasts as long as the licence says, from the begin of the doubt")
            .check(&warn, NOW, 0, "allowed")
            .warned(&warn, NOW - 5 * DAY, 0)
            .warned(&warn, NOW - 5 * DAY + HOUR, HOUR)
            .check(&warn, NOW - 5 * DAY + HOUR + 1, HOUR + 1, "clock_rollback"),
        story("a second doubt begins anew")
            .check(&warn, NOW, 0, "allowed")
            .warned(&warn, NOW - 5 * DAY, 0)
            .check(&warn, NOW + 2 * HOUR, 2 * HOUR, "allowed")
            .warned(&warn, NOW - 5 * DAY, 2 * HOUR),
        story("a licence that allows a doubt").check(&allow, NOW, 0, "allowed").warned(
            &allow,
            NOW - 300 * DAY,
            1,
        ),
        story("a clock that is set back does not bring a licence back")
            .check(&allow, NOW, 0, "allowed")
            .check(
                &Licence::with(|l| {
                    l.expires = NOW;
                    l.policy = Some(Policy { clock_doubt: Some(Action::Allow), ..Policy::default() });
                }),
                NOW - 300 * DAY,
                1,
                "expired",
            )
            .doubted(),
        story("a rollback over a restart is seen").check(&deny, NOW, 0, "allowed").restart().check(
            &deny,
            NOW - 2 * DAY,
            0,
            "clock_rollback",
        ),
        story("a restart begins no new grace")
            .check(&warn, NOW, 0, "allowed")
            .warned(&warn, NOW - 5 * DAY, HOUR)
            .restart()
            .warned(&warn, NOW - 5 * DAY, 0),
        story("a jump of more than a week is believed, and forgotten when it is taken back")
            .check(&deny, NOW, 0, "allowed")
            .check(&deny, NOW + 300 * DAY, 1, "allowed")
            .check(&deny, NOW + 2, 2, "allowed"),
        story("and after a restart likewise")
            .check(&deny, NOW, 0, "allowed")
            .check(&deny, NOW + 300 * DAY, 1, "allowed")
            .restart()
            .check(&deny, NOW + 60, 0, "allowed"),
        story("a jump of a week is remembered")
            .check(&deny, NOW, 0, "allowed")
            .check(&deny, NOW + 7 * DAY, 0, "allowed")
            .check(&deny, NOW, 0, "clock_rollback"),
        story("a long sleep, after which a licence that was issued lately vouches for the time")
            .check(&deny, NOW, 0, "allowed")
            .check(&Licence::with(|l| l.issued_at = NOW + 29 * DAY), NOW + 30 * DAY, 1, "allowed")
            .check(&deny, NOW, 2, "clock_rollback"),
    ]
    .into_iter()
    .chain(ahead())
    .map(Story::done)
    .collect();

    // What the root key signed is never in the future: a clock that is behind it by days is doubted.
    let first = keyset(1, &[entry(&Signer::main())]);
    let later = payload(2, &[entry(&Signer::main()), entry(&next())]).set(2, cbor::uint(NOW + 2 * DAY));
    let later = sealed(&root(), super::story::TYP, &later.encode());
    tests.push(
        Story::rooted("Clock", "a keyset vouches for the time", &first)
            .check(&deny, NOW, 0, "allowed")
            .load(&later, "allowed")
            .check(&deny, NOW, 0, "clock_rollback")
            .check(&deny, NOW + 2 * DAY, 0, "allowed")
            .done(),
    );
    GateGroup { comment: "The clock guard".to_owned(), tests }
}

/// Licences that say they were issued in the future.
fn ahead() -> [Story; 2] {
    let story = |comment: &str| Story::simple("Clock", comment);
    let deny = Licence::base();
    [
        story("a licence from the future supports no jump of the clock")
            .check(&deny, NOW, 0, "allowed")
            .check(&Licence::with(|l| l.issued_at = NOW + 302 * DAY), NOW + 300 * DAY, 1, "issued_in_future")
            .check(&deny, NOW + 2, 2, "allowed"),
        story("a licence from the future moves nothing")
            .check(&deny, NOW, 0, "allowed")
            .check(&Licence::with(|l| l.issued_at = NOW + 300 * DAY), NOW, 0, "issued_in_future")
            .check(&deny, NOW, 0, "allowed"),
    ]
}
