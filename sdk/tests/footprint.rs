//! What a gate keeps of a licence's rate and quota, in its own memory and in the store's.

mod common;

use common::{NOW, builder, licence};
use licentia::{Decision, Now, Request};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// Licences, of which the tables that grow are three quarters full.
const LICENCES: u64 = 1400;

/// Bytes that a gate keeps of each licence, less the token itself.
fn kept(counted: bool) -> u64 {
    let token = |customer: u64| {
        licence(|draft| {
            draft.id = Some((u128::from(customer) << 64).to_be_bytes().into());
            draft.grant.quotas.remove("mails");
            if !counted {
                draft.grant.quotas.clear();
                draft.grant.rates.clear();
            }
        })
    };
    let tokens: Vec<String> = (0..LICENCES).map(token).collect();
    // Their text, and their bytes.
    let length: usize = tokens.iter().map(|token| token.len() + token.len() * 3 / 4).sum();
    let gate = builder().cache_capacity(16 * tokens.len()).build().unwrap();
    let (rates, meters) = ([("api", 1)], [("calls", 1)]);
    let asked = Request::new().features(&["export"]);
    let request = if counted { asked.rates(&rates).meters(&meters) } else { asked };
    let mut decision = Decision::undecided();
    let before = dhat::HeapStats::get().curr_bytes;
    for token in &tokens {
        gate.check_into(token, &request, Now { time: NOW, monotonic_nanos: 0 }, &mut decision);
        assert!(decision.is_allowed(), "{decision:?}");
    }
    let bytes = dhat::HeapStats::get().curr_bytes - before - length;
    u64::try_from(bytes).unwrap() / LICENCES
}

#[test]
fn a_rate_and_a_quota_are_small() {
    let _profiler = dhat::Profiler::builder().testing().build();
    let (without, with) = (kept(false), kept(true));
    println!("{without} bytes of a licence that counts nothing, {with} with a rate and a quota");
    // Of these, the issuer in each key takes about 40.
    assert!(with - without <= 450, "{} bytes for a rate and a quota", with - without);
}
