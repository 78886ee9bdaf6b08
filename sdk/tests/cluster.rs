//! A cluster of three nodes: each operation goes to the node that has its slot.

#[path = "common/cluster.rs"]
mod cluster;
mod common;

use cluster::cluster;
use common::{NOW, builder, licence};
use licentia::{Action, Code, Request, Seat, store};

#[test]
fn customers_of_all_nodes_are_served_by_a_gate_that_knows_one() {
    let Some(nodes) = cluster([&[]; 3]) else { return };
    let gate = builder().store(store::open(&nodes[1].url()).unwrap()).share_rates(true).build().unwrap();
    let tokens: Vec<String> = (0..60)
        .map(|number: u8| {
            licence(|draft| {
                draft.lineage = Some([number; 16].into());
                draft.grant.quotas.insert("calls".into(), "100/day".parse().unwrap());
                draft.grant.seats = Some(1);
                draft.grant.policy.store_unreachable = Action::Deny;
            })
        })
        .collect();
    let meters = [("calls", 2), ("mails", 1)];
    for token in &tokens {
        let one = Request::new().meters(&[("calls", 1)]).rates(&[("api", 1)]);
        assert_eq!(gate.check(token, &one, NOW).code(), Code::Allowed);
        let job = Request::new().meters(&meters).job("render");
        for _ in 0..2 {
            assert_eq!(gate.check(token, &job, NOW).code(), Code::Allowed);
        }
        let (decision, seat) = Seat::check_out(&gate, token, "ada", 60, &Request::new(), NOW);
        assert_eq!(decision.code(), Code::Allowed);
        seat.unwrap().release().unwrap();
    }
    gate.settle().unwrap();
    let keys = nodes.each_ref().map(|node| node.tell::<u64>(&["DBSIZE"]).unwrap());
    assert!(keys.iter().all(|keys| *keys > 20), "all of them have some: {keys:?}");
    // Another gate finds what was counted, by another node.
    let other = builder().store(store::open(&nodes[2].url()).unwrap()).build().unwrap();
    for token in &tokens {
        let decision = other.check(token, &Request::new().meters(&[("calls", 0)]), NOW);
        assert_eq!(decision.quota("calls").unwrap().remaining, 97);
    }
}
