//! What is revoked, the bundles that are made from it, and the replay that holds them against every licence.

use licentia_core::{
    limits,
    revocation::{Bundle, Effect, Reason, RevocationTerms, Rule, Traits},
};
use rusqlite::{OptionalExtension, Row, params};

use super::{Ledger, number};
use crate::{
    bundle::{BundleDraft, RuleDraft},
    error::{Error, Result},
};

/// The tables of what is revoked, and which of their rows are about an issuer (`?2`).
const OF_ISSUER: [(&str, &str); 2] = [
    ("revocation", "EXISTS (SELECT 1 FROM license WHERE license.id = revocation.id AND issuer = ?2)"),
    ("rule", "issuer = ?2"),
];

/// A rule that is in every bundle until it is taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandingRule {
    /// Its number in the ledger.
    pub number: u64,
    /// Whose licences it is about.
    pub issuer: String,
    /// The rule, without the digests that it allows.
    pub rule: RuleDraft,
    /// Whether it spares the tokens that the ledger has: with a stolen key, those that were good.
    pub spare_issued: bool,
}

/// What a replay of the whole ledger found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Licences that were issued.
    pub issued: u64,
    /// Those of them that are revoked by themselves.
    pub revoked: u64,
    /// Those of them that a rule hits.
    pub by_rule: u64,
    /// Those that this bundle is the first to revoke, either way.
    pub new: u64,
    /// Rules that were in no bundle before.
    pub new_rules: u64,
}

/// What gates have, which the next bundle goes on from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Since {
    /// The greatest number of a bundle that was published, where the ledger may not know it, as one that was
    /// restored from a backup does not.
    pub sequence: u64,
    /// The salt of the bundle that a delta is to begin from; else a new one is drawn.
    pub salt: Option<[u8; 16]>,
}

impl Ledger {
    /// Revokes a licence. It is in the next bundle. One that was revoked before is revoked on the new terms, and
    /// is new again where these deny what was only flagged or in grace.
    ///
    /// # Errors
    /// [`Error::Bundle`] where the ledger does not have it, [`Error::Ledger`].
    pub fn revoke(&mut self, id: &[u8; 16], terms: RevocationTerms) -> Result<()> {
        self.revoke_all([id], terms, |_| ())
    }

