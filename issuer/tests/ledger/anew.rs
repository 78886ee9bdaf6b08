//! Licences that are signed anew, and ledgers that are copied.

use licentia_core::revocation::RevocationTerms;
use licentia_issuer::{
    Draft, Error, Issued, Issuer, Ledger, LedgerAccess, LedgerError, Order, PublishedBundle, SigningKey,
    TokenId,
};

use crate::engine::{Engine, NOW, draft, issuer};

fn id(issued: &Issued) -> TokenId {
    issued.token.claims().unwrap().id()
}

fn next_issuer() -> Issuer {
    Issuer::new("acme", SigningKey::from_seed(&[2; 32]).unwrap())
}

pub(crate) fn every_good_licence_of_a_lost_key_is_signed_anew(engine: &Engine) {
    let (mut ledger, _) = engine.fresh();
    let old_key = issuer().key().kid().as_bytes().to_vec();
    let issue = |ledger: &mut Ledger, draft: Draft| id(&ledger.issue(&issuer(), Order::new(draft)).unwrap());
    let ann = issue(&mut ledger, Draft { meta: vec![("order".into(), "1".into())], ..draft("ann") });
    let renewed = issue(&mut ledger, Draft { lineage: Some(ann.into()), issued_at: NOW + 1, ..draft("ann") });
    let bob = issue(&mut ledger, draft("bob"));
    let mut without = Order::new(draft("cid"));
    without.with_index = false;
    let cid = id(&ledger.issue(&issuer(), without).unwrap());
    let dan = issue(&mut ledger, draft("dan"));
    ledger.revoke(&dan, RevocationTerms::default()).unwrap();
    let ended = issue(&mut ledger, Draft { issued_at: NOW - 9, expires: NOW, ..draft("eve") });

    let due = ledger.signed_by(&old_key, NOW + 5).unwrap();
    assert!(due.len() == 5 && !due.contains(&ended));
    let reissued = ledger.reissue(&next_issuer(), &due, NOW + 5, true).unwrap();
    let olds: Vec<_> = reissued.iter().map(|(old, _)| *old).collect();
    assert!(olds.len() == 3 && [renewed, bob, cid].iter().all(|good| olds.contains(good)), "{}", olds.len());
    for (old, new) in &reissued {
        let (before, after) = (ledger.draft_of(old).unwrap(), ledger.draft_of(&id(new)).unwrap());
        assert_eq!(after.index.is_some(), before.index.is_some());
        assert!(after.index.is_none() || after.index != before.index);
        assert_eq!(after.lineage, before.lineage.or(before.id.map(Into::into)));
        let expected =
            Draft { id: after.id, index: after.index, lineage: after.lineage, issued_at: NOW + 5, ..before };
        assert_eq!(after, expected);
        assert!(ledger.revocation(old).unwrap().is_some());
        assert_eq!(ledger.find(&id(new)).unwrap().unwrap().kid, next_issuer().key().kid().as_bytes());
    }
    let again = ledger.reissue(&next_issuer(), &due, NOW + 9, true).unwrap();
    assert!(again.iter().all(|(_, issued)| !issued.is_new), "a run that was cut off is repeated");
    let tokens = |all: &[(TokenId, Issued)]| all.iter().map(|(_, one)| one.token.text()).collect::<Vec<_>>();
    assert_eq!(tokens(&again), tokens(&reissued));
    assert_eq!(ledger.current(&ann.into()).unwrap().kid, next_issuer().key().kid().as_bytes());
}

pub(crate) fn a_lost_licence_is_signed_again(engine: &Engine) {
    let (mut ledger, _) = engine.fresh();
    let first = id(&ledger.issue(&issuer(), Order::new(draft("ann"))).unwrap());
    let second = ledger.resend(&issuer(), &first, NOW, true).unwrap();
    assert!(second.is_new);
    assert_eq!(ledger.current(&first.into()).unwrap().id, id(&second));
    let revoked = ledger.resend(&issuer(), &first, NOW, false).unwrap_err().to_string();
    assert!(revoked.contains("is revoked"), "{revoked}");
    let ended = ledger.resend(&issuer(), &id(&second), 1_900_000_000.into(), false).unwrap_err().to_string();
    assert!(ended.contains("has ended"), "{ended}");
    ledger.revoke(&id(&second), RevocationTerms::default()).unwrap();
    let none = ledger.current(&first.into()).unwrap_err().to_string();
    assert!(none.contains("every licence of lineage"), "{none}");
    assert!(matches!(ledger.current(&[1; 16].into()), Err(Error::Ledger(LedgerError::UnknownLineage(_)))));
}

pub(crate) fn a_backup_is_the_ledger_and_does_not_go_back_without_a_word(engine: &Engine) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("backup.db");
    let (mut ledger, _) = engine.fresh();
    ledger.set_stream(3).unwrap();
    let order = Order::new(draft("ann")).reference("1");
    let ann = ledger.issue(&issuer(), order.clone()).unwrap();
    ledger.revoke(&id(&ann), RevocationTerms::default()).unwrap();
    let rule = licentia_issuer::RuleDraft { subject: Some("x".into()), ..Default::default() };
    ledger.add_rule("acme", &rule, false).unwrap();
    let drafted = ledger.draft_bundle("acme", NOW, PublishedBundle::default(), |_| ()).unwrap();
    let drafted = licentia_issuer::BundleDraft { next_update: NOW + 9, expires: NOW + 99, ..drafted };
    ledger.published(&drafted.sign(&crate::engine::revocation_key()).unwrap()).unwrap();
    assert_eq!(ledger.backup(&path).unwrap(), 1);
    assert!(ledger.backup(&path).is_err(), "no backup is overwritten");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "one file");
    let backup = Ledger::connect(&(&*path).into(), LedgerAccess::Read).unwrap();

    let (mut fresh, _) = engine.fresh();
    let report = fresh.restore(&backup, None, 10_000, false).unwrap();
    assert_eq!((report.licenses, report.sequence), (1, 1));
    assert_eq!(fresh.stream().unwrap(), 3);
    assert_eq!(fresh.terms(&id(&ann)).unwrap(), ledger.terms(&id(&ann)).unwrap());
    assert!(!fresh.issue(&issuer(), order).unwrap().is_new);
    assert_eq!((fresh.rules().unwrap(), fresh.revoked().unwrap()), (ledger.rules().unwrap(), 1));
    let same = fresh.issue(&issuer(), Order::new(draft("bob"))).unwrap();
    let index = fresh.find(&id(&same)).unwrap().unwrap().index;
    assert_eq!(fresh.add_rule("acme", &rule, false).unwrap(), 2, "numbers go on");

    // The ledger goes on; the backup is behind it.
    let bob = ledger.issue(&issuer(), Order::new(draft("bob"))).unwrap();
    let handed_out = ledger.find(&id(&bob)).unwrap().unwrap().index;
    assert_ne!(index, handed_out, "indices since the backup are left out");
    for published in [None, Some(7)] {
        let refused = ledger.restore(&backup, published, 0, false).unwrap_err();
        assert!(matches!(refused, Error::Ledger(LedgerError::OlderBackup { .. })), "{refused}");
    }
    assert_eq!(ledger.count().unwrap(), 2);
    let report = ledger.restore(&backup, Some(7), 0, true).unwrap();
    assert_eq!((report.licenses, report.sequence, ledger.sequence().unwrap()), (1, 7, 7));
    let cid = ledger.issue(&issuer(), Order::new(draft("cid"))).unwrap();
    assert_ne!(ledger.find(&id(&cid)).unwrap().unwrap().index, handed_out, "an index is handed out once");
}
