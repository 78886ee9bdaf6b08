//! What is revoked, the bundles that are made from it, and the replay that holds them against every licence.

use licentia_core::{
    limits,
    revocation::{Bundle, Effect, Reason, Rule, Terms, Traits},
};
use rusqlite::{OptionalExtension, Row, params};

use super::{Ledger, number};
use crate::{
    bundle::{BundleDraft, RuleDraft},
    error::{Error, Result},
};

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

impl Ledger {
    /// Revokes a licence. It is in the next bundle.
    ///
    /// # Errors
    /// [`Error::Bundle`] where the ledger does not have it, [`Error::Ledger`].
    pub fn revoke(&mut self, id: &[u8; 16], terms: Terms) -> Result<()> {
        if self.find(id)?.is_none() {
            return Err(Error::Bundle("the ledger has no licence with this identifier".into()));
        }
        let (effect, until) = effect(terms.effect);
        self.database.execute(
            "INSERT OR REPLACE INTO revocation (id, reason, effective, effect, until) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![id, terms.reason as u8, number(terms.effective), effect, number(until)],
        )?;
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
    /// [`Error::Ledger`].
    pub fn add_rule(&mut self, issuer: &str, rule: &RuleDraft, spare_issued: bool) -> Result<u64> {
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
                rule.exempt.concat(),
                spare_issued,
                rule.terms.reason as u8,
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

    /// Drafts the next bundle from what is revoked, and uses up its number. Its salt is a new one, unless it is
    /// given: a bundle that a delta leads to has the salt of its base.
    ///
    /// # Errors
    /// [`Error::Ledger`], [`Error::Random`], or [`Error::Bundle`] where a rule would spare too many tokens.
    pub fn draft_bundle(
        &mut self,
        issuer: &str,
        issued_at: u64,
        salt: Option<[u8; 16]>,
    ) -> Result<BundleDraft> {
        self.stream_key()?;
        let mut fresh = [0; 16];
        getrandom::fill(&mut fresh).map_err(|_| Error::Random)?;
        // What is revoked meanwhile by another process is in the next one, and not held to be in this one.
        let transaction =
            self.database.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let sql = "UPDATE stream SET sequence = sequence + 1 RETURNING sequence";
        let sequence: i64 = transaction.query_row(sql, [], |row| row.get(0))?;
        for table in ["revocation", "rule"] {
            let sql = format!("UPDATE {table} SET drafted = ?1 WHERE drafted IS NULL");
            transaction.execute(&sql, [sequence])?;
        }
        transaction.commit()?;
        let mut draft = BundleDraft {
            issuer: issuer.to_owned(),
            sequence: sequence.unsigned_abs(),
            issued_at,
            salt: salt.unwrap_or(fresh),
            ..BundleDraft::default()
        };
        let sql = "SELECT license.id, stream_index, reason, effective, effect, until
            FROM revocation JOIN license USING (id) WHERE issuer = ?1 AND drafted <= ?2";
        let mut statement = self.database.prepare(sql)?;
        let mut rows = statement.query(params![issuer, sequence])?;
        while let Some(row) = rows.next()? {
            match row.get::<_, Option<i64>>("stream_index")? {
                Some(index) => {
                    draft.indices.insert(index.unsigned_abs(), terms(row)?);
                }
                None => {
                    draft.ids.insert(row.get("id")?);
                }
            }
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
                tier_version, kid, issued_at, digest
            FROM license LEFT JOIN revocation ON revocation.id = license.id AND drafted <= ?2
            WHERE issuer = ?1";
        let mut statement = self.database.prepare(sql)?;
        let mut rows = statement.query(params![issuer, sequence])?;
        while let Some(row) = rows.next()? {
            let (id, published): ([u8; 16], Option<bool>) = (row.get(0)?, row.get(2)?);
            let index = row.get::<_, Option<i64>>(1)?.map(i64::unsigned_abs);
            let revoked = match index {
                Some(index) => bundle.contains(index),
                None => bundle.contains_hash(&id),
            };
            if revoked != published.is_some() {
                let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
                let wrong = if revoked { "innocent and would be refused" } else { "revoked and would pass" };
                return Err(Error::Bundle(format!("nothing was published: licence {id} is {wrong}")));
            }
            let mut hits = (false, false);
            if !rules.is_empty() {
                let text = |column: usize| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
                let unsigned = |column: usize| row.get::<_, i64>(column).map(i64::unsigned_abs);
                let traits = Traits {
                    kid: row.get_ref(7)?.as_blob().map_err(rusqlite::Error::from)?,
                    subject: text(4)?,
                    lineage: row.get(3)?,
                    tier: (text(5)?, unsigned(6)?),
                    issued_at: unsigned(8)?,
                    index,
                    id,
                };
                let digest: [u8; 32] = row.get(9)?;
                let hitting = rules.iter().enumerate().filter(|(_, rule)| rule.hits(&traits, || digest));
                hits = hitting.fold(hits, |(_, new), (at, _)| (true, new || is_new(at)));
            }
            found.issued += 1;
            found.revoked += u64::from(revoked);
            found.by_rule += u64::from(hits.0);
            found.new += u64::from(published == Some(false) || hits.1);
            progress(found.issued);
        }
        Ok(found)
    }

    /// Remembers that a bundle was published: what it revokes is not new in the next one.
    ///
    /// # Errors
    /// [`Error::Ledger`].
    pub fn published(&mut self, sequence: u64) -> Result<()> {
        for table in ["revocation", "rule"] {
            let sql = format!("UPDATE {table} SET published = 1 WHERE drafted <= ?1");
            self.database.execute(&sql, [number(sequence)])?;
        }
        Ok(())
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
fn terms(row: &Row<'_>) -> rusqlite::Result<Terms> {
    let unsigned = |column: &str| row.get::<_, i64>(column).map(i64::unsigned_abs);
    let until = unsigned("until")?;
    let effect = match unsigned("effect")? {
        1 => Effect::WarnUntil(until),
        2 => Effect::GraceUntil(until),
        _ => Effect::Deny,
    };
    Ok(Terms { reason: Reason::from_number(unsigned("reason")?), effective: unsigned("effective")?, effect })
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
            exempt: exempt.as_chunks::<16>().0.to_vec(),
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
            ids.push(token.claims().unwrap().id());
        }
        (ledger, ids)
    }

    fn draft(ledger: &mut Ledger, salt: Option<[u8; 16]>) -> BundleDraft {
        BundleDraft {
            next_update: 1_800_100_000,
            expires: 1_900_000_000,
            ..ledger.draft_bundle("acme", 1_800_000_000, salt).unwrap()
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
            ledger.revoke(id, Terms::default()).unwrap();
        }
        assert!(ledger.revoke(&[0; 16], Terms::default()).is_err(), "not in the ledger");
        let first = draft(&mut ledger, None);
        let expected = Replayed { issued: 200, revoked: 29, new: 29, ..Replayed::default() };
        assert_eq!(replay(&ledger, &first).unwrap(), expected);
        ledger.published(first.sequence).unwrap();
        assert_eq!(replay(&ledger, &first).unwrap(), Replayed { new: 0, ..expected });

        assert!(ledger.reinstate(&ids[7]).unwrap() && !ledger.reinstate(&ids[7]).unwrap());
        let innocent = replay(&ledger, &first).unwrap_err().to_string();
        assert!(innocent.contains("innocent"), "{innocent}");
        ledger.revoke(&ids[1], Terms::default()).unwrap();
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
    fn rules_stand_until_they_are_taken_back_and_what_they_hit_is_counted() {
        let (mut ledger, ids) = ledger();
        let record = ledger.find(&ids[3]).unwrap().unwrap();
        let tier = RuleDraft {
            tier: Some(("free".into(), None)),
            exempt: vec![ids[0], ids[1]],
            ..RuleDraft::default()
        };
        let first = ledger.add_rule("acme", &tier, false).unwrap();
        let kid = RuleDraft { kid: Some(record.kid.clone()), ..RuleDraft::default() };
        let second = ledger.add_rule("acme", &kid, true).unwrap();
        ledger.add_rule("other", &kid, false).unwrap();
        assert_eq!(ledger.rules().unwrap().len(), 3);
        assert_eq!(ledger.rules().unwrap()[0].rule, tier);

        let bundle = draft(&mut ledger, None);
        let digests: BTreeSet<_> = ids.iter().map(|id| ledger.find(id).unwrap().unwrap().digest).collect();
        assert_eq!(bundle.rules[1].allowed, digests, "the tokens that were good are spared");
        let found = replay(&ledger, &bundle).unwrap();
        let expected = Replayed { issued: 200, revoked: 0, by_rule: 48, new: 48, new_rules: 2 };
        assert_eq!(found, expected);
        ledger.published(bundle.sequence).unwrap();
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