    /// Revokes many licences, or none where something goes wrong. `progress` is told how many.
    ///
    /// # Errors
    /// [`Error::Bundle`] where the ledger lacks one of them, [`Error::Ledger`].
    pub fn revoke_all<'a>(
        &mut self,
        ids: impl IntoIterator<Item = &'a [u8; 16]>,
        terms: RevocationTerms,
        mut progress: impl FnMut(u64),
    ) -> Result<()> {
        let (effect, until) = effect(terms.effect);
        let (reason, effective) = (terms.reason.number(), number(terms.effective));
        let transaction = self.database.transaction()?;
        {
            let mut statement = transaction.prepare(
                "INSERT INTO revocation (id, reason, effective, effect, until)
                    SELECT id, ?2, ?3, ?4, ?5 FROM license WHERE id = ?1
                 ON CONFLICT (id) DO UPDATE SET reason = excluded.reason, effective = excluded.effective,
                    effect = excluded.effect, until = excluded.until,
                    published = published AND (effect = 0 OR excluded.effect <> 0)",
            )?;
            for (id, done) in ids.into_iter().zip(1..) {
                if statement.execute(params![id, reason, effective, effect, number(until)])? == 0 {
                    return Err(Error::Bundle("the ledger has no licence with this identifier".into()));
                }
                progress(done);
            }
        }
        transaction.commit()?;
        Ok(())
    }

    /// Takes a revocation back; `false` where there was none.
    ///
    /// # Errors
    /// [`Error::Ledger`].
    pub fn reinstate(&mut self, id: &[u8; 16]) -> Result<bool> {
        Ok(self.database.execute("DELETE FROM revocation WHERE id = ?1", [id])? > 0)
    }

    /// Adds a rule, which is in every bundle of the issuer from now on, and gives its number. The digests that
    /// the draft allows are not kept: with `spare_issued`, each bundle allows those of the ledger.
    ///
    /// # Errors
    /// [`Error::Bundle`] for a rule without a condition, or with a range that ends before it begins;
    /// [`Error::Ledger`].
    pub fn add_rule(&mut self, issuer: &str, rule: &RuleDraft, spare_issued: bool) -> Result<u64> {
        rule.check()?;
        let (effect, until) = effect(rule.terms.effect);
        let (tier, version) = rule.tier.clone().unzip();
        let (time, index) = (rule.issued_at.unzip(), rule.index.unzip());
        self.database.execute(
            "INSERT INTO rule (issuer, kid, subject, lineage, tier, tier_version, issued_from, issued_to,
                index_from, index_to, exempt, spare_issued, reason, effective, effect, until)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
            params![
                issuer,
                rule.kid,
                rule.subject,
                rule.lineage,
                tier,
                version.flatten().map(number),
                time.0.map(number),
                time.1.map(number),
                index.0.map(number),
                index.1.map(number),
                rule.exempt.iter().flatten().copied().collect::<Vec<u8>>(),
                spare_issued,
                rule.terms.reason.number(),
                number(rule.terms.effective),
                effect,
                number(until),
            ],
        )?;
        Ok(self.database.last_insert_rowid().unsigned_abs())
    }

    /// Takes a rule back; `false` where there was none of this number.
    ///
    /// # Errors
    /// [`Error::Ledger`].
    pub fn remove_rule(&mut self, rule: u64) -> Result<bool> {
        Ok(self.database.execute("DELETE FROM rule WHERE number = ?1", [number(rule)])? > 0)
    }

    /// The rules of everybody, in the order in which they were added.
    ///
    /// # Errors
    /// [`Error::Ledger`].
    pub fn rules(&self) -> Result<Vec<StandingRule>> {
        let mut statement = self.database.prepare("SELECT * FROM rule ORDER BY number")?;
        let rows = statement.query_map([], standing_rule)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Drafts the next bundle of an issuer from what is revoked, and uses up its number. `progress` is told how
    /// many revocations were read.
    ///
    /// # Errors
    /// [`Error::Ledger`], [`Error::Random`], or [`Error::Bundle`] where a rule would spare too many tokens.
    pub fn draft_bundle(
        &mut self,
        issuer: &str,
        issued_at: u64,
        since: Since,
        mut progress: impl FnMut(u64),
    ) -> Result<BundleDraft> {
        self.stream_key()?;
        let mut fresh = [0; 16];
        getrandom::fill(&mut fresh).map_err(|_| Error::Random)?;
        // What is revoked meanwhile by another process is in the next one, and not held to be in this one.
        let transaction =
            self.database.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let sql = "UPDATE stream SET sequence = max(sequence, ?1) + 1 RETURNING sequence";
        let sequence: i64 = transaction.query_row(sql, [number(since.sequence)], |row| row.get(0))?;
        for (table, of_issuer) in OF_ISSUER {
            let sql = format!("UPDATE {table} SET drafted = ?1 WHERE drafted IS NULL AND {of_issuer}");
            transaction.execute(&sql, params![sequence, issuer])?;
        }
        transaction.commit()?;
        let mut draft = BundleDraft {
            issuer: issuer.to_owned(),
            sequence: sequence.unsigned_abs(),
            issued_at,
            salt: since.salt.unwrap_or(fresh),
            ..BundleDraft::default()
        };
        let sql = "SELECT license.id, stream_index, reason, effective, effect, until
            FROM revocation JOIN license USING (id) WHERE issuer = ?1 AND drafted <= ?2";
        let mut statement = self.database.prepare(sql)?;
        let mut rows = statement.query(params![issuer, sequence])?;
        let mut done = 0;
        while let Some(row) = rows.next()? {
            match row.get::<_, Option<i64>>("stream_index")? {
                Some(index) => {
                    draft.indices.insert(index.unsigned_abs(), terms(row)?);
                }
                None => {
                    draft.ids.insert(row.get("id")?, terms(row)?);
                }
            }
            done += 1;
            progress(done);
        }
        for mut standing in self.rules()?.into_iter().filter(|standing| standing.issuer == issuer) {
            if standing.spare_issued {
                standing.rule.allowed = self.issued_digests(issuer, standing.rule.kid.as_deref())?;
            }
            draft.rules.push(standing.rule);
        }
        Ok(draft)
    }

    /// The digests of an issuer's tokens, and of one key where it is named.
    fn issued_digests(
        &self,
        issuer: &str,
        kid: Option<&[u8]>,
    ) -> Result<std::collections::BTreeSet<[u8; 32]>> {
        let sql = "SELECT digest FROM license WHERE issuer = ?1 AND (?2 IS NULL OR kid = ?2) LIMIT ?3";
        let mut statement = self.database.prepare(sql)?;
        let most = i64::try_from(limits::RULE_LIST).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![issuer, kid, most.saturating_add(1)], |row| row.get(0))?;
        let digests = rows.collect::<rusqlite::Result<std::collections::BTreeSet<_>>>()?;
        if digests.len() > limits::RULE_LIST {
            let most = limits::RULE_LIST;
            return Err(Error::Bundle(format!(
                "a rule can spare {most} tokens; reissue some under another key"
            )));
        }
        Ok(digests)
    }

    /// Replays every licence of an issuer against a bundle: its verdict must be the ledger's for each one.
    /// `progress` is told how many were looked at.
    ///
    /// What rules revoke is counted and not held against the ledger, for they say more than it knows.
    ///
    /// # Errors
    /// [`Error::Bundle`], which names the first licence whose verdict is wrong.
    pub fn replay(
        &self,
        issuer: &str,
        bundle: &Bundle<'_>,
        mut progress: impl FnMut(u64),
    ) -> Result<Replayed> {
        let sequence = number(bundle.sequence());
        let rules: Vec<Rule<'_>> = bundle.rules().collect();
        let sql = "SELECT published FROM rule WHERE issuer = ?1 AND drafted <= ?2 ORDER BY number";
        let mut statement = self.database.prepare(sql)?;
        let published = statement.query_map(params![issuer, sequence], |row| row.get(0))?;
        let published = published.collect::<rusqlite::Result<Vec<bool>>>()?;
        let is_new = |at: usize| !published.get(at).copied().unwrap_or(false);
        let new_rules = (0..rules.len()).filter(|at| is_new(*at)).count() as u64;
        let mut found = Replayed { new_rules, ..Replayed::default() };

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
                let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
                let wrong = match (said, meant) {
                    (Some(_), None) => "innocent and would be refused",
                    (None, _) => "revoked and would pass",
                    _ => "revoked on other terms",
                };
                return Err(Error::Bundle(format!("nothing was published: licence {id} is {wrong}")));
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

    /// Remembers that a bundle of an issuer was published: what it revokes is not new in the next one.
    ///
    /// # Errors
    /// [`Error::Ledger`].
    pub fn published(&mut self, issuer: &str, sequence: u64) -> Result<()> {
        for (table, of_issuer) in OF_ISSUER {
            let sql = format!(
                "UPDATE {table} SET published = 1 WHERE published = 0 AND drafted <= ?1 AND {of_issuer}"
            );
            self.database.execute(&sql, params![number(sequence), issuer])?;
        }
        Ok(())
    }

    /// How many licences are revoked by themselves, of all issuers.
    ///
    /// # Errors
    /// [`Error::Ledger`].
    pub fn revoked(&self) -> Result<u64> {
        let count: i64 = self.database.query_row("SELECT count(*) FROM revocation", [], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    /// The highest number of a bundle so far.
    ///
    /// # Errors
    /// [`Error::Ledger`].
    pub fn sequence(&self) -> Result<u64> {
        let found = self.database.query_row("SELECT sequence FROM stream", [], |row| row.get::<_, i64>(0));
        Ok(found.optional()?.unwrap_or(0).unsigned_abs())
    }
}

/// The number of an effect, and its end.
fn effect(effect: Effect) -> (u8, u64) {
    match effect {
        Effect::WarnUntil(until) => (1, until),
        Effect::GraceUntil(until) => (2, until),
        _ => (0, 0),
    }
}

/// Reads what a revocation says.
fn terms(row: &Row<'_>) -> rusqlite::Result<RevocationTerms> {
    let unsigned = |column: &str| row.get::<_, i64>(column).map(i64::unsigned_abs);
    let until = unsigned("until")?;
    let effect = match unsigned("effect")? {
        1 => Effect::WarnUntil(until),
        2 => Effect::GraceUntil(until),
        _ => Effect::Deny,
    };
    Ok(RevocationTerms {
        reason: Reason::from_number(unsigned("reason")?),
        effective: unsigned("effective")?,
        effect,
    })
}

fn standing_rule(row: &Row<'_>) -> rusqlite::Result<StandingRule> {
    let unsigned = |column: &str| -> rusqlite::Result<Option<u64>> {
        Ok(row.get::<_, Option<i64>>(column)?.map(i64::unsigned_abs))
    };
    let range = |from: &str, to: &str| -> rusqlite::Result<Option<(u64, u64)>> {
        Ok(unsigned(from)?.zip(unsigned(to)?))
    };
    let tier: Option<String> = row.get("tier")?;
    let version = unsigned("tier_version")?;
    let exempt: Vec<u8> = row.get("exempt")?;
    Ok(StandingRule {
        number: unsigned("number")?.unwrap_or(0),
        issuer: row.get("issuer")?,
        rule: RuleDraft {
            kid: row.get("kid")?,
            subject: row.get("subject")?,
            lineage: row.get("lineage")?,
            tier: tier.map(|name| (name, version)),
            issued_at: range("issued_from", "issued_to")?,
            index: range("index_from", "index_to")?,
            exempt: exempt.as_chunks::<16>().0.iter().copied().collect(),
            terms: terms(row)?,
            ..RuleDraft::default()
        },
        spare_issued: row.get("spare_issued")?,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{Draft, Issuer, SigningKey};

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
        let since = Since { salt, ..Since::default() };
        BundleDraft {
            next_update: 1_800_100_000,
            expires: 1_900_000_000,
            ..ledger.draft_bundle("acme", 1_800_000_000, since, |_| ()).unwrap()
        }
    }

    fn replay(ledger: &Ledger, draft: &BundleDraft) -> Result<Replayed> {
        let bytes = draft.sign(&key()).unwrap();
        let keys = [key().public().for_revocation()];
        let (bundle, _) = Bundle::read(&bytes, licentia_core::Keyring::new(&keys)).unwrap();
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
        let expected = Replayed { issued: 200, revoked: 29, new: 29, ..Replayed::default() };
        assert_eq!(replay(&ledger, &first).unwrap(), expected);
        ledger.published("acme", first.sequence).unwrap();
        assert_eq!(replay(&ledger, &first).unwrap(), Replayed { new: 0, ..expected });

        assert!(ledger.reinstate(&ids[7]).unwrap() && !ledger.reinstate(&ids[7]).unwrap());
        let innocent = replay(&ledger, &first).unwrap_err().to_string();
        assert!(innocent.contains("innocent"), "{innocent}");
        ledger.revoke(&ids[1], RevocationTerms::default()).unwrap();
        let second = draft(&mut ledger, Some(first.salt));
        assert_eq!((first.sequence, second.sequence, ledger.sequence().unwrap()), (1, 2, 2));
        assert_eq!(replay(&ledger, &second).unwrap(), Replayed { new: 1, ..expected });
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

        let next = ledger.draft_bundle("other", 1_800_000_000, Since::default(), |_| ()).unwrap();
        let next = BundleDraft { next_update: 1_800_100_000, expires: 1_900_000_000, ..next };
        let bytes = next.sign(&key()).unwrap();
        let keys = [key().public().for_revocation()];
        let (bundle, _) = Bundle::read(&bytes, licentia_core::Keyring::new(&keys)).unwrap();
        let found = ledger.replay("other", &bundle, |_| ()).unwrap();
        assert_eq!((found.issued, found.new, found.new_rules), (1, 1, 1), "still to be confirmed");
    }

    #[test]
    fn a_ledger_that_was_restored_goes_on_from_the_number_that_gates_have() {
        let (mut ledger, _) = ledger();
        let next = |ledger: &mut Ledger, sequence| {
            let since = Since { sequence, ..Since::default() };
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
        let expected = Replayed { issued: 200, revoked: 0, by_rule: 48, new: 48, new_rules: 2 };
        assert_eq!(found, expected);
        ledger.published("acme", bundle.sequence).unwrap();
        assert!(ledger.remove_rule(second).unwrap() && !ledger.remove_rule(second).unwrap());
        let bundle = draft(&mut ledger, None);
        assert_eq!(replay(&ledger, &bundle).unwrap(), Replayed { new: 0, new_rules: 0, ..expected });
        ledger.add_rule("acme", &kid, false).unwrap();
        let bundle = draft(&mut ledger, None);
        let found = replay(&ledger, &bundle).unwrap();
        assert_eq!(found, Replayed { by_rule: 200, new: 200, new_rules: 1, ..expected });
        assert!(ledger.remove_rule(first).unwrap());
    }
}
