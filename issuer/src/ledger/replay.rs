//! The replay of every licence against a bundle before it is published.

use licentia_core::{
    Code, TokenId,
    revocation::{Bundle, RevocationTerms, Rule, Traits},
};

use super::{
    database::Ledger,
    revocations::terms,
    sql::{Row, values},
    strictness::covers_all,
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
    /// Those that are worse off than under the bundle before: newly revoked, earlier, or more strictly.
    pub new: u64,
    /// Rules that the bundle before does not have.
    pub new_rules: u64,
    /// Those that are better off than under the bundle before, including licences that the ledger does not have.
    pub reinstated: u64,
    /// Those of `reinstated` that nobody reinstated in this ledger. A ledger that was restored from a backup has
    /// forgotten their revocation.
    pub forgotten: u64,
    /// Rules of the bundle before that this one does not have.
    pub removed_rules: u64,
}

/// A bundle and its rules, asked about the ledger's licences as a gate asks.
struct Judge<'a, 'b> {
    bundle: &'b Bundle<'a>,
    rules: Vec<Rule<'a>>,
    /// Whether the bundle is of the ledger's stream. In another one, the same indices are other licences.
    same_stream: bool,
}

impl<'a, 'b> Judge<'a, 'b> {
    fn new(bundle: &'b Bundle<'a>, stream: u64) -> Self {
        Self { bundle, rules: bundle.rules().collect(), same_stream: bundle.stream() == stream }
    }

    /// The licence's own revocations. There are several if the bundle has it in several groups, which no ledger writes.
    fn own(&self, index: Option<u64>, id: &TokenId) -> Vec<RevocationTerms> {
        match index {
            _ if !self.same_stream => Vec::new(),
            Some(index) => self.bundle.all_terms_of(index).collect(),
            None => self.bundle.all_terms_of_id(id).collect(),
        }
    }

    /// The terms of the rules that hit a licence.
    fn hitting(&self, traits: &Traits<'_>, digest: [u8; 32]) -> Vec<RevocationTerms> {
        let index = traits.index.filter(|_| self.same_stream);
        let traits = Traits { index, ..*traits };
        self.rules.iter().filter(|rule| rule.hits(&traits, || digest)).map(|rule| rule.terms).collect()
    }
}

impl Ledger {
    /// Checks every licence of an issuer against a bundle: the bundle's verdict must be the ledger's. Counts the
    /// licences that are worse or better off than under `before`, the bundle that gates have. `progress` is called with the number so
    /// far.
    ///
    /// What rules revoke is counted only: a rule also hits licences that the ledger does not have.
    ///
    /// # Errors
    /// [`BundleError::Replay`], which names the first licence whose verdict is wrong.
    pub fn replay(
        &self,
        issuer: &str,
        bundle: &Bundle<'_>,
        before: Option<&Bundle<'_>>,
        mut progress: impl FnMut(u64),
    ) -> Result<ReplayReport> {
        let now = bundle.issued_at();
        let stream = self.stream()?;
        let next = Judge::new(bundle, stream);
        let before = before.map(|before| Judge::new(before, stream));
        let mut found = ReplayReport::default();
        (found.new_rules, found.removed_rules) =
            compare_rules(bundle, before.as_ref().map(|before| before.bundle));
        let has_rules =
            !next.rules.is_empty() || before.as_ref().is_some_and(|before| !before.rules.is_empty());
        // How many of the indices and identifiers that `before` revokes belong to licences of the ledger.
        let mut known = (0_u64, 0_u64);

        let sql = "SELECT license.id, stream_index, revocation.id IS NOT NULL, lineage, subject, tier,
                tier_version, kid, issued_at, digest, reason, effective, effect, until, reinstated.id IS NOT NULL
            FROM license LEFT JOIN revocation ON revocation.id = license.id AND drafted <= ?2
                LEFT JOIN reinstated ON reinstated.id = license.id
            WHERE issuer = ?1";
        self.database.each(sql, values![issuer, bundle.sequence()], |row| {
            let (id, index, revoked) = (row.id(0)?, row.optional(1)?, row.flag(2)?);
            let said = next.own(index, &id);
            check_own(&said, revoked.then(|| terms(row, 10)).transpose()?, &id)?;
            let was = before.as_ref().map_or_else(Vec::new, |before| before.own(index, &id));
            let known = if index.is_some() { &mut known.0 } else { &mut known.1 };
            *known += was.len() as u64;

            let (mut after, mut earlier) = (said, was);
            let (own, was_own) = (after.len(), earlier.len());
            if has_rules {
                let (traits, digest) = (traits(row, id, index)?, row.array(9)?);
                after.extend(next.hitting(&traits, digest));
                earlier.extend(before.iter().flat_map(|before| before.hitting(&traits, digest)));
            }
            let better = !covers_all(&after, &earlier, now);
            found.issued += 1;
            found.revoked += u64::from(own > 0);
            found.by_rule += u64::from(after.len() > own);
            found.new += u64::from(!covers_all(&earlier, &after, now));
            found.reinstated += u64::from(better);
            // A licence that is still revoked was revoked again on milder terms, which is a command too.
            let silently = was_own > 0 && own == 0 && !row.flag(14)?;
            found.forgotten += u64::from(better && silently);
            progress(found.issued);
            Ok(())
        })?;
        if let Some(before) = before.filter(|before| before.same_stream) {
            // The rest belongs to licences that this ledger does not have.
            let (indices, hashes) = before.bundle.counts();
            let rest = indices.saturating_sub(known.0).saturating_add(hashes.saturating_sub(known.1));
            (found.reinstated, found.forgotten) = (found.reinstated + rest, found.forgotten + rest);
        }
        Ok(found)
    }
}

