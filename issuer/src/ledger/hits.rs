//! What a rule hits, before it is in a bundle.

use std::collections::BTreeSet;

use licentia_core::{
    Timestamp, limits,
    revocation::{Bundle, Traits},
};

use super::{counts::Total, database::Ledger, sql::values};
use crate::{
    error::{BundleError, Result},
    key::SigningKey,
    revocation::{BundleDraft, RuleDraft},
};

/// 2027-01-15 08:00:00 UTC. Any plausible time will do.
const LOOKED_AT: Timestamp = Timestamp::from_seconds(1_800_000_000);

impl Ledger {
    /// How many of an issuer's licences each of some rules hits, by the rule that gates follow.
    ///
    /// # Errors
    /// As [`RuleDraft::check`], [`BundleError::Refused`] for more rules than a bundle can have, or
    /// [`Error::Ledger`](crate::Error::Ledger).
    pub fn hits(&self, issuer: &str, rules: &[RuleDraft]) -> Result<Vec<u64>> {
        if rules.is_empty() {
            return Ok(Vec::new());
        }
        let draft = BundleDraft {
            issuer: issuer.to_owned(),
            sequence: 1,
            issued_at: LOOKED_AT,
            next_update: LOOKED_AT,
            expires: LOOKED_AT.saturating_add(1),
            rules: rules.to_vec(),
            ..BundleDraft::default()
        };
        // Gates read rules in a bundle. This one is signed with a key that nobody has, and thrown away.
        let bytes = draft.sign(&SigningKey::generate()?)?;
        let (bundle, _) = Bundle::inspect(&bytes).map_err(BundleError::Refused)?;
        let read: Vec<_> = bundle.rules().collect();
        let mut hits = vec![0; read.len()];
        let sql = "SELECT id, stream_index, lineage, subject, tier, tier_version, kid, issued_at, digest
            FROM license WHERE issuer = ?1";
        self.database.each(sql, values![issuer], |row| {
            let digest = row.array(8)?;
            let traits = Traits {
                kid: row.bytes(6)?,
                subject: row.text(3)?,
                lineage: row.array(2)?.into(),
                tier: (row.text(4)?, row.unsigned(5)?),
                issued_at: row.unsigned(7)?.into(),
                index: row.optional(1)?,
                id: row.array::<16>(0)?.into(),
            };
            for (rule, count) in read.iter().zip(&mut hits) {
                *count += u64::from(rule.hits(&traits, || digest));
            }
            Ok(())
        })?;
        Ok(hits)
    }

    /// Checks that the ledger has licences of a rule's tier and of its key, so that a misspelling does not become a rule
    /// that hits nobody.
    ///
    /// # Errors
    /// [`BundleError::UnknownTier`], [`BundleError::UnknownKey`], or [`Error::Ledger`](crate::Error::Ledger).
    pub fn check_rule(&self, issuer: &str, rule: &RuleDraft) -> Result<()> {
        let mut totals = self.totals()?;
        totals.retain(|total| total.group.issuer == issuer);
        if let Some((name, version)) = &rule.tier {
            let tier = |total: &Total| (total.group.tier.clone(), total.group.tier_version);
            let mut known: Vec<(String, u64)> = totals.iter().map(tier).collect();
            known.dedup();
            let is_meant =
                |(known, of): &(String, u64)| known == name && version.is_none_or(|version| version == *of);
            if !known.iter().any(is_meant) {
                let tier = version.map_or_else(|| name.clone(), |version| format!("{name}@{version}"));
                let known = known.iter().map(|(name, version)| format!("{name}@{version}")).collect();
                return Err(BundleError::UnknownTier { tier, known }.into());
            }
        }
        if let Some(kid) = &rule.kid {
            let known: BTreeSet<&Vec<u8>> = totals.iter().map(|total| &total.group.kid).collect();
            if !known.contains(kid) {
                let known = known.into_iter().map(|kid| hex(kid)).collect();
                return Err(BundleError::UnknownKey { kid: hex(kid), known }.into());
            }
        }
        Ok(())
    }

    /// Checks that a rule could spare the tokens of the ledger: those of an issuer, or with `kid`, those that this key
    /// signed.
    pub(super) fn check_spared(&self, issuer: &str, kid: Option<&[u8]>) -> Result<()> {
        let sql = "SELECT count(*) FROM license WHERE issuer = ?1 AND kid = coalesce(?2, kid)";
        let count: u64 = self.database.only(sql, values![issuer, kid], |row| row.unsigned(0))?;
        if count > limits::RULE_LIST as u64 { Err(BundleError::TooManySpared.into()) } else { Ok(()) }
    }
}

