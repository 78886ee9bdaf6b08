//! The terms of licences: what was signed, without the signature.

use std::fmt;

use licentia_core::{Kid, TokenId, Unverified, inner::Typ};

use super::{
    database::Ledger,
    sql::{Database, values},
};
use crate::{
    error::{Error, LedgerError, Result},
    key::{sign, unsigned},
    license::{Draft, Issuer, Token},
};

/// Everything that one licence says. Whoever has the issuer's key can sign it again, and nobody else.
#[derive(Clone, PartialEq, Eq)]
pub struct Terms {
    id: TokenId,
    kid: Vec<u8>,
    digest: [u8; 32],
    payload: Vec<u8>,
    /// The payload in the form of a token whose signature is zeros, to be read.
    readable: Vec<u8>,
}

impl fmt::Debug for Terms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Terms({})", self.id)
    }
}

impl Terms {
    /// The claims.
    ///
    /// # Errors
    /// [`Error::Refused`] if the ledger is damaged.
    pub fn claims(&self) -> Result<Unverified<'_>> {
        Unverified::read(&self.readable).map_err(|malformed| Error::Refused(malformed.code))
    }

    /// The draft that the licence was signed from, with its identifier, index and times.
    ///
    /// # Errors
    /// As [`Terms::claims`].
    pub fn draft(&self) -> Result<Draft> {
        Ok(Draft::of(&*self.claims()?))
    }

    /// Signs the same licence again: the token has the same bytes as the first one.
    ///
    /// # Errors
    /// [`LedgerError::OtherKey`] for another key than the first one, [`LedgerError::NotTheSame`] if the ledger is
    /// damaged.
    pub fn sign(&self, issuer: &Issuer) -> Result<Token> {
        let given = issuer.key().kid();
        if given.as_bytes() != self.kid {
            let kid = self.kid.iter().map(|byte| format!("{byte:02x}")).collect();
            return Err(
                LedgerError::OtherKey { id: self.id.to_string(), kid, given: given.to_string() }.into()
            );
        }
        let token = Token::new(sign(issuer.key(), Typ::License, &self.payload));
        if hmac_sha256::Hash::hash(token.as_bytes()) != self.digest {
            return Err(LedgerError::NotTheSame(self.id.to_string()).into());
        }
        Ok(token)
    }
}

impl Ledger {
    /// The terms of the licence with a token's identifier.
    ///
    /// # Errors
    /// [`LedgerError::NoTerms`] for one that the ledger does not have, or that an older version issued, whose ledger
    /// kept no terms; [`Error::Ledger`].
    pub fn terms(&self, id: &TokenId) -> Result<Terms> {
        find(&self.database, id)
    }

    /// Adds the terms of a licence that an older version issued, from its token. Returns `false` if they are there.
    ///
    /// # Errors
    /// [`crate::BundleError::UnknownLicense`] if the ledger does not have exactly this licence, [`Error::Refused`] for
    /// bytes that are no token, [`Error::Ledger`].
    pub fn learn(&mut self, token: &[u8]) -> Result<bool> {
        let claims = Unverified::read(token).map_err(|malformed| Error::Refused(malformed.code))?;
        let id = claims.id();
        let transaction = self.database.begin()?;
        let sql = "SELECT digest FROM license WHERE id = ?1";
        let digest = transaction.first(sql, values![&id], |row| row.array(0))?;
        if digest != Some(hmac_sha256::Hash::hash(token)) {
            return Err(crate::BundleError::UnknownLicense(id.to_string()).into());
        }
        let sql = "SELECT EXISTS (SELECT 1 FROM terms WHERE id = ?1)";
        if transaction.only(sql, values![&id], |row| row.flag(0))? {
            return Ok(false);
        }
        insert(&transaction, &id, Token::new(token.to_vec()).payload())?;
        transaction.commit()?;
        Ok(true)
    }
}

pub(super) fn insert(database: &Database, id: &TokenId, payload: &[u8]) -> Result<()> {
    database.execute("INSERT INTO terms (id, payload) VALUES (?1, ?2)", values![id, payload])?;
    Ok(())
}

pub(super) fn find(database: &Database, id: &TokenId) -> Result<Terms> {
    let sql =
        "SELECT kid, digest, payload FROM license JOIN terms ON terms.id = license.id WHERE license.id = ?1";
    let found = database.first(sql, values![id], |row| {
        let (kid, payload) = (row.bytes(0)?.to_vec(), row.bytes(2)?.to_vec());
        let named = Kid::new(&kid).map_err(Error::Refused)?;
        let readable = unsigned(&named, Typ::License, &payload);
        Ok(Terms { id: *id, kid, digest: row.array(1)?, payload, readable })
    })?;
    found.ok_or_else(|| LedgerError::NoTerms(id.to_string()).into())
}
