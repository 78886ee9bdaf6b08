//! The chapter about seats and receipts.

use std::path::Path;

use licentia::{
    Code, GateBuilder, HolderKey, Request, Seat, State,
    receipt::{Audit, Receipts, Report, Usage},
};

use super::{
    vendor::{AUDIENCE, GRANTED, NOW, Vendor},
    walk::Walk,
};
use crate::terminal::output::Result;

/// Two instances count for one customer, and their receipts are summed up.
pub(super) fn tell(walk: &mut Walk, vendor: &Vendor, folder: &Path) -> Result<()> {
    walk.chapter(9, "Seats, and receipts of what was used", "metering, observability");
    let mut draft = vendor.catalogue.tier("free", None)?.draft("customer-7", NOW)?;
    draft.grant.seats = Some(1);
    let token = vendor.issuer.issue(&draft)?.text();
    let mut arrived = Vec::new();
    for seed in [1, 2] {
        let path = folder.join(format!("{seed}.receipts"));
        let receipts = std::sync::Arc::new(Receipts::open(path, HolderKey::from_seed(&[seed; 32]))?);
        let gate =
            GateBuilder::new().key(vendor.public()).audience(AUDIENCE).sink(receipts.clone()).build()?;
        let request = Request::new().meters(&[("api_calls", 1)]);
        for at in 0..u64::from(seed) {
            let _counted = gate.check(&token, &request, NOW + at);
            arrived.push(receipts.write(NOW + at)?);
        }
        if seed == 1 {
            let (decision, seat) = Seat::check_out(&gate, &token, "ada", 300, &Request::new(), NOW);
            walk.outcome("ada takes the one seat", &decision, GRANTED);
            let (decision, _) = Seat::check_out(&gate, &token, "bob", 300, &Request::new(), NOW);
            walk.outcome("bob asks for it too", &decision, (Code::SeatsTaken, State::Active));
            seat.map_or(Ok(()), licentia::Seat::release)?;
            let (decision, _) = Seat::check_out(&gate, &token, "bob", 300, &Request::new(), NOW);
            walk.outcome("after ada has left", &decision, GRANTED);
        }
    }
    let mut arrived = arrived.concat();
    let used = |report: &Report| report.usage.values().map(Usage::total).sum::<u64>();
    let audit = |receipts: &[Vec<u8>]| {
        let mut audit = Audit::new();
        for receipt in receipts {
            audit.add(receipt);
        }
        audit.finish()
    };
    // The first one of the second instance is lost, and the last one arrives twice.
    arrived.remove(1);
    arrived.extend(arrived.last().cloned());
    let report = audit(&arrived);
    let said = format!("{} requests, {} receipt missing", used(&report), report.findings.len());
    walk.fact("two instances, one receipt lost, one twice", &said, used(&report) == 3 && report.is_good());
    if let Some(last) = arrived.last_mut().and_then(|receipt| receipt.last_mut()) {
        *last ^= 1;
    }
    let report = audit(&arrived);
    let forged = report.findings.iter().any(|finding| finding.code == Code::ReceiptForged);
    walk.fact("a forged receipt", "named and not counted", forged && used(&report) == 3);
    Ok(())
}
