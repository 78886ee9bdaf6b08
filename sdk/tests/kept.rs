//! Tokens that were seen are kept, nearly as many as there are places for.

mod common;

use common::{NOW, builder, licence};
use licentia::Request;

/// Of a thousand tokens, how many a gate with so many places still knows when it has seen all.
fn known(capacity: usize) -> usize {
    let gate = builder().cache_capacity(capacity).build().unwrap();
    let token = |id: u16| licence(|draft| draft.id = Some(u128::from(id).to_be_bytes().into()));
    let tokens: Vec<String> = (0..1000).map(token).collect();
    assert!(tokens.iter().all(|token| gate.check(token, &Request::new(), NOW).is_allowed()));
    tokens.iter().filter(|token| gate.knows(token)).count()
}

#[test]
fn with_twice_the_places_next_to_none_is_verified_again_and_with_as_many_few() {
    let twice = known(2000);
    assert!(twice >= 995, "{twice} of 1000 are known");
    let once = known(1000);
    assert!(once >= 880, "{once} of 1000 are known");
    assert_eq!(known(0), 0);
}
