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

#[test]
fn a_slot_is_moved_while_a_gate_runs() {
    const LIMIT: u64 = 100_000;
    let Some(nodes) = cluster([&[]; 3]) else { return };
    let open = |node: usize| store::open(&nodes[node].url()).unwrap();
    let gate = builder().store(open(0)).share_rates(true).prefetch(false).build().unwrap();
    let token = |lineage: u8| {
        licence(|draft| {
            draft.lineage = Some([lineage; 16].into());
            draft.grant.quotas.insert("calls".into(), format!("{LIMIT}/day").parse().unwrap());
            draft.grant.quotas.insert("mails".into(), format!("{LIMIT}/day").parse().unwrap());
            draft.grant.seats = Some(1);
            draft.grant.policy.store_unreachable = Action::Deny;
        })
    };
    let (moving, others) = (token(7), [1, 2, 3, 4, 5, 6].map(token));
    let slot: u64 = nodes[0].tell(&["CLUSTER", "KEYSLOT", &format!("{{{}}}", "07".repeat(16))]).unwrap();
    let ids = nodes.each_ref().map(|node| node.tell::<String>(&["CLUSTER", "MYID"]).unwrap());
    let mut from = nodes.iter().position(owns).unwrap();
    let (mut charged, mut failed) = (0, 0);
    let mut charge = |when: &str, must: bool| {
        for job in 0..10 {
            let (name, meters) = (format!("{when}-{job}"), [("calls", 2), ("mails", 1)]);
            let work = Request::new().meters(&meters).job(&name);
            let one = Request::new().meters(&[("calls", 1)]);
            for token in &others {
                assert_eq!(gate.check(token, &work, NOW).code(), Code::Allowed, "{when}: another customer");
                assert_eq!(gate.check(token, &one, NOW).code(), Code::Allowed, "{when}: another customer");
            }
            for (request, cost) in [(&work, 2), (&one, 1)] {
                match gate.check(&moving, request, NOW).code() {
                    Code::Allowed => charged += cost,
                    Code::StoreUnreachable if !must => failed += 1,
                    code => panic!("{when}: {code}"),
                }
            }
            let (decision, seat) = Seat::check_out(&gate, &moving, "ada", 60, &Request::new(), NOW);
            assert!(decision.code() == Code::Allowed || !must, "{when}: {}", decision.code());
            // It is looked up where it is now.
            let released = seat.map(Seat::release);
            assert!(released.is_none_or(|released| released.is_ok()), "{when}");
        }
    };
    charge("before", true);
    for round in 0..3 {
        let to = (from + 1) % 3;
        let (slot, here, there) = (slot.to_string(), &nodes[from], &nodes[to]);
        there.tell::<()>(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &ids[from]]).unwrap();
        here.tell::<()>(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &ids[to]]).unwrap();
        // An operation on several keys is refused unless all of them are in one place.
        charge(&format!("{round}, migrating"), false);
        let keys: Vec<String> = here.tell(&["CLUSTER", "GETKEYSINSLOT", &slot, "1000"]).unwrap();
        assert!(keys.len() > 3, "{keys:?}");
        let port = there.port.to_string();
        let mut words = vec!["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"];
        words.extend(keys.iter().map(String::as_str));
        here.tell::<()>(&words).unwrap();
        charge(&format!("{round}, all keys are there"), false);
        for node in [there, here, &nodes[(from + 2) % 3]] {
            node.tell::<()>(&["CLUSTER", "SETSLOT", &slot, "NODE", &ids[to]]).unwrap();
        }
        charge(&format!("{round}, moved"), true);
        from = to;
    }
    assert!(failed > 0, "it was moved while the gate ran");
    gate.settle().unwrap();
    let other = builder().store(open(from)).build().unwrap();
    let decision = other.check(&moving, &Request::new().meters(&[("calls", 0)]), NOW);
    assert_eq!(decision.quota("calls").unwrap().remaining, LIMIT - charged, "each was counted once");
}

/// Whether a node has the slot of the test's lineage.
fn owns(node: &cluster::Node) -> bool {
    // It answers for its own slots, and redirects for others.
    node.tell::<Option<String>>(&["GET", &format!("{{{}}}", "07".repeat(16))]).is_ok()
}
