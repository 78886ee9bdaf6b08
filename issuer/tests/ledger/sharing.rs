//! Several processes use one ledger. A connection of its own stands for each.

use std::collections::BTreeSet;

use licentia_core::{
    Keyring,
    revocation::{Bundle, Reason, RevocationTerms},
};
use licentia_issuer::{BundleDraft, Error, LedgerError, Order, PublishedBundle, RuleDraft, TokenId};

use crate::engine::{Engine, NOW, draft, issuer, open, revocation_key};

pub(crate) fn indices_are_unique_whoever_issues(engine: &Engine) {
    let (ledger, place) = engine.fresh();
    let threads: Vec<_> = (0..4)
        .map(|thread| {
            let place = place.clone();
            std::thread::spawn(move || {
                let mut ledger = open(&place);
                for round in 0..5 {
                    let order = |n| Order::new(draft(&format!("{thread}-{round}-{n}")));
                    ledger.issue_all(&issuer(), (0..5).map(order)).unwrap();
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    let subjects = (0..4).flat_map(|t| (0..5).flat_map(move |r| (0..5).map(move |n| format!("{t}-{r}-{n}"))));
    let indices: BTreeSet<u64> =
        subjects.map(|subject| ledger.of_subject(&subject).unwrap()[0].index.unwrap()).collect();
    assert_eq!((ledger.count().unwrap(), indices.len()), (100, 100));
}

pub(crate) fn one_order_from_many_machines_is_issued_once(engine: &Engine) {
    let (ledger, place) = engine.fresh();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let place = place.clone();
            std::thread::spawn(move || {
                let order = Order::new(draft("ann")).reference("invoice-1");
                open(&place).issue(&issuer(), order).unwrap().token.text()
            })
        })
        .collect();
    let tokens: BTreeSet<String> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert_eq!((tokens.len(), ledger.count().unwrap()), (1, 1));
}

pub(crate) fn one_process_at_a_time_builds_bundles(engine: &Engine) {
    let (mut first, place) = engine.fresh();
    first.issue(&issuer(), Order::new(draft("ann"))).unwrap();
    let mut second = open(&place);
    let since = PublishedBundle::default();
    let mine = first.draft_bundle("acme", NOW, since, |_| ()).unwrap();
    let busy = second.draft_bundle("acme", NOW, since, |_| ()).unwrap_err();
    assert!(matches!(busy, Error::Ledger(LedgerError::Busy)), "{busy}");
    first.withdraw(&mine, 0).unwrap();
    let theirs = second.draft_bundle("acme", NOW, since, |_| ()).unwrap();
    assert_eq!(theirs.sequence, 1);
    assert!(first.draft_bundle("acme", NOW, since, |_| ()).is_err());
    drop(second);
    // A server notices after a moment that a connection is gone.
    let mut next = first.draft_bundle("acme", NOW, since, |_| ());
    for _ in 0..500 {
        if next.is_ok() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
        next = first.draft_bundle("acme", NOW, since, |_| ());
    }
    assert_eq!(next.unwrap().sequence, 2, "its process has ended");
    first.withdraw(&theirs, 0).unwrap();
    assert!(first.draft_bundle("acne", NOW, since, |_| ()).is_err(), "an unknown issuer");
    assert!(open(&place).draft_bundle("acme", NOW, since, |_| ()).is_ok(), "an error keeps no lock");
}

pub(crate) fn what_one_revokes_another_publishes(engine: &Engine) {
    let (mut ledger, place) = engine.fresh();
    let orders = (0..40).map(|count| {
        let mut order = Order::new(draft(&format!("cus_{count}")));
        order.with_index = count % 10 > 0;
        order
    });
    let ids: Vec<TokenId> = ledger
        .issue_all(&issuer(), orders)
        .unwrap()
        .iter()
        .map(|issued| issued.token.claims().unwrap().id())
        .collect();
    let terms = RevocationTerms { reason: Reason::Unpaid, ..RevocationTerms::default() };
    ledger.revoke_all(ids.iter().take(12), terms, |_| ()).unwrap();
    assert!(ledger.reinstate(&ids[3]).unwrap() && !ledger.reinstate(&ids[3]).unwrap());
    let rule = RuleDraft {
        tier: Some(("pro".into(), Some(2))),
        lineage: Some([3; 16].into()),
        kid: Some(vec![1, 2, 3, 4]),
        exempt: [[4; 16].into(), [5; 16].into()].into(),
        issued_at: Some((NOW, NOW + 1)),
        index: Some((0, 5)),
        ..RuleDraft::default()
    };
    let number = ledger.add_rule("acme", &rule, true).unwrap();
    let mut other = open(&place);
    let standing = other.rules().unwrap();
    assert_eq!((standing[0].number, &standing[0].rule, standing[0].spare_issued), (number, &rule, true));
    let drafted = BundleDraft {
        next_update: NOW + 100_000,
        expires: 1_900_000_000.into(),
        ..other.draft_bundle("acme", NOW, PublishedBundle::default(), |_| ()).unwrap()
    };
    assert_eq!((drafted.indices.len(), drafted.ids.len()), (9, 2));
    // What is revoked now belongs to the next bundle.
    ledger.revoke(&ids[30], terms).unwrap();
    let key = revocation_key();
    let bytes = drafted.sign(&key).unwrap();
    let keys = [key.public().for_revocation()];
    let (bundle, _) = Bundle::read(&bytes, Keyring::new(&keys)).unwrap();
    let found = other.replay("acme", &bundle, None, |_| ()).unwrap();
    assert_eq!((found.issued, found.revoked, found.new, found.new_rules), (40, 11, 11, 1));
    other.published(&bytes).unwrap();
    assert_eq!(ledger.last_published("acme").unwrap(), Some(bytes.clone()));
    let next = ledger.draft_bundle("acme", NOW, PublishedBundle::default(), |_| ()).unwrap();
    assert_eq!((next.sequence, next.indices.len() + next.ids.len()), (2, 12));
    ledger.withdraw(&next, 1).unwrap();
    assert_eq!((ledger.sequence().unwrap(), ledger.revoked().unwrap()), (1, 12));
    assert!(ledger.check_bundle_key(issuer().key()).is_err() && ledger.check_bundle_key(&key).is_ok());
    assert!(ledger.remove_rule(number).unwrap() && !ledger.remove_rule(number).unwrap());
    assert_eq!(ledger.issuers().unwrap(), ["acme"]);
}
