//! What a subscription means for its licence.
//!
//! It depends on what Stripe says now and on the ledger, and not on the event that made us ask: so the order of events,
//! repetitions and losses change nothing. A licence is only ever issued or continued. What was not paid ends by the
//! licence's own grace, and what a person revoked stays revoked.

use std::collections::BTreeMap;

use licentia_core::{Lineage, Timestamp, TokenId, revocation::Reason};
use licentia_issuer::{Catalogue, Draft, Error, Issuer, Ledger, Order, Renewal, Tier};
use serde_json::json;

use super::{
    subscription::Subscription,
    tables::{self, Paid},
};
use crate::{http::Problem, trust, webhooks::outbox};

/// What is sold, and for whom it is signed.
pub(crate) struct Shop<'a> {
    pub(crate) issuer: &'a Issuer,
    pub(crate) catalogue: &'a Catalogue,
    /// The tier of each price.
    pub(crate) prices: &'a BTreeMap<String, String>,
}

/// What was done about a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Applied {
    /// A first licence.
    Issued(TokenId),
    /// A licence that continues another one.
    Continued(TokenId),
    /// Nothing new was paid.
    Unchanged,
    /// Something was paid, and nothing was issued for it: why.
    Refused(String),
}

impl Shop<'_> {
    /// Does what a subscription means, in the transaction that is open.
    ///
    /// # Errors
    /// 422 for a price without a tier, a subscription without a subject, or a lineage of another issuer.
    pub(crate) fn apply(
        &self,
        ledger: &mut Ledger,
        it: &Subscription,
        now: Timestamp,
    ) -> Result<Applied, Problem> {
        let known = tables::find(ledger, &it.id)?;
        let lineage = known.as_ref().map(|paid| paid.lineage).or(it.lineage);
        let until = it.paid_until();
        let applied = match (until, lineage) {
            (Some(until), None) if until > now => self.issue(ledger, it, until, now)?,
            (Some(until), Some(lineage)) if until > now => self.go_on(ledger, it, &lineage, until, now)?,
            _ => Applied::Unchanged,
        };
        let lineage = match &applied {
            Applied::Issued(id) => ledger.find(id)?.map(|license| license.lineage),
            _ => lineage,
        };
        // A subscription that nothing was paid for has no licence yet.
        let Some(lineage) = lineage else { return Ok(applied) };
        let problem = match &applied {
            Applied::Refused(why) => why.clone(),
            _ => String::new(),
        };
        let failed = matches!(it.status.as_str(), "past_due" | "unpaid");
        let news = [
            ("payment.failed", failed && known.as_ref().is_none_or(|known| known.status != it.status)),
            (
                "payment.refused",
                !problem.is_empty() && known.as_ref().is_none_or(|known| known.problem != problem),
            ),
            (
                "subscription.canceled",
                it.status == "canceled" && known.as_ref().is_some_and(|known| known.status != "canceled"),
            ),
        ];
        for (kind, _) in news.into_iter().filter(|(_, happened)| *happened) {
            let newest = ledger.of_lineage(&lineage)?.pop().map(|license| license.id);
            let detail = json!({ "subscription": it.id, "customer": it.customer, "status": it.status, "problem": problem });
            let detail = detail.to_string();
            let members = detail.trim_start_matches('{').trim_end_matches('}');
            outbox::note(ledger, self.issuer.name(), kind, newest.as_ref(), members, now)?;
        }
        tables::save(
            ledger,
            &Paid {
                id: it.id.clone(),
                customer: it.customer.clone(),
                issuer: self.issuer.name().to_owned(),
                lineage,
                status: it.status.clone(),
                period: it.period,
                seen_at: now,
                problem,
            },
        )?;
        Ok(applied)
    }

    /// The tier that a price buys: its newest version, or the one that the customer has.
    fn tier(&self, it: &Subscription, current: Option<(&str, u64)>) -> Result<&Tier, Problem> {
        let by_key = it.lookup_key.as_ref().filter(|key| self.catalogue.tier(key, None).is_ok());
        let written = self.prices.get(&it.price).or(by_key).ok_or_else(|| {
            let price = &it.price;
            Problem::value("price", format!("the price {price} has no tier: add it to `[stripe.prices]`, or give it the tier's name as lookup key"))
        })?;
        let (name, version) = match written.split_once('@') {
            Some((name, version)) => {
                let version = version.parse();
                (name, Some(version.map_err(|_| Problem::value("prices", "write NAME or NAME@VERSION"))?))
            }
            None => (&**written, current.filter(|(tier, _)| *tier == &**written).map(|(_, version)| version)),
        };
        Ok(self.catalogue.tier(name, version)?)
    }

    fn issue(
        &self,
        ledger: &mut Ledger,
        it: &Subscription,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Applied, Problem> {
        let tier = self.tier(it, None)?;
        // Quotas begin with the billing period, so that both are counted over the same time.
        let mut draft = tier.draft(it.subject.as_ref().unwrap_or(&it.customer), it.period.0.min(now))?;
        draft.issued_at = now;
        paid_until(&mut draft, tier, until)?;
        let order = Order::new(draft).reference(format!("stripe {}", it.id));
        let issued = ledger.issue(self.issuer, order)?;
        let id = identifier(&issued.token)?;
        if issued.is_new {
            self.tell(ledger, "license.issued", &id, it, now)?;
        }
        Ok(Applied::Issued(id))
    }

    fn go_on(
        &self,
        ledger: &mut Ledger,
        it: &Subscription,
        lineage: &Lineage,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Applied, Problem> {
        let all = ledger.of_lineage(lineage)?;
        if all.iter().any(|license| license.issuer != self.issuer.name()) || all.is_empty() {
            return Err(Problem::value(
                "licentia_lineage",
                "no licence of this issuer has the lineage of the metadata",
            ));
        }
        let rules = ledger.rules()?;
        for license in &all {
            let own = ledger.revocation(&license.id)?.filter(|terms| terms.reason != Reason::Superseded);
            if own.is_some() || rules.iter().any(|rule| rule.hits(license)) {
                return Ok(Applied::Refused(
                    "the licence was revoked: a payment does not reinstate it".into(),
                ));
            }
        }
        let current = match ledger.current(lineage) {
            Ok(current) => current,
            Err(Error::Ledger(error)) => return Ok(Applied::Refused(error.to_string())),
            Err(error) => return Err(error.into()),
        };
        let tier = self.tier(it, Some((&current.tier, current.tier_version)))?;
        let old = ledger.draft_of(&current.id)?;
        let is_other_tier = (&*current.tier, current.tier_version) != (&*tier.name, tier.version);
        if until <= old.paid_until() && !is_other_tier {
            return Ok(Applied::Unchanged);
        }
        let mut draft = if until > old.paid_until() {
            let from = if now < old.expires { old.paid_until() } else { now };
            let term = format!("{} seconds", until.seconds_since(from));
            let term = term.parse().map_err(|_| Problem::internal("a term in seconds cannot be read"))?;
            old.renewed(now, &Renewal { term, grace: None, maintenance: None })?
        } else {
            old.reissued(now)
        };
        if is_other_tier {
            let grant = tier.draft(&old.subject, it.period.0.min(now))?.grant;
            draft = draft.upgraded(now, &tier.name, tier.version, grant)?;
            let paid = draft.paid_until();
            paid_until(&mut draft, tier, paid)?;
        }
        let mut order = Order::new(draft).reference(format!("stripe {} after {}", it.id, current.id));
        order.with_index = current.index.is_some();
        // After a change of tier the old licence would still grant what is no longer paid.
        order.replaces = is_other_tier.then_some(current.id);
        let issued = ledger.issue(self.issuer, order)?;
        let id = identifier(&issued.token)?;
        if is_other_tier {
            trust::mark(ledger, self.issuer.name())?;
        }
        if issued.is_new {
            let kind = if is_other_tier { "license.upgraded" } else { "license.renewed" };
            self.tell(ledger, kind, &id, it, now)?;
        }
        Ok(Applied::Continued(id))
    }

    fn tell(
        &self,
        ledger: &Ledger,
        kind: &str,
        id: &TokenId,
        it: &Subscription,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let subscription = json!(it.id);
        let detail = format!(r#""subscription":{subscription}"#);
        Ok(outbox::note(ledger, self.issuer.name(), kind, Some(id), &detail, now)?)
    }
}

/// Lets a licence's contract end when what was paid ends, with its tier's grace.
fn paid_until(draft: &mut Draft, tier: &Tier, until: Timestamp) -> Result<(), Problem> {
    draft.expires = tier.grace.map_or(Ok(until), |grace| grace.after(until))?;
    draft.term_end = (until < draft.expires).then_some(until);
    Ok(())
}

fn identifier(token: &licentia_issuer::Token) -> Result<TokenId, Problem> {
    Ok(token.claims().map_err(|malformed| Problem::internal(malformed.code.name()))?.id())
}

#[cfg(test)]
mod tests {
    use licentia_core::revocation::RevocationTerms;
    use licentia_issuer::{RuleDraft, SigningKey};

    use super::*;

    const DAY: u64 = 86_400;
    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    struct Desk {
        ledger: Ledger,
        issuer: Issuer,
        catalogue: Catalogue,
        prices: BTreeMap<String, String>,
    }

    impl Desk {
        fn new() -> Self {
            let mut ledger = Ledger::in_memory().unwrap();
            ledger.host(&tables::TABLES).unwrap();
            ledger.host(&crate::store::TABLES).unwrap();
            ledger.host(&outbox::TABLES).unwrap();
            outbox::add(&ledger, "acme", "https://a.example/", &[], NOW).unwrap();
            let catalogue = r#"
                [[tier]]
                name = "pro"
                version = 1
                term = "30 days"
                grace = "7 days"
                quotas = { calls = "1000/month" }
                [[tier]]
                name = "team"
                version = 2
                term = "30 days"
                features = { sso = true }
            "#;
            Self {
                ledger,
                issuer: Issuer::new("acme", SigningKey::from_seed(&[1; 32]).unwrap()),
                catalogue: catalogue.parse().unwrap(),
                prices: [("price_pro", "pro"), ("price_team", "team@2")]
                    .map(|(a, b)| (a.into(), b.into()))
                    .into(),
            }
        }

        fn see(&mut self, it: &Subscription, now: Timestamp) -> Result<Applied, Problem> {
            let Self { ledger, issuer, catalogue, prices } = self;
            let shop = Shop { issuer, catalogue, prices };
            ledger.together(|ledger| shop.apply(ledger, it, now))
        }

        fn lineage(&self) -> Lineage {
            tables::find(&self.ledger, "sub_1").unwrap().unwrap().lineage
        }

        fn paid_until(&self) -> Timestamp {
            let current = self.ledger.current(&self.lineage()).unwrap();
            self.ledger.draft_of(&current.id).unwrap().paid_until()
        }

        fn told(&self) -> Vec<String> {
            let found = outbox::deliveries(&self.ledger, "acme", None, None, None, 100).unwrap();
            found.into_iter().rev().map(|delivery| delivery.kind).collect()
        }
    }

    /// The subscription in its billing period of that number.
    fn subscription(period: u64, status: &str) -> Subscription {
        Subscription {
            id: "sub_1".into(),
            customer: "cus_9".into(),
            status: status.into(),
            price: "price_pro".into(),
            lookup_key: None,
            period: (NOW + period * 30 * DAY, NOW + (period + 1) * 30 * DAY),
            invoice_paid: Some(true),
            subject: Some("ann".into()),
            lineage: None,
        }
    }

    #[test]
    fn paid_renews_once_whatever_comes_twice_or_out_of_order() {
        let mut desk = Desk::new();
        let first = subscription(0, "active");
        let Applied::Issued(id) = desk.see(&first, NOW + 5).unwrap() else { panic!() };
        let draft = desk.ledger.draft_of(&id).unwrap();
        assert_eq!(
            (draft.subject.as_str(), draft.paid_until(), draft.expires),
            ("ann", NOW + 30 * DAY, NOW + 37 * DAY)
        );
        assert_eq!(desk.see(&first, NOW + 6).unwrap(), Applied::Unchanged, "the same event again");
        let second = subscription(1, "active");
        let renewed = desk.see(&second, NOW + 30 * DAY + 60).unwrap();
        assert!(matches!(renewed, Applied::Continued(_)), "{renewed:?}");
        assert_eq!(desk.paid_until(), NOW + 60 * DAY);
        assert_eq!(
            desk.see(&first, NOW + 30 * DAY + 90).unwrap(),
            Applied::Unchanged,
            "an older state comes late"
        );
        assert_eq!(desk.see(&second, NOW + 31 * DAY).unwrap(), Applied::Unchanged);
        assert_eq!(desk.paid_until(), NOW + 60 * DAY);
        // An event that was lost: the sweep sees the third period first.
        desk.see(&subscription(2, "active"), NOW + 61 * DAY).unwrap();
        assert_eq!(desk.paid_until(), NOW + 90 * DAY);
        assert_eq!(desk.ledger.of_lineage(&desk.lineage()).unwrap().len(), 3);
        assert_eq!(desk.told(), ["license.issued", "license.renewed", "license.renewed"]);
        // After everything has ended, what is paid runs to the end of its period and no longer.
        desk.see(&subscription(6, "active"), NOW + 190 * DAY).unwrap();
        assert_eq!(desk.paid_until(), NOW + 210 * DAY);
    }

    #[test]
    fn failed_is_the_licences_own_grace_and_cancelled_is_not_renewed() {
        let mut desk = Desk::new();
        assert_eq!(
            desk.see(&subscription(0, "incomplete"), NOW).unwrap(),
            Applied::Unchanged,
            "nothing was paid yet"
        );
        assert_eq!(desk.ledger.count().unwrap(), 0);
        desk.see(&subscription(0, "active"), NOW).unwrap();
        // The period has begun, and its invoice is open: what was paid before still counts.
        let open = Subscription { invoice_paid: Some(false), ..subscription(1, "active") };
        assert_eq!(desk.see(&open, NOW + 30 * DAY + 1).unwrap(), Applied::Unchanged);
        for status in ["past_due", "past_due", "unpaid", "canceled", "canceled"] {
            assert_eq!(
                desk.see(&subscription(1, status), NOW + 31 * DAY).unwrap(),
                Applied::Unchanged,
                "{status}"
            );
        }
        let current = desk.ledger.current(&desk.lineage()).unwrap();
        assert_eq!((current.term_end, current.expires), (Some(NOW + 30 * DAY), NOW + 37 * DAY));
        assert_eq!(desk.ledger.revoked().unwrap(), 0);
        assert_eq!(
            desk.told(),
            ["license.issued", "payment.failed", "payment.failed", "subscription.canceled"],
            "once each"
        );
    }

    #[test]
    fn a_payment_never_undoes_what_a_person_did() {
        let mut desk = Desk::new();
        desk.see(&subscription(0, "active"), NOW).unwrap();
        let lineage = desk.lineage();
        let id = desk.ledger.current(&lineage).unwrap().id;
        let terms = RevocationTerms { reason: Reason::Breach, ..RevocationTerms::default() };
        desk.ledger.revoke(&id, terms).unwrap();
        for period in 1..4 {
            let late = desk.see(&subscription(period, "active"), NOW + period * 30 * DAY).unwrap();
            assert!(matches!(late, Applied::Refused(_)), "{late:?}");
        }
        let upgrade = Subscription { price: "price_team".into(), ..subscription(1, "active") };
        assert!(matches!(desk.see(&upgrade, NOW + 31 * DAY).unwrap(), Applied::Refused(_)));
        assert_eq!(desk.ledger.of_lineage(&lineage).unwrap().len(), 1);
        assert!(tables::find(&desk.ledger, "sub_1").unwrap().unwrap().problem.contains("revoked"));
        assert_eq!(desk.told(), ["license.issued", "payment.refused"], "told once");
        // The newest one is revoked, an older one of the lineage is not: that is revoked all the same.
        desk.ledger.reinstate(&id).unwrap();
        desk.see(&subscription(1, "active"), NOW + 31 * DAY).unwrap();
        let newest = desk.ledger.current(&lineage).unwrap().id;
        assert_ne!(newest, id);
        desk.ledger.revoke(&newest, RevocationTerms::default()).unwrap();
        assert!(matches!(desk.see(&subscription(2, "active"), NOW + 61 * DAY).unwrap(), Applied::Refused(_)));
        desk.ledger.reinstate(&newest).unwrap();
        // By a rule.
        let rule = RuleDraft { subject: Some("ann".into()), ..RuleDraft::default() };
        let rule = desk.ledger.add_rule("acme", &rule, false).unwrap();
        assert!(matches!(desk.see(&subscription(2, "active"), NOW + 61 * DAY).unwrap(), Applied::Refused(_)));
        desk.ledger.remove_rule(rule).unwrap();
        assert!(matches!(
            desk.see(&subscription(2, "active"), NOW + 61 * DAY).unwrap(),
            Applied::Continued(_)
        ));
    }

    #[test]
    fn another_price_is_another_tier_and_the_old_licence_ends() {
        let mut desk = Desk::new();
        desk.see(&subscription(0, "active"), NOW).unwrap();
        let old = desk.ledger.current(&desk.lineage()).unwrap().id;
        let upgrade = Subscription { price: "price_team".into(), ..subscription(0, "active") };
        assert!(matches!(desk.see(&upgrade, NOW + DAY).unwrap(), Applied::Continued(_)));
        let current = desk.ledger.current(&desk.lineage()).unwrap();
        assert_eq!(
            (current.tier.as_str(), current.tier_version, current.expires),
            ("team", 2, NOW + 30 * DAY)
        );
        assert_eq!(desk.ledger.revocation(&old).unwrap().unwrap().reason, Reason::Superseded);
        assert_eq!(desk.see(&upgrade, NOW + 2 * DAY).unwrap(), Applied::Unchanged);
        let back = subscription(0, "active");
        assert!(matches!(desk.see(&back, NOW + 3 * DAY).unwrap(), Applied::Continued(_)), "and back again");
        assert_eq!(desk.ledger.current(&desk.lineage()).unwrap().tier, "pro");
        assert!(
            matches!(desk.see(&upgrade, NOW + 4 * DAY).unwrap(), Applied::Continued(_)),
            "as often as wanted"
        );
        assert_eq!(desk.ledger.current(&desk.lineage()).unwrap().tier, "team");
    }

    #[test]
    fn what_cannot_be_sold_is_refused_and_leaves_nothing_behind() {
        let mut desk = Desk::new();
        let unknown = Subscription { price: "price_x".into(), ..subscription(0, "active") };
        assert!(desk.see(&unknown, NOW).is_err());
        let foreign = Subscription { lineage: Some([5; 16].into()), ..subscription(0, "active") };
        assert!(desk.see(&foreign, NOW).is_err(), "a lineage that nobody has");
        let other = Issuer::new("globex", SigningKey::from_seed(&[2; 32]).unwrap());
        let theirs =
            desk.ledger.issue(&other, Order::new(Draft::new("bob", "pro", 1, NOW, NOW + DAY))).unwrap();
        let theirs = theirs.token.claims().unwrap().lineage();
        assert!(desk.see(&Subscription { lineage: Some(theirs), ..subscription(0, "active") }, NOW).is_err());
        assert_eq!((desk.ledger.count().unwrap(), tables::all(&desk.ledger).unwrap().len()), (1, 0));
        // A price may also name its tier by itself.
        let keyed = Subscription {
            price: "price_x".into(),
            lookup_key: Some("team".into()),
            ..subscription(0, "active")
        };
        assert!(matches!(desk.see(&keyed, NOW).unwrap(), Applied::Issued(_)));
        // A subscription may pay for a licence that is there.
        let mine =
            desk.ledger.issue(&desk.issuer, Order::new(Draft::new("eve", "pro", 1, NOW, NOW + DAY))).unwrap();
        let mine = mine.token.claims().unwrap().lineage();
        let pays = Subscription { id: "sub_2".into(), lineage: Some(mine), ..subscription(0, "active") };
        assert!(matches!(desk.see(&pays, NOW).unwrap(), Applied::Continued(_)));
        let moved = Subscription { lineage: Some(desk.lineage()), ..pays };
        desk.see(&moved, NOW + 1).unwrap();
        assert_eq!(
            tables::find(&desk.ledger, "sub_2").unwrap().unwrap().lineage,
            mine,
            "it stays with its licence"
        );
    }
}
