//! The machine and the release.

use licentia_vectors::LicenseGroup;

use crate::{
    licence::{EXPIRES, Licence, NOW, PERPETUAL},
    section::Section,
};

pub(crate) fn groups() -> Vec<LicenseGroup> {
    vec![machine(), no_machine(), release(), no_release()]
}

fn locked(locks: &[[u8; 32]]) -> Licence {
    Licence::with(|l| l.node_locks = locks.to_vec())
}

fn machine() -> LicenseGroup {
    let mut cases = Section::new("Node", "The machine is ab...ab").node([0xab; 32]);
    cases.valid("no locks: any machine", &Licence::base());
    cases.valid("its lock", &locked(&[[0xab; 32]]));
    cases.valid("its lock among others", &locked(&[[1; 32], [0xab; 32], [2; 32]]));
    let mut first = [0xab; 32];
    first[0] ^= 1;
    let mut last = [0xab; 32];
    last[31] ^= 0x80;
    for (what, lock) in [
        ("another lock", [0xac; 32]),
        ("a lock that differs in the first byte", first),
        ("a lock that differs in the last byte", last),
        ("a lock of zeros", [0; 32]),
    ] {
        cases.invalid(what, "node_mismatch", &locked(&[lock]).token());
    }
    let others: Vec<[u8; 32]> = (0..16).map(|n| [n; 32]).collect();
    cases.invalid("16 other locks", "node_mismatch", &locked(&others).token());
    cases.done()
}

fn no_machine() -> LicenseGroup {
    let mut cases = Section::new("Node", "The request names no machine");
    cases.valid("no locks", &Licence::base());
    cases.invalid("a lock", "node_required", &locked(&[[0xab; 32]]).token());
    cases.invalid("two locks", "node_required", &locked(&[[1; 32], [2; 32]]).token());
    cases.done()
}

fn until(date: u64) -> Licence {
    Licence::with(|l| l.maintained_until = Some(date))
}

fn release() -> LicenseGroup {
    let mut cases = Section::new("Release", "The release is of 1,750,000,000").release(1_750_000_000);
    cases.valid("every release", &Licence::base());
    for after in [0, 1] {
        cases.valid(format!("{after} s after the release"), &until(1_750_000_000 + after));
    }
    cases.valid("for ever", &until(PERPETUAL));
    for before in [1, 2, 1_750_000_000] {
        let token = until(1_750_000_000 - before).token();
        cases.invalid(format!("{before} s before the release"), "release_not_covered", &token);
    }
    // What is covered does not make the licence last longer.
    cases.invalid_at("covered, after exp", "expired", &until(PERPETUAL).token(), EXPIRES);
    let grace = Licence::with(|l| (l.maintained_until, l.term_end) = (Some(NOW), Some(NOW)));
    cases.valid_at("covered, in grace", &grace, NOW, "grace");
    cases.done()
}

fn no_release() -> LicenseGroup {
    let mut cases = Section::new("Release", "The request names no release");
    cases.valid("every release", &Licence::base());
    cases.invalid("up to a date", "release_required", &until(NOW).token());
    cases.invalid("for ever", "release_required", &until(PERPETUAL).token());
    cases.done()
}