fn hex(kid: &[u8]) -> String {
    kid.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Draft, Issuer};

    /// A ledger of 20 licences: two tiers, by turns, and two issuers.
    fn ledger() -> Ledger {
        let mut ledger = Ledger::in_memory().unwrap();
        for count in 0..20_u64 {
            let issuer = if count < 15 { "acme" } else { "other" };
            let issuer = Issuer::new(issuer, SigningKey::from_seed(&[1; 32]).unwrap());
            let tier = if count % 2 == 0 { "free" } else { "pro" };
            let mut draft = Draft::new(format!("cus_{count}"), tier, 1, LOOKED_AT + count, LOOKED_AT + 1000);
            draft.index = Some(ledger.next_index().unwrap());
            ledger.record(&issuer.issue(&draft).unwrap()).unwrap();
        }
        ledger
    }

    #[test]
    fn rules_are_counted_as_gates_follow_them() {
        let ledger = ledger();
        let exempt = BTreeSet::from([ledger.of_subject("cus_1").unwrap()[0].id]);
        let rules = [
            RuleDraft { tier: Some(("free".into(), None)), ..RuleDraft::default() },
            RuleDraft { tier: Some(("pro".into(), Some(1))), exempt, ..RuleDraft::default() },
            RuleDraft { issued_at: Some((LOOKED_AT + 3, LOOKED_AT + 5)), ..RuleDraft::default() },
            RuleDraft { subject: Some("cus_15".into()), ..RuleDraft::default() },
        ];
        assert_eq!(ledger.hits("acme", &rules).unwrap(), [8, 6, 3, 0]);
        assert_eq!(ledger.hits("other", &rules[3..]).unwrap(), [1]);
        assert_eq!(ledger.hits("acme", &[]).unwrap(), [0; 0]);
        assert!(ledger.hits("acme", &[RuleDraft::default()]).is_err(), "it has no condition");
    }

    #[test]
    fn a_rule_that_would_spare_too_many_is_refused_at_once() {
        let mut ledger = ledger();
        let kid = SigningKey::from_seed(&[1; 32]).unwrap().kid().as_bytes().to_vec();
        let rule = RuleDraft { kid: Some(kid.clone()), ..RuleDraft::default() };
        ledger.add_rule("acme", &rule, true).unwrap();
        let sql = "WITH RECURSIVE n (at) AS (SELECT 1 UNION ALL SELECT at + 1 FROM n WHERE at < ?2)
            INSERT INTO license (id, lineage, issuer, subject, tier, tier_version, kind, kid, issued_at, expires, digest)
            SELECT unhex(printf('%032x', at)), unhex(printf('%032x', at)), 'acme', 'x', 'pro', 1, 0, ?1, 1, 2,
                unhex(printf('%064x', at)) FROM n";
        ledger.database.execute(sql, values![Some(&kid), limits::RULE_LIST as u64]).unwrap();
        let error = ledger.add_rule("acme", &rule, true).unwrap_err().to_string();
        assert!(error.contains("65536") && error.contains("licentia reissue"), "{error}");
        ledger.add_rule("other", &rule, true).unwrap();
        ledger.add_rule("acme", &rule, false).unwrap();
    }

    #[test]
    fn tiers_and_keys_that_no_licence_has_are_named() {
        let ledger = ledger();
        let kid = SigningKey::from_seed(&[1; 32]).unwrap().kid().as_bytes().to_vec();
        let tier =
            |name: &str, version| RuleDraft { tier: Some((name.into(), version)), ..RuleDraft::default() };
        let key = |kid: &[u8]| RuleDraft { kid: Some(kid.to_vec()), ..RuleDraft::default() };
        for known in [tier("pro", None), tier("pro", Some(1)), key(&kid)] {
            ledger.check_rule("acme", &known).unwrap();
        }
        for (unknown, said) in
            [(tier("gold", None), "gold"), (tier("pro", Some(2)), "pro@2"), (key(&[9; 4]), "09090909")]
        {
            let error = ledger.check_rule("acme", &unknown).unwrap_err().to_string();
            assert!(error.contains(said) && error.contains("there are"), "{error}");
        }
    }
}
