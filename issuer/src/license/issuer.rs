//! Signs drafts into tokens.

use std::sync::Arc;

use licentia_core::{Explanation, Keyring, TokenId, authenticate, inner::Typ};

use super::{draft::Draft, token::Token};
use crate::{
    error::{Error, Result},
    key::{SigningKey, sign},
};

/// A vendor that issues licences under one name with one key.
#[derive(Debug)]
pub struct Issuer {
    name: String,
    key: Arc<SigningKey>,
}

impl Issuer {
    /// An issuer with a name (`iss`, 1 to 256 bytes) and its key.
    pub fn new(name: impl Into<String>, key: impl Into<Arc<SigningKey>>) -> Self {
        Self { name: name.into(), key: key.into() }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// Signs a licence, and verifies it as every service will.
    ///
    /// # Errors
    /// [`Error::Value`] for a wrong name or time, [`Error::Refused`] for a
    /// draft beyond the limits of the format, [`Error::Random`].
    pub fn issue(&self, draft: &Draft) -> Result<Token> {
        draft.check()?;
        let id = match draft.id {
            Some(id) => id,
            None => random_id()?,
        };
        let token = Token::new(sign(&self.key, Typ::License, &draft.encode(&self.name, id)));
        match authenticate(token.as_bytes(), Keyring::new(&[self.key.public()]), &mut Explanation::default())
        {
            Ok(_) => Ok(token),
            Err(code) => Err(Error::Refused(code)),
        }
    }
}

/// 16 random bytes, so that identifiers say nothing and never collide.
fn random_id() -> Result<TokenId> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|_| Error::Random)?;
    Ok(id.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Confirmation, Feature, FeatureValue, Quota, Rate};
    use licentia_core::{Code, Period, Timestamp, limits};

    fn issuer() -> Issuer {
        Issuer::new("acme", SigningKey::from_seed(&[1; 32]).unwrap())
    }

    /// A tier, three features, two quotas and a rate: what most customers buy.
    fn typical() -> Draft {
        let mut draft = Draft::new("cus_42", "pro", 3, 1_800_000_000, 1_831_536_000);
        for name in ["export", "sso", "audit"] {
            draft.grant.features.insert(name.into(), Feature { value: FeatureValue::True, expires: None });
        }
        for (meter, quota) in [("calls", "100000/month"), ("mails", "2000/month")] {
            draft.grant.quotas.insert(meter.into(), quota.parse::<Quota>().unwrap());
        }
        draft.grant.rates.insert("api".into(), "10/1s".parse::<Rate>().unwrap());
        draft
    }

    #[test]
    fn a_typical_licence_is_small() {
        let token = issuer().issue(&typical()).unwrap();
        assert!(token.as_bytes().len() <= 240, "{} bytes", token.as_bytes().len());
        assert!(token.text().len() <= 325, "{} characters", token.text().len());
    }

    #[test]
    fn what_is_drafted_is_what_is_read() {
        let mut draft = typical();
        draft.audiences = vec!["a".into(), "b".into()];
        draft.not_before = Some(1_800_000_100.into());
        draft.term_end = Some(1_831_000_000.into());
        draft.lineage = Some([9; 16].into());
        draft.node_locks = vec![[3; 32], [4; 32]];
        draft.meta = vec![("order".into(), "1234".into())];
        draft.index = Some(77);
        draft.grant.seats = Some(5);
        draft.grant.policy.max_revocation_age = Some(86_400);
        draft.grant.quotas.get_mut("mails").unwrap().period =
            Period::MonthFrom { anchor: 1_800_000_000.into() };
        let token = issuer().issue(&draft).unwrap();
        let claims = token.claims().unwrap();
        assert_eq!((claims.issuer(), claims.subject()), ("acme", "cus_42"));
        assert_eq!(claims.audiences().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!((claims.not_before(), claims.term_end()), (draft.not_before, draft.term_end));
        assert_eq!((claims.lineage(), claims.index(), claims.seats()), ([9; 16].into(), Some(77), Some(5)));
        assert_eq!(claims.node_locks().copied().collect::<Vec<_>>(), draft.node_locks);
        assert_eq!(claims.policy(), draft.grant.policy);
        assert_eq!(claims.quota("mails").unwrap().period, Period::MonthFrom { anchor: 1_800_000_000.into() });
        assert_eq!(claims.meta().collect::<Vec<_>>(), [("order", "1234")]);
    }

    #[test]
    fn nothing_is_issued_that_would_be_refused() {
        let refused = |change: &dyn Fn(&mut Draft)| {
            let mut draft = typical();
            change(&mut draft);
            issuer().issue(&draft).unwrap_err().to_string()
        };
        assert!(refused(&|draft| draft.tier = "Pro".into()).contains("a-z"));
        assert!(refused(&|draft| draft.expires = draft.issued_at).contains("end after it starts"));
        assert!(refused(&|draft| draft.term_end = Some(draft.expires + 1)).contains("contract"));
        assert!(refused(&|draft| draft.holder = Some(Confirmation::Key([0; 32]))).contains("weak_key"));
        assert!(refused(&|draft| draft.subject = String::new()).contains(Code::InvalidValue.name()));
        assert!(refused(&|draft| draft.subject = "x".repeat(257)).contains(Code::InvalidValue.name()));
        assert!(refused(&|draft| draft.grant.seats = Some(limits::INTEGER + 1)).contains("invalid_value"));
        assert!(
            refused(&|draft| draft.meta = vec![("k".into(), "a".into()), ("k".into(), "b".into())])
                .contains("duplicate_key")
        );
    }

    #[test]
    fn identifiers_are_drawn_anew() {
        let (a, b) = (issuer().issue(&typical()).unwrap(), issuer().issue(&typical()).unwrap());
        assert_ne!(a.claims().unwrap().id(), b.claims().unwrap().id());
    }

    #[test]
    fn numbers_that_are_no_times_are_refused_and_never_clamped() {
        type Change<'c> = &'c dyn Fn(&mut Draft, Timestamp);
        let fields: [(&str, Change<'_>); 8] = [
            ("issued_at", &|draft, time| draft.issued_at = time),
            ("expires", &|draft, time| draft.expires = time),
            ("not_before", &|draft, time| draft.not_before = Some(time)),
            ("term_end", &|draft, time| draft.term_end = Some(time)),
            ("maintained_until", &|draft, time| draft.maintained_until = Some(time)),
            ("feature expires", &|draft, time| {
                draft.grant.features.get_mut("sso").unwrap().expires = Some(time);
            }),
            ("quota anchor", &|draft, time| {
                draft.grant.quotas.get_mut("calls").unwrap().period = Period::MonthFrom { anchor: time };
            }),
            ("quota anchor", &|draft, time| {
                draft.grant.quotas.get_mut("calls").unwrap().period = Period::YearFrom { anchor: time };
            }),
        ];
        for (field, change) in fields {
            for wrong in [20_270_131, 202_701_311_200, 1_800_000_000_000, limits::TIME + 1, u64::MAX] {
                let mut draft = typical();
                change(&mut draft, wrong.into());
                let said = issuer().issue(&draft).unwrap_err().to_string();
                assert!(said.starts_with(field) && said.contains(&wrong.to_string()), "{field}: {said}");
            }
        }
        let mut perpetual = typical();
        perpetual.expires = limits::TIME.into();
        assert!(issuer().issue(&perpetual).is_ok());
    }
}
