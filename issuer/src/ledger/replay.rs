//! The replay of every licence against a bundle before it is published.

use licentia_core::revocation::{Bundle, Rule, Traits};
use rusqlite::params;

use super::{
    database::{Ledger, number},
    revocations::{hex, terms},
};
use crate::error::{BundleError, Result};

/// What a replay of the whole ledger found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReplayReport {
    /// Licences that were issued.
    pub issued: u64,
    /// Those with a revocation of their own.
    pub revoked: u64,
    /// Those that a rule hits.
    pub by_rule: u64,
    /// Those that this bundle is the first to revoke, either way.
    pub new: u64,
    /// Rules that were in no bundle before.
    pub new_rules: u64,
}

impl Ledger {
    /// Checks every licence of an issuer against a bundle: the bundle's verdict must be the ledger's. `progress` is
    /// called with the number so far.
    ///
    /// What rules revoke is counted only: a rule also hits licences that the ledger does not have.
    ///
    /// # Errors
    /// [`BundleError::Replay`], which names the first licence whose verdict is wrong.
    pub fn replay(
        &self,
        issuer: &str,
        bundle: &Bundle<'_>,
        mut progress: impl FnMut(u64),
    ) -> Result<ReplayReport> {
        let sequence = number(bundle.sequence());
        let rules: Vec<Rule<'_>> = bundle.rules().collect();
        let sql = "SELECT published FROM rule WHERE issuer = ?1 AND drafted <= ?2 ORDER BY number";
        let mut statement = self.database.prepare(sql)?;
        let published = statement.query_map(params![issuer, sequence], |row| row.get(0))?;
        let published = published.collect::<rusqlite::Result<Vec<bool>>>()?;
        let is_new = |at: usize| !published.get(at).copied().unwrap_or(false);
        let new_rules = (0..rules.len()).filter(|at| is_new(*at)).count() as u64;
        let mut found = ReplayReport { new_rules, ..ReplayReport::default() };

        let sql = "SELECT license.id, stream_index, revocation.published, lineage, subject, tier,
                tier_version, kid, issued_at, digest, reason, effective, effect, until
            FROM license LEFT JOIN revocation ON revocation.id = license.id AND drafted <= ?2
            WHERE issuer = ?1";
        let mut statement = self.database.prepare(sql)?;
        let mut rows = statement.query(params![issuer, sequence])?;
        while let Some(row) = rows.next()? {
            let (id, published): ([u8; 16], Option<bool>) = (row.get(0)?, row.get(2)?);
            let index = row.get::<_, Option<i64>>(1)?.map(i64::unsigned_abs);
            let said = match index {
                Some(index) => bundle.terms_of(index),
                None => bundle.terms_of_id(&id.into()),
            };
            let meant = if published.is_some() { Some(terms(row)?) } else { None };
            if said != meant {
                let verdict = match (said, meant) {
                    (Some(_), None) => "is innocent and would be refused",
                    (None, _) => "is revoked and would pass",
                    _ => "is revoked on other terms",
                };
                return Err(BundleError::Replay { id: hex(&id), verdict }.into());
            }
            let mut hits = (false, false);
            if !rules.is_empty() {
                let text = |column: usize| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
                let unsigned = |column: usize| row.get::<_, i64>(column).map(i64::unsigned_abs);
                let traits = Traits {
                    kid: row.get_ref(7)?.as_blob().map_err(rusqlite::Error::from)?,
                    subject: text(4)?,
                    lineage: row.get::<_, [u8; 16]>(3)?.into(),
                    tier: (text(5)?, unsigned(6)?),
                    issued_at: unsigned(8)?,
                    index,
                    id: id.into(),
                };
                let digest: [u8; 32] = row.get(9)?;
                let hitting = rules.iter().enumerate().filter(|(_, rule)| rule.hits(&traits, || digest));
                hits = hitting.fold(hits, |(_, new), (at, _)| (true, new || is_new(at)));
            }
            found.issued += 1;
            found.revoked += u64::from(said.is_some());
            found.by_rule += u64::from(hits.0);
            found.new += u64::from(published == Some(false) || hits.1);
            progress(found.issued);
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use licentia_core::{
        Keyring,
        revocation::{Effect, Reason, RevocationTerms},
    };

    use super::*;
    use crate::{BundleDraft, Draft, Issuer, PublishedBundle, RuleDraft, SigningKey};

    fn key() -> SigningKey {
        SigningKey::from_seed(&[5; 32]).unwrap()
    }

    /// A ledger of 200 licences, every tenth without an index, and their identifiers.
    fn ledger() -> (Ledger, Vec<[u8; 16]>) {
        let issuer = Issuer::new("acme", SigningKey::from_seed(&[1; 32]).unwrap());
        let mut ledger = Ledger::in_memory().unwrap();
        let mut ids = Vec::new();
        for count in 0..200 {
            let tier = if count < 50 { "free" } else { "pro" };
            let mut draft = Draft::new(format!("customer-{count}"), tier, 1, 1_800_000_000, 1_900_000_000);
            draft.index = if count % 10 == 0 { None } else { Some(ledger.next_index().unwrap()) };
            let token = issuer.issue(&draft).unwrap();
            ledger.record(&token).unwrap();
            ids.push(*token.claims().unwrap().id().as_bytes());
        }
        (ledger, ids)
    }

    fn draft(ledger: &mut Ledger, salt: Option<[u8; 16]>) -> BundleDraft {
        let since = PublishedBundle { salt, ..PublishedBundle::default() };
        BundleDraft {
            next_update: 1_800_100_000,
            expires: 1_900_000_000,
            ..ledger.draft_bundle("acme", 1_800_000_000, since, |_| ()).unwrap()
        }
    }

    fn replay(ledger: &Ledger, draft: &BundleDraft) -> Result<ReplayReport> {
        let bytes = draft.sign(&key()).unwrap();
        let keys = [key().public().for_revocation()];
        let (bundle, _) = Bundle::read(&bytes, Keyring::new(&keys)).unwrap();
        ledger.replay("acme", &bundle, |_| ())
    }

    #[test]
    fn what_is_revoked_is_in_the_next_bundle_and_a_replay_finds_every_mistake() {
        let (mut ledger, ids) = ledger();
        for id in ids.iter().step_by(7) {
            ledger.revoke(id, RevocationTerms::default()).unwrap();
        }
        assert!(ledger.revoke(&[0; 16], RevocationTerms::default()).is_err(), "not in the ledger");
        let first = draft(&mut ledger, None);
        let expected = ReplayReport { issued: 200, revoked: 29, new: 29, ..ReplayReport::default() };
        assert_eq!(replay(&ledger, &first).unwrap(), expected);
        ledger.published("acme", first.sequence).unwrap();
        assert_eq!(replay(&ledger, &first).unwrap(), ReplayReport { new: 0, ..expected });

        assert!(ledger.reinstate(&ids[7]).unwrap() && !ledger.reinstate(&ids[7]).unwrap());
        let innocent = replay(&ledger, &first).unwrap_err().to_string();
        assert!(innocent.contains("innocent"), "{innocent}");
        ledger.revoke(&ids[1], RevocationTerms::default()).unwrap();
        let second = draft(&mut ledger, Some(first.salt));
        assert_eq!((first.sequence, second.sequence, ledger.sequence().unwrap()), (1, 2, 2));
        assert_eq!(replay(&ledger, &second).unwrap(), ReplayReport { new: 1, ..expected });
        assert!(second.sign_delta(&first, &key()).unwrap().len() < 400);
        assert_ne!(draft(&mut ledger, None).salt, first.salt, "a salt of its own");
        let lacks = BundleDraft { indices: second.indices.into_iter().skip(2).collect(), ..second };
        let missing = replay(&ledger, &lacks).unwrap_err().to_string();
        assert!(missing.contains("revoked and would pass"), "{missing}");
    }

    #[test]
    fn a_replay_finds_wrong_terms_also_of_a_licence_without_an_index() {
        let (mut ledger, ids) = ledger();
        let grace = RevocationTerms {
            reason: Reason::Unpaid,
            effective: 5,
            effect: Effect::GraceUntil(1_800_000_500),
        };
        ledger.revoke_all(&ids[..15], grace, |_| ()).unwrap();
        ledger.revoke_all(&ids[15..25], RevocationTerms::default(), |_| ()).unwrap();
        let lacking = [ids[30], [0; 16]];
        assert!(
            ledger.revoke_all(&lacking, grace, |_| ()).is_err() && ledger.revoked().unwrap() == 25,
            "all or none"
        );
        let good = draft(&mut ledger, None);
        let graced = good.ids.values().filter(|terms| **terms == grace).count();
        assert_eq!((good.ids.len(), graced), (3, 2), "of those without an index");
        assert_eq!(replay(&ledger, &good).unwrap().revoked, 25);
        let mut wrong = good.clone();
        wrong.ids.values_mut().for_each(|terms| *terms = RevocationTerms::default());
        let other = replay(&ledger, &wrong).unwrap_err().to_string();
        assert!(other.contains("revoked on other terms"), "{other}");
        let mut wrong = good;
        wrong.indices.values_mut().for_each(|terms| *terms = grace);
        assert!(replay(&ledger, &wrong).is_err());
    }

    #[test]
    fn a_licence_that_is_revoked_again_is_new_only_where_it_is_worse_off() {
        let (mut ledger, ids) = ledger();
        let warn = RevocationTerms { effect: Effect::WarnUntil(9), ..RevocationTerms::default() };
        let new = |ledger: &mut Ledger, terms: RevocationTerms| {
            ledger.revoke(&ids[1], terms).unwrap();
            let bundle = draft(ledger, None);
            let found = replay(ledger, &bundle).unwrap();
            ledger.published("acme", bundle.sequence).unwrap();
            (found.revoked, found.new)
        };
        assert_eq!(new(&mut ledger, warn), (1, 1));
        assert_eq!(new(&mut ledger, warn), (1, 0), "the same again");
        assert_eq!(new(&mut ledger, RevocationTerms::default()), (1, 1), "refused, where it was flagged");
        assert_eq!(
            new(&mut ledger, RevocationTerms { reason: Reason::Fraud, ..RevocationTerms::default() }),
            (1, 0)
        );
        assert_eq!(new(&mut ledger, warn), (1, 0), "flagged, where it was refused");
    }

    #[test]
    fn a_bundle_of_one_issuer_publishes_nothing_of_another() {
        let (mut ledger, ids) = ledger();
        let other = Issuer::new("other", SigningKey::from_seed(&[1; 32]).unwrap());
        let token = other.issue(&Draft::new("customer", "pro", 1, 1_800_000_000, 1_900_000_000)).unwrap();
        ledger.record(&token).unwrap();
        let rule = RuleDraft { subject: Some("customer".into()), ..RuleDraft::default() };
        ledger.revoke(token.claims().unwrap().id().as_bytes(), RevocationTerms::default()).unwrap();
        ledger.add_rule("other", &rule, false).unwrap();
        ledger.revoke(&ids[1], RevocationTerms::default()).unwrap();
        let bundle = draft(&mut ledger, None);
        assert_eq!(replay(&ledger, &bundle).unwrap().new, 1);
        ledger.published("acme", bundle.sequence).unwrap();

        let next = ledger.draft_bundle("other", 1_800_000_000, PublishedBundle::default(), |_| ()).unwrap();
        let next = BundleDraft { next_update: 1_800_100_000, expires: 1_900_000_000, ..next };
        let bytes = next.sign(&key()).unwrap();
        let keys = [key().public().for_revocation()];
        let (bundle, _) = Bundle::read(&bytes, Keyring::new(&keys)).unwrap();
        let found = ledger.replay("other", &bundle, |_| ()).unwrap();
        assert_eq!((found.issued, found.new, found.new_rules), (1, 1, 1), "still to be confirmed");
    }

    #[test]
    fn a_ledger_that_was_restored_goes_on_from_the_number_that_gates_have() {
        let (mut ledger, _) = ledger();
        let next = |ledger: &mut Ledger, sequence| {
            let since = PublishedBundle { sequence, ..PublishedBundle::default() };
            ledger.draft_bundle("acme", 1_800_000_000, since, |_| ()).unwrap().sequence
        };
        assert_eq!([next(&mut ledger, 0), next(&mut ledger, 41), next(&mut ledger, 7)], [1, 42, 43]);
    }

    #[test]
    fn rules_stand_until_they_are_taken_back_and_what_they_hit_is_counted() {
        let (mut ledger, ids) = ledger();
        let record = ledger.find(&ids[3]).unwrap().unwrap();
        let tier = RuleDraft {
            tier: Some(("free".into(), None)),
            exempt: [ids[0], ids[1]].into(),
            ..RuleDraft::default()
        };
        let first = ledger.add_rule("acme", &tier, false).unwrap();
        let kid = RuleDraft { kid: Some(record.kid.clone()), ..RuleDraft::default() };
        let second = ledger.add_rule("acme", &kid, true).unwrap();
        ledger.add_rule("other", &kid, false).unwrap();
        let backwards = RuleDraft { index: Some((2, 1)), ..RuleDraft::default() };
        let everybody = RuleDraft { exempt: [ids[0]].into(), ..RuleDraft::default() };
        assert!([backwards, everybody].iter().all(|rule| ledger.add_rule("acme", rule, true).is_err()));
        assert_eq!(ledger.rules().unwrap().len(), 3);
        assert_eq!(ledger.rules().unwrap()[0].rule, tier);

        let bundle = draft(&mut ledger, None);
        let digests: BTreeSet<_> = ids.iter().map(|id| ledger.find(id).unwrap().unwrap().digest).collect();
        assert_eq!(bundle.rules[1].allowed, digests, "the tokens that were good are spared");
        let found = replay(&ledger, &bundle).unwrap();
        let expected = ReplayReport { issued: 200, revoked: 0, by_rule: 48, new: 48, new_rules: 2 };
        assert_eq!(found, expected);
        ledger.published("acme", bundle.sequence).unwrap();
        assert!(ledger.remove_rule(second).unwrap() && !ledger.remove_rule(second).unwrap());
        let bundle = draft(&mut ledger, None);
        assert_eq!(replay(&ledger, &bundle).unwrap(), ReplayReport { new: 0, new_rules: 0, ..expected });
        ledger.add_rule("acme", &kid, false).unwrap();
        let bundle = draft(&mut ledger, None);
        let found = replay(&ledger, &bundle).unwrap();
        assert_eq!(found, ReplayReport { by_rule: 200, new: 200, new_rules: 1, ..expected });
        assert!(ledger.remove_rule(first).unwrap());
    }
}