impl Ledger {
    /// Checks a bundle that was just drafted quickly: the verdict on each licence that was revoked or reinstated since the
    /// bundle before, and how many licences it revokes. [`Ledger::replay`] checks all the others too. Returns how many
    /// were checked.
    ///
    /// # Errors
    /// [`BundleError::Replay`], which names a licence whose verdict is wrong; [`BundleError::Refused`] for a wrong number.
    pub fn check_changes(&self, issuer: &str, bundle: &Bundle<'_>) -> Result<u64> {
        let judge = Judge::new(bundle, self.stream()?);
        let sql =
            "SELECT license.id, stream_index, revocation.id IS NOT NULL, reason, effective, effect, until
            FROM license LEFT JOIN revocation ON revocation.id = license.id AND drafted <= ?2
            WHERE issuer = ?1 AND (license.id IN (SELECT id FROM revocation WHERE drafted = ?2)
                OR license.id IN (SELECT id FROM reinstated))";
        let mut checked = 0;
        self.database.each(sql, values![issuer, bundle.sequence()], |row| {
            let (id, revoked) = (row.id(0)?, row.flag(2)?);
            check_own(&judge.own(row.optional(1)?, &id), revoked.then(|| terms(row, 3)).transpose()?, &id)?;
            checked += 1;
            Ok(())
        })?;
        let sql = "SELECT count(*) FROM revocation JOIN license ON license.id = revocation.id
            WHERE issuer = ?1 AND drafted <= ?2";
        let meant: u64 =
            self.database.only(sql, values![issuer, bundle.sequence()], |row| row.unsigned(0))?;
        let (indices, hashes) = bundle.counts();
        if indices.saturating_add(hashes) != meant {
            return Err(BundleError::Refused(Code::BundleMalformed).into());
        }
        Ok(checked)
    }
}

/// Compares what a bundle says of a licence with what the ledger means.
fn check_own(said: &[RevocationTerms], meant: Option<RevocationTerms>, id: &TokenId) -> Result<()> {
    let verdict = match (said, meant) {
        (said, meant) if said == meant.as_slice() => return Ok(()),
        (_, None) => "is innocent and would be refused",
        ([], _) => "is revoked and would pass",
        _ => "is revoked on other terms",
    };
    Err(BundleError::Replay { id: id.to_string(), verdict }.into())
}

/// Counts the rules that only one of the two bundles has: the new ones and the removed ones.
fn compare_rules(next: &Bundle<'_>, before: Option<&Bundle<'_>>) -> (u64, u64) {
    let next = encoded_rules(next);
    let mut before = before.map(encoded_rules).unwrap_or_default();
    let mut new = 0;
    for rule in next {
        match before.iter().position(|other| *other == rule) {
            Some(at) => drop(before.swap_remove(at)),
            None => new += 1,
        }
    }
    (new, before.len() as u64)
}

