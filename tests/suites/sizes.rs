//! An exact set beside a Token Status List of the same licences, and beside the least that both can take.
//!
//! A Token Status List (draft-ietf-oauth-status-list) has a bit for each token, compressed with zlib.

use licentia_core::{inner::build, revocation::Schema};
use licentia_tests::report;

/// Bits that a set of `count` of `issued` takes at least, in the mean.
#[allow(clippy::cast_precision_loss, reason = "figures for people")]
fn entropy(issued: u64, count: u64) -> f64 {
    let p = count as f64 / issued as f64;
    issued as f64 * -(p * p.log2() + (1.0 - p) * (1.0 - p).log2())
}

#[test]
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "figures for people")]
fn an_exact_set_is_smaller_than_a_token_status_list() {
    report(format_args!("issued     revoked    entropy    exact set          status list"));
    for (issued, per_mille) in [
        (1_000_000, 1),
        (1_000_000, 10),
        (1_000_000, 50),
        (10_000_000, 1),
        (10_000_000, 10),
        (10_000_000, 50),
    ] {
        let mut random = fastrand::Rng::with_seed(issued ^ per_mille);
        let members: Vec<u64> = (0..issued).filter(|_| random.u64(0..1000) < per_mille).collect();
        let mut list = vec![0_u8; (issued / 8) as usize];
        for index in &members {
            list[(index / 8) as usize] |= 1 << (index % 8);
        }
        let set = build::exact(members.iter().copied(), Schema::default()).unwrap().len();
        let list = miniz_oxide::deflate::compress_to_vec_zlib(&list, 10).len();
        let least = entropy(issued, members.len() as u64) / 8.0;
        let (set_times, list_times) = (set as f64 / least, list as f64 / least);
        report(format_args!(
            "{issued:<10} {:<10} {least:<10.0} {set:<9} {set_times:<8.3} {list:<9} {list_times:.3}",
            members.len()
        ));
        assert!(set < list, "{set} and {list} bytes");
        assert!(set_times <= 1.12, "{set_times} times the entropy");
    }
}
