//! Licences are issued, once, to those they belong to.

use licentia_core::{Action, Period, revocation::Reason};
use licentia_issuer::{
    Confirmation, Draft, Feature, FeatureValue, Issued, Issuer, Ledger, Order, Quota, Rate, SigningKey,
    TokenId,
};

use crate::engine::{Engine, NOW, draft, issuer, open};

fn id(issued: &Issued) -> TokenId {
    issued.token.claims().unwrap().id()
}

/// A licence that says everything that one can say.
fn everything() -> Draft {
    let mut draft = draft("cus_42");
    draft.audiences = vec!["api".into(), "batch".into()];
    draft.not_before = Some(NOW + 5);
    draft.term_end = Some(1_890_000_000.into());
    draft.maintained_until = Some(1_880_000_000.into());
    draft.holder = Some(Confirmation::Thumbprint([8; 32]));
    draft.node_locks = vec![[3; 32], [2; 32]];
    draft.meta = vec![("z".into(), "1".into()), ("order".into(), "2".into())];
    let feature = |value, expires| Feature { value, expires };
    let features = &mut draft.grant.features;
    features.insert("export".into(), feature(FeatureValue::True, None));
    features.insert("rows".into(), feature(FeatureValue::Int(-7), Some(1_850_000_000.into())));
    features.insert("support".into(), feature(FeatureValue::Text("gold".into()), None));
    let quotas = &mut draft.grant.quotas;
    quotas.insert("calls".into(), "100000/month".parse::<Quota>().unwrap());
    quotas.insert("mails".into(), "5/30d".parse::<Quota>().unwrap());
    quotas.get_mut("calls").unwrap().period = Period::MonthFrom { anchor: NOW };
    quotas.get_mut("calls").unwrap().overage = licentia_issuer::Overage::UpTo(200_000);
    draft.grant.rates.insert("api".into(), "10/1s".parse::<Rate>().unwrap());
    draft.grant.rates.insert("bulk".into(), Rate { count: 5, per_ms: 250, burst: Some(20) });
    draft.grant.seats = Some(4);
    draft.grant.policy.clock_doubt = Action::Warn(60);
    draft.grant.policy.max_revocation_age = Some(86_400);
    draft.grant.kind = licentia_issuer::Kind::Trial;
    draft
}

pub(crate) fn what_was_issued_is_signed_again_from_its_terms(engine: &Engine) {
    let (mut ledger, place) = engine.fresh();
    let plain = ledger.issue(&issuer(), Order::new(draft("cus_1"))).unwrap();
    let full = ledger.issue(&issuer(), Order::new(everything())).unwrap();
    drop(ledger);
    let ledger = open(&place);
    for issued in [&plain, &full] {
        assert!(issued.is_new);
        let terms = ledger.terms(&id(issued)).unwrap();
        assert_eq!(terms.sign(&issuer()).unwrap(), issued.token, "the same bytes");
        assert_eq!(issuer().issue(&terms.draft().unwrap()).unwrap(), issued.token, "also through a draft");
        let claims = terms.claims().unwrap();
        assert!(!claims.token().ends_with(issued.token.as_bytes().last_chunk::<64>().unwrap()));
    }
    let kept = ledger.terms(&id(&full)).unwrap().draft().unwrap();
    assert_eq!(kept.index, ledger.find(&id(&full)).unwrap().unwrap().index);
    assert!(kept.index.is_some());
    let meta = everything().meta.into_iter().rev().collect::<Vec<_>>();
    let written = Draft { id: kept.id, index: kept.index, meta, ..everything() };
    assert!(kept == written || kept == Draft { meta: everything().meta, ..written.clone() }, "{kept:?}");
    let other = Issuer::new("acme", SigningKey::from_seed(&[2; 32]).unwrap());
    let refused = ledger.terms(&id(&full)).unwrap().sign(&other).unwrap_err().to_string();
    assert!(refused.contains("was signed with key"), "{refused}");
    let unknown = ledger.terms(&[0; 16].into()).unwrap_err().to_string();
    assert!(unknown.contains("does not have the terms"), "{unknown}");
}

pub(crate) fn a_batch_is_all_or_none(engine: &Engine) {
    let (mut ledger, _) = engine.fresh();
    let mut orders: Vec<Order> = (0..100).map(|count| Order::new(draft(&format!("cus_{count}")))).collect();
    let issued = ledger.issue_all(&issuer(), orders.clone()).unwrap();
    assert_eq!((issued.len(), ledger.count().unwrap()), (100, 100));
    for (issued, order) in issued.iter().zip(&orders) {
        assert_eq!(issued.token.claims().unwrap().subject(), order.draft.subject, "in the same order");
    }
    orders[57].draft.tier = "Pro".into();
    let refused = ledger.issue_all(&issuer(), orders).unwrap_err().to_string();
    assert!(refused.contains("a-z"), "{refused}");
    assert_eq!(ledger.count().unwrap(), 100);
    let without = with_index(false, draft("cus_x"));
    let issued = ledger.issue(&issuer(), without).unwrap();
    assert_eq!(ledger.find(&id(&issued)).unwrap().unwrap().index, None);
}