/// The rules, without the tokens that they spare: those change with every licence that is issued.
fn encoded_rules(bundle: &Bundle<'_>) -> Vec<ciborium::Value> {
    let rules: Vec<ciborium::Value> = ciborium::from_reader(bundle.encoded_rules()).unwrap_or_default();
    let without = |rule: ciborium::Value| match rule {
        ciborium::Value::Map(mut entries) => {
            entries.retain(|(label, _)| *label != ciborium::Value::from(7));
            ciborium::Value::Map(entries)
        }
        other => other,
    };
    rules.into_iter().map(without).collect()
}

fn traits<'r>(row: &Row<'r>, id: TokenId, index: Option<u64>) -> Result<Traits<'r>> {
    Ok(Traits {
        kid: row.bytes(7)?,
        subject: row.text(4)?,
        lineage: row.array::<16>(3)?.into(),
        tier: (row.text(5)?, row.unsigned(6)?),
        issued_at: row.time(8)?,
        index,
        id,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ciborium::Value as Cbor;
    use licentia_core::{
        Keyring, Salt, Timestamp,
        inner::{Typ, build, state_root},
        revocation::{Effect, Reason, RevocationTerms, Schema},
    };

    use super::*;
    use crate::canonical::{bytes, canonical, labelled};
    use crate::key::sign;
    use crate::{BundleDraft, Draft, Issuer, PublishedBundle, RuleDraft, SigningKey};

    fn key() -> SigningKey {
        SigningKey::from_seed(&[5; 32]).unwrap()
    }

    /// A ledger of 200 licences, every tenth without an index, and their identifiers.
    fn ledger() -> (Ledger, Vec<TokenId>) {
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

    fn draft(ledger: &mut Ledger, salt: Option<Salt>) -> BundleDraft {
        let since = PublishedBundle { salt, ..PublishedBundle::default() };
        BundleDraft {
            next_update: 1_800_100_000.into(),
            expires: 1_900_000_000.into(),
            ..ledger.draft_bundle("acme", 1_800_000_000, since, |_| ()).unwrap()
        }
    }

    /// Replays a bundle after the one that the ledger published last.
    fn replay(ledger: &Ledger, draft: &BundleDraft) -> Result<ReplayReport> {
        let before = ledger.last_published("acme").unwrap();
        replay_after(ledger, draft, before.as_deref())
    }

    fn replay_after(ledger: &Ledger, draft: &BundleDraft, before: Option<&[u8]>) -> Result<ReplayReport> {
        let bytes = draft.sign(&key()).unwrap();
        let keys = [key().public().for_revocation()];
        let read = |bytes| Bundle::read(bytes, Keyring::new(&keys)).unwrap().0;
        ledger.replay(&draft.issuer, &read(&bytes), before.map(read).as_ref(), |_| ())
    }

    fn publish(ledger: &mut Ledger, draft: &BundleDraft) {
        ledger.published(&draft.sign(&key()).unwrap()).unwrap();
    }

    #[test]
    fn what_is_revoked_is_in_the_next_bundle_and_a_replay_finds_every_mistake() {
        let (mut ledger, ids) = ledger();
        for id in ids.iter().step_by(7) {
            ledger.revoke(id, RevocationTerms::default()).unwrap();
        }
        assert!(ledger.revoke(&[0; 16].into(), RevocationTerms::default()).is_err(), "not in the ledger");
        let first = draft(&mut ledger, None);
        let expected = ReplayReport { issued: 200, revoked: 29, new: 29, ..ReplayReport::default() };
        assert_eq!(replay(&ledger, &first).unwrap(), expected);
        publish(&mut ledger, &first);
        assert_eq!(replay(&ledger, &first).unwrap(), ReplayReport { new: 0, ..expected });

        assert!(ledger.reinstate(&ids[7]).unwrap() && !ledger.reinstate(&ids[7]).unwrap());
        let innocent = replay(&ledger, &first).unwrap_err().to_string();
        assert!(innocent.contains("innocent"), "{innocent}");
        ledger.revoke(&ids[1], RevocationTerms::default()).unwrap();
        let second = draft(&mut ledger, Some(first.salt));
        assert_eq!((first.sequence, second.sequence, ledger.sequence().unwrap()), (1, 2, 2));
        assert_eq!(replay(&ledger, &second).unwrap(), ReplayReport { new: 1, reinstated: 1, ..expected });
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
            effective: 1_800_000_005.into(),
            effect: Effect::GraceUntil(1_800_000_500.into()),
        };
        ledger.revoke_all(&ids[..15], grace, |_| ()).unwrap();
        ledger.revoke_all(&ids[15..25], RevocationTerms::default(), |_| ()).unwrap();
        let lacking = [ids[30], [0; 16].into()];
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
        let warn =
            RevocationTerms { effect: Effect::WarnUntil(1_800_000_900.into()), ..RevocationTerms::default() };
        let new = |ledger: &mut Ledger, terms: RevocationTerms| {
            ledger.revoke(&ids[1], terms).unwrap();
            let bundle = draft(ledger, None);
            let found = replay(ledger, &bundle).unwrap();
            publish(ledger, &bundle);
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
        ledger.revoke(&token.claims().unwrap().id(), RevocationTerms::default()).unwrap();
        ledger.add_rule("other", &rule, false).unwrap();
        ledger.revoke(&ids[1], RevocationTerms::default()).unwrap();
        let bundle = draft(&mut ledger, None);
        assert_eq!(replay(&ledger, &bundle).unwrap().new, 1);
        publish(&mut ledger, &bundle);

        let next = ledger.draft_bundle("other", 1_800_000_000, PublishedBundle::default(), |_| ()).unwrap();
        let next = BundleDraft { next_update: 1_800_100_000.into(), expires: 1_900_000_000.into(), ..next };
        let found = replay_after(&ledger, &next, None).unwrap();
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
        let expected =
            ReplayReport { issued: 200, by_rule: 48, new: 48, new_rules: 2, ..ReplayReport::default() };
        assert_eq!(found, expected);
        publish(&mut ledger, &bundle);
        assert!(ledger.remove_rule(second).unwrap() && !ledger.remove_rule(second).unwrap());
        let bundle = draft(&mut ledger, None);
        let without = ReplayReport { new: 0, new_rules: 0, removed_rules: 1, ..expected };
        assert_eq!(replay(&ledger, &bundle).unwrap(), without);
        ledger.add_rule("acme", &kid, false).unwrap();
        let bundle = draft(&mut ledger, None);
        let found = replay(&ledger, &bundle).unwrap();
        // It takes the place of the one that spared the good tokens, and hits those that the other rule spares too.
        assert_eq!((found.by_rule, found.new), (200, 152));
        assert!(ledger.remove_rule(first).unwrap());
    }

    #[test]
    fn a_revocation_that_is_brought_forward_or_made_stricter_is_new() {
        const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
        let (mut ledger, ids) = ledger();
        let new = |ledger: &mut Ledger, effective, effect| {
            let terms = RevocationTerms { reason: Reason::Unpaid, effective, effect };
            ledger.revoke(&ids[1], terms).unwrap();
            let bundle = draft(ledger, None);
            let found = replay(ledger, &bundle).unwrap();
            publish(ledger, &bundle);
            (found.new, found.reinstated, found.forgotten)
        };
        assert_eq!(new(&mut ledger, NOW + 900, Effect::Deny), (1, 0, 0));
        assert_eq!(new(&mut ledger, NOW + 900, Effect::Deny), (0, 0, 0), "the same again");
        assert_eq!(new(&mut ledger, NOW + 500, Effect::Deny), (1, 0, 0), "brought forward");
        assert_eq!(new(&mut ledger, Timestamp::EPOCH, Effect::Deny), (1, 0, 0), "at once");
        assert_eq!(new(&mut ledger, NOW - 5, Effect::Deny), (0, 0, 0), "in effect either way");
        assert_eq!(new(&mut ledger, Timestamp::EPOCH, Effect::WarnUntil(NOW + 900)), (0, 1, 0), "milder");
        assert_eq!(
            new(&mut ledger, Timestamp::EPOCH, Effect::WarnUntil(NOW + 500)),
            (1, 0, 0),
            "a shorter warning"
        );
        assert_eq!(
            new(&mut ledger, Timestamp::EPOCH, Effect::GraceUntil(NOW + 500)),
            (1, 0, 0),
            "grace after a warning"
        );
        assert_eq!(new(&mut ledger, NOW + 900, Effect::Deny), (0, 1, 0), "put off");
    }

    #[test]
    fn a_restored_ledger_reinstates_nobody_silently() {
        let folder = tempfile::tempdir().unwrap();
        let (path, backup) = (folder.path().join("ledger.db"), folder.path().join("backup.db"));
        let issuer = Issuer::new("acme", SigningKey::from_seed(&[1; 32]).unwrap());
        let mut old = Ledger::open(&path).unwrap();
        let issue = |ledger: &mut Ledger, indexed: bool| {
            let mut draft = Draft::new("customer", "pro", 1, 1_800_000_000, 1_900_000_000);
            draft.index = indexed.then(|| ledger.next_index().unwrap());
            let token = issuer.issue(&draft).unwrap();
            ledger.record(&token).unwrap();
            token.claims().unwrap().id()
        };
        let ids = [issue(&mut old, true), issue(&mut old, true), issue(&mut old, false)];
        old.database.execute("VACUUM INTO ?1", values![backup.to_str().unwrap()]).unwrap();
        let later = [issue(&mut old, true), issue(&mut old, false)];
        old.revoke_all(ids.iter().chain(&later), RevocationTerms::default(), |_| ()).unwrap();
        let rule = RuleDraft { subject: Some("somebody".into()), ..RuleDraft::default() };
        old.add_rule("acme", &rule, false).unwrap();
        let published = draft(&mut old, None).sign(&key()).unwrap();

        let mut restored = Ledger::open(&backup).unwrap();
        let next = draft(&mut restored, None);
        let found = replay_after(&restored, &next, Some(&published)).unwrap();
        assert_eq!((found.reinstated, found.forgotten, found.removed_rules), (5, 5, 1));
        restored.revoke(&ids[0], RevocationTerms::default()).unwrap();
        restored.reinstate(&ids[0]).unwrap();
        let next = draft(&mut restored, None);
        let found = replay_after(&restored, &next, Some(&published)).unwrap();
        assert_eq!((found.reinstated, found.forgotten), (5, 4), "one was reinstated by a command");
    }

    /// A bundle whose signer has put a licence into two groups. Gates take the stricter.
    fn overlapping(index: u64, id: TokenId, [first, second]: [RevocationTerms; 2], stream: u64) -> Vec<u8> {
        // The first group is the longer one, and comes first.
        let (many, one) = ([index, 1 << 40, 1 << 41, 1 << 42], [index]);
        let ids = [id];
        let groups = [(first, many.iter().copied(), &ids[..]), (second, one.iter().copied(), &ids[..])];
        let salt = [3; 16];
        let groups = build::groups(groups.into_iter(), &salt.into(), Schema::default()).unwrap();
        let numbers = [stream, 1, 1_800_000_000, 1_800_100_000, 1_900_000_000].map(|n| Some(Cbor::from(n)));
        let [stream, sequence, issued_at, next_update, expires] = numbers;
        let payload = canonical(&labelled([
            (0, Some(Cbor::from(2))),
            (1, Some(Cbor::from("acme"))),
            (2, stream),
            (3, sequence),
            (4, issued_at),
            (5, next_update),
            (6, expires),
            (7, Some(bytes(&state_root(&[], &groups)))),
            (8, Some(bytes(&salt))),
            (10, Some(Cbor::Bytes(groups))),
        ]));
        sign(&key(), Typ::Bundle, &payload)
    }

    #[test]
    fn of_a_licence_in_two_groups_the_replay_sees_both_as_gates_do() {
        let (mut ledger, ids) = ledger();
        let warn =
            RevocationTerms { effect: Effect::WarnUntil(1_800_000_900.into()), ..RevocationTerms::default() };
        let deny = RevocationTerms::default();
        // One with an index, and one without.
        ledger.revoke_all([&ids[1], &ids[10]], warn, |_| ()).unwrap();
        let index = ledger.of_subject("customer-1").unwrap()[0].id;
        assert_eq!(index, ids[1]);
        let sql = "SELECT stream_index FROM license WHERE id = ?1";
        let index = ledger.database.only(sql, values![&ids[1]], |row| row.unsigned(0)).unwrap();
        let next = draft(&mut ledger, None);

        let before = overlapping(index, ids[10], [warn, deny], 0);
        let found = replay_after(&ledger, &next, Some(&before)).unwrap();
        let counts = (found.new, found.reinstated, found.forgotten);
        assert_eq!(counts, (0, 2 + 3, 3), "two were refused and are flagged now; three are unknown");
        let before = overlapping(index, ids[10], [warn, deny], 7);
        let found = replay_after(&ledger, &next, Some(&before)).unwrap();
        assert_eq!((found.new, found.reinstated), (2, 0), "a bundle of another stream is of other licences");

        let keys = [key().public().for_revocation()];
        for groups in [[warn, deny], [deny, warn]] {
            let foreign = overlapping(index, ids[10], groups, 0);
            let foreign = Bundle::read(&foreign, Keyring::new(&keys)).unwrap().0;
            let error = ledger.replay("acme", &foreign, None, |_| ()).unwrap_err().to_string();
            assert!(error.contains("other terms"), "{error}");
        }
    }

    #[test]
    fn a_rule_is_new_by_what_it_says_and_not_by_its_place() {
        let (mut ledger, _) = ledger();
        let rule = |subject: &str| RuleDraft { subject: Some(subject.into()), ..RuleDraft::default() };
        let first = ledger.add_rule("acme", &rule("customer-1"), false).unwrap();
        let bundle = draft(&mut ledger, None);
        publish(&mut ledger, &bundle);
        ledger.add_rule("acme", &rule("customer-2"), false).unwrap();
        let bundle = draft(&mut ledger, None);
        // Another process removes a rule between the draft and its replay.
        assert!(ledger.remove_rule(first).unwrap());
        let found = replay(&ledger, &bundle).unwrap();
        assert_eq!((found.new, found.new_rules, found.removed_rules), (1, 1, 0));
    }

    #[test]
    fn bundles_that_would_help_nobody_are_not_drafted() {
        let (mut ledger, _) = ledger();
        let nobody = ledger.draft_bundle("acne", 1_800_000_000, PublishedBundle::default(), |_| ());
        assert!(nobody.unwrap_err().to_string().contains("there are: acme"));
        let bricked = PublishedBundle { sequence: (1 << 53) - 1, ..PublishedBundle::default() };
        assert!(ledger.draft_bundle("acme", 1_800_000_000, bricked, |_| ()).is_err());
        assert_eq!(ledger.sequence().unwrap(), 0, "no number is used up");
        assert!(ledger.check_bundle_key(&SigningKey::from_seed(&[1; 32]).unwrap()).is_err());
        assert!(ledger.check_bundle_key(&key()).is_ok());
    }

    #[test]
    fn no_implausible_time_enters_the_ledger() {
        let (mut ledger, ids) = ledger();
        let terms = |effective: u64, effect| RevocationTerms {
            effective: effective.into(),
            effect,
            ..RevocationTerms::default()
        };
        for wrong in [
            terms(20_280_101, Effect::Deny),
            terms(1_800_000_000_000, Effect::Deny),
            terms(0, Effect::WarnUntil(20_280_101.into())),
            terms(0, Effect::GraceUntil(1_800_000_000_000.into())),
        ] {
            assert!(ledger.revoke(&ids[0], wrong).is_err(), "{wrong:?}");
            let rule = RuleDraft { subject: Some("a".into()), terms: wrong, ..RuleDraft::default() };
            assert!(ledger.add_rule("acme", &rule, false).is_err(), "{wrong:?}");
        }
        let issued = RuleDraft { issued_at: Some((0.into(), 20_280_101.into())), ..RuleDraft::default() };
        assert!(ledger.add_rule("acme", &issued, false).is_err());
        assert_eq!((ledger.revoked().unwrap(), ledger.rules().unwrap().len()), (0, 0));
    }
}