fn with_index(with_index: bool, draft: Draft) -> Order {
    let mut order = Order::new(draft);
    order.with_index = with_index;
    order
}

pub(crate) fn an_order_is_issued_once(engine: &Engine) {
    let (mut ledger, _) = engine.fresh();
    let order = |subject: &str, reference: &str| Order::new(draft(subject)).reference(reference);
    let first = ledger.issue_all(&issuer(), [order("a", "1"), order("b", "2")]).unwrap();
    let mut later = order("a", "1");
    later.draft.issued_at = later.draft.issued_at + 1000;
    later.draft.expires = later.draft.expires + 1000;
    let again = ledger.issue_all(&issuer(), [order("c", "3"), later, order("b", "2")]).unwrap();
    assert_eq!(again.iter().map(|issued| issued.is_new).collect::<Vec<_>>(), [true, false, false]);
    assert_eq!((&again[1].token, &again[2].token), (&first[0].token, &first[1].token), "the same bytes");
    assert_eq!(ledger.count().unwrap(), 3);
    assert_eq!(ledger.of_reference("acme", "1").unwrap(), Some(id(&first[0])));
    assert_eq!(ledger.reference(&id(&first[1])).unwrap().as_deref(), Some("2"));
    let mut more = order("b", "2");
    more.draft.grant.seats = Some(9);
    for (wrong, said) in [
        (vec![order("b", "1")], "the subject differs"),
        (vec![more], "what is granted differs"),
        (vec![order("d", "4"), order("e", "4")], "appears twice"),
        (vec![order("d", "")], "1 to 256 bytes"),
    ] {
        let refused = ledger.issue_all(&issuer(), wrong).unwrap_err().to_string();
        assert!(refused.contains(said), "{refused}");
    }
    assert_eq!(ledger.count().unwrap(), 3);
    // Another issuer's orders have names of their own.
    let other = Issuer::new("other", SigningKey::from_seed(&[2; 32]).unwrap());
    assert!(ledger.issue(&other, order("x", "1")).unwrap().is_new);
}

pub(crate) fn nobody_gets_into_the_lineage_of_another(engine: &Engine) {
    let (mut ledger, _) = engine.fresh();
    let lineage = id(&ledger.issue(&issuer(), Order::new(draft("ann"))).unwrap());
    let renewal = |subject: &str, lineage: TokenId| {
        Order::new(Draft { lineage: Some(lineage.into()), ..draft(subject) })
    };
    let mut issue = |order: Order| ledger.issue(&issuer(), order).map(|issued| id(&issued));
    let second = issue(renewal("ann", lineage)).unwrap();
    let foreign = issue(renewal("bob", lineage)).unwrap_err().to_string();
    assert!(foreign.contains("belongs to \"ann\", not to \"bob\""), "{foreign}");
    let typo = issue(renewal("ann", TokenId::from([7; 16]))).unwrap_err().to_string();
    assert!(typo.contains("no lineage 0707"), "{typo}");
    assert!(issue(renewal("ann", second)).is_err(), "the identifier of a renewal is no lineage");
    let other = Issuer::new("other", SigningKey::from_seed(&[2; 32]).unwrap());
    assert!(ledger.issue(&other, renewal("ann", lineage)).is_err(), "another issuer's");
    assert_eq!(ledger.of_lineage(&lineage.into()).unwrap().len(), 2);
}

pub(crate) fn what_is_replaced_is_revoked(engine: &Engine) {
    let (mut ledger, _): (Ledger, _) = engine.fresh();
    let old = id(&ledger.issue(&issuer(), Order::new(draft("ann"))).unwrap());
    let new = Draft { lineage: Some(old.into()), ..draft("ann") };
    let new = id(&ledger.issue(&issuer(), Order::new(new).replacing(old)).unwrap());
    assert_eq!(ledger.revocation(&old).unwrap().unwrap().reason, Reason::Superseded);
    assert_eq!(ledger.revocation(&new).unwrap(), None);
    let nothing = ledger.issue(&issuer(), Order::new(draft("bob")).replacing([9; 16].into()));
    assert!(nothing.is_err() && ledger.count().unwrap() == 2, "all or none");
}
